"""A mesh of any number of agents on one network of this machine, and what can befall it.

With CAP_NET_ADMIN each host is a network namespace on one bridge, itself in a namespace without an
uplink; its cable can be pulled, its packets dropped or refused, the bridge cut in two. Without, the
hosts are loopback addresses and only processes can be killed. Names carry this process's id: several
fleets can run at a time, and what a killed one left behind is removed by the next.
"""

import concurrent.futures
import datetime
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from tools.demo.hosts import Failure, Loopback, namespaces_possible, run
from tools.demo.mesh import ACCOUNT, REGION, Mesh, wait_until

VPC = "fleet"
PREFIX = "trl-fleet"
JOINS_AT_ONCE = 8
NFT = "/usr/sbin/nft"  # Which a test's path need not have.
# All namespaces share the kernel's neighbour table: each agent knows its neighbours' addresses.
NEIGHBOUR_TABLE = {"gc_thresh1": 4096, "gc_thresh2": 8192, "gc_thresh3": 16384}


def make_hosts(count):
    return Namespaces(count) if namespaces_possible() else Loopbacks(count)


class Namespaces:
    """One network namespace per host; the network itself is one more, where probes are sent from."""

    isolated = True

    def __init__(self, count):
        self.names = [f"h{number}" for number in range(1, count + 1)]
        self.prefix = f"{PREFIX}-{os.getpid()}"
        self.fabric = f"{self.prefix}-net"
        self.created = []

    def create(self, host_names=()):
        remove_leftovers()
        enlarge_neighbour_table()
        self.created = [self.fabric, *map(self.namespace, self.names)]
        batch("", [f"netns add {name}" for name in self.created])
        batch(self.fabric, ["link set lo up", "link add cut type bridge", "link set cut up",
                            "link add whole type bridge",
                            "address add 10.251.255.254/16 dev whole", "link set whole up"])
        batch(self.fabric, [f"link add {name} type veth peer name mesh0 "
                            f"netns {self.namespace(name)}" for name in self.names])
        batch(self.fabric, [f"link set {name} master whole up" for name in self.names])
        for name in self.names:
            batch(self.namespace(name), [
                "link set lo up", f"address add {self.mesh_address(name)}/16 dev mesh0",
                "link set mesh0 up"])

    def destroy(self):
        for name in self.created:
            run("ip", "netns", "del", name, check=False)
        self.created = []

    def namespace(self, name):
        return f"{self.prefix}-{name}"

    def command(self, name, *command):
        return ["ip", "netns", "exec", self.namespace(name), *command]

    def outside(self, *command):
        """A command that sees every host's addresses."""
        return ["ip", "netns", "exec", self.fabric, *command]

    def mesh_address(self, name):
        number = self.names.index(name) + 1
        return f"10.251.{number // 250}.{number % 250 + 1}"

    def listen(self, name):
        return self.mesh_address(name), 0

    def connect(self, name):
        return f"{self.mesh_address(name)}:80"

    def sent_bytes(self):
        """Bytes each host has sent since it exists: Ethernet frames, ARP included."""
        links = json.loads(run("ip", "-n", self.fabric, "-s", "-j", "link", "show").stdout)
        return {link["ifname"]: link["stats64"]["rx"]["bytes"]
                for link in links if link["ifname"] in self.names}

    # --- Faults --------------------------------------------------------------------------------

    def cut(self, names):
        """Packets between these hosts and the others vanish."""
        batch(self.fabric, [f"link set {name} master cut" for name in names])

    def pull_cable(self, name):
        """Packets from and to the host vanish."""
        batch(self.fabric, [f"link set {name} down"])

    def drop_outgoing(self, name, to=None):
        """What the host sends (to one other) vanishes; what is sent to it arrives."""
        whom = f"ip daddr {self.mesh_address(to)} " if to else ""
        self._filter(name, "output", f"{whom}oifname mesh0 drop")

    def refuse(self, name):
        """The host answers every packet of a connection with a reset, as if nothing listened."""
        self._filter(name, "input", "iifname mesh0 meta l4proto tcp reject with tcp reset")

    def _filter(self, name, hook, rule):
        table = f"""
            table inet fault {{
              chain fault {{
                type filter hook {hook} priority 0;
                {rule}
              }}
            }}
            """
        run(*self.command(name, NFT, "-f", "-"), input=table)

    def mend(self):
        """Ends every fault."""
        batch(self.fabric, [f"link set {name} master whole up" for name in self.names])
        for name in self.names:
            run(*self.command(name, NFT, "flush", "ruleset"))


