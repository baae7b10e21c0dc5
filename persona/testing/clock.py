"""A clock for tests: it goes wherever it is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..clock import Clock, as_utc


class SettableClock(Clock):
    """A clock that stands still until it is set or advanced, forward or back.

    `persona.clock.VirtualClock` refuses to go back, as a rehearsal must; a test may want to see what happens then.
    """

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self._now = as_utc(start)

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        """Move to `instant`. Raises ValueError for one without a time zone."""
        self._now = as_utc(instant)

    def advance(self, step: timedelta | None = None, **parts: float) -> datetime:
        """Move by `step`, or by `days=`, `hours=`, `minutes=`, `seconds=`; a negative step goes back.

        Returns the new instant.
        """
        self._now += (step or timedelta(0)) + timedelta(**parts)
        return self._now
