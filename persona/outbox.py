"""The outbox as a person sees it: what waits and why, what came to nothing, and what may be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from . import gate
from .approval import find_row
from .errors import WrongState
from .pause import Paused, paused
from .store import OutboxRow, append, reading, writing

DEAD = ("failed", "unknown", "expired")
"""What came to nothing: given up, uncertain, or too late."""
OPEN = ("planned", "held", "ready", "sending")
STATES = (*OPEN, "sent", "rejected", *DEAD)
_MAY: dict[str, tuple[str, ...]] = {
    "retry": (*DEAD, "ready"),
    "drop": (*DEAD, "planned", "held", "ready"),
}
_DONE = {"retry": "retried", "drop": "dropped"}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One row of the outbox. `reasons` say how it came to its state, `waits_for` what a ready text waits for."""

    id: int
    key: str
    persona: str
    channel: str
    kind: str
    state: str
    due_at: datetime
    text: str
    attempts: int
    reasons: tuple[str, ...]
    waits_for: str = ""


def listed(
    store: Engine,
    folder: Path,
    now: datetime,
    *,
    states: Sequence[str] = (*OPEN, *DEAD),
    persona: str | None = None,
    limit: int = 200,
) -> list[Waiting]:
    """Return rows in these states, the one that is due first first."""
    query = select(OutboxRow).where(OutboxRow.state.in_(states)).order_by(OutboxRow.due_at, OutboxRow.id).limit(limit)
    if persona is not None:
        query = query.where(OutboxRow.persona == persona)
    with reading(store) as session:
        gates, still = gate.gates(session, "send"), paused(session, folder, now)
        return [_waiting(row, gates, still, now) for row in session.scalars(query)]


def decide(store: Engine, ref: str, what: Literal["retry", "drop"], *, by: str, now: datetime) -> Waiting:
    """Let a text go out again as it is (retry), or never (drop); return it as it stands then.

    What is retried keeps its key, so that a network that knows the key takes it once; the reasons for which it was
    stopped count as waived. Raises DraftNotFound, DraftAmbiguous, or WrongState for one that is under way or over.
    """
    with writing(store) as session:
        row = find_row(session, ref)
        if row.state not in _MAY[what]:
            raise WrongState(ref=ref, state_text=row.state, what_text=_DONE[what])
        if what == "retry":
            _retry(session, row, now)
        else:
            row.state, row.next_try_at = "rejected", None
        append(session, at=now, persona=row.persona, kind=_DONE[what], key=row.key, by=by)
        session.flush()
        return _waiting(row, {}, Paused(), now)


def _retry(session: Session, row: OutboxRow, now: datetime) -> None:
    if row.text:
        row.state, row.approved_at = "ready", now
        row.cleared = [*row.cleared, *row.reasons]
    else:
        row.state, row.due_at = "planned", max(row.due_at, now)
    row.attempts, row.next_try_at = 0, None
    row.sending_at = row.tried_at = row.lease_owner = row.lease_until = None


def _waiting(row: OutboxRow, gates: gate.Gates, still: Paused, now: datetime) -> Waiting:
    return Waiting(
        id=row.id,
        key=row.key,
        persona=row.persona,
        channel=row.channel,
        kind=row.kind,
        state=row.state,
        due_at=row.due_at,
        text=row.text,
        attempts=row.attempts,
        reasons=tuple(str(reason) for reason in row.reasons),
        waits_for=_waits_for(row, gates, still, now),
    )


def _waits_for(row: OutboxRow, gates: gate.Gates, still: Paused, now: datetime) -> str:
    if row.state not in ("ready", "sending"):
        return ""
    closed = gates.get((row.persona, row.channel), gate.OPEN).closed(now)
    if why := still.why(row.persona) or (closed and f"the channel {row.channel} {closed}"):
        return why
    if row.next_try_at is not None and row.next_try_at > now:
        return f"its next try at {row.next_try_at:%Y-%m-%d %H:%M:%S} UTC"
    return "" if row.due_at <= now else "its time"