class Loopbacks(Loopback):
    """Hosts told apart by loopback address. Nothing can be done to their network."""

    def __init__(self, count):
        super().__init__(free_block())
        self.names = [f"h{number}" for number in range(1, count + 1)]
        if count > 250:
            raise Failure(f"{count} agents: at most 250 without network namespaces")

    def mesh_address(self, name):
        return f"127.250.{self.block}.{self.names.index(name) + 1}"

    def listen(self, name):
        return f"127.171.{self.block}.{self.names.index(name) + 1}", self.PORT_OFFSET

    def outside(self, *command):
        return list(command)


def batch(namespace, lines):
    """`ip`, once, for all the lines."""
    run("ip", *(["-n", namespace] if namespace else []), "-batch", "-", input="\n".join(lines))


def remove_leftovers():
    """Agents and namespaces of fleets whose own process is gone."""
    for line in run("ip", "netns", "list", check=False).stdout.splitlines():
        match = re.match(rf"({PREFIX}-(\d+)-\S+)", line)
        if not match or os.path.exists(f"/proc/{match[2]}"):
            continue
        for pid in run("ip", "netns", "pids", match[1], check=False).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        run("ip", "netns", "del", match[1], check=False)


def enlarge_neighbour_table():
    for name, wanted in NEIGHBOUR_TABLE.items():
        path = f"/proc/sys/net/ipv4/neigh/default/{name}"
        with open(path, encoding="ascii") as file:
            if int(file.read()) >= wanted:
                continue
        with open(path, "w", encoding="ascii") as file:
            file.write(str(wanted))


def free_block():
    """A block of addresses of 127.0.0.0/8 that no other process of this machine has taken."""
    for block in range(1, 250):
        with socket.socket() as probe:
            try:
                probe.bind((f"127.250.{block}.1", 7950))
                return block
            except OSError:
                continue
    raise Failure("no free block of loopback addresses for a fleet")


