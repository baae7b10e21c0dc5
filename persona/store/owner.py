"""One owner process per data folder, by an OS lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import DataFolderInUse


class Owner:
    """Holds a data folder while it is entered. A second owner is refused at once with DataFolderInUse.

    The lock is the kernel's (flock): a killed owner leaves nothing behind that would need a person.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(handle, 40).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise DataFolderInUse(folder_text=str(self._folder), owner_text=owner) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._file = handle
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
