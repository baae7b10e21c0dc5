"""The memory with its index on a real Chroma server of this machine."""

from __future__ import annotations

import gc
import logging
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from persona.errors import ChromaServerAway
from persona.memory import Memory, Record
from persona.store import open_store
from persona.testing.memory import HashEmbedder
from persona.testing.memory_suite import MemorySuite, ask, note
from persona_memory import ChromaMemory
from persona_memory.index import ChromaIndex
from persona_memory.server import ServerPlace, all_collections, space_of

# Chroma's client leaves connections of its own to the garbage collector.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]


T = TypeVar("T")


class Server:
    """`chroma run` on a free port of the loopback."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        program = Path(sys.executable).with_name("chroma")
        command = [str(program), "run", "--host", "127.0.0.1", "--port", str(self.port), "--path", str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 90
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("chroma run does not answer")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what a test's clients leave behind, before a test elsewhere is blamed for it."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("chroma-server"))
    yield server
    server.stop()


def open_memory(engine: Engine, folder: Path, url: str) -> ChromaMemory:
    index = ChromaIndex(ServerPlace(url, space_of(engine)))
    return ChromaMemory(engine=engine, folder=folder, embedder=HashEmbedder(), index=index)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    yield engine
    engine.dispose()


class TestServerMemory(MemorySuite):
    @pytest.fixture
    def memory(self, engine: Engine, tmp_path: Path, server: Server) -> Iterator[Memory]:
        self._engine = engine
        memory = open_memory(engine, tmp_path, server.url)
        yield memory
        memory.close()
        assert not (tmp_path / "chroma").exists()

    def keep(self, memory: Memory, records: Sequence[Record]) -> int:
        with Session(self._engine) as session, session.begin():
            return memory.remember(records, session)

    def within(self, memory: Memory, change: Callable[[object], T]) -> T:
        with Session(self._engine) as session, session.begin():
            return change(session)


def keep(engine: Engine, memory: Memory, records: Sequence[Record]) -> None:
    with Session(engine) as session, session.begin():
        memory.remember(records, session)


def test_two_folders_on_one_server_are_strangers(engine: Engine, tmp_path: Path, server: Server) -> None:
    other_engine = open_store(tmp_path / "other")
    memory, other = open_memory(engine, tmp_path, server.url), open_memory(other_engine, tmp_path / "other", server.url)
    keep(engine, memory, [note("rye bread")])
    keep(other_engine, other, [note("a canal"), note("a lock")])
    memory.sync()
    other.sync()
    assert [(h.index, h.ok) for h in (*memory.health(), *other.health())] == [(1, True), (2, True)]
    assert memory.reindex() == 1
    assert [(h.index, h.ok) for h in other.health()] == [(2, True)]
    for each in (memory, other):
        each.close()
    other_engine.dispose()


def test_nothing_but_ids_and_vectors_is_on_the_server(engine: Engine, tmp_path: Path, server: Server) -> None:
    memory = open_memory(engine, tmp_path, server.url)
    keep(engine, memory, [note("rye bread and a secret")])
    memory.sync()
    client: Any = memory._keeper.index._open()
    (mine,) = [c for c in all_collections(client) if c.name.startswith(f"persona-{space_of(engine)}")]
    held = mine.get(include=["documents", "metadatas", "embeddings"])
    assert (held["documents"], held["metadatas"], len(held["embeddings"])) == ([None], [{"persona": "ida"}], 1)
    memory.close()


def test_a_server_that_goes_away_does_not_stop_the_persona(
    engine: Engine, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path_factory.mktemp("chroma-server-2")
    server = Server(folder)
    memory = open_memory(engine, tmp_path, server.url)
    try:
        keep(engine, memory, [note("rye bread")])
        memory.sync()
        server.stop()
        keep(engine, memory, [note("rye porridge")])
        with caplog.at_level(logging.WARNING):
            memory.sync()
        assert "the index cannot be reached" in caplog.text
        assert len(memory.recall([ask("rye")])[0]) == 2
        memory.close()
        late = open_memory(engine, tmp_path, server.url)
        with pytest.raises(ChromaServerAway, match="chroma run"):
            late.sync()
        late.close()
    finally:
        server.stop()
        memory.close()
