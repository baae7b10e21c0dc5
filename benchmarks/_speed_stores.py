"""The stores that `benchmarks.memory_speed` fills with the same vectors and asks the same questions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from persona.memory import Query, Record
from persona.recall import rounded
from persona.store import open_store, writing
from persona_memory import ChromaMemory

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
TOP = 10
_WORDS = [
    f"{a}{b}" for a in ("ry", "lin", "can", "mos", "tul", "ash", "fen", "gor") for b in ("ne", "dal", "tor", "kim")
]


class Load:
    """`each` records for each of `personas` personas: vectors of unit length, texts, and times of the last 30 days."""

    def __init__(self, personas: int, each: int) -> None:
        rng = np.random.default_rng(7)
        self.personas, self.each = personas, each
        # Around a centre for every persona, as texts of one voice are.
        rows = rng.normal(size=(personas * each, 384)).astype(np.float32)
        rows += np.repeat(rng.normal(size=(personas, 384)).astype(np.float32), each, axis=0)
        self.vectors = rounded(rows / np.linalg.norm(rows, axis=1, keepdims=True))
        words = rng.integers(0, len(_WORDS), (personas * each, 12))
        self.texts = [f"{' '.join(_WORDS[w] for w in line)} {i}" for i, line in enumerate(words.tolist())]
        self.ages = rng.integers(0, 30 * 24 * 60, personas * each)
        asked = rng.normal(size=(512, 384)).astype(np.float32)
        self.asked = rounded(asked / np.linalg.norm(asked, axis=1, keepdims=True))
        self.questions = [" ".join(_WORDS[w] for w in rng.integers(0, len(_WORDS), 6)) for _ in range(512)]
        self.who = rng.integers(0, personas, 512)

    def name(self, persona: int) -> str:
        return f"persona-{persona}"

    def rows(self, persona: int) -> slice:
        return slice(persona * self.each, (persona + 1) * self.each)

    def at(self, row: int) -> datetime:
        return NOW - timedelta(minutes=int(self.ages[row]))


class Store(ABC):
    """One way to keep and find records. `ask` returns texts of the `TOP` best of one persona's last 20 days."""

    def __init__(self, load: Load, folder: Path) -> None:
        self.load, self.folder = load, folder
        self.since = 20 * 24 * 60

    @abstractmethod
    def fill(self) -> None:
        """Put all records in, by batches."""

    @abstractmethod
    def ask(self, question: int) -> list[str]:
        """Answer one question."""

    def close(self) -> None:  # noqa: B027 - most stores hold nothing
        """Let go of files."""


class OneCollection(Store):
    """Raw Chroma, one collection, filtered by persona and time."""

    def fill(self) -> None:
        self.client = _client(self.folder)
        self.collection = self.client.create_collection(
            "all", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        load = self.load
        for start in range(0, len(load.texts), 5000):
            rows = range(start, min(start + 5000, len(load.texts)))
            self.collection.add(
                ids=[str(i) for i in rows],
                embeddings=load.vectors[rows.start : rows.stop],
                documents=load.texts[rows.start : rows.stop],
                metadatas=[{"persona": load.name(i // load.each), "age": int(load.ages[i])} for i in rows],
            )

    def ask(self, question: int) -> list[str]:
        load = self.load
        where: Any = {"$and": [{"persona": load.name(load.who[question])}, {"age": {"$lte": self.since}}]}
        found = self.collection.query(
            query_embeddings=load.asked[question][None], n_results=TOP, where=where, include=["documents"]
        )
        return list((found["documents"] or [[]])[0])


class CollectionEach(Store):
    """Raw Chroma, a collection for each persona, filtered by time."""

    def fill(self) -> None:
        self.client = _client(self.folder)
        load = self.load
        self.collections = []
        for persona in range(load.personas):
            rows = load.rows(persona)
            collection = self.client.create_collection(
                load.name(persona), embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
            for start in range(rows.start, rows.stop, 5000):
                part = range(start, min(start + 5000, rows.stop))
                collection.add(
                    ids=[str(i) for i in part],
                    embeddings=load.vectors[part.start : part.stop],
                    documents=load.texts[part.start : part.stop],
                    metadatas=[{"age": int(load.ages[i])} for i in part],
                )
            self.collections.append(collection)

    def ask(self, question: int) -> list[str]:
        found = self.collections[self.load.who[question]].query(
            query_embeddings=self.load.asked[question][None],
            n_results=TOP,
            where={"age": {"$lte": self.since}},
            include=["documents"],
        )
        return list((found["documents"] or [[]])[0])


class Product(Store):
    """numpy: the product with one persona's rows in float32, nothing else kept."""

    def fill(self) -> None:
        self.matrices = [self.load.vectors[self.load.rows(p)].copy() for p in range(self.load.personas)]

    def ask(self, question: int) -> list[str]:
        load, persona = self.load, int(self.load.who[question])
        rows = load.rows(persona)
        scores = np.where(load.ages[rows] <= self.since, self.matrices[persona] @ load.asked[question], -2)
        return [load.texts[rows.start + i] for i in np.argsort(-scores)[:TOP]]


class Ours(Store):
    """persona_memory: journal, shelves and index."""

    def __init__(self, load: Load, folder: Path) -> None:
        super().__init__(load, folder)
        self.known = dict(zip(load.questions, load.asked, strict=True))
        self.known |= dict(zip(load.texts, load.vectors, strict=True))
        self.engine: Engine = open_store(folder)
        self.memory = ChromaMemory(engine=self.engine, folder=folder, embedder=_Given(self.known))

    def record(self, row: int) -> Record:
        load = self.load
        name = load.name(row // load.each)
        return Record(
            id=f"{row:08d}", persona=name, kind="post", text=load.texts[row], at=load.at(row), author=name,
            source=str(row),
        )  # fmt: skip

    def fill(self) -> None:
        self.journal()
        self.memory.sync()

    def journal(self) -> None:
        """Write the journal, by batches of one transaction each."""
        for start in range(0, len(self.load.texts), 5000):
            with writing(self.engine) as session:
                rows = range(start, min(start + 5000, len(self.load.texts)))
                self.memory.remember([self.record(row) for row in rows], session)

    def one_more(self, row: int) -> None:
        """Remember one further record, durably."""
        with Session(self.engine.execution_options(writing=True)) as session, session.begin():
            text = self.load.texts[row]
            self.memory.remember([_again(self.record(row), text)], session)

    def ask(self, question: int) -> list[str]:
        load = self.load
        query = Query(
            persona=load.name(load.who[question]), text=load.questions[question], now=NOW, limit=TOP, kinds=("post",)
        )
        return [found.record.text for found in self.memory.recall([query])[0]]

    def close(self) -> None:
        self.memory.close()
        self.engine.dispose()


def _again(record: Record, text: str) -> Record:
    from dataclasses import replace

    return replace(record, id=f"again-{record.id}", text=text)


class _Given:
    name, dimensions = "given", 384

    def __init__(self, known: dict[str, NDArray[np.float32]]) -> None:
        self._known = known

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self._known[text] for text in texts], dtype=np.float32).reshape(len(texts), 384)


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))


STORES: dict[str, type[Store]] = {
    "Chroma, one collection": OneCollection,
    "Chroma, one per persona": CollectionEach,
    "numpy product": Product,
    "persona_memory": Ours,
}
