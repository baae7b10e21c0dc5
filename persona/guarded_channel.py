"""A channel in a process of its own: one that hangs, crashes, floods, lies or eats memory takes nothing with it.

The adapter lives in `persona.channel_worker`; each call is one line of JSON there and one back. A call that exceeds
its time or its size, or a worker that ends, costs that call only: the next one starts a fresh worker.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .channel import Channel, Event, Outgoing, Poll, Promise, Seat, Sent, Standing
from .errors import ChannelError, ChannelRefused, PersonaError, PostRefused, SendUncertain

LIMIT = 60.0
"""Seconds that one call may take, the start of the worker included."""
MEMORY = 1 << 30
"""Bytes of address space that a worker may use."""
ANSWER = 4 << 20
"""Bytes that one answer may have."""
EVENTS = 2000
"""Events that one poll may bring; a channel that has more tells of them at the next one."""
_ERRORS: Mapping[str, type[ChannelError]] = {
    "ChannelError": ChannelError,
    "ChannelRefused": ChannelRefused,
    "PostRefused": PostRefused,
}


class _Lost(Exception):
    """No usable answer came; the text says why."""


class GuardedChannel(Channel):
    """Stands for the channel `kind`, found under `name` by the registry of `project`, opened for `seat`.

    Keeps the contract of `Channel`: what the adapter raises comes through; no answer to a send is SendUncertain, to
    anything else ChannelError.
    """

    name = "guarded"

    def __init__(
        self, kind: type[Channel], seat: Seat, *, project: Path, limit: float = LIMIT, memory: int = MEMORY
    ) -> None:
        super().__init__(seat)
        # These are of the class elsewhere; here every instance stands for another class.
        self.name = kind.name
        self.promise, self.limits, self.rate = kind.promise, kind.limits, kind.rate
        self._project, self._limit, self._memory = project, limit, memory
        self._worker: subprocess.Popen[bytes] | None = None

    def send(self, post: Outgoing) -> Sent:
        try:
            return _sent(self._call("send", post=asdict(post)))
        except _Lost as error:
            raise SendUncertain(channel=self.name, key=post.key, cause_text=str(error)) from error

    def find(self, key: str) -> Sent | None:
        found = self._ask("find", key=key)
        try:
            return None if found is None else _sent(found)
        except _Lost as error:
            raise ChannelError(channel=self.name, cause_text=str(error)) from error

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        answer = self._ask("poll", cursor=cursor, until=until.isoformat())
        try:
            events = [_event(each) for each in answer["events"][:EVENTS]]
            if len(answer["events"]) > EVENTS:
                raise _Lost(f"it tells of more than {EVENTS} events at once")
            after = answer["cursor"]
            if not isinstance(after, str | None):
                raise _Lost("its cursor is no text")
            return Poll(events=events, cursor=after)
        except (_Lost, KeyError, TypeError, ValueError) as error:
            raise ChannelError(channel=self.name, cause_text=f"its answer makes no sense: {error}") from error

    def standing(self) -> Standing:
        try:
            return Standing(**self._ask("standing"))
        except TypeError as error:
            raise ChannelError(channel=self.name, cause_text=f"its answer makes no sense: {error}") from error

    def close(self) -> None:
        if self._worker is not None:
            self._end()

    def _ask(self, call: str, **values: Any) -> Any:
        try:
            return self._call(call, **values)
        except _Lost as error:
            raise ChannelError(channel=self.name, cause_text=str(error)) from error

    def _call(self, call: str, **values: Any) -> Any:
        """Return what the adapter answers. Raises what it raised, or _Lost."""
        end = time.monotonic() + self._limit
        try:
            if self._worker is None or self._worker.poll() is not None:
                self._start(end)
            return self._exchange({"call": call, "now": self.seat.clock.now().isoformat(), **values}, end)
        except _Lost:
            self._end()
            raise

    def _start(self, end: float) -> None:
        self._end()
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "persona.channel_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            start_new_session=True,
        )
        seat = self.seat
        told = {name: getattr(seat, name) for name in ("persona", "handle", "name", "bio", "labels")}
        told |= {"settings": dict(seat.settings), "folder": str(seat.folder), "now": seat.clock.now().isoformat()}
        try:
            hello = self._exchange(
                {"project": str(self._project), "channel": self.name, "memory": self._memory, "seat": told}, end
            )
            promise = hello["promise"]
            self.promise = Promise(kind=promise["kind"], window=timedelta(seconds=promise["window"]))
        except PersonaError as error:
            raise ChannelError(channel=self.name, cause_text=f"it does not open: {error}") from error

    def _exchange(self, message: Mapping[str, Any], end: float) -> Any:
        worker = self._worker
        assert worker is not None
        assert worker.stdin is not None
        try:
            worker.stdin.write(json.dumps(message, default=str).encode() + b"\n")
            worker.stdin.flush()
        except OSError as error:
            raise _Lost(self._ended()) from error
        try:
            answer = json.loads(self._line(end))
        except ValueError as error:
            raise _Lost("its answer is no JSON") from error
        if not isinstance(answer, dict):
            raise _Lost("its answer makes no sense")
        if "error" in answer:
            raise self._raised(answer["error"])
        return answer.get("ok")

    def _line(self, end: float) -> bytes:
        worker = self._worker
        assert worker is not None
        assert worker.stdout is not None
        handle, got = worker.stdout.fileno(), bytearray()
        while not got.endswith(b"\n"):
            ready, _, _ = select.select([handle], [], [], max(end - time.monotonic(), 0.0))
            if not ready:
                raise _Lost(f"it did not answer within {self._limit:g} s")
            part = os.read(handle, 1 << 16)
            if not part:
                raise _Lost(self._ended())
            got += part
            if len(got) > ANSWER:
                raise _Lost(f"its answer is longer than {ANSWER >> 20} MiB")
        return bytes(got)

    def _ended(self) -> str:
        assert self._worker is not None
        try:
            code = self._worker.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "it hears nothing any more"
        return f"its process ended with {f'signal {-code}' if code < 0 else f'code {code}'}"

    def _raised(self, told: Mapping[str, Any]) -> Exception:
        kind, cause = str(told.get("kind")), str(told.get("cause"))[:500]
        wait = told.get("retry_after")
        retry_after = timedelta(seconds=float(wait)) if isinstance(wait, int | float) else None
        if kind == "SendUncertain":
            return SendUncertain(channel=self.name, key=str(told.get("key")), cause_text=cause, retry_after=retry_after)
        if kind in _ERRORS:
            return _ERRORS[kind](channel=self.name, cause_text=cause, retry_after=retry_after)
        return _Lost(f"{kind}: {cause}")

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                pipe.close()


def _sent(answer: Any) -> Sent:
    if not isinstance(answer, dict) or not isinstance(answer.get("id"), str) or not 0 < len(answer["id"]) <= 200:
        raise _Lost("it does not say under what id the post is out")
    url = answer.get("url", "")
    return Sent(id=answer["id"], url=url if isinstance(url, str) else "")


def _event(answer: Mapping[str, Any]) -> Event:
    values = {**answer, "at": datetime.fromisoformat(answer["at"])}
    texts = [value for name, value in values.items() if name not in ("at", "author_is_bot")]
    if values["at"].tzinfo is None or not all(isinstance(value, str | None) for value in texts):
        raise _Lost("an event is not what the contract says")
    if not all(isinstance(values[name], str) and values[name] for name in ("id", "kind", "author")):
        raise _Lost("an event has no id, kind or author")
    return Event(**values)
