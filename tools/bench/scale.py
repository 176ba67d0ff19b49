"""How much one agent bears: many services and targets, a second agent that joins, a restart."""

import json
import os
import subprocess
import sys
import time

from tools.bench.measured import Machine, cpu_seconds, resident_mebibytes
from tools.demo import fleet as fleets
from tools.demo.mesh import Failure, wait_until

NETWORK = [
    {"kind": "ServiceNetwork", "name": "bench"},
    {"kind": "VpcAssociation", "serviceNetwork": "bench", "vpc": fleets.VPC},
]
RULES = 3     # Of each service.
TARGETS = 10  # Of each service's target group.
WRITES = 30   # Single ones, into the full mesh.


class Scale:
    """The steps, each on what the one before left."""

    def __init__(self, fleet, measured, services):
        self.fleet = fleet
        self.measured = measured
        self.services = services
        self.last_host = f"s{services - 1}.scale.example"
        self.machine = Machine()
        self.first, self.second = fleet.names

    def run(self):
        for step in (self.fill, self.write, self.bootstrap, self.restart):
            print(f"{time.strftime('%H:%M:%S')} {step.__name__}", file=sys.stderr, flush=True)
            self.machine.busy_cores()
            figures = self.measured.raw[step.__name__] = step()
            figures["busy_cores"] = round(self.machine.busy_cores(), 2)
        self.measured.add("busy cores during: fill, write, bootstrap, restart",
                          ", ".join(f"{figures['busy_cores']:.1f}"
                                    for figures in self.measured.raw.values()),
                          f"of {self.machine.cores}")

    def fill(self):
        pid = self.fleet.pid(self.first)
        empty, before = resident_mebibytes(pid), cpu_seconds(pid)
        filled = self.program("fill", f"--socket={self.fleet.socket(self.first)}", "--network=bench",
                              f"--vpc={fleets.VPC}", f"--services={self.services}",
                              f"--rules={RULES}", f"--targets={TARGETS}")
        self.await_proxy(self.first)
        cpu, rss = cpu_seconds(pid) - before, resident_mebibytes(pid)
        disk = self.disk_mebibytes(self.first)
        self.measured.add(f"{filled['resources']:,} resources applied to one agent",
                          f"{filled['seconds']:.1f} s, {cpu:.1f} s of CPU; "
                          f"p99 of an apply {filled['apply_ms']['p99']:.0f} ms")
        self.measured.add("T13 memory of the agent (when empty)", f"{rss:.0f} ({empty:.0f}) MiB",
                          "<= 250 MiB", rss <= 250)
        self.measured.add("T13 on disk", f"{disk:.0f} MiB", "<= 150 MiB", disk <= 150)
        return filled | {"cpu_seconds": cpu, "rss_mib": rss, "empty_rss_mib": empty, "disk_mib": disk}

    def write(self):
        """One write, while the agent holds all that."""
        listed = json.loads(self.fleet.ctl(self.first, "list", "rules", "--service", "s0-scale",
                                           "--listener", "http", "-o", "json").stdout)
        rule = next(rule["resourceName"] for rule in listed if rule["name"] == "path-1")
        samples = self.program("enforcement", f"--sockets={self.fleet.socket(self.first)}",
                               f"--proxies={self.fleet.hosts.connect(self.first)}",
                               "--host=s0.scale.example", f"--rule={rule}", f"--writes={WRITES}")
        self.measured.add("   one more write, enforced: p50, max",
                          f"{samples['enforced_ms']['p50']:.1f}, {samples['enforced_ms']['max']:.1f} ms")
        return samples

    def bootstrap(self):
        start = time.monotonic()
        self.fleet.join(self.second)
        wait_until("the second agent to hold and enforce all", self.caught_up, 600)
        held = time.monotonic() - start
        self.await_proxy(self.second)
        seconds = time.monotonic() - start
        pid = self.fleet.pid(self.second)
        rss, cpu = resident_mebibytes(pid), cpu_seconds(pid)
        self.measured.add("T14 a second agent: from join to enforcing", f"{seconds:.1f} s", "<= 15 s",
                          seconds <= 15)
        self.measured.add("   its CPU; memory; the first one's memory",
                          f"{cpu:.1f} s; {rss:.0f} MiB; "
                          f"{resident_mebibytes(self.fleet.pid(self.first)):.0f} MiB")
        return {"held_seconds": held, "enforcing_seconds": seconds, "cpu_seconds": cpu, "rss_mib": rss}

    def restart(self):
        self.fleet.kill_agent(self.second)
        start = time.monotonic()
        self.fleet.start(f"agent-{self.second}", self.second, self.fleet.agent_binary, "run",
                         f"--config={self.fleet.agent_folder(self.second)}/trellisd.yaml")
        self.await_proxy(self.second)
        seconds = time.monotonic() - start
        pid = self.fleet.pid(self.second)
        cpu, rss = cpu_seconds(pid), resident_mebibytes(pid)
        self.measured.add("T14 killed and started: to enforcing", f"{seconds:.2f} s", "<= 1.5 s",
                          seconds <= 1.5)
        self.measured.add("   its CPU; memory", f"{cpu:.1f} s; {rss:.0f} MiB")
        return {"seconds": seconds, "cpu_seconds": cpu, "rss_mib": rss}

    # --- Parts ---------------------------------------------------------------------------------

    def caught_up(self):
        state = self.fleet.state(self.first)
        return (state.get("converged", False) and len(state["agents"]) == 2
                and all(agent.get("enforcingAll") for agent in state["agents"]))

    def await_proxy(self, host):
        """Until the last service is served: its rule answers by itself."""
        self.fleet.await_answer(host, self.last_host, "/probe", 500, limit=600)

    def program(self, name, *flags):
        result = subprocess.run(
            self.fleet.hosts.outside(f"{self.fleet.binaries}/tests/benchmark/{name}", *flags),
            capture_output=True, text=True, check=False, timeout=1800)
        if result.returncode != 0:
            raise Failure(f"{name}: {result.stderr.strip()[-500:]}")
        return json.loads(result.stdout)

    def disk_mebibytes(self, host):
        total = 0
        for folder, _, names in os.walk(f"{self.fleet.agent_folder(host)}/data"):
            total += sum(os.path.getsize(f"{folder}/{name}") for name in names)
        return total / (1 << 20)


def run(arguments, measured, folder):
    fleet = fleets.Fleet(f"{folder}/f", fleets.make_hosts(2), arguments.binaries,
                         {"access_log": '""'})
    try:
        fleet.create()
        first = f"{fleet.folder}/bench.yaml"
        with open(first, "w", encoding="utf-8") as file:
            file.write("\n---\n".join(map(json.dumps, NETWORK)))
        fleet.found(first)
        Scale(fleet, measured, arguments.services).run()
    finally:
        if arguments.keep_logs:
            fleet.keep_logs(arguments.keep_logs)
        fleet.destroy()
