"""A lease on a store: it guards where the folder's lock does not reach, such as a shared folder or a database."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ..errors import DataFolderInUse
from .engine import writing
from .tables import LeaseRow

log = logging.getLogger(__name__)

TTL = timedelta(seconds=20)
"""A lease that was not renewed for so long may be taken."""
BEAT = 5.0
"""Seconds between two renewals."""
_NAME = "owner"


class Lease:
    """Holds a store while it is entered; a thread renews it. Enter it with the folder's lock in hand.

    A holder that is alive is respected at once (DataFolderInUse), one that died on this machine is succeeded at once,
    and one elsewhere once its lease has run out and no heartbeat has come for a while by this machine's own timer: so
    it is taken over within TTL and a little more, and a wrong clock steals nothing.
    """

    def __init__(
        self,
        store: Engine,
        holder: str | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait: Callable[[float], object] = time.sleep,
        beat: float = BEAT,
        ttl: timedelta = TTL,
    ) -> None:
        self.holder = holder or this_process()
        self._store, self._now, self._wait, self._beat, self._ttl = store, now, wait, beat, ttl
        self._renewed = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self.lost = ""
        """why it is not held just now, or an empty text"""

    def __enter__(self) -> Self:
        self.take()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self.release()

    def take(self) -> None:
        """Take the lease. Raises DataFolderInUse while another holder is alive."""
        seen = self._try(None)
        if seen is not None:
            # The clocks of two machines may differ: only a heartbeat that stays away shows that nobody is there.
            self._wait(self._beat * 1.2)
            if self._try(seen) is not None:
                raise DataFolderInUse(folder_text=str(self._store.url), owner_text=self._holder())

    def check(self, session: Session) -> str:
        """Return why the lease is not held, as the caller's writing transaction sees it, or an empty text.

        A renewal that is overdue, since somebody kept the store locked for long, is made up for in that transaction.
        """
        row = session.get(LeaseRow, _NAME)
        if row is None or row.holder != self.holder:
            return f"the lease on the data is held by {row.holder if row else 'nobody'} now"
        if time.monotonic() - self._renewed > self._beat:
            self._write(session, row)
        return ""

    def renew(self) -> None:
        """Renew the lease, or take it again if nobody else has it any more; sets `lost`."""
        try:
            with writing(self._store) as session:
                row = session.get(LeaseRow, _NAME)
                if row is not None and row.holder != self.holder and self._now() < row.until:
                    self.lost = f"the lease on the data is held by {row.holder} now"
                    return
                self._write(session, row)
        except Exception as error:
            if time.monotonic() - self._renewed > self._ttl.total_seconds():
                self.lost = f"the lease on the data cannot be renewed ({type(error).__name__})"
            log.warning("the lease could not be renewed: %s", error)
            return
        self._renewed, self.lost = time.monotonic(), ""

    def release(self) -> None:
        """Give the lease back, if it is still held."""
        try:
            with writing(self._store) as session:
                row = session.get(LeaseRow, _NAME)
                if row is not None and row.holder == self.holder:
                    session.delete(row)
        except Exception as error:
            log.warning("the lease could not be given back: %s", error)

    def _try(self, seen: int | None) -> int | None:
        """Take it if it is free; return None then, else the holder's heartbeat to watch."""
        with writing(self._store) as session:
            row = session.get(LeaseRow, _NAME)
            free = row is None or row.holder == self.holder or is_dead(row.holder)
            if row is not None and not free:
                if self._now() < row.until:
                    raise DataFolderInUse(folder_text=str(self._store.url), owner_text=row.holder)
                if row.beat != seen:
                    return row.beat
            self._write(session, row)
        self._renewed = time.monotonic()
        return None

    def _write(self, session: Session, row: LeaseRow | None) -> None:
        until = self._now() + self._ttl
        if row is None:
            session.add(LeaseRow(name=_NAME, holder=self.holder, beat=1, until=until))
        else:
            row.holder, row.beat, row.until = self.holder, row.beat + 1, until

    def _holder(self) -> str:
        with writing(self._store) as session:
            row = session.get(LeaseRow, _NAME)
            return row.holder if row else "nobody"

    def _keep(self) -> None:
        while not self._stop.wait(self._beat):
            self.renew()


def this_process() -> str:
    """Return a name of this process that no other has: machine, its start, process, its start."""
    return f"{socket.gethostname()[:60]}/{_boot()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(holder: str) -> bool:
    """Tell whether `holder` was a process of this machine and is there no more. Of others nothing is known: False."""
    machine, boot, pid, started = [*holder.split("/"), "", "", "", ""][:4]
    if machine != socket.gethostname()[:60] or not pid.isdigit():
        return False
    return boot != _boot() or _started(int(pid)) != started


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return "?"


def _started(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; "?" where that is not told or it is gone."""
    try:
        # Field 22 of proc(5), counted after the command's name, which may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "?"
