"""Chroma as an index of ids and vectors: no texts, no metadata, nothing that the journal does not hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from persona.digest import digest

T = TypeVar("T")
_HNSW = {"space": "cosine", "ef_search": 1024, "ef_construction": 200, "max_neighbors": 16, "num_threads": 1}


class IndexBroken(Exception):
    """Chroma's files cannot be used; the index must be built anew from the journal."""


class ChromaIndex:
    """One Chroma client on one folder, a collection per persona. Opened at first use; not thread-safe by itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._client: Any = None
        self._collections: dict[str, Any] = {}

    def ids(self, persona: str) -> list[str]:
        """Return the ids in the persona's collection, sorted."""
        return sorted(self._do(lambda: self._collection(persona).get(include=[])["ids"]))

    def vectors(self, persona: str, ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the stored vectors of `ids`, in that order."""

        def read() -> NDArray[np.float32]:
            got = self._collection(persona).get(ids=list(ids), include=["embeddings"])
            at = {record_id: row for row, record_id in enumerate(got["ids"])}
            return np.asarray(got["embeddings"], dtype=np.float32)[[at[record_id] for record_id in ids]]

        return self._do(read)

    def put(self, persona: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add or replace entries."""

        def write() -> None:
            collection, size = self._collection(persona), int(self._client.get_max_batch_size())
            for start in range(0, len(ids), size):
                part = slice(start, start + size)
                collection.upsert(ids=list(ids[part]), embeddings=vectors[part])

        self._do(write)

    def search(self, persona: str, vectors: NDArray[np.float32], k: int) -> list[list[str]]:
        """Return, for each vector, up to `k` ids of the nearest entries."""
        return self._do(
            lambda: [
                list(ids)
                for ids in self._collection(persona).query(query_embeddings=vectors, n_results=k, include=[])["ids"]
            ]
        )

    def strangers(self, personas: Sequence[str]) -> int:
        """Return how many collections belong to none of `personas`."""
        names = {_name(persona) for persona in personas}
        return self._do(lambda: sum(c.name not in names for c in self._open().list_collections()))

    def destroy(self) -> None:
        """Let go of the files, delete them and start an empty index.

        Nothing less erases: Chroma leaves the vectors of a deleted entry, and of a deleted collection, in its files.
        """
        self.close()
        # A new path each time: Chroma caches a client that failed to start under the path it was given.
        old = self._generations()
        (self.folder / str(old[-1] + 1 if old else 1)).mkdir(parents=True)
        for number in old:
            shutil.rmtree(self.folder / str(number), ignore_errors=True)
        self._marker.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the files. Does nothing if they are not open."""
        client, self._client = self._client, None
        self._collections.clear()
        if client is not None:
            try:
                client.close()
            except BaseException as error:
                if not _is_fault(error):
                    raise

    @property
    def _marker(self) -> Path:
        return self.folder / "opening"

    def _generations(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

    def _open(self) -> Any:
        if self._client is None:
            if self._marker.exists():
                raise IndexBroken(f"the process that opened {self.folder.name} last died while reading it")
            import chromadb
            from chromadb.config import Settings

            settings = Settings(anonymized_telemetry=False)
            *old, last = self._generations() or [1]
            with self._first_touch():
                self._client = chromadb.PersistentClient(path=str(self.folder / str(last)), settings=settings)
            for number in old:
                shutil.rmtree(self.folder / str(number), ignore_errors=True)
        return self._client

    def _collection(self, persona: str) -> Any:
        if persona not in self._collections:
            client = self._open()
            with self._first_touch():
                collection = client.get_or_create_collection(
                    _name(persona), embedding_function=None, configuration={"hnsw": _HNSW}
                )
                if collection.count():
                    one = collection.get(limit=1, include=["embeddings"])["embeddings"]
                    collection.query(query_embeddings=one, n_results=1, include=[])
            self._collections[persona] = collection
        return self._collections[persona]

    @contextmanager
    def _first_touch(self) -> Iterator[None]:
        # Reading a damaged file can end the process without an exception. The marker outlives that, so the next
        # start rebuilds instead of dying the same way again.
        self.folder.mkdir(parents=True, exist_ok=True)
        self._marker.touch()
        yield
        self._marker.unlink(missing_ok=True)

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


def _name(persona: str) -> str:
    # Chroma allows only [a-zA-Z0-9._-] in a collection's name.
    return f"persona-{digest('collection', persona)}"
