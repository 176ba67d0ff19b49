"""What a benchmark prints: figures beside what is wanted, and how busy the machine was."""

import os
import time


class Measured:
    """Rows of a table: what, measured, wanted, and whether it is met (None: no target)."""

    def __init__(self):
        self.rows = []
        self.raw = {}  # Whatever else is worth keeping in the JSON file.

    def add(self, what, measured, wanted="", met=None):
        self.rows.append((what, measured, wanted, met))

    def print(self):
        table = [("", "measured", "wanted", "")]
        table += [(what, measured, wanted, {True: "met", False: "MISSED", None: ""}[met])
                  for what, measured, wanted, met in self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(4)]
        for row in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())

    def as_dict(self):
        return {what: {"measured": measured, "wanted": wanted, "met": met}
                for what, measured, wanted, met in self.rows}


class Machine:
    """How busy the machine's cores are, between two looks."""

    def __init__(self):
        self.cores = os.cpu_count()
        self.last = self._look()

    def _look(self):
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(field) for field in file.readline().split()[1:9]]
        busy = sum(fields) - fields[3] - fields[4]  # Idle, and waiting for a disk.
        return time.monotonic(), busy / os.sysconf("SC_CLK_TCK")

    def busy_cores(self):
        """Since the last call."""
        before, self.last = self.last, self._look()
        return (self.last[1] - before[1]) / max(0.01, self.last[0] - before[0])


def cpu_seconds(pid):
    """Of all threads of a process, to the nanosecond."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass  # The thread has ended meanwhile.
    return total / 1e9


def resident_mebibytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
