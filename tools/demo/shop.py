"""The shop: four services in three VPCs, shown at work step by step.

Run by tools/quickstart, which installs and builds first. Each step does something a user would do,
says what happened in one row, and is checked; --check also stops everything and exits with
    0  every step held        1  a step failed (named)        2  held, but this host could not show all
"""

import argparse
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from tools.demo import hosts as demo_hosts
from tools.demo.mesh import Failure, Mesh, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOP = f"{ROOT}/examples/shop"
SERVICES = ("inventory", "delivery", "payment", "order")
# VPC, service, address of each target: examples/shop's manifests register the same.
TARGETS = (
    ("warehouse", "inventory", "10.32.1.11"), ("warehouse", "inventory", "10.32.1.12"),
    ("warehouse", "inventory", "10.32.1.21"), ("warehouse", "inventory", "10.32.1.22"),
    ("warehouse", "delivery", "10.32.1.31"), ("warehouse", "delivery", "10.32.1.32"),
    ("payments", "payment", "10.33.1.11"), ("payments", "payment", "10.33.1.12"),
    ("storefront", "order", "10.31.1.11"), ("storefront", "order", "10.31.1.12"),
)
TARGET_PORT = 8080
GREEN = ("10.32.1.21", "10.32.1.22")
PATHS = {"inventory": "/stock/42", "delivery": "/quote", "payment": "/charge", "order": "/orders"}
METHODS = {"order": "POST"}
STOCK = "http://inventory.shop.example/stock/42"


class Report:
    """Rows as they come: what was done, what was seen, whether it held."""

    WIDTH = 36

    def __init__(self):
        self.failed = []
        self.color = sys.stdout.isatty()

    def row(self, held, what, seen):
        mark, paint = ("ok", "32") if held else ("FAILED", "31")
        if self.color:
            mark = f"\033[{paint}m{mark}\033[0m" + " " * (6 - len(mark))
        print(f"  {mark:6}  {what:{self.WIDTH}}  {seen}", flush=True)
        if not held:
            self.failed.append(what)

    def not_shown(self, what):
        print(f"  {'--':6}  {what:{self.WIDTH}}  not shown here: needs CAP_NET_ADMIN", flush=True)


