"""Calls a service over keep-alive connections and counts answers by status and by target.

    calls.py --url http://inventory.shop.example/stock --count 1000
    calls.py --url ... --until-stdin-closes       load until the parent closes our standard input

Prints one JSON object: {"calls", "failed", "by_status", "by_target", "first_failure"}. A call fails
when no 2xx answer comes; the target names itself in the answer's JSON body.
"""

import argparse
import collections
import http.client
import json
import sys
import threading
import urllib.parse


class Tally:
    """What the callers saw. Shared by their threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.by_status = collections.Counter()
        self.by_target = collections.Counter()
        self.failed = 0
        self.first_failure = None

    def add(self, status, body):
        target = None
        try:
            target = json.loads(body).get("target")
        except (ValueError, AttributeError):
            pass
        with self.lock:
            self.by_status[str(status)] += 1
            if target:
                self.by_target[target] += 1
            if not 200 <= status < 300:
                self.fail_locked(f"status {status}: {body[:120]!r}")

    def fail(self, words):
        with self.lock:
            self.by_status["none"] += 1
            self.fail_locked(words)

    def fail_locked(self, words):
        self.failed += 1
        self.first_failure = self.first_failure or words

    def as_dict(self):
        return {
            "calls": sum(self.by_status.values()),
            "failed": self.failed,
            "by_status": dict(self.by_status),
            "by_target": dict(self.by_target),
            "first_failure": self.first_failure,
        }


def call_repeatedly(arguments, tally, take_turn):
    url = urllib.parse.urlsplit(arguments.url)
    connect = arguments.connect or f"{url.hostname}:{url.port or 80}"
    address, port = connect.rsplit(":", 1)
    connection = None
    while take_turn():
        try:
            if connection is None:
                connection = http.client.HTTPConnection(address, int(port), timeout=10)
            path = url.path + (f"?{url.query}" if url.query else "")
            connection.request(arguments.method, path or "/", headers={"Host": url.netloc})
            answer = connection.getresponse()
            tally.add(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            tally.fail(f"{type(error).__name__}: {error}")
            if connection is not None:
                connection.close()
            connection = None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--method", default="GET")
    parser.add_argument("--connect", help="address:port to dial instead of the URL's host")
    parser.add_argument("--threads", type=int, default=4)
    bound = parser.add_mutually_exclusive_group(required=True)
    bound.add_argument("--count", type=int)
    bound.add_argument("--until-stdin-closes", action="store_true")
    arguments = parser.parse_args()

    tally = Tally()
    if arguments.count is not None:
        turns = iter(range(arguments.count))
        lock = threading.Lock()

        def take_turn():
            with lock:
                return next(turns, None) is not None
    else:
        closed = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()

        def take_turn():
            return not closed.is_set()

    threads = [
        threading.Thread(target=call_repeatedly, args=(arguments, tally, take_turn))
        for _ in range(arguments.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump(tally.as_dict(), sys.stdout)
    print()


if __name__ == "__main__":
    main()
