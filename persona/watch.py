"""What a live run looks at before each tick: clock, disk, lease. What is wrong stops posting, not reading."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from .brakes import Alarms
from .parts import Parts
from .store import ChannelRow, OutboxRow, get_setting, reading, writing

log = logging.getLogger(__name__)

JUMP = timedelta(minutes=1)
CALM = 8
"""So many ticks without a jump and the clock is trusted again."""
RESERVE = 200 << 20
CONFIRMED = "confirmed"
"""The setting that `persona resume` writes: a person has looked."""


def uptime() -> float:
    """Return seconds that no one can set: those since the machine's start, with the time it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def free_bytes(folder: Path) -> int:
    """Return how many bytes may still be written to the folder's disk."""
    return shutil.disk_usage(folder).free


class Watch:
    """Sets the brakes and alarms of `parts`. `reserve` is in bytes; 0 looks at no disk."""

    def __init__(
        self,
        parts: Parts,
        *,
        reserve: int = RESERVE,
        calm: int = CALM,
        elapsed: Callable[[], float] = uptime,
        free: Callable[[Path], int] = free_bytes,
        lost: Callable[[], str] = lambda: "",
        owns: Callable[[Session], str] = lambda session: "",
    ) -> None:
        """`lost` and `owns` say why the lease is not held, at any time and in a transaction (see `store.lease`)."""
        self.parts = parts
        self.alarms = Alarms(parts.store)
        self._reserve, self._calm, self._elapsed, self._free = reserve, calm, elapsed, free
        self._lost, self._owns = lost, owns
        self._last: tuple[datetime, float] | None = None
        self._quiet = 0
        self._confirmed: str | None = None
        parts.may_post = self.may_post

    def look(self) -> None:
        """Look at everything. Call it before each tick."""
        now = self.parts.clock.now()
        for name, reason in (("clock", self._clock(now)), ("disk", self._disk()), ("lease", self._lost())):
            self.parts.brakes.set(name, reason)
            self.alarms.set(name, reason, now)

    def may_post(self, session: Session) -> str:
        """Return why nothing may be sent at this moment, within the transaction of a claim."""
        if self._last is not None and abs(jump := self._jump(self.parts.clock.now())) > JUMP:
            return _told(jump)
        return self._owns(session)

    def _jump(self, now: datetime) -> timedelta:
        assert self._last is not None
        wall, steady = self._last
        return (now - wall) - timedelta(seconds=self._elapsed() - steady)

    def _clock(self, now: datetime) -> str:
        jump = self._jump(now) if self._last is not None else timedelta(0)
        self._last = (now, self._elapsed())
        if abs(jump) > JUMP:
            shift(self.parts, jump)
            self._quiet, self._confirmed = 0, self._word()
            return _told(jump)
        reason = self.parts.brakes.reasons.get("clock", "")
        if reason:
            self._quiet += 1
            if self._quiet >= self._calm or self._word() != self._confirmed:
                return ""
        return reason

    def _disk(self) -> str:
        if not self._reserve:
            return ""
        try:
            free = self._free(self.parts.folder)
        except OSError as error:
            return f"the disk of the data folder cannot be looked at ({error.strerror})"
        if free >= self._reserve:
            return ""
        return f"only {free >> 20} MiB are free on the disk of the data folder, and {self._reserve >> 20} are kept free"

    def _word(self) -> str:
        """Return when a person last confirmed that all is well."""
        with reading(self.parts.store) as session:
            return str((get_setting(session, CONFIRMED) or {}).get("at", ""))


def shift(parts: Parts, jump: timedelta) -> None:
    """Move what is measured by the clock along with it, so that waits stay as long as they are.

    That are ages of keys, waits before a look-up or a next try, and waits that networks asked for. Slots are not
    moved: they stand in the calendar.
    """
    with writing(parts.store) as session:
        for row in session.scalars(select(OutboxRow).where(OutboxRow.state.in_(("ready", "sending")))):
            for name in ("sending_at", "tried_at", "next_try_at", "lease_until"):
                if (at := getattr(row, name)) is not None:
                    setattr(row, name, at + jump)
        for channel in session.scalars(select(ChannelRow).where(ChannelRow.not_before.is_not(None))):
            assert channel.not_before is not None
            channel.not_before += jump


def _told(jump: timedelta) -> str:
    seconds = jump.total_seconds()
    way = "forward" if seconds > 0 else "back"
    return f"the clock jumped {way} by {abs(seconds):.0f} s; it is trusted after {CALM} calm ticks or `persona resume`"