class Shop:
    """The steps, in the order they are shown."""

    def __init__(self, mesh, report):
        self.mesh = mesh
        self.report = report
        self.manifests = f"{mesh.folder}/manifests"

    def run(self):
        self.form_mesh()
        self.apply_shop()
        self.call_every_service()
        self.match_path_and_method()
        self.split_traffic()
        self.shift_under_load()
        self.kill_target()
        self.kill_agent()
        self.restart_agent()
        if not self.mesh.hosts.isolated:
            self.report.not_shown("hosts with networks of their own")

    # --- Steps ---------------------------------------------------------------------------------

    def form_mesh(self):
        self.copy_manifests()
        started = time.monotonic()
        self.mesh.form(f"{self.manifests}/network.yaml")
        wait_until("three agents to agree", self.agreed)
        self.report.row(True, "three agents form a mesh",
                        f"init, 2 join tokens, all agree after {time.monotonic() - started:.1f} s")
        self.print_status("storefront")

    def copy_manifests(self):
        """The example's manifests with this host's addresses."""
        os.makedirs(f"{self.manifests}/steps", exist_ok=True)
        for name in sorted(glob.glob("**/*.yaml", root_dir=SHOP, recursive=True)):
            with open(f"{SHOP}/{name}", encoding="utf-8") as file:
                text = file.read()
            for address in [f"{subnet[:5]}.0.0/16" for subnet in demo_hosts.SUBNETS.values()]:
                text = text.replace(address, self.mesh.hosts.translate(address))
            for _, _, address in TARGETS:
                text = text.replace(address, self.mesh.hosts.translate(address))
            with open(f"{self.manifests}/{name}", "w", encoding="utf-8") as file:
                file.write(text)

    def apply_shop(self):
        for vpc, service, address in TARGETS:
            self.mesh.start_target(vpc, service, address, TARGET_PORT,
                                   f"{SHOP}/targets/nginx.conf.in")
        files = [f"--file={self.manifests}/{service}.yaml" for service in SERVICES]
        started = time.monotonic()
        self.mesh.ctl("storefront", "apply", *files, "--wait")
        took = (time.monotonic() - started) * 1000
        self.report.row(True, "apply on agent-storefront --wait",
                        f"4 services; enforced by all three agents after {took:.0f} ms")
        wait_until("the targets' first checks", self.targets_healthy)

    def call_every_service(self):
        failures, calls = [], 0
        for vpc in demo_hosts.VPCS:
            for service in SERVICES:
                seen = self.mesh.call(vpc, f"http://{service}.shop.example{PATHS[service]}", 5,
                                      "--method", METHODS.get(service, "GET"))
                calls += seen["calls"]
                if seen["failed"]:
                    failures.append(f"{vpc} to {service}: {seen['first_failure']}")
        self.report.row(not failures, "each VPC calls each service",
                        "; ".join(failures) or f"{calls} calls by host name, each answered")

    def match_path_and_method(self):
        url = "http://order.shop.example/orders"
        post = self.mesh.call("warehouse", url, 1, "--method", "POST")["by_status"]
        get = self.mesh.call("warehouse", url, 1, "--method", "GET")["by_status"]
        self.report.row(post == {"200": 1} and get == {"404": 1}, "a rule on path and method",
                        f"POST /orders {words(post)}, GET /orders {words(get)}")

    def split_traffic(self):
        seen = self.mesh.call("storefront", STOCK, 1000)
        green = self.green_share(seen)
        # Four standard deviations of a fair 10 % of 1,000 are 38.
        self.report.row(seen["failed"] == 0 and 62 <= green <= 138, "90/10 split over 1,000 calls",
                        f"blue {1000 - green}, green {green}, failed {seen['failed']}")

    def shift_under_load(self):
        load = subprocess.Popen(
            self.mesh.calls_command("payments", STOCK, "--until-stdin-closes"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.mesh.ctl("warehouse", "apply", "-f", f"{self.manifests}/steps/shift-green.yaml", "--wait")
            after = self.mesh.call("payments", STOCK, 200)
        finally:
            output, _ = load.communicate(timeout=60)
        during = json.loads(output)
        blue = after["calls"] - self.green_share(after)
        self.report.row(during["failed"] == 0 and after["failed"] == 0 and blue == 0,
                        "blue/green shift to 0/100 under load",
                        f"{during['calls']} calls during it, {during['failed']} failed; "
                        f"{after['calls']} after it, {blue} to blue"
                        + (f" ({during['first_failure']})" if during["failed"] else ""))

    def kill_target(self):
        victim = GREEN[0]
        self.mesh.kill(f"target-{victim}-{TARGET_PORT}")
        seen = self.mesh.call("storefront", STOCK, 300)
        held = seen["failed"] == 0 and set(seen["by_target"]) == {self.target_name(GREEN[1])}
        self.report.row(held, "a target killed",
                        f"{seen['calls']} calls, {seen['failed']} failed, all to the one left")
        wait_until("the health check's verdict",
                   lambda: self.statuses("inventory-green").get(self.translated(victim)) == "UNHEALTHY",
                   deadline=40)
        self.report.row(True, "its health check", f"{self.translated(victim)} is UNHEALTHY")

    def kill_agent(self):
        self.mesh.kill("agent-warehouse", signal.SIGKILL)
        wait_until("its peers to notice", lambda: self.liveness("storefront")["agent-warehouse"] != "ALIVE")
        self.mesh.ctl("payments", "apply", "-f", f"{self.manifests}/inventory.yaml")
        wait_until("the write to reach agent-storefront",
                   lambda: self.roots("storefront")["agent-storefront"]
                   == self.roots("payments")["agent-payments"])
        failed = sum(self.mesh.call(vpc, STOCK, 100)["failed"] for vpc in ("storefront", "payments"))
        seen = self.mesh.call("storefront", STOCK, 300)
        self.report.row(failed == 0 and self.green_share(seen) < 150, "agent-warehouse killed (SIGKILL)",
                        f"the others serve ({failed} of 200 calls failed) and accept a write (back to 90/10)")
        self.print_status("payments")

    def restart_agent(self):
        started = time.monotonic()
        self.mesh.start_agent("warehouse")
        wait_until("the restarted agent to catch up", self.agreed)
        took = time.monotonic() - started
        seen = self.mesh.call("warehouse", STOCK, 300)
        self.report.row(seen["failed"] == 0 and self.green_share(seen) < 150, "its restart",
                        f"caught up with equal roots after {took:.1f} s, serves the new split")
        self.print_status("warehouse")

    # --- What was seen -------------------------------------------------------------------------

    def agreed(self):
        state = self.mesh.state("storefront")
        agents = state.get("agents", [])
        return (state.get("converged", False) and len(agents) == len(demo_hosts.VPCS)
                and all(agent.get("liveness") == "ALIVE" for agent in agents))

    def liveness(self, vpc):
        return {agent["agent"]["displayName"]: agent.get("liveness")
                for agent in self.mesh.state(vpc)["agents"]}

    def roots(self, vpc):
        return {agent["agent"]["displayName"]: agent.get("root")
                for agent in self.mesh.state(vpc)["agents"]}

    def statuses(self, group, vpc="storefront"):
        listed = json.loads(
            self.mesh.ctl(vpc, "list", "targets", "--target-group", group, "-o", "json").stdout)
        return {target["id"]: target.get("status") for target in listed}

    def targets_healthy(self):
        return all(status == "HEALTHY"
                   for vpc in demo_hosts.VPCS
                   for group in ("inventory-blue", "inventory-green", "delivery", "payment", "order")
                   for status in self.statuses(group, vpc).values())

    def translated(self, address):
        return self.mesh.hosts.translate(address)

    def target_name(self, address):
        return f"{self.translated(address)}:{TARGET_PORT}"

    def green_share(self, seen):
        return sum(seen["by_target"].get(self.target_name(address), 0) for address in GREEN)

    def print_status(self, vpc):
        print()
        print("\n".join(("      " + line).rstrip()
                        for line in self.mesh.ctl(vpc, "mesh", "status").stdout.splitlines()))
        print(flush=True)


def words(by_status):
    return ", ".join(by_status)


def say_how_to_look_around(mesh):
    ctl = f"{mesh.ctl_binary} --socket={mesh.socket('storefront')}"
    ctl = ctl.replace(ROOT + "/", "")
    call = " ".join(mesh.hosts.command("storefront", "curl"))
    connect = mesh.hosts.connect("storefront")
    resolve = f" --connect-to ::{connect}" if connect else ""
    print(f"""
The mesh is running. Look around:
  {ctl} mesh status
  {ctl} describe service inventory
  {ctl} explain GET http://inventory.shop.example/stock/42
  {call}{resolve} http://inventory.shop.example/stock/42
  tail -n 1 {mesh.agent_folder('storefront')}/access.log
Stop it:
  tools/quickstart --stop""")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binaries", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--stop", action="store_true")
    arguments = parser.parse_args()

    running = Mesh.load(arguments.folder, arguments.binaries)
    if running:
        running.destroy()
    if arguments.stop:
        print("Stopped." if running else "Nothing was running.")
        return 0

    possible = demo_hosts.namespaces_possible()
    hosts = demo_hosts.Namespaces() if possible else demo_hosts.Loopback()
    mesh = Mesh(arguments.folder, hosts, arguments.binaries)
    report = Report()
    print("Three hosts, " + ("one network namespace each" if possible else "told apart by loopback address"))
    held = False
    try:
        mesh.create([f"{service}.shop.example" for service in SERVICES])
        Shop(mesh, report).run()
        held = not report.failed
    except Failure as failure:
        report.row(False, "stopped there", str(failure))
    finally:
        if arguments.check or not held:
            if not held:
                keep_logs(mesh)
            mesh.destroy()
    if not held:
        print("Failed: " + ", ".join(report.failed))
        return 1
    if not arguments.check:
        say_how_to_look_around(mesh)
    return 2 if arguments.check and not possible else 0


def keep_logs(mesh):
    kept = f"{mesh.folder}-failed"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(mesh.folder, kept, ignore_dangling_symlinks=True,
                    ignore=shutil.ignore_patterns("*.sock", "data", "*.key", "*.pem"))
    print(f"Logs are kept in {kept}")


if __name__ == "__main__":
    sys.exit(main())
