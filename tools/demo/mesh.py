"""A mesh of three agents and their targets on this machine: starts, kills, restarts, stops them.

Everything it starts is recorded in state.json of its folder, so that a later call can stop it.
"""

import json
import os
import shutil
import signal
import subprocess
import time

from tools.demo import hosts as demo_hosts
from tools.demo.hosts import Failure

ACCOUNT = "111122223333"
REGION = "local-1"
DEADLINE_SECONDS = 30


def wait_until(what, condition, deadline=DEADLINE_SECONDS):
    """Polls until condition() is true; what() or `what` says what was missing."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"gave up after {deadline} s waiting for {what}")
        time.sleep(0.02)


class Mesh:
    """Three agents (one per VPC) and any number of nginx targets."""

    def __init__(self, folder, hosts, binaries, agent_options=None):
        self.folder = folder
        self.hosts = hosts
        self.binaries = binaries  # Bazel's output folder.
        self.agent_options = agent_options or {}
        self.agent_binary = f"{binaries}/node/agent/trellisd"
        self.ctl_binary = f"{binaries}/tools/trellisctl/trellisctl"
        self.processes = {}       # Name -> pid. Ours to end.
        self.children = {}        # Name -> Popen, of this process only.

    # --- Life of the whole ---------------------------------------------------------------------

    @classmethod
    def load(cls, folder, binaries):
        """The mesh a former call left running, or None."""
        try:
            with open(f"{folder}/state.json", encoding="utf-8") as file:
                state = json.load(file)
        except (OSError, ValueError):
            return None
        hosts = demo_hosts.Namespaces() if state["isolated"] else demo_hosts.Loopback()
        mesh = cls(folder, hosts, binaries)
        mesh.processes = state["processes"]
        return mesh

    def create(self, host_names=()):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o700)
        self.hosts.create(host_names)
        self.save()

    def save(self):
        with open(f"{self.folder}/state.json.new", "w", encoding="utf-8") as file:
            json.dump({"isolated": self.hosts.isolated, "processes": self.processes}, file)
        os.replace(f"{self.folder}/state.json.new", f"{self.folder}/state.json")

    def destroy(self):
        for name in list(self.processes):
            self.kill(name, signal.SIGTERM, wait=False)
        end = time.monotonic() + 10
        for name in list(self.processes):
            while self.alive(name) and time.monotonic() < end:
                time.sleep(0.02)
            if self.alive(name):
                self.kill(name, signal.SIGKILL, wait=False)
        self.processes = {}
        self.hosts.destroy()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- Processes -----------------------------------------------------------------------------

    def start(self, name, vpc, *command):
        with open(f"{self.folder}/{name}.log", "ab") as log:
            child = subprocess.Popen(  # pylint: disable=consider-using-with
                self.hosts.command(vpc, *command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.children[name] = child
        self.processes[name] = child.pid
        self.save()

    def alive(self, name):
        child = self.children.get(name)
        if child is not None:
            return child.poll() is None
        # A pid may have been reused: it is ours only while its working words are.
        try:
            with open(f"/proc/{self.processes[name]}/cmdline", "rb") as file:
                return self.folder.encode() in file.read()
        except OSError:
            return False

    def kill(self, name, how=signal.SIGKILL, wait=True):
        if not self.alive(name):
            return
        os.kill(self.processes[name], how)
        if wait:
            wait_until(f"{name} to end", lambda: not self.alive(name))

    # --- Agents --------------------------------------------------------------------------------

    def agent_folder(self, vpc):
        return f"{self.folder}/{vpc}"

    def socket(self, vpc):
        return f"{self.agent_folder(vpc)}/admin.sock"

    def write_options(self, vpc):
        address, offset = self.hosts.listen(vpc)
        folder = self.agent_folder(vpc)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        mesh_address = f"{self.hosts.mesh_address(vpc)}:7950"
        options = {
            "data_dir": f"{folder}/data",
            "display_name": f"agent-{vpc}",
            "admin_socket": self.socket(vpc),
            "mesh_listen": mesh_address,
            "mesh_address": mesh_address,
            "web_listen": f"{self.hosts.mesh_address(vpc)}:7980",
            "listen_addresses": f"[{address}]",
            "port_offset": offset,
            "access_log": f"{folder}/access.log",
            "workers": 1,
            **self.agent_options,
        }
        with open(f"{folder}/trellisd.yaml", "w", encoding="utf-8") as file:
            for key, value in options.items():
                file.write(f"{key}: {value}\n")

    def trellisd(self, vpc, verb, *flags, stdin=None):
        config = f"--config={self.agent_folder(vpc)}/trellisd.yaml"
        result = subprocess.run(
            self.hosts.command(vpc, self.agent_binary, verb, config, *flags),
            input=stdin, capture_output=True, text=True, check=False, timeout=60)
        if result.returncode != 0:
            raise Failure(f"trellisd {verb} ({vpc}) failed: {result.stderr.strip()}")
        return result.stdout

    def start_agent(self, vpc):
        self.start(f"agent-{vpc}", vpc, self.agent_binary, "run",
                   f"--config={self.agent_folder(vpc)}/trellisd.yaml")
        self.wait_for_agent(vpc)

    def wait_for_agent(self, vpc):
        name = f"agent-{vpc}"

        def answers():
            if not self.alive(name):
                with open(f"{self.folder}/{name}.log", encoding="utf-8", errors="replace") as log:
                    last = "".join(log.readlines()[-5:]).strip()
                raise Failure(f"{name} ended at once; its last words:\n{last}")
            return self.ctl(vpc, "mesh", "status", check=False).returncode == 0

        wait_until(f"{name} to answer on its admin socket", answers)

    def form(self, first_manifest=None):
        """Makes the mesh: the first VPC's agent founds it, the others join with tokens."""
        first, *others = demo_hosts.VPCS
        self.write_options(first)
        self.trellisd(first, "init", f"--vpc={first}", f"--account={ACCOUNT}", f"--region={REGION}")
        self.start_agent(first)
        if first_manifest:
            self.ctl(first, "apply", "-f", first_manifest)
        for vpc in others:
            token = self.ctl(first, "token", "create", "--vpc", vpc, "--role", "admin").stdout.strip()
            self.write_options(vpc)
            self.trellisd(vpc, "join", "-", stdin=token)
            self.start_agent(vpc)

    def ctl(self, vpc, *arguments, check=True):
        """Runs trellisctl against the agent of `vpc`."""
        result = subprocess.run(
            [self.ctl_binary, f"--socket={self.socket(vpc)}", *arguments],
            capture_output=True, text=True, check=False, timeout=120)
        if check and result.returncode != 0:
            raise Failure(f"trellisctl {' '.join(arguments)} ({vpc}) failed: "
                          f"{(result.stderr or result.stdout).strip()}")
        return result

    def state(self, vpc):
        """What the agent of `vpc` says of the mesh."""
        return json.loads(self.ctl(vpc, "mesh", "status", "-o", "json").stdout)

    # --- Targets -------------------------------------------------------------------------------

    def start_target(self, vpc, service, address, port, template):
        """One nginx for one target; `template` is examples/shop/targets/nginx.conf.in."""
        name = f"target-{address}-{port}"
        actual = self.hosts.translate(address)
        self.hosts.add_target_address(vpc, actual)
        folder = f"{self.folder}/{name}"
        os.makedirs(folder, exist_ok=True)
        with open(template, encoding="utf-8") as file:
            text = file.read()
        for placeholder, value in (("@ADDRESS@", actual), ("@PORT@", str(port)), ("@NAME@", service),
                                   ("@FOLDER@", folder)):
            text = text.replace(placeholder, value)
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(text)
        self.start(name, vpc, "/usr/sbin/nginx", "-p", folder, "-e", f"{folder}/error.log",
                   "-c", f"{folder}/nginx.conf", "-g", "daemon off; master_process off;")
        return name

    # --- Calls ---------------------------------------------------------------------------------

    def calls_command(self, vpc, url, *arguments):
        here = os.path.dirname(os.path.abspath(__file__))
        connect = self.hosts.connect(vpc)
        return self.hosts.command(
            vpc, "python3", f"{here}/calls.py", "--url", url,
            *(["--connect", connect] if connect else []), *arguments)

    def call(self, vpc, url, count, *arguments):
        result = subprocess.run(
            self.calls_command(vpc, url, "--count", str(count), *arguments),
            capture_output=True, text=True, check=False, timeout=120)
        if result.returncode != 0:
            raise Failure(f"calls.py failed: {result.stderr.strip()}")
        return json.loads(result.stdout)
