"""Doubles of a channel: one that keeps what it is sent in RAM, and one that fails on demand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from persona.channel import Channel, Event, Limits, Outgoing, Poll, Promise, Seat, Sent, Standing
from persona.clock import Clock, VirtualClock
from persona.errors import ChannelError, SendUncertain

Fault = Literal["ok", "refuse", "uncertain_lost", "uncertain_sent", "crash"]


def make_seat(*, handle: str = "ana", clock: Clock | None = None, folder: Path | None = None, **settings: Any) -> Seat:
    """Return a seat for tests; its clock stands at 2026-03-02 09:00 UTC unless one is given."""
    start = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
    return Seat(
        persona=handle,
        handle=handle,
        name=handle.title(),
        bio=f"{handle.title()}, a virtual character.",
        settings=settings,
        folder=folder or Path(),
        clock=clock or VirtualClock(start),
    )


class RecordingChannel(Channel):
    """Keeps every post in `sent`, in order, and gives `inbox` to who polls.

    It keeps its promise: a key that was sent before gives the first post back and adds nothing.
    """

    name = "recording"
    promise = Promise(kind="idempotent", window=timedelta(days=30))
    limits = Limits(max_chars=500)
    simulated = True

    def __init__(self, seat: Seat | None = None) -> None:
        super().__init__(seat or make_seat())
        self.sent: list[Outgoing] = []
        self.attempts: list[Outgoing] = []
        self.inbox: list[Event] = []
        self.closed = False
        self._ids: dict[str, Sent] = {}

    def send(self, post: Outgoing) -> Sent:
        self.attempts.append(post)
        if len(post.text) > self.limits.max_chars:
            raise ChannelError(channel=self.name, cause_text=f"the text is longer than {self.limits.max_chars}")
        return self._keep(post)

    def _keep(self, post: Outgoing) -> Sent:
        if post.key not in self._ids:
            self.sent.append(post)
            self._ids[post.key] = Sent(id=f"{self.name}-{len(self.sent)}")
        return self._ids[post.key]

    def find(self, key: str) -> Sent | None:
        return self._ids.get(key)

    def hear(self, *events: Event) -> None:
        """Put events into the inbox, for the polls to come."""
        self.inbox.extend(events)

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        read = frozenset(cursor.split()) if cursor else frozenset()
        new = sorted((e for e in self.inbox if e.id not in read and e.at < until), key=lambda e: (e.at, e.id))
        return Poll(events=new, cursor=" ".join(sorted(read | {e.id for e in new})) if new else cursor)

    def standing(self) -> Standing:
        kinds = [e.kind for e in self.inbox]
        return Standing(followers=kinds.count("follow"), posts=len(self.sent), likes=kinds.count("like"))

    def close(self) -> None:
        self.closed = True


class FlakyChannel(RecordingChannel):
    """Fails as told: each send uses up one of `faults`, and once they are gone it works.

    `refuse` raises ChannelError, nothing went out. `uncertain_lost` and `uncertain_sent` raise SendUncertain, and the
    post is out in the second case only. `crash` raises RuntimeError after the post went out. It reads back.
    """

    name = "flaky"
    promise: Promise = Promise(kind="readback", window=timedelta(minutes=1))

    def __init__(self, seat: Seat | None = None, faults: Sequence[Fault] = ()) -> None:
        super().__init__(seat)
        self.faults = list(faults)

    def send(self, post: Outgoing) -> Sent:
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "ok":
            return super().send(post)
        self.attempts.append(post)
        if fault == "refuse":
            raise ChannelError(channel=self.name, cause_text="it was told to refuse")
        if fault == "uncertain_lost":
            raise SendUncertain(channel=self.name, key=post.key, cause_text="the answer got lost, and so did the post")
        self._keep(post)
        if fault == "crash":
            raise RuntimeError("the channel broke after sending")
        raise SendUncertain(channel=self.name, key=post.key, cause_text="the answer got lost")
