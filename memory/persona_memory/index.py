"""Chroma as an index of ids and vectors: no texts, and only the persona's name beside them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from persona.digest import digest
from persona.errors import PersonaError

from .local import LocalFiles
from .quiet import blank_memory
from .server import ServerPlace, all_collections

T = TypeVar("T")
_log = logging.getLogger(__name__)
_HNSW = {"space": "cosine", "ef_search": 1024, "ef_construction": 200, "max_neighbors": 16, "num_threads": 1}
SHARDS = 32
"""A collection costs 2.6 MB and four open files: personas share so many, each in the one its digest names."""
_ROOM, _EACH, _TIMES = 16 << 20, 3 << 20, 4
"""An index may have so many bytes, so many more for each collection, and so many times what its records need."""
_LINKS = 512
"""About the bytes that an entry takes besides its vector: links, its id, its row in Chroma's own database."""


_SHARDS = 32
"""A collection costs 2.6 MB and four open files: personas share so many, each in the one its digest names."""


class IndexBroken(Exception):
    """Chroma's files cannot be used; the index must be built anew from the journal."""


class ChromaIndex:
    """Personas hashed into collections, in files of a folder or on a server. Opened at first use; not thread-safe.

    `sync_threshold` is after how many new entries Chroma saves a collection; None is its default, which is what
    keeps it quick.
    """

    def __init__(self, place: Path | LocalFiles | ServerPlace, *, sync_threshold: int | None = None) -> None:
        self._place = LocalFiles(place) if isinstance(place, Path) else place
        self._hnsw: dict[str, Any] = dict(_HNSW)
        if sync_threshold is not None:
            self._hnsw |= {"sync_threshold": sync_threshold, "batch_size": max(sync_threshold // 2, 2)}
        self._client: Any = None
        self._collections: dict[str, Any] = {}

    def ids(self, persona: str) -> list[str]:
        """Return the persona's ids, sorted."""
        where = {"persona": persona}
        return sorted(self._do(lambda: self._collection(persona).get(where=where, include=[])["ids"]))

    def total(self) -> int:
        """Return how many entries there are, of all personas."""
        return self._do(lambda: sum(int(c.count()) for c in self._ours()))

    def put(self, persona: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add or replace entries, by parts of the size that Chroma takes at most."""

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
        return self._do(lambda: sum(len(c.get(where=where, include=[])["ids"]) for c in self._ours()))

    def too_large(self, records: int, dimensions: int, personas: int) -> str:
        """Return an empty text, or how much larger the files are than so many records need.

        Chroma keeps what was written and deleted; an index that has grown beyond all need is built anew.
        """
        need = records * (4 * dimensions + _LINKS)
        most, size = _ROOM + _EACH * min(personas, SHARDS) + _TIMES * need, self._place.size()
        return f"its files have {size >> 20} MiB, and its records need {need >> 20}" if size > most else ""

    @property
    def remote(self) -> bool:
        """Whether a server keeps it."""
        return isinstance(self._place, ServerPlace)

    def size(self) -> int:
        """Return how many bytes the files have; 0 on a server."""
        return self._place.size()

    def destroy(self) -> None:
        """Let go of the files, delete them and start an empty index."""
        with blank_memory():
            self._collections.clear()
            if not self.remote:
                self._let_go()
            self._do(lambda: self._place.destroy(self._open() if self.remote else None))

    def close(self) -> None:
        """Let go of the files and seal them. Does nothing if they are not open."""
        with blank_memory():
            if self._client is not None and self._let_go():
                self._place.seal()
        self._place.leave()

    def _let_go(self) -> bool:
        client, self._client = self._client, None
        self._collections.clear()
        try:
            if client is not None:
                self._place.let_go(client)
        except BaseException as error:
            if not _is_fault(error):
                raise
            return False
        return True

    def _open(self) -> Any:
        if self._client is None:
            self._client = self._place.open()
        return self._client

    def _ours(self) -> list[Any]:
        return [c for c in all_collections(self._open()) if self._place.ours(c.name)]

    def _collection(self, persona: str) -> Any:
        name = self._place.name(int(digest("collection", persona), 16) % SHARDS)
        if name not in self._collections:
            self._collections[name] = self._open().get_or_create_collection(
                name, embedding_function=None, configuration={"hnsw": self._hnsw}
            )
        return self._collections[name]

    def _do(self, action: Callable[[], T]) -> T:
        try:
            with blank_memory():
                return action()
        except (IndexBroken, PersonaError):
            raise
        except BaseException as error:
            if _is_fault(error):
                raise IndexBroken(f"{type(error).__name__}: {error}") from error
            raise


def _is_fault(error: BaseException) -> bool:
    # A panic of Chroma's Rust side is a BaseException that is not an Exception.
    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)
