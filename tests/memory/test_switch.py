"""Going over to another embedding model, and to models in folders."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from persona.errors import MixedVectors, ModelNotFound, ModelNotTrusted
from persona.memory import Record
from persona.store import JournalRow, ShadowRow
from persona.testing.memory import HashEmbedder
from persona.testing.memory_suite import ask, note
from persona_memory import ChromaMemory, minilm
from persona_memory.folder_model import FolderModel, find_folder
from persona_memory.switch import Switch
from tests.memory.test_chroma_memory import WORDS, many


class Deaf(HashEmbedder):
    """Gives vectors that have nothing to do with the text's meaning: the same words in other order are far apart."""

    def __init__(self) -> None:
        super().__init__(64)
        self.name = "deaf@64"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        from persona.digest import seed_of

        rows = [np.random.Generator(np.random.Philox(seed_of(text))).standard_normal(64) for text in texts]
        vectors = np.array(rows).reshape(len(texts), 64)
        unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


Open = Callable[..., ChromaMemory]


@pytest.fixture
def open_with(engine: Engine, tmp_path: Path) -> Iterator[Open]:
    every: list[ChromaMemory] = []

    def opener(embedder: Any, former: Any = None) -> ChromaMemory:
        memory = ChromaMemory(engine=engine, folder=tmp_path, embedder=embedder)
        if former is not None:
            memory._switch = Switch(engine, embedder, "new", lambda place: former)
        every.append(memory)
        return memory

    yield opener
    for memory in every:
        memory.close()


def keep(engine: Engine, memory: ChromaMemory, records: Sequence[Record]) -> None:
    with Session(engine) as session, session.begin():
        memory.remember(records, session)
    memory.sync()


def models(engine: Engine) -> set[tuple[str, int, int]]:
    with engine.connect() as connection:
        rows = connection.execute(select(JournalRow.model, JournalRow.dimensions, JournalRow.vector))
        return {(row[0], row[1], len(row[2]) // 4) for row in rows}


def test_a_model_that_finds_as_much_is_taken(open_with: Open, engine: Engine) -> None:
    memory = open_with(HashEmbedder(128))
    keep(engine, memory, many(200))
    memory.close()
    memory = open_with(HashEmbedder(512), former=HashEmbedder(128))
    memory.sync()
    assert models(engine) == {("hash@512", 512, 512)}
    assert memory._switch.refused is None
    assert all(h.ok for h in memory.health())
    assert memory.recall([ask("rye bread")])[0]
    with engine.connect() as connection:
        assert connection.execute(select(ShadowRow.record_id)).all() == []


def test_a_model_that_finds_less_is_refused_and_the_old_one_goes_on(
    open_with: Open, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    memory = open_with(HashEmbedder())
    keep(engine, memory, [note(f"{' '.join(WORDS[i % 7 : i % 7 + 8])} number {i}", source=f"k{i}") for i in range(120)])
    memory.close()
    memory = open_with(Deaf(), former=HashEmbedder())
    with caplog.at_level(logging.WARNING):
        memory.sync()
    assert "deaf@64 is not taken" in caplog.text
    assert models(engine) == {("hash@256", 256, 256)}
    tried = memory._switch.refused
    assert tried is not None
    assert tried.before is not None
    assert tried.probes == 120
    assert tried.after < 0.3 < tried.before
    assert any("was tried on 120 probes and not taken" in remark for remark in memory.remarks())
    keep(engine, memory, [note("a new record by the old model", source="new")])
    assert models(engine) == {("hash@256", 256, 256)}
    assert memory.recall([ask("a new record by the old model")])[0][0].record.source == "new"
    memory.close()
    caplog.clear()
    memory = open_with(Deaf(), former=HashEmbedder())
    memory.sync()
    assert "not taken" not in caplog.text, "it is not tried at every start"
    assert memory.embed_again() == 121
    assert models(engine) == {("deaf@64", 64, 64)}
    assert all(h.ok for h in memory.health())


def test_what_was_cut_off_is_not_embedded_again(
    open_with: Open, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = open_with(HashEmbedder(128))
    keep(engine, memory, many(100))
    memory.close()
    monkeypatch.setattr("persona_memory.switch._BATCH", 30)

    class Dying(HashEmbedder):
        left = 70

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self.left -= len(texts)
            if self.left < 0:
                raise KeyboardInterrupt
            return super().embed(texts)

    memory = open_with(Dying(), former=HashEmbedder(128))
    with pytest.raises(KeyboardInterrupt):
        memory.sync()
    assert models(engine) == {("hash@128", 128, 128)}
    counting = Dying()
    counting.left = 10_000
    memory = open_with(counting, former=HashEmbedder(128))
    memory.sync()
    assert models(engine) == {("hash@256", 256, 256)}
    with engine.connect() as connection:
        count = len(connection.execute(select(JournalRow.seq)).all())
    probed = 10_000 - counting.left - (count - 60)
    assert 0 < probed < 100, "two batches were there already; the rest are probes"


def test_vectors_of_several_models_are_refused(open_with: Open, engine: Engine) -> None:
    memory = open_with(HashEmbedder(128))
    keep(engine, memory, many(30))
    memory.close()
    with engine.begin() as connection:
        first = connection.execute(select(JournalRow.seq).limit(3)).scalars().all()
        odd = np.ones(7, dtype="<f4").tobytes()
        connection.execute(
            update(JournalRow).where(JournalRow.seq.in_(first)).values(model="other@7", dimensions=7, vector=odd)
        )
    memory = open_with(HashEmbedder(128), former=HashEmbedder(128))
    with pytest.raises(MixedVectors, match=r"hash@128: \d+ records of 128, other@7: 3 records of 7"):
        memory.sync()
    assert memory.embed_again() > 3
    assert models(engine) == {("hash@128", 128, 128)}
    memory.sync()
    assert all(h.ok for h in memory.health())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "adapted"
    shutil.copytree(minilm.packaged(), folder)
    return folder


@pytest.mark.model
def test_a_trained_folder_is_read(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors["encoder.layer.5.output.LayerNorm.bias"][:50] += 0.5
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    model = FolderModel(folder)
    assert model.name.startswith("adapted@")
    vectors = model.embed(["rye bread", "a canal"])
    assert vectors.shape == (2, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not np.allclose(vectors, minilm.MiniLM().embed(["rye bread", "a canal"]), atol=1e-3)
    assert find_folder("adapted", tmp_path / ".persona" / "rehearsal") == folder


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="embedding: default"):
        FolderModel(tmp_path)
    for name, text in (("config.json", '{"model_type": "gpt2"}'), ("model.safetensors", ""), ("tokenizer.json", "")):
        (tmp_path / name).write_text(text)
    with pytest.raises(ModelNotTrusted, match="BERT"):
        FolderModel(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 8}))
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": false}')
    with pytest.raises(ModelNotTrusted, match="mean pooling"):
        FolderModel(tmp_path)
