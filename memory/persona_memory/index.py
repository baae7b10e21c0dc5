"""Chroma as an index of ids and vectors: no texts, and only the persona's name beside them."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from persona.digest import digest

T = TypeVar("T")
_log = logging.getLogger(__name__)
_HNSW = {"space": "cosine", "ef_search": 1024, "ef_construction": 200, "max_neighbors": 16, "num_threads": 1}


_SHARDS = 32
"""A collection costs 2.6 MB and four open files: personas share so many, each in the one its digest names."""


class IndexBroken(Exception):
    """Chroma's files cannot be used; the index must be built anew from the journal."""


class ChromaIndex:
    """One Chroma client on one folder, personas hashed into collections. Not thread-safe by itself.

    Opened at first use. Damaged files can end the process inside Chroma, so they are never read: closing seals the
    files with their
    digests, and an index without a matching seal is deleted unread. Whoever opens it must therefore compare it
    with the journal. While another process holds the folder, an index of its own in a temporary folder is used.
    """

    def __init__(self, folder: Path) -> None:
        self._home = folder
        self._folder = folder
        self._lock: IO[bytes] | None = None
        self._temporary: TemporaryDirectory[str] | None = None
        self._client: Any = None
        self._collections: dict[str, Any] = {}

    def ids(self, persona: str) -> list[str]:
        """Return the persona's ids, sorted."""
        where = {"persona": persona}
        return sorted(self._do(lambda: self._collection(persona).get(where=where, include=[])["ids"]))

    def put(self, persona: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add or replace entries."""

        def write() -> None:
            collection, size = self._collection(persona), int(self._client.get_max_batch_size())
            for start in range(0, len(ids), size):
                part = slice(start, start + size)
                names = [{"persona": persona}] * len(ids[part])
                collection.upsert(ids=list(ids[part]), embeddings=vectors[part], metadatas=names)

        self._do(write)

    def search(self, persona: str, vectors: NDArray[np.float32], k: int) -> list[list[str]]:
        """Return, for each vector, up to `k` ids of the nearest entries."""

        def ask() -> list[list[str]]:
            where = {"persona": persona}
            found = self._collection(persona).query(query_embeddings=vectors, n_results=k, where=where, include=[])
            return [list(ids) for ids in found["ids"]]

        return self._do(ask)

    def strangers(self, personas: Sequence[str]) -> int:
        """Return how many entries belong to none of `personas`."""
        where = {"persona": {"$nin": [*personas, ""]}}
        return self._do(
            lambda: sum(len(c.get(where=where, include=[])["ids"]) for c in self._open().list_collections())
        )

    def destroy(self) -> None:
        """Let go of the files, delete them and start an empty index.

        Nothing less erases: Chroma leaves the vectors of a deleted entry, and of a deleted collection, in its files.
        """
        self._let_go()
        self._take()
        # A new path each time: Chroma caches a client that failed to start under the path it was given.
        old = self._generations()
        (self._folder / str(old[-1] + 1 if old else 1)).mkdir()
        for number in old:
            shutil.rmtree(self._folder / str(number), ignore_errors=True)

    def close(self) -> None:
        """Let go of the files and seal them. Does nothing if they are not open."""
        if self._client is not None and self._let_go() and self._temporary is None:
            current = self._folder / str(self._generations()[-1])
            draft = self._folder / "seal.new"
            draft.write_text(_seal(current), encoding="utf-8")
            draft.replace(self._folder / "seal")
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary, self._folder = None, self._home

    def _let_go(self) -> bool:
        client, self._client = self._client, None
        self._collections.clear()
        try:
            if client is not None:
                client.close()
        except BaseException as error:
            if not _is_fault(error):
                raise
            return False
        return True

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

    def _open(self) -> Any:
        if self._client is None:
            self._take()
            seal = self._folder / "seal"
            sealed = seal.read_text(encoding="utf-8", errors="replace") if seal.is_file() else ""
            seal.unlink(missing_ok=True)
            found = self._generations()
            if not found or (sealed != _seal(self._folder / str(found[-1])) and _any(self._folder / str(found[-1]))):
                if found:
                    _log.info("the index in %s was not closed in good order; it is built anew", self._home)
                self.destroy()
            import chromadb
            from chromadb.config import Settings

            path = self._folder / str(self._generations()[-1])
            settings = Settings(anonymized_telemetry=False)
            self._client = chromadb.PersistentClient(path=str(path), settings=settings)
        return self._client

    def _collection(self, persona: str) -> Any:
        name = _name(persona)
        if name not in self._collections:
            self._collections[name] = self._open().get_or_create_collection(
                name, embedding_function=None, configuration={"hnsw": _HNSW}
            )
        return self._collections[name]

    def _do(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except IndexBroken:
            raise
        except BaseException as error:
            if _is_fault(error):
                raise IndexBroken(f"{type(error).__name__}: {error}") from error
            raise


def _is_fault(error: BaseException) -> bool:
    # A panic of Chroma's Rust side is a BaseException that is not an Exception.
    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)


def _any(folder: Path) -> bool:
    return next(folder.iterdir(), None) is not None


def _seal(folder: Path) -> str:
    """Return the digest of every file under `folder`, one a line."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            lines.append(f"{hashlib.file_digest(stream, 'blake2b').hexdigest()} {path.relative_to(folder)}\n")
    return folder.name + "\n" + "".join(lines)


def _name(persona: str) -> str:
    # Chroma allows only [a-zA-Z0-9._-] in a collection's name.
    return f"shard-{int(digest('collection', persona), 16) % _SHARDS}"
