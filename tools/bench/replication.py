"""How N real agents replicate: the rows of docs/performance.md's table, one phase each.

Every phase leaves the mesh whole: all alive, one root.
"""

import json
import os
import signal
import subprocess
import sys
import time

from tools.bench.measured import Machine, cpu_seconds, percentile, resident_mebibytes
from tools.demo import fleet as fleets
from tools.demo.fleet import LivenessWatch
from tools.demo.mesh import Failure, wait_until

HOST = "probed.bench.example"
LOAD_GROUPS = 100   # Target groups that the sustained writes go to, in turn.
GROUPS_OF_RULE = 10
LOADED = [f"load-{number:03}" for number in range(LOAD_GROUPS)]


def manifest():
    """JSON is YAML."""
    def group(name):
        return {"kind": "TargetGroup", "name": name, "type": "IP", "vpc": fleets.VPC, "port": 8080,
                "healthCheck": {"enabled": False}}

    def rule(name, priority, match, action):
        return {"kind": "Rule", "service": "probed", "listener": "http", "name": name,
                "priority": priority, "match": {"path": match}, "action": action}

    not_found = {"fixedResponse": {"statusCode": 404}}
    documents = [
        {"kind": "ServiceNetwork", "name": "bench"},
        {"kind": "VpcAssociation", "serviceNetwork": "bench", "vpc": fleets.VPC},
        {"kind": "Service", "name": "probed", "customDomain": HOST},
        {"kind": "ServiceAssociation", "serviceNetwork": "bench", "service": "probed"},
        {"kind": "Listener", "service": "probed", "name": "http", "protocol": "HTTP", "port": 80,
         "defaultAction": not_found},
        rule("flipped", 1, {"exact": "/probe"}, not_found),
        *map(group, LOADED),
    ]
    for first in range(0, LOAD_GROUPS, GROUPS_OF_RULE):
        forward = [{"targetGroup": name, "weight": 1}
                   for name in LOADED[first:first + GROUPS_OF_RULE]]
        documents.append(rule(f"loaded-{first:03}", 2 + first, {"prefix": f"/load-{first:03}"},
                              {"forward": forward}))
    return "\n---\n".join(map(json.dumps, documents))


# The one that leaves the mesh fuller than it was comes last.
PHASES = ("idle", "enforcement", "crash", "loss", "heal", "sustained")
WRITERS = 3         # Agents that write; more would be no likelier.
IDLE_SECONDS = 20
STILL_SECONDS = 15
STILLNESS_LIMIT = 180
CRASHES = 6
LOSSES = 2
HEAL_WRITES = 1000  # On each side.
LOAD_RATES = (500, 1000, 2000, 4000)  # Entries a second, until one is not held.
LOAD_SECONDS = 10
LOAD_BATCH = 20     # Entries of a transaction.
DETECTION_LIMIT = 60
HEAL_LIMIT = 120


