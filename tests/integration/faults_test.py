"""Real agents under faults of network and hosts: nothing acknowledged is lost, nobody diverges.

Each test breaks something, writes wherever somebody lives, mends it, and then wants the mesh whole:
all alive in everybody's eyes, one root, every acknowledged write on every agent, and every proxy
obeying the newest rule. Outcomes are waited for; how long they took is for tools/bench to say.
"""

import json
import os
import shutil
import signal
import tempfile
import unittest

from tests.integration import agents
from tools.demo.fleet import VPC, Fleet, LivenessWatch, Namespaces
from tools.demo.hosts import namespaces_possible, run
from tools.demo.mesh import Failure, wait_until

AGENTS = 5
WRITES = 50
LIMIT = 60  # Seconds that a condition may take on a busy machine.
HOST = "probed.faults.example"
NETWORK = f"""
kind: ServiceNetwork
name: faults
---
kind: VpcAssociation
serviceNetwork: faults
vpc: {VPC}
---
kind: Service
name: probed
customDomain: {HOST}
---
kind: ServiceAssociation
serviceNetwork: faults
service: probed
---
kind: Listener
service: probed
name: http
protocol: HTTP
port: 80
defaultAction: {{fixedResponse: {{statusCode: 404}}}}
---
"""
RULE = """
kind: Rule
service: probed
listener: http
name: flipped
priority: 1
match: {{path: {{exact: /probe}}}}
action: {{fixedResponse: {{statusCode: {status}}}}}
"""


