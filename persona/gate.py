"""Whether a channel may be called: a circuit breaker, the wait that a network asked for, and a stop for a person.

Each account on each channel has two gates, for sends (with look-ups) and for polls, so that a network that still lets
itself be read is read. What is stored is only what went wrong: a channel that has always worked has no row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from .store import ChannelRow, append

What = Literal["send", "poll"]
BOTH: tuple[What, ...] = ("send", "poll")
OPENS = 5
"""After so many failures in a row the breaker opens: one call after each rest, until one goes well."""
REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """How it stands with one account on one channel, for one kind of call."""

    state: Literal["well", "resting", "stopped"] = "well"
    not_before: datetime | None = None
    reason: str = ""
    failures: int = 0

    def closed(self, now: datetime) -> str:
        """Return why no call may be made at `now`, or an empty text."""
        if self.state == "stopped":
            return f"stopped: {self.reason}"
        if self.not_before is not None and now < self.not_before:
            return f"rests until {self.not_before:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"
        return ""


OPEN = Gate()
Gates = Mapping[tuple[str, str], Gate]


def gates(session: Session, what: What) -> dict[tuple[str, str], Gate]:
    """Return the gates by (handle, channel name); where there is none, all is well."""
    rows = session.scalars(select(ChannelRow).where(ChannelRow.what == what))
    return {(row.persona, row.channel): _gate(row) for row in rows}


def gate_of(session: Session, persona: str, channel: str, what: What) -> Gate:
    """Return one gate as it stands now."""
    row = session.get(ChannelRow, (persona, channel, what))
    return OPEN if row is None else _gate(row)


def went_well(session: Session, persona: str, channel: str, what: What, now: datetime) -> None:
    """Close the breaker. A wait that the network asked for stays."""
    row = session.get(ChannelRow, (persona, channel, what))
    if row is None or (row.state == "well" and not row.failures):
        return
    if row.state == "resting":
        row.not_before, row.reason = None, ""
        append(session, at=now, persona=persona, kind="well", channel=channel, what=what)
    row.state, row.failures, row.since = "well", 0, now


def went_wrong(
    session: Session,
    persona: str,
    channel: str,
    what: What,
    now: datetime,
    cause: str,
    retry_after: timedelta | None = None,
) -> Gate:
    """Count a failure; open the breaker at the OPENS-th in a row. After `retry_after` neither kind of call is made."""
    if retry_after:
        for each in BOTH:
            _wait(_row(session, persona, channel, each, now), now + retry_after, cause)
    row = _row(session, persona, channel, what, now)
    row.failures += 1
    if row.failures >= OPENS and row.state != "stopped":
        if row.state != "resting":
            append(session, at=now, persona=persona, kind="resting", channel=channel, what=what, reason=cause)
            row.since = now
        row.state = "resting"
        rest = min(REST * 2 ** min(row.failures - OPENS, 20), LONGEST_REST)
        _wait(row, now + rest, cause)
    return _gate(row)


def stop(session: Session, persona: str, channel: str, now: datetime, cause: str) -> None:
    """Make no call until a person resumes the channel."""
    for what in BOTH:
        row = _row(session, persona, channel, what, now)
        row.state, row.reason, row.since = "stopped", cause, now
    append(session, at=now, persona=persona, kind="stopped", channel=channel, reason=cause)


def hangs(session: Session, persona: str, channel: str, what: What, now: datetime, cause: str) -> None:
    """Note that a call does not return. The gate says so and stays as it is: the call itself bars the way."""
    row = _row(session, persona, channel, what, now)
    row.state, row.reason, row.since = "resting", cause, now


def resume(
    session: Session, now: datetime, *, by: str, persona: str | None = None, channel: str | None = None
) -> Sequence[tuple[str, str]]:
    """Open the gates that are not well, of one account or of all; return which, as (handle, channel)."""
    query = select(ChannelRow).order_by(ChannelRow.persona, ChannelRow.channel)
    if persona is not None:
        query = query.where(ChannelRow.persona == persona)
    if channel is not None:
        query = query.where(ChannelRow.channel == channel)
    opened: dict[tuple[str, str], None] = {}
    for row in session.scalars(query).all():
        if row.state == "stopped" or row.not_before is not None or row.failures:
            row.state, row.failures, row.not_before, row.reason, row.since = "well", 0, None, "", now
            opened[row.persona, row.channel] = None
    for handle, name in opened:
        append(session, at=now, persona=handle, kind="resumed", channel=name, by=by)
    return list(opened)


def _row(session: Session, persona: str, channel: str, what: What, now: datetime) -> ChannelRow:
    row = session.get(ChannelRow, (persona, channel, what))
    if row is None:
        row = ChannelRow(persona=persona, channel=channel, what=what, state="well", failures=0, reason="", since=now)
        session.add(row)
    return row


def _wait(row: ChannelRow, until: datetime, cause: str) -> None:
    if row.not_before is None or row.not_before < until:
        row.not_before = until
    if row.state != "stopped":
        row.reason = cause


def _gate(row: ChannelRow) -> Gate:
    return Gate(
        state=row.state,  # type: ignore[arg-type]
        not_before=row.not_before,
        reason=row.reason,
        failures=row.failures,
    )
