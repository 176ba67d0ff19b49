"""What tests of real agents share: how agents end, and what sanitizers found in them."""

import glob
import os
import signal
import subprocess
from unittest import mock

from tools.demo.mesh import wait_until

RUNFILES = os.path.join(os.environ["TEST_SRCDIR"], "trellis")


def report_to(folder, add_cleanup):
    """Every process started from now on, built with --asan and the like, leaves what it found there."""
    for sanitizer in ("ASAN", "LSAN", "TSAN", "UBSAN"):
        given = os.environ.get(f"{sanitizer}_OPTIONS", "")
        options = f"{given}:log_path={folder}/report".lstrip(":")
        environment = mock.patch.dict(os.environ, {f"{sanitizer}_OPTIONS": options})
        environment.start()
        add_cleanup(environment.stop)


def reports(folder):
    found = []
    for report in glob.glob(f"{folder}/report.*"):
        with open(report, encoding="utf-8", errors="replace") as file:
            found.append(file.read())
    return found


def stop(mesh):
    """Asks each process to end; returns which did not end well."""
    running = [name for name in mesh.processes if mesh.alive(name)]
    for name in running:
        mesh.kill(name, signal.SIGTERM, wait=False)
    for name in running:
        wait_until(f"{name} to end", lambda name=name: not mesh.alive(name))
    codes = {name: mesh.children[name].returncode for name in running}
    return [f"{name} ended with {code}" for name, code in codes.items() if code != 0]


def start_writer(mesh, host, prefix, count):
    """Creates service networks through the agent of `host`; its lines are the acknowledged names."""
    return subprocess.Popen(
        [f"{RUNFILES}/tests/integration/writer", mesh.socket(host), prefix, str(count)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
