"""A small network in a process of its own, over real HTTP, with a log that the auditor reads.

`python -m experiments._wire_network --log FILE --clock FILE [--mode MODE] [--visible SECONDS]`
prints its port and serves until it is killed. POST /posts publishes, GET /posts?account=&key= looks a post up.
Modes: `idempotent` keeps keys with the posts; `readback` keeps none, and shows a post only up to `--visible` virtual
seconds after it took it; `late_key` stores the key only up to `--key-after` real seconds after the post, in between
a second request posts again.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from experiments._clock import SharedClock


class Network:
    """All posts, their keys, and the log. Goes on from the log that it finds."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.mode, self.visible, self.key_after = args.mode, args.visible, args.key_after
        self.clock = SharedClock(args.clock)
        self.draw = random.Random(args.seed)
        self.lock = threading.Lock()
        self.keys: dict[tuple[str, str], str] = {}
        self.shown: dict[tuple[str, str], tuple[datetime, str]] = {}
        self.count = self.repeats = self.raced = 0
        self.pending: set[tuple[str, str]] = set()
        if args.log.exists():
            for line in args.log.read_text().splitlines():
                row = json.loads(line)
                self.count += 1
                name = (row["account"], row["key"])
                self.keys.setdefault(name, row["id"])
                self.shown.setdefault(name, (self.clock.now(), row["id"]))
        self.log = args.log.open("a")

    def publish(self, body: dict[str, Any]) -> str:
        """Take a post as the mode has it; return its id."""
        name = (body["account"], body["key"])
        with self.lock:
            self.repeats += name in self.shown
            self.raced += name in self.pending
            if self.mode != "readback" and name in self.keys:
                return self.keys[name]
            self.count += 1
            post_id, now = f"{self.count:06d}", self.clock.now()
            row = {"at": now.isoformat(), "account": name[0], "text": body["text"], "key": name[1], "id": post_id}
            self.log.write(json.dumps(row) + "\n")
            self.log.flush()
            late = self.draw.uniform(0, self.visible) if self.mode == "readback" else 0.0
            self.shown.setdefault(name, (now + timedelta(seconds=late), post_id))
            pause = self.draw.uniform(0, self.key_after) if self.mode == "late_key" else 0.0
            if self.mode == "idempotent":
                self.keys[name] = post_id
            else:
                self.pending.add(name)
        if pause:
            time.sleep(pause)
        with self.lock:
            self.pending.discard(name)
            self.keys.setdefault(name, post_id)
        return post_id

    def find(self, account: str, key: str) -> str | None:
        """Return the id of the post that is visible under this key, or None."""
        with self.lock:
            at, post_id = self.shown.get((account, key), (None, None))
            return post_id if at is not None and at <= self.clock.now() else None


class Handler(BaseHTTPRequestHandler):
    """The network's two doors, and its counters at /counts."""

    network: Network

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200, {"id": self.network.publish(body)})

    def do_GET(self) -> None:
        if self.path == "/counts":
            network = self.network
            self._answer(200, {"posts": network.count, "repeats": network.repeats, "raced": network.raced})
            return
        asked = parse_qs(urlsplit(self.path).query)
        found = self.network.find(asked["account"][0], asked["key"][0])
        self._answer(200 if found else 404, {"id": found})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # who asked was killed meanwhile

    def log_message(self, *args: object) -> None:
        """Say nothing: the log is the network's, not the server's."""


class Server(ThreadingHTTPServer):
    """Does not complain of a sender that dies while it is heard."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over it: kills are what the experiment is about."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--log", type=Path, required=True)
    arguments.add_argument("--clock", type=Path, required=True)
    arguments.add_argument("--mode", choices=("idempotent", "readback", "late_key"), default="idempotent")
    arguments.add_argument("--visible", type=float, default=5.0)
    arguments.add_argument("--key-after", type=float, default=0.1)
    arguments.add_argument("--seed", type=int, default=1)
    Handler.network = Network(arguments.parse_args())
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