class FaultsTest(unittest.TestCase):
    """One fleet for all tests: a fault must leave it as good as new."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trl", dir="/tmp")  # Short: it holds Unix sockets.
        agents.report_to(cls.folder, cls.addClassCleanup)
        cls.fleet = Fleet(f"{cls.folder}/f", Namespaces(AGENTS), agents.RUNFILES,
                          {"access_log": '""'})
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.addClassCleanup(cls.fleet.destroy)
        cls.fleet.create()
        manifest = f"{cls.fleet.folder}/first.yaml"
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(NETWORK + RULE.format(status=404))
        cls.fleet.form(manifest)
        cls.acknowledged = set()
        cls.status = 404

    @classmethod
    def tearDownClass(cls):
        failures = agents.stop(cls.fleet) + agents.reports(cls.folder)
        if failures:
            raise AssertionError("\n".join(failures))

    def setUp(self):
        self.watch = LivenessWatch(self.fleet, self.fleet.names)

    def tearDown(self):
        # For the tests after one that failed.
        self.fleet.hosts.mend()
        for name in self.fleet.names:
            self.resume(name)
            if not self.fleet.alive(f"agent-{name}"):
                self.fleet.start_agent(name)
        kept = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")
        if kept:
            self.fleet.keep_logs(f"{kept}/agents")

    # --- What is done ----------------------------------------------------------------------------

    def write_on(self, *hosts):
        test = self.id().rsplit(".", maxsplit=1)[-1][:40].replace("_", "-")
        for host in hosts:
            self.await_writable(host, f"{test}-{host}")
        writers = [agents.start_writer(self.fleet, host, f"{test}-{host}", WRITES) for host in hosts]
        for host, writer in zip(hosts, writers):
            self.acknowledged |= {line.strip() for line in writer.stdout}
            writer.stdout.close()
            self.assertEqual(writer.wait(), 0, f"{host} did not take all writes")

    def await_writable(self, host, network):
        """An agent that has just started first asks its peers what they hold of it."""
        manifest = f"{self.fleet.folder}/network.yaml"
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(f"kind: ServiceNetwork\nname: {network}\n")
        self.fleet.ctl(host, "apply", "-f", manifest)
        self.acknowledged.add(network)

    def resume(self, host):
        if self.fleet.alive(f"agent-{host}"):
            os.kill(self.fleet.pid(host), signal.SIGCONT)

    def start_with_clock_off(self, host, seconds):
        self.fleet.kill_agent(host)
        # An address sanitizer's runtime wants to be the first library; here it need not be.
        asan = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"
        self.fleet.start(
            f"agent-{host}", host, "env", f"CLOCK_OFFSET_SECONDS={seconds}", f"ASAN_OPTIONS={asan}",
            f"LD_PRELOAD={agents.RUNFILES}/tests/integration/clock_offset.so",
            self.fleet.agent_binary, "run", f"--config={self.fleet.agent_folder(host)}/trellisd.yaml")
        self.fleet.wait_for_agent(host)

    def flip_rule(self, host):
        status = 500 if self.status == 404 else 404
        manifest = f"{self.fleet.folder}/rule.yaml"
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(RULE.format(status=status))
        self.fleet.ctl(host, "apply", "-f", manifest)
        type(self).status = status

    # --- What is wanted --------------------------------------------------------------------------

    def others(self, *hosts):
        return [name for name in self.fleet.names if name not in hosts]

    def await_down(self, host, watchers):
        """Until each watcher calls the host down."""
        def all_say_so():
            said = {watcher for _, watcher, about, verdict in self.watch.read()
                    if about == host and verdict == "down"}
            return said >= set(watchers)
        wait_until(f"{', '.join(watchers)} to call {host} down", all_say_so, LIMIT)

    def await_one_root(self, hosts):
        wait_until(f"one root on {', '.join(hosts)}", lambda: len(
            {self.fleet.roots(host)[host] for host in hosts}) == 1, LIMIT)

    def networks(self, host):
        listed = self.fleet.ctl(host, "list", "service-networks", "-o", "json").stdout
        return {network["name"] for network in json.loads(listed)}

    def answer(self, host):
        return run(*self.fleet.hosts.outside(
            "curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Host: {HOST}",
            f"http://{self.fleet.hosts.connect(host)}/probe"), check=False).stdout

    def assert_whole(self, flipped_on="h1"):
        self.flip_rule(flipped_on)
        for host in self.fleet.names:
            wait_until(f"{host} to see all alive with one root",
                       lambda host=host: self.fleet.agree(host), LIMIT)
        self.await_one_root(self.fleet.names)
        for host in self.fleet.names:
            self.assertEqual(self.acknowledged - self.networks(host), set(), host)
            wait_until(f"the proxy of {host} to answer {self.status}",
                       lambda host=host: self.answer(host) == str(self.status), LIMIT)

    # --- Tests -----------------------------------------------------------------------------------

    def test_mesh_cut_in_two_takes_writes_on_both_sides_and_heals(self):
        self.fleet.hosts.cut(["h4", "h5"])
        self.await_down("h4", ["h1", "h2", "h3"])
        self.await_down("h1", ["h4", "h5"])
        self.write_on("h1", "h5")
        self.fleet.hosts.mend()
        self.assert_whole(flipped_on="h4")

    def test_agent_that_hears_and_is_not_heard_keeps_its_writes(self):
        self.fleet.hosts.drop_outgoing("h2")
        self.write_on("h1", "h2")
        self.await_down("h2", self.others("h2"))
        self.fleet.hosts.mend()
        self.assert_whole(flipped_on="h2")

    def test_one_way_between_two_agents_is_bridged_by_the_others(self):
        self.fleet.hosts.drop_outgoing("h2", to="h3")
        self.write_on("h2", "h3")
        self.await_one_root(self.fleet.names)
        self.fleet.hosts.mend()
        self.assert_whole()

    def test_agent_whose_host_refuses_connections_comes_back(self):
        self.fleet.hosts.refuse("h4")
        self.await_down("h4", self.others("h4"))
        self.write_on("h3", "h4")
        self.fleet.hosts.mend()
        self.assert_whole()

    def test_frozen_agent_is_called_down_and_catches_up_when_it_thaws(self):
        os.kill(self.fleet.pid("h5"), signal.SIGSTOP)
        self.await_down("h5", self.others("h5"))
        self.write_on("h1", "h2")
        self.resume("h5")
        self.assert_whole(flipped_on="h5")

    def test_killed_agent_keeps_what_it_acknowledged(self):
        writer = agents.start_writer(self.fleet, "h3", "killed", 100000)
        mine = {writer.stdout.readline().strip() for _ in range(WRITES)}
        self.fleet.kill_agent("h3")
        mine |= {line.strip() for line in writer.stdout}
        writer.stdout.close()
        self.assertEqual(writer.wait(), 1)
        self.acknowledged |= mine
        self.write_on("h1")
        self.fleet.start_agent("h3")
        self.assert_whole(flipped_on="h3")

    def test_all_killed_at_once_come_back(self):
        self.write_on(*self.fleet.names)
        for host in self.fleet.names:
            self.fleet.kill_agent(host)
        for host in self.fleet.names:
            self.fleet.start_agent(host)
        self.assert_whole()

    def test_agent_whose_clock_is_ahead_is_refused_writes_and_obeys_those_of_others(self):
        self.start_with_clock_off("h2", 3)

        def refused():
            try:
                self.flip_rule("h2")
            except Failure as failure:
                self.assertIn("this agent's clock is", str(failure))
                return True
            return False

        wait_until("h2 to refuse writes", refused, LIMIT)
        self.write_on("h1", "h5")
        # What h1 writes now is later than what h2 wrote at first, though its clock said otherwise.
        self.assert_whole(flipped_on="h1")
        self.fleet.kill_agent("h2")
        self.fleet.start_agent("h2")
        self.assert_whole(flipped_on="h2")


if __name__ == "__main__":
    if namespaces_possible():
        unittest.main()
    print("skipped: network faults need CAP_NET_ADMIN")
