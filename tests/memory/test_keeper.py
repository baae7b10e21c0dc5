"""The index is probed, weighed, and written from blank memory."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from experiments import memory_forget
from persona.memory import Memory, Record
from persona.testing.memory_suite import note
from persona_memory import ChromaMemory, index
from persona_memory.index import ChromaIndex

ROOT = Path(__file__).parents[2]
Open = Callable[..., ChromaMemory]
Keep = Callable[[Memory, Sequence[Record]], int]


def notes(count: int) -> list[Record]:
    return [note(f"day {i}: rye, canal and {i * 7} bicycles", source=f"k{i}") for i in range(count)]


def test_wrong_vectors_under_right_ids_are_found_out(
    opened: Open, keep: Keep, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = opened()
    keep(memory, notes(40))
    memory.sync()
    ids = memory._keeper.index.ids("ida")
    memory._keeper.index.put("ida", ids, np.eye(256, dtype=np.float32)[: len(ids)])
    memory.close()
    with caplog.at_level(logging.WARNING):
        memory.sync()
    assert "is not found by its own vector" in caplog.text
    assert memory._keeper.rebuilt == 1
    memory.close()
    memory.sync()
    assert memory._keeper.rebuilt == 1


def test_an_index_that_has_outgrown_its_records_is_built_anew(
    opened: Open, keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    memory = opened()
    keep(memory, notes(60))
    memory.sync()
    memory.close()
    (tmp_path / "chroma" / "1" / "leftover").write_bytes(bytes(4 << 20))
    (tmp_path / "chroma" / "seal").write_text(_seal(tmp_path / "chroma" / "1"))
    monkeypatch.setattr(index, "_ROOM", 1 << 20)
    with caplog.at_level(logging.WARNING):
        memory.sync()
    assert "its files have 4 MiB, and its records need 0" in caplog.text
    assert not list((tmp_path / "chroma").glob("*/leftover"))
    assert all(h.ok for h in memory.health())


def _seal(folder: Path) -> str:
    from persona_memory.local import _seal as seal

    return seal(folder)


def test_large_batches_go_in_by_parts(tmp_path: Path) -> None:
    chroma = ChromaIndex(tmp_path)
    most = int(chroma._open().get_max_batch_size())
    count = most + 3
    vectors = np.random.Generator(np.random.Philox(1)).standard_normal((count, 4)).astype(np.float32)
    chroma.put("ida", [str(i) for i in range(count)], vectors)
    assert chroma.total() == count
    chroma.close()


@pytest.mark.slow
def test_erased_vectors_do_not_come_back_from_the_memory_of_the_process(tmp_path: Path) -> None:
    random = np.random.Generator(np.random.Philox(3))
    for turn in range(4):
        chroma = ChromaIndex(tmp_path / str(turn))
        vectors = random.standard_normal((60, 256)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        chroma.put("ida", [str(i) for i in range(60)], vectors)
        chroma.search("ida", vectors[:2], 3)
        chroma.destroy()
        chroma.put("ida", [str(i) for i in range(10)], vectors[:10])
        chroma.search("ida", vectors[:2], 3)
        chroma.close()
        data = b"".join(path.read_bytes() for path in (tmp_path / str(turn)).rglob("*") if path.is_file())
        assert sum(data.find(vector.tobytes()[at : at + 32]) >= 0 for vector in vectors[10:] for at in (96, 512)) == 0
        assert data.find(vectors[3].tobytes()[96:128]) >= 0, "the search finds what is there"


@pytest.mark.slow
def test_the_kill_experiment_in_short() -> None:
    # In a process of its own: it forks, and Chroma's threads in this one would not be there in the child.
    command = [sys.executable, "-m", "experiments.memory_kill", "--kills", "4", "--records", "200", "--json"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=ROOT)
    assert told.stdout, told.stderr
    result = json.loads(told.stdout.splitlines()[-1])
    assert result["looked_at_after_a_kill"] == 4
    assert result["records_lost"] == result["not_found"] == result["not_well"] == 0
    assert result["most_records"] > 0


@pytest.mark.slow
def test_the_forgetting_experiment_in_short() -> None:
    result = memory_forget.run(6, 120, 1, 32)
    assert result["found_before"] > 60
    assert result["found_after"] == result["found_after_closing"] == result["others_rows_changed"] == 0
    assert result["others_rows"] == 2 * 114
    assert result["receipt_clean"]
    assert result["index"] == [114, 114, True]
