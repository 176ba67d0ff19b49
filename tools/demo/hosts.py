"""The demo's three hosts, one per VPC: network namespaces, or loopback addresses without them.

With namespaces each host has two networks, as real hosts do: an underlay that only agents use
(10.250.0.0/24) and its VPC's own addresses, routed between the hosts. Both are bridges inside a
namespace of their own without an uplink, so nothing of this reaches the machine's networks.
"""

import os
import shutil
import subprocess

VPCS = ("storefront", "warehouse", "payments")
SUBNETS = {"storefront": "10.31.1", "warehouse": "10.32.1", "payments": "10.33.1"}
SERVICE_ADDRESS = "169.254.171.1"
FABRIC = "trellis-fabric"


class Failure(Exception):
    """Something the person at the terminal should read."""


def run(*command, check=True, **options):
    """Runs a command quietly; its words are shown only when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if check and result.returncode != 0:
        raise Failure(f"{' '.join(command)}: {(result.stderr or result.stdout).strip()}")
    return result


def namespaces_possible():
    """Whether this process may make network namespaces (root with CAP_NET_ADMIN)."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    probe = "trellis-probe"
    if run("ip", "netns", "add", probe, check=False).returncode != 0:
        return False
    linked = all(
        run("ip", "-n", probe, "link", *words, check=False).returncode == 0
        for words in (("set", "lo", "up"), ("add", "bridge0", "type", "bridge"),
                      ("add", "veth0", "type", "veth", "peer", "name", "veth1")))
    run("ip", "netns", "del", probe, check=False)
    return linked


class Namespaces:
    """One network namespace per VPC."""

    isolated = True

    def create(self, host_names):
        self.destroy()
        run("ip", "netns", "add", FABRIC)
        for bridge in ("underlay", "vpcs"):
            run("ip", "-n", FABRIC, "link", "add", bridge, "type", "bridge")
            run("ip", "-n", FABRIC, "link", "set", bridge, "up")
        for number, vpc in enumerate(VPCS, start=1):
            self._create_host(number, vpc, host_names)

    def _create_host(self, number, vpc, host_names):
        namespace = self.namespace(vpc)
        run("ip", "netns", "add", namespace)
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        for device, bridge in (("mesh0", "underlay"), ("vpc0", "vpcs")):
            port = f"{device}-{number}"
            run("ip", "-n", FABRIC, "link", "add", port, "type", "veth",
                "peer", "name", device, "netns", namespace)
            run("ip", "-n", FABRIC, "link", "set", port, "master", bridge, "up")
            run("ip", "-n", namespace, "link", "set", device, "up")
        run("ip", "-n", namespace, "address", "add", f"{self.mesh_address(vpc)}/24", "dev", "mesh0")
        run("ip", "-n", namespace, "address", "add", f"{SUBNETS[vpc]}.1/24", "dev", "vpc0")
        run("ip", "-n", namespace, "address", "add", f"{SERVICE_ADDRESS}/32", "dev", "lo")
        for other, subnet in SUBNETS.items():
            if other != vpc:
                run("ip", "-n", namespace, "route", "add", f"{subnet}.0/24", "dev", "vpc0")
        # `ip netns exec` shows these files as the host's own: names resolve as they would there.
        folder = f"/etc/netns/{namespace}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/hosts", "w", encoding="utf-8") as hosts:
            hosts.write("127.0.0.1 localhost\n")
            for name in host_names:
                hosts.write(f"{SERVICE_ADDRESS} {name}\n")

    def destroy(self):
        existing = run("ip", "netns", "list", check=False).stdout.split()
        for vpc in VPCS:
            if self.namespace(vpc) in existing:
                run("ip", "netns", "del", self.namespace(vpc))
            shutil.rmtree(f"/etc/netns/{self.namespace(vpc)}", ignore_errors=True)
        if FABRIC in existing:
            run("ip", "netns", "del", FABRIC)

    def add_target_address(self, vpc, address):
        run("ip", "-n", self.namespace(vpc), "address", "add", f"{address}/24", "dev", "vpc0")

    def translate(self, address):
        return address

    def namespace(self, vpc):
        return f"trellis-{vpc}"

    def command(self, vpc, *command):
        return ["ip", "netns", "exec", self.namespace(vpc), *command]

    def mesh_address(self, vpc):
        return f"10.250.0.{VPCS.index(vpc) + 1}"

    def listen(self, vpc):
        """Where the agent of `vpc` serves: address and the offset of its ports."""
        return SERVICE_ADDRESS, 0

    def connect(self, vpc):
        """None: names resolve by themselves."""
        return None


class Loopback:
    """All hosts on this one, told apart by addresses of 127.0.0.0/8."""

    isolated = False
    PORT_OFFSET = 8000

    def __init__(self, block=0):
        """`block` (0-255) sets meshes apart that run at the same time."""
        self.block = block

    def create(self, host_names):
        pass

    def destroy(self):
        pass

    def add_target_address(self, vpc, address):
        pass

    def translate(self, address):
        """10.31.1.11 -> 127.31.1.11"""
        return "127." + address.split(".", 1)[1]

    def command(self, vpc, *command):
        return list(command)

    def mesh_address(self, vpc):
        return f"127.250.{self.block}.{VPCS.index(vpc) + 1}"

    def listen(self, vpc):
        return f"127.171.{self.block}.{VPCS.index(vpc) + 1}", self.PORT_OFFSET

    def connect(self, vpc):
        address, offset = self.listen(vpc)
        return f"{address}:{80 + offset}"
