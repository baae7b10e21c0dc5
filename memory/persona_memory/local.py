"""Chroma in this process, on files of a data folder that are trusted only when they were closed in good order."""

from __future__ import annotations

import hashlib
import logging
import shutil
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

_log = logging.getLogger(__name__)


class LocalFiles:
    """A folder with one Chroma database. Opened at first use.

    Damaged files can end the process inside Chroma, so they are never read: closing seals the files with their
    digests, and an index without a matching seal is deleted unread. Whoever opens it must therefore compare it with
    the journal. While another process holds the folder, an index of its own in a temporary folder is used.
    """

    def __init__(self, folder: Path) -> None:
        self._home = folder
        self._folder = folder
        self._lock: IO[bytes] | None = None
        self._temporary: TemporaryDirectory[str] | None = None

    def name(self, shard: int) -> str:
        """Return the name of a collection. Chroma allows only [a-zA-Z0-9._-] in it."""
        return f"shard-{shard}"

    def ours(self, name: str) -> bool:
        """Tell whether a collection belongs to this index: here all do."""
        return True

    def open(self) -> Any:
        """Return a client on the files, on empty ones if these are not sealed."""
        self._take()
        seal = self._folder / "seal"
        sealed = seal.read_text(encoding="utf-8", errors="replace") if seal.is_file() else ""
        seal.unlink(missing_ok=True)
        found = self._generations()
        if not found or (sealed != _seal(self._folder / str(found[-1])) and _any(self._folder / str(found[-1]))):
            if found:
                _log.info("the index in %s was not closed in good order; it is built anew", self._home)
            self.destroy(None)
        import chromadb
        from chromadb.config import Settings

        path = self._folder / str(self._generations()[-1])
        return chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))

    def let_go(self, client: Any) -> None:
        """Close the client."""
        client.close()

    def destroy(self, client: Any) -> None:
        """Delete the files, whose client has been closed, and start empty ones.

        Nothing less erases: Chroma leaves the vectors of a deleted entry, and of a deleted collection, in its files.
        """
        self._take()
        # A new path each time: Chroma caches a client that failed to start under the path it was given.
        old = self._generations()
        (self._folder / str(old[-1] + 1 if old else 1)).mkdir()
        for number in old:
            shutil.rmtree(self._folder / str(number), ignore_errors=True)

    def seal(self) -> None:
        """Note the files' digests, after the client was closed in good order."""
        if self._temporary is None:
            draft = self._folder / "seal.new"
            draft.write_text(_seal(self._folder / str(self._generations()[-1])), encoding="utf-8")
            draft.replace(self._folder / "seal")

    def leave(self) -> None:
        """Let go of the folder. Does nothing if it is not held."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary, self._folder = None, self._home

    def size(self) -> int:
        """Return how many bytes the files have, 0 before they are made."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def _generations(self) -> list[int]:
        return sorted(int(path.name) for path in self._folder.iterdir() if path.name.isdecimal())

    def _take(self) -> None:
        if self._lock is not None or self._temporary is not None:
            return
        self._home.mkdir(parents=True, exist_ok=True)
        lock = (self._home / "lock").open("ab")
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except OSError:
            lock.close()
            _log.info("the index in %s is in use; a temporary one is built from the journal", self._home)
            self._temporary = TemporaryDirectory(prefix="persona-index-")
            self._folder = Path(self._temporary.name)
        else:
            self._lock = lock


def _any(folder: Path) -> bool:
    return next(folder.iterdir(), None) is not None


def _seal(folder: Path) -> str:
    """Return the digest of every file under `folder`, one a line."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            lines.append(f"{hashlib.file_digest(stream, 'blake2b').hexdigest()} {path.relative_to(folder)}\n")
    return folder.name + "\n" + "".join(lines)
