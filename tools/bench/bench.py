"""The benchmarks of tools/bench/run; convergence and churn: three agents on loopback."""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

from tools.bench import replication, scale
from tools.bench.measured import Measured
from tools.demo.hosts import Loopback
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
---
kind: ServiceNetwork
name: bench
---
kind: VpcAssociation
serviceNetwork: bench
vpc: storefront
---
kind: VpcAssociation
serviceNetwork: bench
vpc: payments
---
kind: Service
name: probed
customDomain: probed.bench.example
---
kind: ServiceAssociation
serviceNetwork: bench
service: probed
---
kind: Listener
service: probed
name: http
protocol: HTTP
port: 80
defaultAction: {fixedResponse: {statusCode: 404}}
---
kind: Rule
service: probed
listener: http
name: flipped
priority: 1
match: {path: {exact: /probe}}
action: {fixedResponse: {statusCode: 404}}
"""
LOADED = """
kind: Service
name: loaded
customDomain: loaded.bench.example
---
kind: ServiceAssociation
serviceNetwork: bench
service: loaded
---
kind: TargetGroup
name: loaded-a
type: IP
vpc: storefront
port: 8080
targets: [{id: 127.31.1.11}, {id: 127.31.1.12}]
---
kind: TargetGroup
name: loaded-b
type: IP
vpc: storefront
port: 8080
targets: [{id: 127.31.1.21}]
---
kind: Listener
service: loaded
name: http
protocol: HTTP
port: 80
defaultAction: {fixedResponse: {statusCode: 404}}
---
"""
LOADED_RULE = """
kind: Rule
service: loaded
listener: http
name: changing
priority: 10
match: {{path: {{prefix: /}}}}
action: {{forward: [{{targetGroup: loaded-a, weight: {a}}}, {{targetGroup: loaded-b, weight: {b}}}]}}
"""


@contextlib.contextmanager
def loopback_mesh(arguments, folder):
    mesh = Mesh(f"{folder}/m", Loopback(block=201), arguments.binaries)
    try:
        yield mesh
    finally:
        mesh.destroy()


def form(mesh, *manifests):
    mesh.create()
    first = f"{mesh.folder}/network.yaml"
    with open(first, "w", encoding="utf-8") as file:
        file.write("---".join((NETWORK, *manifests)))
    mesh.form(first)
    wait_until("three agents to agree", lambda: mesh.state("payments").get("converged")
               and len(mesh.state("payments")["agents"]) == 3)


def convergence(arguments, measured, folder):
    with loopback_mesh(arguments, folder) as mesh:
        measure_convergence(mesh, measured)


def measure_convergence(mesh, measured):
    form(mesh)
    rules = json.loads(mesh.ctl("storefront", "list", "rules", "--service", "probed",
                                "--listener", "http", "-o", "json").stdout)
    result = subprocess.run(
        [f"{mesh.binaries}/tests/benchmark/convergence", f"--socket={mesh.socket('storefront')}",
         f"--probe={mesh.hosts.connect('payments')}", "--host=probed.bench.example",
         f"--rule={rules[0]['resourceName']}", "--writes=200"],
        capture_output=True, text=True, check=False, timeout=300)
    if result.returncode != 0:
        raise Failure(f"convergence: {result.stderr.strip()}")
    samples = measured.raw = json.loads(result.stdout)
    for key, words in (("accepted_ms", "accepted by agent A (fsync included)"),
                       ("enforced_ms", "enforced by the proxy of agent C")):
        for figure in ("p50", "p90", "p99", "max"):
            value = samples[key][figure]
            wanted = (key, figure) == ("enforced_ms", "p99")
            measured.add(f"{words}, {figure}", f"{value:.2f} ms", "<= 100 ms" if wanted else "",
                         value <= 100 if wanted else None)


def churn(arguments, measured, folder):
    with loopback_mesh(arguments, folder) as mesh:
        measure_churn(mesh, measured)


def measure_churn(mesh, measured):
    form(mesh, LOADED + LOADED_RULE.format(a=50, b=50))
    template = os.path.join(os.path.dirname(os.path.abspath(__file__)), "target.conf.in")
    for address in ("10.31.1.11", "10.31.1.12", "10.31.1.21"):
        mesh.start_target("storefront", "loaded", address, 8080, template)
    wait_until("the proxy to serve", lambda: mesh.call(
        "storefront", "http://loaded.bench.example/", 1)["failed"] == 0)
    failed, requests = 0, 0
    changes = 0
    while requests < 1_000_000:
        done = threading.Event()
        outcome = {}

        def load():
            outcome.update(run_wrk(mesh.hosts.connect("storefront"), seconds=20))
            done.set()

        worker = threading.Thread(target=load)
        worker.start()
        while not done.wait(0.3):
            changes += 1
            share = (changes * 37) % 100
            path = f"{mesh.folder}/rule.yaml"
            with open(path, "w", encoding="utf-8") as file:
                file.write(LOADED_RULE.format(a=share, b=100 - share))
            # Written on one agent, enforced on another: the loaded one.
            mesh.ctl("payments", "apply", "-f", path)
        worker.join()
        requests += outcome["requests"]
        failed += outcome["failed"]
    measured.raw = {"requests": requests, "changes": changes, "failed": failed}
    measured.add("requests through one worker, keep-alive", f"{requests:,}", ">= 1,000,000",
                 requests >= 1_000_000)
    measured.add("rule changes meanwhile", str(changes), ">= 50", changes >= 50)
    measured.add("answers other than 2xx, or socket errors", str(failed), "0", failed == 0)


def run_wrk(address, seconds):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("""
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('JSON {"requests": %d, "failed": %d}\\n', summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
""")
        script.flush()
        result = subprocess.run(
            ["wrk", "-t1", "-c32", f"-d{seconds}s", "-H", "Host: loaded.bench.example", "-s",
             script.name, f"http://{address}/"],
            capture_output=True, text=True, check=False, timeout=seconds + 30)
    for line in result.stdout.splitlines():
        if line.startswith("JSON "):
            return json.loads(line[5:])
    raise Failure(f"wrk: {result.stderr.strip() or result.stdout.strip()}")


BENCHMARKS = {"convergence": convergence, "churn": churn, "replication": replication.run,
              "scale": scale.run}


def main():
    parser = argparse.ArgumentParser(prog="tools/bench/run")
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--agents", type=int, default=3, help="replication: how many (default 3)")
    parser.add_argument("--writes", type=int, default=500,
                        help="replication: writes of phase enforcement (default 500)")
    parser.add_argument("--phases", nargs="+", choices=replication.PHASES,
                        default=replication.PHASES, help="replication: only these")
    parser.add_argument("--services", type=int, default=10000, help="scale: how many (default 10000)")
    parser.add_argument("--keep-logs", metavar="FOLDER",
                        help="replication, scale: copy the agents' logs there")
    arguments = parser.parse_args()
    if arguments.agents < 2:
        parser.error("--agents: at least 2")

    # So that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    measured = Measured()
    with tempfile.TemporaryDirectory(prefix="trlb", dir="/tmp") as folder:
        try:
            BENCHMARKS[arguments.name](arguments, measured, folder)
        except Failure as failure:
            print(f"tools/bench/run: {failure}", file=sys.stderr)
            return 1
        finally:
            measured.print()
            if arguments.json:
                with open(arguments.json, "w", encoding="utf-8") as file:
                    json.dump({"table": measured.as_dict(), "raw": measured.raw}, file, indent=1)
    return 0 if all(met is not False for *_, met in measured.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
