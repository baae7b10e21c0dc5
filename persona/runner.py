"""The tick: one pass over everything that is due. Live and rehearsed, this is the only path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from . import gate
from .agenda import plan_slots, take_events, take_slots
from .calling import HANGS
from .crash import here
from .delivery import deliver_due
from .drafting import draft_due
from .engine import Engine
from .listen import listen
from .parts import Parts, learn_canon
from .reflect import reflect_due
from .store import OutboxRow, writing


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """What one tick did."""

    heard: int
    drafted: int
    sent: int


class Runner:
    """Drives all personas of a data folder. The caller owns the folder (see `persona.store.Owner`)."""

    def __init__(self, parts: Parts, engine: Engine | None = None) -> None:
        self.parts = parts
        self.engine = engine or Engine(parts)

    def start(self, now: datetime) -> None:
        """Bring memory in line with journal and file. Call once, before the first tick."""
        self.parts.memory.sync()
        learn_canon(self.parts, now)

    def adopt(self, now: datetime) -> None:
        """Take up another definition that the parts have got since the last tick."""
        self.engine.adopt()
        learn_canon(self.parts, now)

    def tick(self, now: datetime) -> Ticked:
        """Do all that is due at `now`: plan, listen, reflect, take up cues, draft, deliver, remember.

        Each step commits its work; a tick that is cut off anywhere and called again with the same `now` goes on
        where it was, and ends in the same state.
        """
        parts = self.parts
        here("tick.begin")
        plan_slots(parts, now)
        heard = listen(parts, now)
        reflect_due(parts, now)
        take_slots(parts, now)
        take_events(parts, now)
        parts.memory.sync()
        drafted = draft_due(self.engine, now)
        sent = deliver_due(parts, now)
        here("tick.delivered")
        parts.memory.sync()
        _tell_of_hanging(parts, now)
        here("tick.end")
        return Ticked(heard=heard, drafted=drafted, sent=sent)

    def next_due(self, now: datetime, beat: datetime) -> datetime:
        """Return when the next tick is worth it: when the next ready text is due, at the latest at `beat`."""
        with self.parts.store.connect() as connection:
            due = connection.execute(
                select(func.min(OutboxRow.due_at)).where(OutboxRow.state == "ready", OutboxRow.due_at > now)
            ).scalar()
        return min(due, beat) if due else beat


def _tell_of_hanging(parts: Parts, now: datetime) -> None:
    for call in parts.calls.hanging():
        cause = f"a call has not returned for {HANGS:.0f} s; it holds up this account on this channel only"
        with writing(parts.store) as session:
            gate.hangs(session, *call.account, call.what, now, cause)
