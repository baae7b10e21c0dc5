"""Rows of the outbox for tests of delivery, and parts with one channel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from persona.channel import Channel
from persona.clock import VirtualClock
from persona.delivery import deliver_due
from persona.parts import Parts
from persona.store import OutboxRow, reading, writing

HANDLE = "tamsin_specs"


def with_channels(parts: Parts, *channels: Channel) -> Parts:
    parts.channels = {(HANDLE, channel.name): channel for channel in channels}
    return parts


def ready(parts: Parts, count: int = 1, *, channel: str, due: datetime | None = None, **values: Any) -> list[int]:
    """Put `count` texts into the outbox, ready and due now."""
    with writing(parts.store) as session:
        known = len(session.scalars(select(OutboxRow.id)).all())
        made = [
            OutboxRow(
                **{
                    "key": f"key-{known + n}",
                    "persona": HANDLE,
                    "channel": channel,
                    "kind": "post",
                    "due_at": due or parts.clock.now(),
                    "state": "ready",
                    "body": f"text {known + n}",
                    "text": f"text {known + n} #AI",
                    "labels": ["#AI"],
                    **values,
                }
            )
            for n in range(count)
        ]
        session.add_all(made)
        session.flush()
        return [row.id for row in made]


def row(parts: Parts, row_id: int) -> OutboxRow:
    with reading(parts.store) as session:
        return session.get_one(OutboxRow, row_id)


def states(parts: Parts) -> list[str]:
    with reading(parts.store) as session:
        return list(session.scalars(select(OutboxRow.state).order_by(OutboxRow.id)))


def deliver_for(parts: Parts, how_long: timedelta, step: timedelta = timedelta(seconds=15)) -> int:
    """Deliver at every step of the clock, and at its end."""
    clock = parts.clock
    assert isinstance(clock, VirtualClock)
    until, sent = clock.now() + how_long, 0
    while True:
        sent += deliver_due(parts, clock.now())
        if clock.now() >= until:
            return sent
        clock.set(min(clock.now() + step, until))
