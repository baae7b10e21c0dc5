"""The channel to `experiments._wire_network`, and the process that serves it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from experiments._clock import SharedClock
from persona.channel import Channel, Outgoing, Promise, Seat, Sent
from persona.errors import ChannelError, SendUncertain

Mode = Literal["idempotent", "readback", "late_key"]
SETTLE = timedelta(minutes=10)
"""Longer than a request is ever on its way, and than the longest that a post may stay out of sight."""
TIMEOUT = 0.9


class Wire(Channel):
    """Posts by HTTP. What it promises is set by who opens it."""

    name = "wire"

    def __init__(self, seat: Seat, port: int) -> None:
        super().__init__(seat)
        self.port = port

    def send(self, post: Outgoing) -> Sent:
        body = json.dumps({"account": self.seat.handle, "key": post.key, "text": post.text})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise ChannelError(channel=self.name, cause_text=f"no connection: {error}") from error
            try:
                connection.request("POST", "/posts", body)
                return Sent(id=json.loads(connection.getresponse().read())["id"])
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                raise SendUncertain(channel=self.name, key=post.key, cause_text=repr(error)) from error
        finally:
            connection.close()

    def find(self, key: str) -> Sent | None:
        found = ask(self.port, f"/posts?{urlencode({'account': self.seat.handle, 'key': key})}")
        return Sent(id=found["id"]) if found["id"] else None


def ask(port: int, path: str) -> dict[str, Any]:
    """Return what the network answers to a GET. Raises OSError."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


class ReadbackWire(Wire):
    """The same, for a network without keys: what is out is looked up."""

    promise = Promise(kind="readback", window=SETTLE)


class KeyWire(Wire):
    """The same, for a network that knows keys."""

    promise = Promise(kind="idempotent", window=timedelta(days=30))


def opener(kind: type[Wire], port: int) -> Callable[[Seat], Channel]:
    """Return what opens a channel of this kind for a seat."""
    return lambda seat: kind(seat, port)


@contextmanager
def network(log: Path, clock: SharedClock, mode: Mode, *more: str) -> Iterator[int]:
    """Run the network in a process of its own; give its port."""
    words = ["--log", str(log), "--clock", str(clock.path), "--mode", mode, *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments._wire_network", *words],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
