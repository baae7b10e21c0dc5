"""The tick: one pass over everything that is due. Live and rehearsed, this is the only path."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select

from . import gate
from .agenda import plan_slots, take_events, take_slots
from .calling import HANGS
from .crash import here
from .delivery import deliver_due
from .drafting import draft_due
from .engine import Engine
from .forgetting import Place, finish
from .forgetting.retention import tidy
from .listen import listen
from .parts import Parts, learn_canon
from .reflect import reflect_due
from .remembering import remember_late
from .store import OutboxRow, writing

log = logging.getLogger(__name__)

Result = TypeVar("Result")


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
        self._errors: list[Exception] = []

    def start(self, now: datetime) -> None:
        """Finish forgetting, and bring memory in line with journal and file. Call once, before the first tick."""
        parts = self.parts
        finish(Place(store=parts.store, folder=parts.folder, memory=parts.memory))
        parts.index.sync()
        learn_canon(parts, now)

    def adopt(self, now: datetime) -> None:
        """Take up another definition that the parts have got since the last tick."""
        self.engine.adopt()
        learn_canon(self.parts, now)

    def tick(self, now: datetime) -> Ticked:
        """Do all that is due at `now`: plan, listen, reflect, take up cues, draft, deliver, remember, tidy.

        Each step commits its work; a tick that is cut off anywhere and called again with the same `now` goes on
        where it was, and ends in the same state. Live, what a step raises is raised once all others are done.
        """
        parts = self.parts
        here("tick.begin")
        self._errors.clear()
        if parts.live:
            self._step(lambda: remember_late(parts, now))
        self._step(lambda: plan_slots(parts, now))
        heard = self._step(lambda: listen(parts, now)) or 0
        self._step(lambda: reflect_due(parts, now))
        # What is ready does not wait until others are written.
        sent = self._step(lambda: deliver_due(parts, now)) or 0
        self._step(lambda: take_slots(parts, now))
        self._step(lambda: take_events(parts, now))
        parts.index.sync()
        drafted = self._step(lambda: draft_due(self.engine, now)) or 0
        sent += self._step(lambda: deliver_due(parts, now)) or 0
        here("tick.delivered")
        self._step(lambda: tidy(parts, now))
        parts.index.sync()
        _tell_of_hanging(parts, now)
        here("tick.end")
        if self._errors:
            raise self._errors[0]
        return Ticked(heard=heard, drafted=drafted, sent=sent)

    def _step(self, step: Callable[[], Result]) -> Result | None:
        """Do one step. Live, one that fails does not keep the others from being done."""
        try:
            return step()
        except Exception as error:
            if not self.parts.live:
                raise
            log.exception("a step of the tick failed; the others go on")
            self._errors.append(error)
            return None

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
