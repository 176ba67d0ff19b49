"""Real agents on loopback: what a user must never lose, and what the mesh must refuse."""

import glob
import json
import os
import re
import shutil
import signal
import ssl
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from tests.integration import agents
from tools.demo.hosts import VPCS, Loopback
from tools.demo.mesh import Failure, Mesh, wait_until

NETWORK = """
kind: Vpc
name: storefront
---
kind: Vpc
name: warehouse
---
kind: Vpc
name: payments
"""

DEAF = """
kind: Service
name: deafened
---
kind: Listener
service: deafened
name: web
protocol: HTTP
port: 8099
defaultAction:
  fixedResponse:
    statusCode: 404
---
kind: ServiceNetwork
name: deaf-net
---
kind: VpcAssociation
serviceNetwork: deaf-net
vpc: storefront
---
kind: ServiceAssociation
serviceNetwork: deaf-net
service: deafened
"""


class MeshTest(unittest.TestCase):
    """Each test has a mesh of its own, on addresses of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="trl", dir="/tmp")  # Short: it holds Unix sockets.
        self.meshes = []
        agents.report_to(self.folder, self.addCleanup)

    def tearDown(self):
        failures = []
        for mesh in self.meshes:
            failures += agents.stop(mesh)
            mesh.destroy()
        failures += agents.reports(self.folder)
        shutil.rmtree(self.folder)
        self.assertFalse(failures, "\n".join(failures))

    def new_mesh(self, form=True):
        # A block of addresses of 127.0.0.0/8 that no other process of this machine has taken.
        block, claimed = None, None
        for block in range(1, 256):
            claimed = socket.socket()
            try:
                claimed.bind((f"127.250.{block}.250", 7949))
                break
            except OSError:
                claimed.close()
        self.addCleanup(claimed.close)
        mesh = Mesh(f"{self.folder}/{len(self.meshes)}", Loopback(block), agents.RUNFILES)
        self.meshes.append(mesh)
        mesh.create()
        if form:
            self.form(mesh)
        return mesh

    def form(self, mesh):
        manifest = f"{mesh.folder}/network.yaml"
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(NETWORK)
        mesh.form(manifest)
        wait_until("three agents to agree", lambda: self.converged(mesh))

    @staticmethod
    def converged(mesh, vpcs=VPCS):
        states = [mesh.state(vpc) for vpc in vpcs]
        shown = [agent for state in states for agent in state["agents"]]
        return (all(state.get("converged") and len(state["agents"]) == len(VPCS)
                    for state in states)
                and len({agent.get("root") for agent in shown}) == 1
                and not any("bootstrap" in agent for agent in shown))

    @staticmethod
    def sealed(mesh, vpcs, generation):
        """Whether all agents know of keys of that generation for all groups, and all have shares."""
        groups = [group for vpc in vpcs for group in mesh.state(vpc).get("sealingGroups", [])]
        return len(groups) == len(vpcs) * (1 + len(VPCS)) and all(
            int(group["generation"]) == generation and group["lacking"] == 0 for group in groups)

    @staticmethod
    def sealing_keys(mesh):
        """Of the agents, as the roster has them."""
        agents_shown = mesh.state("storefront")["agents"]
        return {agent["agent"]["sealingKey"] for agent in agents_shown}

    @staticmethod
    def network(mesh, name):
        """The path of a manifest that makes a service network."""
        path = f"{mesh.folder}/{name}.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"kind: ServiceNetwork\nname: {name}\n")
        return path

    @staticmethod
    def networks(mesh, vpc):
        listed = json.loads(mesh.ctl(vpc, "list", "service-networks", "-o", "json").stdout)
        return {network["name"] for network in listed}

    @staticmethod
    def page(mesh, vpc, path):
        """Status and text of a page of an agent's web port."""
        try:
            with urllib.request.urlopen(f"http://{mesh.hosts.mesh_address(vpc)}:7980{path}",
                                        timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def test_monitoring_sees_the_mesh(self):
        mesh = self.new_mesh()
        status, metrics = self.page(mesh, "storefront", "/metrics")
        self.assertEqual(status, 200)
        for line in ('trellis_mesh_agents{liveness="alive"} 3', "trellis_ready 1",
                     "trellis_writable 1", "trellis_alarms 0", "trellis_catalog_conflicts 0"):
            self.assertIn(f"{line}\n", metrics)
        for pattern in (r"trellis_enforce_seconds_count [1-9]", "trellis_proxy_requests_total 0",
                        r"process_resident_memory_bytes [1-9]"):
            self.assertRegex(metrics, pattern)
        # What another wrote since all agreed is pushed, or else found by comparing.
        mesh.ctl("payments", "apply", "-f", self.network(mesh, "seen-net"))
        wait_until("the write to be counted", lambda: re.search(
            r'trellis_replication_(pushes_total\{kind="new"\}|digests_total) [1-9]',
            self.page(mesh, "storefront", "/metrics")[1]))
        self.assertEqual(self.page(mesh, "payments", "/readyz"), (200, "ready\n"))
        self.assertEqual(self.page(mesh, "payments", "/healthz"), (200, "ok\n"))
        self.assertEqual(self.page(mesh, "payments", "/none")[0], 404)
        # Who lost sight of another shows it, and goes on showing all else.
        mesh.kill("agent-warehouse", signal.SIGKILL)
        wait_until("the loss to show", lambda: 'agents{liveness="down"} 1\n' in self.page(
            mesh, "storefront", "/metrics")[1])

    def test_an_agent_whose_web_port_is_taken_serves_and_says_so(self):
        mesh = self.new_mesh(form=False)
        with socket.create_server((mesh.hosts.mesh_address("storefront"), 7980)):
            self.form(mesh)
            alarms = mesh.state("storefront").get("alarms")
        self.assertEqual(len(alarms), 1)
        self.assertIn("web_listen: ", alarms[0])

    def test_kill_in_the_middle_of_writes_loses_no_acknowledged_one(self):
        mesh = self.new_mesh()
        writer = agents.start_writer(mesh, "storefront", "w", 1000)
        acknowledged = [writer.stdout.readline().strip() for _ in range(500)]
        mesh.kill("agent-storefront", signal.SIGKILL)
        acknowledged += [line.strip() for line in writer.stdout]
        writer.stdout.close()
        self.assertEqual(writer.wait(), 1)
        self.assertGreaterEqual(len(acknowledged), 500)

        # The others accept writes meanwhile.
        other = agents.start_writer(mesh, "payments", "p", 100)
        acknowledged += [line.strip() for line in other.stdout]
        other.stdout.close()
        self.assertEqual(other.wait(), 0)

        mesh.start_agent("storefront")
        wait_until("equal roots", lambda: self.converged(mesh))
        for vpc in VPCS:
            self.assertEqual(set(acknowledged) - self.networks(mesh, vpc), set(), vpc)

    @staticmethod
    def corrupt(mesh, vpc):
        """Ends the agent of `vpc` and spoils its data; returns the folder of it."""
        mesh.kill(f"agent-{vpc}", signal.SIGTERM)
        folder = f"{mesh.agent_folder(vpc)}/data/catalog"
        manifests = glob.glob(f"{folder}/MANIFEST-*")
        if not manifests:
            raise AssertionError(f"no manifest in {folder}")
        for manifest in manifests:
            with open(manifest, "r+b") as file:
                file.write(b"\xff" * 64)
        return folder

    def test_corrupt_data_is_moved_aside_and_fetched_anew(self):
        mesh = self.new_mesh()
        writer = agents.start_writer(mesh, "warehouse", "w", 20)
        acknowledged = {line.strip() for line in writer.stdout}
        writer.stdout.close()
        self.assertEqual(writer.wait(), 0)
        self.assertEqual(len(acknowledged), 20)
        wait_until("equal roots", lambda: self.converged(mesh))
        # The founder too: it has learned of the others.
        for round_, vpc in enumerate(("warehouse", "storefront")):
            folder = self.corrupt(mesh, vpc)
            mesh.start_agent(vpc)
            wait_until("equal roots", lambda: self.converged(mesh))
            self.assertEqual(acknowledged - self.networks(mesh, vpc), set())
            # It is the agent it was, and writes as before; nobody need wait for that.
            mesh.ctl(vpc, "apply", "-f", self.network(mesh, f"after-{round_}"))
            wait_until("equal roots", lambda: self.converged(mesh))
            self.assertIn(f"after-{round_}", self.networks(mesh, "payments"))
            # What was corrupt is kept, and said.
            aside = glob.glob(f"{folder}.corrupt-*")
            self.assertEqual(len(aside), 1)
            self.assertTrue(glob.glob(f"{aside[0]}/MANIFEST-*"))
            alarms = mesh.state(vpc).get("alarms")
            self.assertEqual(len(alarms), 1)
            self.assertIn(aside[0], alarms[0])
            shutil.rmtree(aside[0])
            self.assertFalse(mesh.state(vpc).get("alarms"))

    def test_a_disk_that_corrupts_again_and_again_is_not_written_full(self):
        mesh = self.new_mesh()
        folder = f"{mesh.agent_folder('payments')}/data/catalog"
        for i in range(3):
            os.mkdir(f"{folder}.corrupt-2026010{i + 1}T000000Z")
        self.corrupt(mesh, "payments")
        with self.assertRaises(Failure) as raised:
            mesh.start_agent("payments")
        self.assertIn("look at the disk", str(raised.exception))
        self.assertTrue(os.path.exists(f"{folder}/CURRENT"))

    def test_corrupt_data_of_who_is_alone_is_refused_with_a_remedy(self):
        mesh = self.new_mesh(form=False)
        mesh.write_options("storefront")
        mesh.trellisd("storefront", "init", "--vpc=storefront")
        mesh.start_agent("storefront")
        folder = self.corrupt(mesh, "storefront")
        with self.assertRaises(Failure) as raised:
            mesh.start_agent("storefront")
        self.assertIn("corrupt or incomplete", str(raised.exception))
        self.assertIn("root.key", str(raised.exception))
        self.assertTrue(os.path.exists(f"{folder}/CURRENT"))
        self.assertFalse(glob.glob(f"{folder}.corrupt-*"))
        # Nor does it found anew over what is lost.
        shutil.move(folder, f"{folder}.lost")
        for _ in range(2):
            with self.assertRaises(Failure) as raised:
                mesh.start_agent("storefront")
            self.assertIn("founded its mesh already", str(raised.exception))
            self.assertIn("root.key", str(raised.exception))

    def test_broken_identity_is_named_with_a_remedy(self):
        mesh = self.new_mesh(form=False)
        mesh.write_options("storefront")
        mesh.trellisd("storefront", "init", "--vpc=storefront")
        folder = f"{mesh.agent_folder('storefront')}/data/identity"
        for name in ("agent.key", "signing.key", "agent.pem", "root.pem", "root.key", "agent.json"):
            path = f"{folder}/{name}"
            with open(path, "rb") as file:
                good = file.read()
            for garbage in (b"", b"\xff\x1b[31m{\x00" * 8, good[:len(good) // 2]):
                with open(path, "wb") as file:
                    file.write(garbage)
                ended = subprocess.run(
                    [mesh.agent_binary, "run",
                     f"--config={mesh.agent_folder('storefront')}/trellisd.yaml"],
                    capture_output=True, check=False, timeout=60)
                self.assertEqual(ended.returncode, 1, ended.stderr)  # 2: wrong usage.
                self.assertIn(path.encode(), ended.stderr)
                self.assertIn(b"restore it from a backup", ended.stderr)
                self.assertNotRegex(ended.stderr, rb"[^\n -~]")
            with open(path, "wb") as file:
                file.write(good)

    def test_proxy_that_cannot_accept_is_an_alarm(self):
        mesh = self.new_mesh(form=False)
        mesh.agent_options = {"listen_addresses": "[192.0.2.77]", "port_offset": 0}
        mesh.write_options("storefront")
        mesh.trellisd("storefront", "init", "--vpc=storefront")
        mesh.start_agent("storefront")
        manifest = f"{mesh.folder}/deaf.yaml"
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(DEAF)
        mesh.ctl("storefront", "apply", "-f", manifest, "--wait")
        wait_until("the alarm", lambda: mesh.state("storefront").get("alarms"))
        shown = mesh.ctl("storefront", "mesh", "status").stdout
        self.assertIn("all, see ALARM", shown)
        self.assertRegex(shown, "ALARM: .*192.0.2.77 port 8099")
        self.assertIn("ip address add 192.0.2.77/32 dev lo", shown)

    def test_founder_that_lost_its_catalog_fetches_it_and_does_not_found_again(self):
        mesh = self.new_mesh()
        before = mesh.state("payments")["meshId"]
        mesh.kill("agent-storefront", signal.SIGTERM)
        catalog = f"{mesh.agent_folder('storefront')}/data/catalog"
        shutil.move(catalog, f"{catalog}.lost")
        mesh.start_agent("storefront")
        wait_until("equal roots", lambda: self.converged(mesh))
        self.assertEqual(mesh.state("storefront")["meshId"], before)
        # Restored, it is the agent it was.
        mesh.kill("agent-storefront", signal.SIGTERM)
        shutil.rmtree(catalog)
        shutil.move(f"{catalog}.lost", catalog)
        mesh.start_agent("storefront")
        wait_until("equal roots", lambda: self.converged(mesh))

    def test_key_that_others_may_read_is_refused(self):
        mesh = self.new_mesh()
        mesh.kill("agent-payments", signal.SIGTERM)
        key = f"{mesh.agent_folder('payments')}/data/identity/agent.key"
        os.chmod(key, 0o644)
        with self.assertRaises(Failure) as raised:
            mesh.start_agent("payments")
        self.assertIn(f"chmod 600 {key}", str(raised.exception))
        os.chmod(key, 0o600)
        mesh.start_agent("payments")

    def test_certificate_of_another_mesh_is_refused(self):
        ours, theirs = self.new_mesh(), self.new_mesh(form=False)
        theirs.write_options("storefront")
        theirs.trellisd("storefront", "init", "--vpc=storefront")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        identity = f"{theirs.agent_folder('storefront')}/data/identity"
        context.load_cert_chain(f"{identity}/agent.pem", f"{identity}/agent.key")
        address = (ours.hosts.mesh_address("storefront"), 7950)
        with socket.create_connection(address, timeout=10) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                with context.wrap_socket(plain) as secure:
                    # TLS 1.3: the refusal comes after the client's own last flight.
                    self.assertNotEqual(secure.recv(1), b"")
                    secure.recv(1 << 16)
                    raise AssertionError("the mesh port accepted another mesh's certificate")

    def test_certificates_are_renewed_without_a_restart_and_after_their_issuer_was_away(self):
        mesh = self.new_mesh(form=False)
        mesh.agent_options = {"certificate_lifetime": "10s"}
        manifest = f"{mesh.folder}/network.yaml"
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(NETWORK)
        mesh.form(manifest)

        def certificates():
            return [self.read(f"{mesh.agent_folder(vpc)}/data/identity/agent.pem") for vpc in VPCS]

        for _ in range(2):
            before = certificates()
            wait_until("every certificate to be renewed", lambda before=before: all(
                new != old for new, old in zip(certificates(), before)), deadline=60)
        mesh.ctl("payments", "apply", "-f", manifest)
        wait_until("three agents to agree", lambda: self.converged(mesh))

        # The only agent that issues is away for longer than certificates live.
        mesh.kill("agent-storefront")
        wait_until("a warning that the certificate ended", lambda: any(
            "ended at" in alarm for alarm in mesh.state("payments").get("alarms", [])),
            deadline=60)
        mesh.kill("agent-warehouse")  # Its links are to be made anew.
        mesh.start_agent("warehouse")
        mesh.start_agent("storefront")
        wait_until("no more alarms", lambda: not any(
            mesh.state(vpc).get("alarms") for vpc in VPCS), deadline=60)
        wait_until("three agents to agree", lambda: self.converged(mesh), deadline=60)

    def test_replaced_host_joins_anew_and_its_token_works_once(self):
        mesh = self.new_mesh()
        token = mesh.ctl("storefront", "token", "create", "--vpc", "warehouse", "--role",
                         "worker").stdout.strip()
        self.wipe(mesh, "warehouse")
        # Its name is taken until the lost agent is evicted.
        with self.assertRaisesRegex(Failure, "evict"):
            mesh.trellisd("warehouse", "join", "-", stdin=token)
        mesh.ctl("storefront", "agent", "evict", "agent-warehouse")
        mesh.trellisd("warehouse", "join", "-", stdin=token)
        mesh.start_agent("warehouse")
        wait_until("the new agent to catch up", lambda: self.converged(mesh))

        self.wipe(mesh, "payments")
        mesh.ctl("storefront", "agent", "evict", "agent-payments")
        with self.assertRaisesRegex(Failure, "used already"):
            mesh.trellisd("payments", "join", "-", stdin=token)

    def test_evicted_agent_says_so_and_accepts_no_writes(self):
        mesh = self.new_mesh()
        mesh.ctl("storefront", "agent", "evict", "agent-warehouse")
        wait_until("the evicted agent to say so", lambda: any(
            "evicted" in alarm for alarm in mesh.state("warehouse").get("alarms", [])))
        refused = mesh.ctl("warehouse", "apply", "-f", self.network(mesh, "lost"), check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("evicted", refused.stderr)
        # Nor after a restart: it is told again.
        mesh.kill("agent-warehouse", signal.SIGTERM)
        mesh.start_agent("warehouse")
        wait_until("the evicted agent to say so again", lambda: any(
            "evicted" in alarm for alarm in mesh.state("warehouse").get("alarms", [])))
        refused = mesh.ctl("warehouse", "apply", "-f", self.network(mesh, "lost"), check=False)
        self.assertIn("evicted", refused.stderr)
        for vpc in ("storefront", "payments"):
            self.assertNotIn("lost", self.networks(mesh, vpc))
            self.assertFalse(mesh.state(vpc).get("alarms"))

    def test_sealing_keys_are_shared_with_all_and_rotated_without_the_evicted(self):
        mesh = self.new_mesh()
        everybody = ("storefront", "warehouse", "payments")
        wait_until("keys that all have shares of", lambda: self.sealed(mesh, everybody, 1))
        mesh.ctl("payments", "mesh", "rotate-keys")
        wait_until("new keys that all have shares of", lambda: self.sealed(mesh, everybody, 2))
        self.assertIn("all members have their share", mesh.ctl("payments", "mesh", "status").stdout)

        # An identity of an earlier release, or one whose key is to be exchanged.
        known = self.sealing_keys(mesh)
        self.assertEqual(len(known), 3)
        mesh.kill("agent-warehouse", signal.SIGTERM)
        key = f"{mesh.agent_folder('warehouse')}/data/identity/sealing.key"
        before = self.read(key)
        os.remove(key)
        mesh.start_agent("warehouse")
        self.assertNotEqual(self.read(key), before)
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        wait_until("its new key to be known", lambda: self.sealing_keys(mesh) != known)
        wait_until("shares for its new key", lambda: self.sealed(mesh, everybody, 2))

        mesh.ctl("storefront", "agent", "evict", "agent-warehouse")
        wait_until("keys without the evicted agent",
                   lambda: self.sealed(mesh, ("storefront", "payments"), 3))

    def test_worker_registers_its_own_address_where_admitted_and_nothing_else(self):
        mesh = self.new_mesh()
        self.wipe(mesh, "warehouse")
        mesh.ctl("storefront", "agent", "evict", "agent-warehouse")
        token = mesh.ctl("storefront", "token", "create", "--vpc", "warehouse", "--role",
                         "worker").stdout.strip()
        own = mesh.hosts.translate("10.32.1.1")
        mesh.trellisd("warehouse", "join", "-", f"--addresses={own}", stdin=token)
        mesh.start_agent("warehouse")

        def apply_group(admits):
            manifest = f"{mesh.folder}/stock.yaml"
            with open(manifest, "w", encoding="utf-8") as file:
                file.write("kind: TargetGroup\nname: stock\ntype: IP\nvpc: warehouse\n"
                           f"admitsWorkers: {admits}\n")
            mesh.ctl("storefront", "apply", "-f", manifest)
            mesh.ctl("storefront", "mesh", "wait", "--timeout", "60s")

        def register(address):
            return mesh.ctl("warehouse", "register", "stock", f"{address}:8080", check=False)

        apply_group("false")
        refused = register(own)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("admitsWorkers: true", refused.stdout + refused.stderr)
        apply_group("true")
        mesh.ctl("warehouse", "register", "stock", f"{own}:8080")
        foreign = register(mesh.hosts.translate("10.32.1.2"))
        self.assertNotEqual(foreign.returncode, 0)
        self.assertIn("own addresses only", foreign.stdout + foreign.stderr)
        other = mesh.ctl("warehouse", "apply", "-f", f"{mesh.folder}/stock.yaml", check=False)
        self.assertIn("this agent is a worker", other.stdout + other.stderr)
        mesh.ctl("warehouse", "mesh", "wait", "--timeout", "60s")
        listed = mesh.ctl("payments", "list", "targets", "--target-group", "stock").stdout
        self.assertIn(own, listed)

    def test_operator_administers_from_afar_and_an_agents_certificate_does_not(self):
        mesh = self.new_mesh()
        alice = f"{mesh.folder}/alice.pem"
        mesh.ctl("storefront", "operator", "create", "alice", "--out", alice)
        status = self.remote(mesh, "warehouse", alice, "mesh", "status", "-o", "json")
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertEqual(len(json.loads(status.stdout)["agents"]), len(VPCS))
        written = self.remote(mesh, "warehouse", alice, "apply", "-f", "-", "--wait",
                              stdin="kind: ServiceNetwork\nname: from-afar\n")
        self.assertEqual(written.returncode, 0, written.stderr)
        self.assertIn("from-afar", self.networks(mesh, "payments"))

        # An agent's own certificate is of this mesh, but it may only replicate.
        agents = f"{mesh.folder}/agent-identity.pem"
        folder = f"{mesh.agent_folder('warehouse')}/data/identity"
        with open(os.open(agents, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            for part in ("agent.key", "agent.pem", "root.pem"):
                with open(f"{folder}/{part}", encoding="utf-8") as source:
                    file.write(source.read())
        refused = self.remote(mesh, "storefront", agents, "mesh", "status")
        self.assertEqual(refused.returncode, 2, refused.stdout)
        self.assertRegex(refused.stderr,
                         "certificate of agent .*may not administer; give an operator's")

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    @staticmethod
    def remote(mesh, vpc, identity, *arguments, stdin=None):
        return subprocess.run(
            [mesh.ctl_binary, "--agent", f"{mesh.hosts.mesh_address(vpc)}:7950", "--identity",
             identity, *arguments],
            input=stdin, capture_output=True, text=True, check=False, timeout=60)

    @staticmethod
    def wipe(mesh, vpc):
        mesh.kill(f"agent-{vpc}", signal.SIGTERM)
        shutil.rmtree(f"{mesh.agent_folder(vpc)}/data")


if __name__ == "__main__":
    unittest.main()
