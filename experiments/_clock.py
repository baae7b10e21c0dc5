"""A clock that runs faster than the wall's, the same in every process that is given the same numbers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from persona.clock import Clock

START = datetime(2026, 3, 2, tzinfo=UTC)


class FastClock(Clock):
    """Reads `start` at the wall time `epoch` (seconds since 1970), and goes on `speed` times as fast as that."""

    def __init__(self, *, epoch: float, speed: float, start: datetime = START) -> None:
        self.epoch, self.speed, self.start = epoch, speed, start

    def now(self) -> datetime:
        return self.start + timedelta(seconds=(time.time() - self.epoch) * self.speed)
