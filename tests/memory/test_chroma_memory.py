"""What only a memory with a journal and an index has to do: stay repeatable, survive kills, mend itself."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine, create_engine, delete, select
from sqlalchemy.orm import Session

from persona.definition import Persona
from persona.memory import Memory, Query, Recalled, Record
from persona.store import open_store, writing
from persona.store.tables import JournalRow, Table
from persona.testing.memory import HashEmbedder, RamMemory
from persona.testing.memory_suite import NOW, ask, note
from persona_memory import ChromaMemory
from persona_memory.index import IndexBroken

Open = Callable[..., ChromaMemory]
Keep = Callable[[Memory, Sequence[Record]], int]
WORDS = ["rye", "bread", "canal", "frost", "bicycle", "dawn", "oven", "market", "ravi", "kim", "sourdough"]
WORDS += ["walk", "seed", "price", "jar", "honey"]


def many(count: int, seed: int = 1, personas: Sequence[str] = ("ida",)) -> list[Record]:
    """Return records of random words, every tenth a repetition of a few short ones."""
    rng = random.Random(seed)
    records = []
    for i in range(count):
        words = ["so good"] if i % 10 == 0 else rng.choices(WORDS, k=rng.randint(3, 9))
        told = rng.random() < 0.4
        records.append(
            note(
                " ".join(words),
                persona=rng.choice(personas),
                kind="told" if told else "post",
                author=f"a{rng.randrange(30)}" if told else "ida",
                source=f"k{i}",
                age=timedelta(minutes=rng.randrange(20000)),
                importance=rng.choice([0.2, 0.5, 0.9]),
                trust=0.6 if told else 1.0,
            )
        )
    return list({record.id: record for record in records}.values())


def questions(persona: str = "ida") -> list[Query]:
    rng = random.Random(7)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(2, 5))) for _ in range(10)] + ["so good"]
    broad = [ask(text, persona) for text in texts]
    return [
        *broad,
        Query(persona=persona, text="rye", now=NOW, kinds=("told",), limit=6),
        Query(persona=persona, text="rye", now=NOW, author="a3"),
        Query(persona=persona, text="honey jar", now=NOW - timedelta(days=7), limit=8),
        Query(persona=persona, text="honey jar", now=NOW, exclude_sources=("k5", "k6", "k7")),
    ]


def plain(answers: list[list[Recalled]]) -> list[list[tuple[str, float, dict[str, float]]]]:
    return [[(r.record.id, r.score, dict(r.parts)) for r in found] for found in answers]


def exact(records: Sequence[Record], queries: Sequence[Query]) -> list[list[Recalled]]:
    """Return what a full scan finds."""
    ram = RamMemory()
    ram.remember(records)
    return ram.recall(queries)


def folder_of(path: Path) -> Engine:
    path.mkdir()
    engine = create_engine(f"sqlite:///{path / 'persona.db'}")
    Table.metadata.create_all(engine)
    return engine


@pytest.mark.parametrize("seed", range(4))
def test_history_of_syncs_and_restarts_does_not_matter(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The same records, put in by any batches over any number of restarts, are recalled with the same scores."""
    records, rng = many(300), random.Random(seed)
    engine = folder_of(tmp_path / "data")
    memory = ChromaMemory(engine=engine, folder=tmp_path / "data", embedder=HashEmbedder())
    left = records[:]
    while left:
        size = rng.randint(1, 60)
        with Session(engine) as session, session.begin():
            memory.remember(left[:size], session)
        left = left[size:]
        if rng.random() < 0.6:
            memory.sync()
        if rng.random() < 0.3:
            memory.recall(questions()[:2])
        if rng.random() < 0.4:
            memory.close()
            memory = ChromaMemory(engine=engine, folder=tmp_path / "data", embedder=HashEmbedder())
    assert plain(memory.recall(questions())) == plain(exact(records, questions()))
    assert not caplog.records, "a healthy index is not rebuilt"
    memory.close()
    engine.dispose()


@pytest.mark.slow
def test_a_large_memory_answers_as_a_full_scan(engine: Engine, tmp_path: Path) -> None:
    records = many(4000)
    memory = ChromaMemory(engine=engine, folder=tmp_path, embedder=HashEmbedder())
    for start in range(0, len(records), 700):
        with Session(engine) as session, session.begin():
            memory.remember(records[start : start + 700], session)
        memory.sync()
    assert plain(memory.recall(questions())) == plain(exact(records, questions()))
    memory.close()


