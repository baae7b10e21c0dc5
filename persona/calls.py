"""How many calls an account has made on a channel, counted so that a restart forgets none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .channel import Channel, Rate
from .definition import Persona
from .store import CallRow

_BUCKETS = 30
"""A call is remembered by the thirtieth of the window that it fell into, and counts until all of that has passed."""
KEPT_FOR_POSTS = 0.2
"""Polls leave this share of the calls alone."""


def rate_of(persona: Persona | None, channel: Channel) -> Rate | None:
    """Return how many calls the account may make: what the persona says, else what the channel says."""
    own = persona.delivery.rates.get(channel.name) if persona else None
    return Rate(calls=own.calls, window=own.window) if own else channel.rate


def take(session: Session, persona: str, channel: str, rate: Rate | None, now: datetime, *, keep: float = 0.0) -> bool:
    """Count one call in the caller's transaction; False, and nothing is counted, if it would be one too many.

    `keep` is the share of the calls that is left to others.
    """
    if rate is None:
        return True
    size = rate.window / _BUCKETS
    bucket = datetime.fromtimestamp(now.timestamp() // size.total_seconds() * size.total_seconds(), UTC)
    own = (CallRow.persona == persona, CallRow.channel == channel)
    # A bucket of the future is of a clock that went back; it is forgotten, or it would count until then.
    session.execute(
        delete(CallRow).where(
            *own, (CallRow.bucket <= bucket - rate.window - size) | (CallRow.bucket > bucket + timedelta(seconds=1))
        )
    )
    if _count(session, persona, channel) + 1 > max(1, int(rate.calls * (1 - keep))):
        return False
    row = session.get(CallRow, (persona, channel, bucket))
    if row is None:
        session.add(CallRow(persona=persona, channel=channel, bucket=bucket, count=1))
    else:
        row.count += 1
    session.flush()
    return True


def _count(session: Session, persona: str, channel: str) -> int:
    query = select(func.coalesce(func.sum(CallRow.count), 0))
    return int(session.scalar(query.where(CallRow.persona == persona, CallRow.channel == channel)) or 0)
