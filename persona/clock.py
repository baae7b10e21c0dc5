"""Time as persona sees it: one clock, system or virtual, always in UTC."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime


class Clock(ABC):
    """Tells the time. Everything that needs "now" takes a clock; nothing else asks the system."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the present instant, timezone-aware, in UTC."""


class SystemClock(Clock):
    """The machine's own clock, for live runs."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class VirtualClock(Clock):
    """A clock that stands still until it is set, for rehearsals and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = as_utc(start)

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        """Move to `instant`. Raises ValueError for a step back: a rehearsal's time only goes forward."""
        instant = as_utc(instant)
        if instant < self._now:
            raise ValueError(f"the virtual clock cannot go back from {self._now} to {instant}")
        self._now = instant


def as_utc(instant: datetime) -> datetime:
    """Return `instant` in UTC. Raises ValueError for a naive one: guessing a zone would post at a wrong hour."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone; give an aware datetime")
    return instant.astimezone(UTC)
