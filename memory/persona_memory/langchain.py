"""The memory as LangChain sees it: a retriever and a vector store, both for one persona."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from pydantic import ConfigDict

from persona.memory import Query, Recalled, Record, RecordKind, record_id

from .memory import ChromaMemory


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryRetriever(BaseRetriever):
    """Finds what one persona remembers. A document's id is the record's; its metadata hold all else, and the score.

    `author` narrows to what one person said, `kinds` to kinds of records; `tokens` is a budget for all texts
    together, 0 for none; `now` tells the time that "yesterday" is seen from.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory: ChromaMemory
    persona: str
    k: int = 4
    kinds: tuple[RecordKind, ...] = ()
    author: str | None = None
    tokens: int = 0
    now: Callable[[], datetime] = _now

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        asked = Query(
            persona=self.persona, text=query, now=self.now(), limit=self.k, kinds=self.kinds, author=self.author,
            tokens=self.tokens,
        )  # fmt: skip
        return [_document(found) for found in self.memory.recall([asked])[0]]


class MemoryStore(VectorStore):
    """One persona's memory as a vector store. Texts are remembered as they are, each in the journal when it returns.

    Metadata named as fields of a record (`kind`, `author`, `at`, `source`, `channel`, `importance`, `trust`,
    `language`) become those; all other are kept as text. Searching is the memory's own recall, not by vectors alone.
    """

    def __init__(self, memory: ChromaMemory, persona: str, *, now: Callable[[], datetime] = _now) -> None:
        self._memory, self._persona, self._now = memory, persona, now

    @property
    def embeddings(self) -> Embeddings:
        """The memory's own model."""
        return _Model(self._memory)

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Remember texts; return the ids of their records. `ids` are made from the content if they are not given."""
        given = list(texts)
        metadata = metadatas or [{} for _ in given]
        wanted: Sequence[str | None] = ids or [None] * len(given)
        records = [self._record(text, one, name) for text, one, name in zip(given, metadata, wanted, strict=True)]
        self._memory.keep(records)
        return [record.id for record in records]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the best `k`. `kinds`, `author` and `tokens` narrow as in `MemoryRetriever`."""
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> list[tuple[Document, float]]:
        """Return the best `k` with their scores in 0..1, higher is better."""
        found = self._memory.recall([Query(persona=self._persona, text=query, now=self._now(), limit=k, **kwargs)])[0]
        return [(_document(one), one.score) for one in found]

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Forget records by their ids. True if all were there."""
        return sum(self._memory.forget(record_id=one) > 0 for one in ids or []) == len(ids or [])

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> MemoryStore:
        """Remember texts in `memory` for `persona`, which must be given. `embedding` is not used: see `embeddings`."""
        store = cls(kwargs.pop("memory"), kwargs.pop("persona"), **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def _record(self, text: str, metadata: dict[str, Any], name: str | None) -> Record:
        left = dict(metadata)
        kind: RecordKind = left.pop("kind", "post")
        author = str(left.pop("author", self._persona))
        source = str(left.pop("source", "langchain"))
        named = {key: left.pop(key) for key in ("at", "channel", "importance", "trust", "language") if key in left}
        named.setdefault("at", self._now())
        made = record_id(persona=self._persona, kind=kind, author=author, text=text, source=source)
        return Record(
            id=name or made, persona=self._persona, kind=kind, text=text, author=author, source=source,
            extra={key: str(value) for key, value in left.items()}, **named,
        )  # fmt: skip


class _Model(Embeddings):
    def __init__(self, memory: ChromaMemory) -> None:
        self._memory = memory

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [list(map(float, row)) for row in self._memory.embed(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def _document(found: Recalled) -> Document:
    record = found.record
    metadata = {
        "kind": record.kind, "author": record.author, "at": record.at.isoformat(), "source": record.source,
        "channel": record.channel, "importance": record.importance, "trust": record.trust,
        "language": record.language, "score": found.score, "reason": found.reason,
    }  # fmt: skip
    return Document(id=record.id, page_content=record.text, metadata={**record.extra, **metadata})
