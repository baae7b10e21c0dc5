"""A database and an openable memory for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from persona.memory import Memory, Record
from persona.store.tables import Table
from persona.testing.memory import HashEmbedder
from persona_memory import ChromaMemory, Embedder

Open = Callable[..., ChromaMemory]
Keep = Callable[[Memory, Sequence[Record]], int]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'persona.db'}")
    Table.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def keep(engine: Engine) -> Keep:
    """Remember in a transaction of its own."""

    def remember(memory: Memory, records: Sequence[Record]) -> int:
        with Session(engine) as session, session.begin():
            return memory.remember(records, session)

    return remember


@pytest.fixture
def opened(engine: Engine, tmp_path: Path) -> Iterator[Open]:
    """Open the memory of the test's folder, as often as the test likes."""
    every: list[ChromaMemory] = []

    def make(embedder: Embedder | None = None) -> ChromaMemory:
        every.append(ChromaMemory(engine=engine, folder=tmp_path, embedder=embedder or HashEmbedder()))
        return every[-1]

    yield make
    for memory in every:
        memory.close()