@pytest.mark.parametrize("held_bytes", [0, 200_000, 10**9])
def test_how_much_is_held_does_not_matter(engine: Engine, tmp_path: Path, held_bytes: int) -> None:
    personas = ("ida", "bo", "cy", "dee")
    memory = ChromaMemory(engine=engine, folder=tmp_path, embedder=HashEmbedder(), held_bytes=held_bytes)
    records = many(400, personas=personas)
    asked = [query for persona in personas for query in questions(persona)]
    for start in range(0, len(records), 90):
        with Session(engine) as session, session.begin():
            memory.remember(records[start : start + 90], session)
        assert plain(memory.recall(asked)) == plain(exact(records[: start + 90], asked))
        assert memory._shelves.nbytes <= held_bytes
    memory.close()


def test_what_changes_in_place_is_seen(tmp_path: Path) -> None:
    engine = open_store(tmp_path)
    memory = ChromaMemory(engine=engine, folder=tmp_path, embedder=HashEmbedder())
    with writing(engine) as session:
        memory.remember(many(60), session)
    before = memory.recall(questions())
    first = before[0][0].record
    with writing(engine) as session:
        memory.used([first.id], NOW - timedelta(minutes=1), session)
        session.flush()
        assert memory.recall(questions()) == before, "not before it is committed"
    assert memory.recall(questions())[0][0].record.recalled == 1
    with writing(engine) as session:
        memory.supersede({first.id: ""}, NOW - timedelta(minutes=1), session)
    assert first.id not in {r.record.id for r in memory.recall(questions())[0]}
    with writing(engine) as session:
        memory.remember([note("quince")], session)
    assert memory.recall([ask("quince")])[0][0].record.text == "quince"
    memory.close()
    engine.dispose()


def test_what_is_committed_is_recalled_without_a_call_to_sync(opened: Open, keep: Keep) -> None:
    memory = opened()
    keep(memory, [note("rye bread")])
    assert len(memory.recall([ask("rye")])[0]) == 1
    keep(memory, [note("rye porridge for Kim")])
    assert len(memory.recall([ask("rye")])[0]) == 2


def test_a_rolled_back_record_is_nowhere(opened: Open, engine: Engine) -> None:
    memory = opened()
    with Session(engine) as session:
        assert memory.remember([note("rye bread")], session) == 1
        session.rollback()
    memory.sync()
    assert memory.recall([ask("rye")]) == [[]]
    assert list(memory.health()) == []


def test_told_again_is_counted_and_not_embedded_again(opened: Open, keep: Keep, engine: Engine) -> None:
    class Counting(HashEmbedder):
        texts = 0

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self.texts += len(texts)
            return super().embed(texts)

    embedder = Counting()
    memory = opened(embedder)
    told = note("Where is the shop?", kind="told", author="ravi")
    assert [keep(memory, [told, told]), keep(memory, [told])] == [1, 0]
    assert embedder.texts == 1
    with engine.connect() as connection:
        assert connection.execute(select(JournalRow.count)).scalars().all() == [3]


def test_rows_deleted_behind_its_back_are_not_recalled(opened: Open, keep: Keep, engine: Engine) -> None:
    memory = opened()
    keep(memory, many(100))
    memory.sync()
    with engine.begin() as connection:
        connection.execute(delete(JournalRow).where(JournalRow.kind == "told"))
    rest = [r for r in many(100) if r.kind != "told"]
    assert plain(memory.recall(questions())) == plain(exact(rest, questions()))
    memory.sync()
    assert [(h.index, h.ok) for h in memory.health()] == [(len(rest), True)]


