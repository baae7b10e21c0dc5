"""Both memories against the one suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from persona.memory import Memory, Record
from persona.store.tables import Table
from persona.testing.memory import HashEmbedder, RamMemory
from persona.testing.memory_suite import MemorySuite
from persona_memory import ChromaMemory

T = TypeVar("T")


class TestRamMemory(MemorySuite):
    @pytest.fixture
    def memory(self) -> RamMemory:
        return RamMemory()


class TestChromaMemory(MemorySuite):
    @pytest.fixture(autouse=True)
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        self._engine = create_engine(f"sqlite:///{tmp_path / 'persona.db'}")
        Table.metadata.create_all(self._engine)
        yield self._engine
        self._engine.dispose()

    @pytest.fixture
    def memory(self, engine: Engine, tmp_path: Path) -> Iterator[Memory]:
        memory = ChromaMemory(engine=engine, folder=tmp_path, embedder=HashEmbedder())
        yield memory
        memory.close()

    def keep(self, memory: Memory, records: Sequence[Record]) -> int:
        with Session(self._engine) as session, session.begin():
            return memory.remember(records, session)

    def within(self, memory: Memory, change: Callable[[object], T]) -> T:
        with Session(self._engine) as session, session.begin():
            return change(session)
