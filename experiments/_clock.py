"""A clock that one process sets and others read: time goes by the work that is done, not by the load of the machine."""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from persona.clock import Clock

START = datetime(2026, 3, 2, tzinfo=UTC)


class SharedClock(Clock):
    """Reads how many seconds after START it is from a file; whoever made the file may move it on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(struct.pack("<d", 0.0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    @property
    def seconds(self) -> float:
        """Seconds since START."""
        found: float = struct.unpack("<d", self._map[:8])[0]
        return found

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self._map[:8] = struct.pack("<d", self.seconds + seconds)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process has used, 0.0 once it is gone. Linux only."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return 0.0