def test_closes_and_opens_again_in_one_process(
    opened: Open, keep: Keep, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    records = many(150)
    for start in range(0, 150, 50):
        memory = opened()
        keep(memory, records[start : start + 50])
        memory.sync()
        memory.close()
    memory = opened()
    assert plain(memory.recall(questions())) == plain(exact(records, questions()))
    memory.close()
    assert len(memory.recall([ask("rye")])[0]) == 4
    assert not caplog.records, "a healthy index is not rebuilt"
    assert (tmp_path / "chroma" / "1").is_dir()


def test_what_is_forgotten_is_not_left_in_the_index_files(opened: Open, keep: Keep, tmp_path: Path) -> None:
    memory = opened()
    secret = note("Kim lives at the canal", kind="told", author="kim")
    keep(memory, [*many(1200), secret])
    memory.sync()
    vector = memory.embed([secret.text])[0].tobytes()
    start = max(range(0, len(vector) - 80, 4), key=lambda at: sum(map(bool, vector[at : at + 80])))
    traces = (secret.id.encode(), secret.text.encode(), vector[start : start + 80])

    def left() -> int:
        files = [path.read_bytes() for path in (tmp_path / "chroma").rglob("*") if path.is_file()]
        return sum(trace in data for data in files for trace in traces)

    assert left()
    assert memory.forget(author="kim") == 1
    assert not left()
    assert plain(memory.recall(questions())) == plain(exact(many(1200), questions()))


def test_a_persona_that_left_the_journal_leaves_the_index(opened: Open, keep: Keep, engine: Engine) -> None:
    for closing in (False, True):
        memory = opened()
        keep(memory, many(60, personas=("ida", "bo")))
        memory.sync()
        if closing:
            memory.close()
        with engine.begin() as connection:
            connection.execute(delete(JournalRow).where(JournalRow.persona == "bo"))
        memory.sync()
        assert [(h.persona, h.ok) for h in memory.health()] == [("ida", True)]
        assert memory._keeper.index.strangers(["ida"]) == 0
        memory.close()


def test_many_personas_share_few_collections(opened: Open, keep: Keep) -> None:
    memory = opened()
    people = [f"p{i}" for i in range(50)]
    records = many(200, personas=people)
    keep(memory, records)
    memory.sync()
    assert len(memory._keeper.index._open().list_collections()) <= 32
    states = memory.health()
    assert sum(state.index for state in states) == len(records)
    assert all(state.ok for state in states)
    vector = memory.embed([records[3].text])
    (near,) = memory._keeper.index.search(records[3].persona, vector, 50)
    assert set(near) == {r.id for r in records if r.persona == records[3].persona}


def test_another_model_gives_new_vectors(opened: Open, keep: Keep) -> None:
    memory = opened(HashEmbedder(128))
    keep(memory, many(80))
    memory.sync()
    memory.close()
    memory = opened(HashEmbedder(256))
    assert plain(memory.recall(questions())) == plain(exact(many(80), questions()))
    assert all(h.ok for h in memory.health())


CHILD = """
import os, sys, pathlib
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from persona.testing.memory import HashEmbedder
from persona_memory import ChromaMemory
sys.path.insert(0, {tests!r})
from test_chroma_memory import many
folder = pathlib.Path({folder!r})
engine = create_engine(f"sqlite:///{{folder / 'persona.db'}}")
memory = ChromaMemory(engine=engine, folder=folder, embedder=HashEmbedder())
records = many(300)
for start in range(0, 300, 20):
    with Session(engine) as session, session.begin():
        memory.remember(records[start : start + 20], session)
    print(start + 20, flush=True)
    if start < 200 or {sync}:
        memory.sync()
os.read(0, 1)
"""


def killed(tmp_path: Path, *, sync: bool, after: int) -> None:
    """Run a process that remembers 300 records by twenties, and kill it once `after` are committed."""
    script = CHILD.format(tests=str(Path(__file__).parent), folder=str(tmp_path), sync=sync)
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= after:
                break
        child.send_signal(signal.SIGKILL)


def test_nothing_is_lost_by_a_kill_between_commit_and_sync(opened: Open, tmp_path: Path) -> None:
    killed(tmp_path, sync=False, after=300)
    memory = opened()
    assert plain(memory.recall(questions())) == plain(exact(many(300), questions()))
    assert [(h.journal, h.index, h.ok) for h in memory.health()] == [(len(many(300)), len(many(300)), True)]


@pytest.mark.slow
@pytest.mark.parametrize("after", [20, 100, 120, 220])
def test_nothing_is_lost_by_a_kill_while_it_writes(opened: Open, keep: Keep, tmp_path: Path, after: int) -> None:
    killed(tmp_path, sync=True, after=after)
    memory = opened()
    keep(memory, many(300))
    assert plain(memory.recall(questions())) == plain(exact(many(300), questions()))
    assert all(h.ok for h in memory.health())


def damage(path: Path, how: str) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        if how == "empty":
            file.truncate(0)
        elif how == "half":
            file.truncate(size // 2)
        else:
            for at in range(0, size, max(size // 50, 1)):
                file.seek(at)
                file.write(random.Random(at).randbytes(16))


@pytest.mark.parametrize("how", ["empty", "half", "bytes"])
@pytest.mark.parametrize("pattern", ["chroma.sqlite3", "*/data_level0.bin", "*/header.bin", "*/link_lists.bin", "*/*"])
def test_mends_a_damaged_index(opened: Open, keep: Keep, tmp_path: Path, pattern: str, how: str) -> None:
    records = many(1500)
    memory = opened()
    keep(memory, records)
    memory.sync()
    memory.close()
    files = sorted((tmp_path / "chroma" / "1").glob(pattern))
    assert files
    for path in files:
        damage(path, how)
    memory = opened(Mute())
    memory.sync()
    assert all(h.ok for h in memory.health())
    memory.close()
    memory = opened()
    assert plain(memory.recall(questions())) == plain(exact(records, questions()))


class Mute(HashEmbedder):
    """Refuses to embed: what is mended is mended without the model."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert not texts
        return super().embed(texts)


def test_mends_an_index_that_fails_while_it_is_compared(
    opened: Open, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = opened()
    keep(memory, many(200))
    memory.sync()
    memory.close()
    strangers, fails = memory._keeper.index.strangers, [True, False]

    def failing(personas: Sequence[str]) -> int:
        if fails.pop(0):
            raise IndexBroken("a test says so")
        return strangers(personas)

    monkeypatch.setattr(memory._keeper.index, "strangers", failing)
    assert plain(memory.recall(questions())) == plain(exact(many(200), questions()))
    assert not fails


def test_recalls_without_an_index_that_cannot_be_rebuilt(
    opened: Open, keep: Keep, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*_: object) -> None:
        raise IndexBroken("no space left on device")

    memory = opened()
    keep(memory, many(200))
    monkeypatch.setattr(memory._keeper.index, "put", failing)
    assert plain(memory.recall(questions())) == plain(exact(many(200), questions()))
    assert "no space left on device" in caplog.text


def test_two_memories_of_one_folder_do_not_disturb_each_other(opened: Open, keep: Keep, tmp_path: Path) -> None:
    first, second = opened(), opened()
    keep(first, many(60))
    first.sync()
    assert plain(second.recall(questions())) == plain(first.recall(questions()))
    keep(second, many(90))
    assert plain(first.recall(questions())) == plain(second.recall(questions()))
    for memory in (first, second):
        memory.sync()
        assert all(h.ok for h in memory.health())
    second.close()
    first.close()
    assert (tmp_path / "chroma" / "1").is_dir()
    assert (tmp_path / "chroma" / "seal").is_file()


def test_a_health_report_names_what_is_missing(opened: Open, keep: Keep) -> None:
    memory = opened()
    keep(memory, [note("rye")])
    (report,) = memory.health()
    assert not report.ok
    assert report.cause == "1 records are missing in the index and 0 are not in the journal"


def test_opens_with_the_weights_of_each_persona(engine: Engine, keep: Keep, tmp_path: Path) -> None:
    def persona(handle: str, memory: dict[str, object]) -> Persona:
        slots = [{"name": "morning", "at": "08:00"}]
        return Persona.model_validate(
            {
                "name": handle.title(), "handle": handle, "bio": "Bakes.", "voice": ["dry"],
                "topics": [{"name": "rye"}], "time_zone": "UTC", "slots": slots, "channels": {"feed": {}},
                "memory": memory,
            },
            strict=False,
        )  # fmt: skip

    weights = {"words": 0, "neighbours": 0, "recency": 4, "importance": 0}
    fresh: dict[str, object] = {"weights": weights, "half_life": "1d"}
    memory = ChromaMemory.open(engine=engine, folder=tmp_path, personas=[persona("ida", fresh), persona("bo", {})])
    memory._switch._wanted = HashEmbedder()
    keep(memory, [note("rye bread", persona=p, age=timedelta(days=2)) for p in ("ida", "Ida", "bo")])
    ida, by_name, bo = memory.recall([ask("rye bread", persona=p) for p in ("ida", "Ida", "bo")])
    assert ida[0].score == by_name[0].score == 0.6
    assert 0.5 < bo[0].score < 0.6
    memory.close()
