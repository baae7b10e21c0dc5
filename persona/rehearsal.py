"""A rehearsal: the live tick on a simulated network, with a simulated audience, under a virtual clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import func, select

from .clock import VirtualClock
from .network import Network, StepReport
from .runner import Runner
from .store import OutboxRow, PostRow, append, get_setting, put_setting, reading, writing

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday. A rehearsal's calendar is its own, so that the same seed gives the same week whenever it is run."""
HEARTBEAT = timedelta(minutes=30)
_STATE = "rehearsal"


class Crowd(Protocol):
    """What a rehearsal needs of an audience."""

    def populate(self, at: datetime) -> None:
        """Make the accounts. Idempotent."""

    def step(self, start: datetime, until: datetime) -> StepReport:
        """Let the audience live through [start, until). Idempotent for the same `until`."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a rehearsal stands, after each tick."""

    at: datetime
    start: datetime
    until: datetime
    posts: int
    replies: int
    held: int

    @property
    def share(self) -> float:
        """The part of the time that is over, 0..1."""
        return min((self.at - self.start) / (self.until - self.start), 1.0)


class Rehearsal:
    """Runs one data folder from `start` on. Killed anywhere and run again, it goes on and ends in the same log."""

    def __init__(
        self, runner: Runner, *, network: Network, audience: Crowd, clock: VirtualClock, start: datetime = START
    ) -> None:
        self.runner = runner
        self.parts = runner.parts
        self.network = network
        self.audience = audience
        self.clock = clock
        self.start = start
        self.seconds: dict[str, float] = {"audience": 0.0, "tick": 0.0}

    def run(
        self,
        until: datetime,
        *,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
        speed: float | None = None,
    ) -> bool:
        """Run to `until`; return False if `stop` said so before.

        `speed` is virtual seconds per real second; None runs as fast as it can.
        """
        at, ticked = self._resume()
        self.clock.set(at)
        self.audience.populate(self.start)
        self.runner.start(self.start)
        if not ticked:
            self._tick(at)
        on_progress(self._progress(at, until))
        # A tick beyond `until` is left for a later run, not moved: where a run ends must not change what happens.
        while (following := self.runner.next_due(at, self._next_beat(at))) <= until:
            if stop():
                return False
            if speed:
                time.sleep((following - at).total_seconds() / speed)
            began = time.perf_counter()
            report = self.audience.step(at, following)
            self.seconds["audience"] += time.perf_counter() - began
            self._note(following, report)
            at = following
            self.clock.set(at)
            self._tick(at)
            on_progress(self._progress(at, until))
        return True

    def _next_beat(self, at: datetime) -> datetime:
        """Return the next heartbeat on the grid that begins at the rehearsal's start."""
        return self.start + HEARTBEAT * ((at - self.start) // HEARTBEAT + 1)

    def _resume(self) -> tuple[datetime, bool]:
        with reading(self.parts.store) as session:
            state = get_setting(session, _STATE)
        if state is None:
            with writing(self.parts.store) as session:
                put_setting(session, _STATE, self._state(self.start, ticked=False))
            return self.start, False
        self.start = datetime.fromisoformat(state["start"])
        return datetime.fromisoformat(state["at"]), bool(state["ticked"])

    def _state(self, at: datetime, *, ticked: bool) -> dict[str, Any]:
        return {"start": self.start.isoformat(), "at": at.isoformat(), "ticked": ticked, "seed": self.parts.seed}

    def _note(self, at: datetime, report: StepReport) -> None:
        with writing(self.parts.store) as session:
            if any(report.counts.values()):
                append(session, at=at, persona="", kind="audience", counts=dict(report.counts), digest=report.digest)
            put_setting(session, _STATE, self._state(at, ticked=False))

    def _tick(self, at: datetime) -> None:
        began = time.perf_counter()
        self.runner.tick(at)
        with writing(self.parts.store) as session:
            put_setting(session, _STATE, self._state(at, ticked=True))
        self.seconds["tick"] += time.perf_counter() - began

    def _progress(self, at: datetime, until: datetime) -> Progress:
        with reading(self.parts.store) as session:
            counted = session.execute(select(PostRow.kind, func.count()).group_by(PostRow.kind))
            kinds = {row[0]: row[1] for row in counted}
            held = session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.state == "held")) or 0
        return Progress(
            at=at, start=self.start, until=until, posts=kinds.get("post", 0), replies=kinds.get("reply", 0), held=held
        )