class Fleet(Mesh):
    """Agents on hosts h1, h2, … in one VPC; h1 founds the mesh. All are admins."""

    def __init__(self, folder, hosts, binaries, agent_options=None):
        super().__init__(folder, hosts, binaries, agent_options)
        self.names = hosts.names
        self.agents = {}  # Host -> agents/{…}, once formed.
        self.saving = threading.Lock()

    def save(self):
        with self.saving:
            super().save()

    def form(self, first_manifest=None):
        self.found(first_manifest)
        with concurrent.futures.ThreadPoolExecutor(JOINS_AT_ONCE) as pool:
            list(pool.map(self.join, self.names[1:]))
        wait_until(f"{len(self.names)} agents to agree", self.agree, deadline=60 + len(self.names))
        self.agents = {agent["agent"]["displayName"].removeprefix("agent-"): agent["agent"]["name"]
                       for agent in self.state(self.names[0])["agents"]}

    def found(self, first_manifest=None):
        """The first agent, alone so far."""
        first = self.names[0]
        self.write_options(first)
        self.trellisd(first, "init", f"--vpc={VPC}", f"--account={ACCOUNT}", f"--region={REGION}")
        self.start_agent(first)
        if first_manifest:
            self.ctl(first, "apply", "-f", first_manifest)

    def join(self, name):
        token = self.ctl(self.names[0], "token", "create", "--vpc", VPC, "--role", "admin")
        self.write_options(name)
        self.trellisd(name, "join", "-", stdin=token.stdout.strip())
        self.start_agent(name)

    def wait_for_agent(self, vpc):
        """By a connection alone: a program started each time would cost more than the agents do."""
        path = self.socket(vpc)

        def answers():
            if not self.alive(f"agent-{vpc}"):
                with open(self.log_path(vpc), encoding="utf-8", errors="replace") as log:
                    last = "".join(log.readlines()[-5:]).strip()
                raise Failure(f"agent-{vpc} ended at once; its last words:\n{last}")
            with socket.socket(socket.AF_UNIX) as probe:
                return probe.connect_ex(path) == 0

        wait_until(f"agent-{vpc} to answer on its admin socket", answers)

    def log_path(self, name):
        return f"{self.folder}/agent-{name}.log"

    def pid(self, name):
        """Of the agent itself: `ip netns exec` becomes what it runs."""
        return self.processes[f"agent-{name}"]

    def kill_agent(self, name, how=signal.SIGKILL):
        self.kill(f"agent-{name}", how)

    def agree(self, asked=None):
        """Whether the asked agent (h1 by default) sees all alive and whole, with one root."""
        state = self.state(asked or self.names[0])
        return (state.get("converged", False) and len(state["agents"]) == len(self.names)
                and all(agent.get("liveness") == "ALIVE" and "bootstrap" not in agent
                        for agent in state["agents"]))

    def await_answer(self, name, service_host, path, status, limit):
        """Until the proxy of that agent answers so: asked every few milliseconds."""
        loop = (f'until [ "$(curl -s -o /dev/null -w "%{{http_code}}" -H "Host: {service_host}" '
                f'http://{self.hosts.connect(name)}{path})" = {status} ]; do sleep 0.005; done')
        try:
            subprocess.run(self.hosts.outside("bash", "-c", loop), check=True, timeout=limit)
        except subprocess.TimeoutExpired as expired:
            raise Failure(f"the proxy of {name} does not answer {status} for {service_host}{path} "
                          f"within {limit} s") from expired

    def roots(self, asked=None):
        """Root by host, as the asked agent (h1 by default) knows them."""
        names = {agent: name for name, agent in self.agents.items()}
        return {names[agent["agent"]["name"]]: agent.get("root")
                for agent in self.state(asked or self.names[0])["agents"]}

    def keep_logs(self, kept):
        shutil.copytree(self.folder, kept, dirs_exist_ok=True, ignore_dangling_symlinks=True,
                        ignore=shutil.ignore_patterns("*.sock", "data", "*.key", "*.pem"))


class LivenessWatch:
    """When each agent's log says, from now on, that another is down or alive."""

    LINE = re.compile(r"^\w (\S+)Z \S+ (agents/\S+) is (alive|suspect|down)\b")

    def __init__(self, fleet, watchers):
        self.fleet = fleet
        self.offsets = {name: os.path.getsize(fleet.log_path(name)) for name in watchers}
        self.verdicts = []  # (wall time, watcher, agent's host, verdict)

    def read(self):
        hosts = {agent: name for name, agent in self.fleet.agents.items()}
        for name, offset in self.offsets.items():
            with open(self.fleet.log_path(name), "rb") as log:
                log.seek(offset)
                text = log.read()
            whole = text[:text.rfind(b"\n") + 1]
            self.offsets[name] += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                match = self.LINE.match(line)
                if match and match[2] in hosts:
                    self.verdicts.append((wall_seconds(match[1]), name, hosts[match[2]], match[3]))
        return self.verdicts

    def await_all(self, about, verdict, limit):
        """Wall time at which each watcher first said so; those that did not in time are missing."""
        end = time.monotonic() + limit
        while True:
            first = {}
            for when, watcher, host, said in self.read():
                if host == about and said == verdict:
                    first.setdefault(watcher, when)
            if len(first) == len(self.offsets) or time.monotonic() > end:
                return first
            time.sleep(0.1)


def wall_seconds(stamp):
    """2026-01-02T03:04:05.678 in seconds since the epoch."""
    return datetime.datetime.fromisoformat(f"{stamp}+00:00").timestamp()