class Replication:
    """The phases, over one formed fleet."""

    def __init__(self, fleet, measured, writes):
        self.fleet = fleet
        self.measured = measured
        self.writes = writes
        self.raw = measured.raw
        self.count = len(fleet.names)
        self.registered = 0

    def run(self, phases):
        machine = Machine()
        for phase in phases:
            if phase in ("loss", "heal") and not self.fleet.hosts.isolated:
                self.measured.add(phase, "not measured: needs CAP_NET_ADMIN")
                continue
            print(f"{time.strftime('%H:%M:%S')} {phase}", file=sys.stderr, flush=True)
            machine.busy_cores()
            try:
                self.raw[phase] = getattr(self, phase)()
            except Failure as failure:
                self.measured.add(phase, f"FAILED: {failure}", "", False)
                self.raw[phase] = {"failed": str(failure)}
                self.restore()
            self.raw[phase]["busy_cores"] = round(machine.busy_cores(), 2)
        self.measured.add("busy cores during: " + ", ".join(phases),
                          ", ".join(f"{self.raw[phase]['busy_cores']:.1f}"
                                    for phase in phases if phase in self.raw),
                          f"of {machine.cores}")

    # --- Phases --------------------------------------------------------------------------------

    def await_stillness(self):
        """Until nothing has been written for STILL_SECONDS: a mesh that has just formed still makes
        and shares keys."""
        def root():
            state = json.loads(self.fleet.ctl("h1", "mesh", "status", "-o", "json").stdout)
            return sorted({agent.get("root", "") for agent in state["agents"]})

        deadline = time.monotonic() + STILLNESS_LIMIT
        seen, since = root(), time.monotonic()
        while time.monotonic() - since < STILL_SECONDS:
            if time.monotonic() > deadline:
                raise Failure(f"the mesh still writes {STILLNESS_LIMIT} s after it formed")
            time.sleep(1)
            now = root()
            if now != seen:
                seen, since = now, time.monotonic()

    def idle(self):
        fleet = self.fleet
        self.await_stillness()
        pids = {name: fleet.pid(name) for name in fleet.names}
        cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}
        sent = fleet.hosts.sent_bytes() if fleet.hosts.isolated else {}
        start = time.monotonic()
        time.sleep(IDLE_SECONDS)
        seconds = time.monotonic() - start
        cpu = [(cpu_seconds(pid) - cpu[name]) * 1000 / seconds for name, pid in pids.items()]
        after = fleet.hosts.sent_bytes() if fleet.hosts.isolated else {}
        sent = [(after[name] - before) / seconds for name, before in sent.items()]
        rss = [resident_mebibytes(pid) for pid in pids.values()]
        if sent:
            mean = sum(sent) / len(sent)
            self.measured.add("T10 idle, sent by an agent: mean (most)",
                              f"{mean / 1000:.2f} ({max(sent) / 1000:.2f}) kB/s", "<= 2.0 kB/s",
                              mean <= 2000)
        mean = sum(cpu) / len(cpu)
        self.measured.add("T11 idle, CPU of an agent: mean (most)",
                          f"{mean:.2f} ({max(cpu):.2f}) ms/s", "<= 2.5 ms/s", mean <= 2.5)
        self.measured.add("   idle, memory of an agent: mean (most)",
                          f"{sum(rss) / len(rss):.0f} ({max(rss):.0f}) MiB")
        return {"sent_bytes_per_second": sent, "cpu_ms_per_second": cpu, "rss_mib": rss}

    def enforcement(self):
        listed = json.loads(self.fleet.ctl("h1", "list", "rules", "--service", "probed",
                                           "--listener", "http", "-o", "json").stdout)
        rule = next(rule["resourceName"] for rule in listed if rule["name"] == "flipped")
        # A proxy listens from when its agent has the first configuration on.
        for name in self.fleet.names:
            self.fleet.await_answer(name, HOST, "/probe", 404, limit=60)
        few = self.count <= 3  # Then a proxy can be asked every millisecond.
        proxies = ",".join(self.fleet.hosts.connect(name) for name in self.fleet.names)
        samples = self.program("enforcement", f"--sockets={self.sockets()}", f"--proxies={proxies}",
                               f"--host={HOST}", f"--rule={rule}", f"--writes={self.writes}",
                               f"--rate={1000 * self.count if few else 1000}")
        limit = 30 if few else 250
        self.spread("T1 write enforced by all proxies" if few
                    else "T2 write enforced by all proxies", samples["enforced_ms"], limit,
                    None if few else 1500)
        self.spread("   writer told that all enforce it", samples["told_ms"])
        self.spread("T17 write acknowledged, on disk", samples["accepted_ms"], 10)
        self.measured.add("   never enforced; old answers after told",
                          f"{samples['never_enforced']}; {samples['stale']}", "0; 0",
                          samples["never_enforced"] == 0 and samples["stale"] == 0)
        return samples

    def sustained(self):
        runs, held = [], None
        for rate in LOAD_RATES:
            run = self.load(rate, LOAD_SECONDS, LOAD_BATCH)
            runs.append(run)
            lag = run["lag_ms"].get("p99", 60000)
            if run["accepted_per_second"] < 0.9 * rate or lag > 1000 or not 0 <= run["drained_ms"] <= 1000:
                break
            held = run
        for run in runs:
            self.measured.add(
                f"   {run['offered']} entries/s offered for {LOAD_SECONDS} s",
                f"{run['accepted_per_second']:.0f}/s taken, lag p99 {run['lag_ms'].get('p99', 0):.0f} ms, "
                f"drained in {run['drained_ms']:.0f} ms")
        rate = held["offered"] if held else 0
        self.measured.add("T16 sustained, lag below 1 s", f"{rate} entries/s", ">= 2000",
                          rate >= 2000)
        burst = self.load(20000, 1, 100)
        self.measured.add("T16 burst of 20,000 targets: taken; then drained",
                          f"{burst['seconds']:.1f} s; {burst['drained_ms'] / 1000:.1f} s", "<= 10 s",
                          0 <= burst["drained_ms"] <= 10000)
        self.settle()
        return {"runs": runs, "burst": burst}

    def load(self, rate, seconds, batch):
        run = self.program("load", f"--sockets={self.sockets()}", f"--groups={','.join(LOADED)}",
                           f"--entries={rate}", f"--batch={batch}", f"--seconds={seconds}",
                           f"--first={self.registered}")
        run["offered"] = rate
        self.registered += run["entries"]
        return run

    def crash(self):
        each, every = [], []
        for number in range(CRASHES):
            victim = self.fleet.names[1 + number % (self.count - 1)]
            survivors = [name for name in self.fleet.names if name != victim]
            time.sleep(3)  # Who has just started has links too young to be missed at once.
            watch = LivenessWatch(self.fleet, survivors)
            killed = time.time()
            self.fleet.kill_agent(victim, signal.SIGKILL)
            self.collect(watch, victim, killed, each, every)
            self.fleet.start_agent(victim)
            self.settle()
        self.detection("T7 crash known to all survivors", each, every, 0.5)
        return {"each_s": each, "all_s": every}

    def loss(self):
        each, every = [], []
        for number in range(LOSSES):
            victim = self.fleet.names[1 + number % (self.count - 1)]
            watch = LivenessWatch(self.fleet, [n for n in self.fleet.names if n != victim])
            silent = time.time()
            self.fleet.hosts.pull_cable(victim)
            self.collect(watch, victim, silent, each, every)
            self.fleet.hosts.mend()
            self.settle()
        self.detection("T8 silent loss known to all survivors", each, every, 6)
        return {"each_s": each, "all_s": every}

    def heal(self):
        half = self.fleet.names[self.count // 2:]
        self.fleet.hosts.cut(half)
        time.sleep(10)  # Both sides have noticed.
        writers = [subprocess.Popen(
            [f"{self.fleet.binaries}/tests/integration/writer", self.fleet.socket(name),
             f"{name}-{os.getpid()}", str(HEAL_WRITES)], stdout=subprocess.PIPE, text=True)
            for name in ("h1", half[0])]
        written = [len(writer.communicate()[0].splitlines()) for writer in writers]
        if written != [HEAL_WRITES, HEAL_WRITES]:
            raise Failure(f"written in the partition: {written}")
        before = self.fleet.hosts.sent_bytes()
        start = time.monotonic()
        self.fleet.hosts.mend()
        wait_until("equal roots after the heal",
                   lambda: len(set(self.fleet.roots().values())) == 1, HEAL_LIMIT)
        seconds = time.monotonic() - start
        after = self.fleet.hosts.sent_bytes()
        sent = [(after[name] - before[name]) / 1000 for name in self.fleet.names]
        self.settle()
        self.measured.add("T15 heal of half from half, 1,000 writes on each side: equal roots",
                          f"{seconds:.2f} s", "<= 3 s", seconds <= 3)
        self.measured.add("   sent by an agent meanwhile: mean (most)",
                          f"{sum(sent) / len(sent):.0f} ({max(sent):.0f}) kB")
        return {"seconds": seconds, "sent_kilobytes": sent}

    # --- Parts ---------------------------------------------------------------------------------

    def sockets(self):
        return ",".join(self.fleet.socket(name) for name in self.fleet.names[:WRITERS])

    def program(self, name, *flags):
        result = subprocess.run(
            self.fleet.hosts.outside(f"{self.fleet.binaries}/tests/benchmark/{name}", *flags),
            capture_output=True, text=True, check=False, timeout=1800)
        if result.returncode != 0:
            raise Failure(f"{name}: {result.stderr.strip()[-500:]}")
        return json.loads(result.stdout)

    def collect(self, watch, victim, since, each, every):
        seen = watch.await_all(victim, "down", DETECTION_LIMIT)
        if len(seen) < self.count - 1:
            raise Failure(f"{self.count - 1 - len(seen)} of {self.count - 1} survivors never said "
                          f"that {victim} is down, in {DETECTION_LIMIT} s")
        each += [when - since for when in seen.values()]
        every.append(max(seen.values()) - since)

    def detection(self, what, each, every, limit):
        worst = max(every)
        self.measured.add(f"{what}: median, worst of {len(every)}",
                          f"{percentile(every, 0.5):.2f}, {worst:.2f} s", f"<= {limit} s",
                          worst <= limit)
        self.measured.add("   by each: p50, p99",
                          f"{percentile(each, 0.5):.2f}, {percentile(each, 0.99):.2f} s")

    def spread(self, what, samples, p99_limit=None, max_limit=None):
        wanted = [f"p99 <= {p99_limit} ms"] if p99_limit else []
        wanted += [f"max <= {max_limit} ms"] if max_limit else []
        met = None
        if p99_limit:
            met = samples["p99"] <= p99_limit and samples["max"] <= (max_limit or float("inf"))
        self.measured.add(f"{what}: p50, p90, p99, max",
                          ", ".join(f"{samples[key]:.1f}" for key in ("p50", "p90", "p99", "max"))
                          + f" ms of {samples['count']}", ", ".join(wanted), met)

    def settle(self):
        wait_until("all agents to be alive with one root", self.fleet.agree, 120)

    def restore(self):
        if self.fleet.hosts.isolated:
            self.fleet.hosts.mend()
        for name in self.fleet.names:
            if not self.fleet.alive(f"agent-{name}"):
                self.fleet.start_agent(name)
        try:
            self.settle()
        except Failure as failure:
            self.measured.add("   and did not settle after it", str(failure), "", False)


def run(arguments, measured, folder):
    fleet = fleets.Fleet(f"{folder}/f", fleets.make_hosts(arguments.agents), arguments.binaries,
                         {"access_log": '""'})
    try:
        fleet.create()
        first = f"{fleet.folder}/bench.yaml"
        with open(first, "w", encoding="utf-8") as file:
            file.write(manifest())
        start = time.monotonic()
        fleet.form(first)
        measured.add(f"{arguments.agents} agents: founded, joined, agreed",
                     f"{time.monotonic() - start:.1f} s")
        Replication(fleet, measured, arguments.writes).run(arguments.phases)
    finally:
        if arguments.keep_logs:
            fleet.keep_logs(arguments.keep_logs)
        fleet.destroy()
