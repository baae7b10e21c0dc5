"""The speed measurement in small: the same load through real engines, on a tiny model."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path

import pytest

from benchmarks._engines import CTranslate2, Engine, Padded, Persona, Transformers
from benchmarks._loads import Load, Loads
from benchmarks._report import timed
from benchmarks.writer_speed import compared, identical, limits, measured
from persona.writer.folder import ModelFolder


@pytest.fixture(scope="module")
def loads(tiny_folder: Path) -> Loads:
    return Loads(ModelFolder.open(tiny_folder))


@pytest.fixture(scope="module")
def load(loads: Loads) -> Load:
    return loads.load("5 texts", 5, prefix=40, shared=True, wanted=(3, 12), own=1)


def test_a_load_is_the_same_for_every_engine(loads: Loads, load: Load) -> None:
    assert len({each.shared for each in load.texts}) == 1
    assert all(loads.tokenizer.encode(each.text).ids == [*each.shared, *each.own] for each in load.texts)
    assert all(3 <= each.wanted <= 12 for each in load.texts)
    assert load.texts == loads.load("5 texts", 5, prefix=40, shared=True, wanted=(3, 12), own=1).texts
    apart = loads.load("", 5, prefix=40, shared=False, own=1)
    assert len({each.shared for each in apart.texts}) == 5


def test_only_what_was_wanted_is_counted(loads: Loads, load: Load) -> None:
    end = loads.tokenizer.token_to_id("<|im_end|>")
    wanted = [each.wanted for each in load.texts]
    found = [[7] * 50, [7, 7, end, 7, 7, 7], [], [7], [end]]
    assert loads.useful(found, load) == wanted[0] + 3 + 0 + 1 + 1


@pytest.mark.parametrize("make", [partial(Persona, precision="float32"), Transformers, Padded])
def test_engines_write_what_is_wanted(loads: Loads, load: Load, tiny_folder: Path, tmp_path: Path, make: type) -> None:
    engine: Engine = make(loads)
    engine.open(tiny_folder, tmp_path)
    found = measured(engine, load)
    few = load.first(3) if engine.serial else load
    assert 0 < found["units"] <= sum(each.wanted for each in few.texts)
    assert found["cpu_seconds"] > 0
    engine.close()
    assert not hasattr(engine, "model")


def test_greedy_texts_are_those_of_generate(loads: Loads, tiny_folder: Path) -> None:
    assert identical(tiny_folder, loads, prefix=40) == "8 of 8"


def test_what_is_not_installed_is_told_with_its_cure(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert CTranslate2(loads).missing() == "it is not installed: pip install 'persona[bench]'"
    assert Transformers(loads).missing() == ""


def test_ratios_are_to_the_serial_loop_and_to_the_best_other() -> None:
    rates = {"HuggingFacePipeline, loop": 10.0, "CTranslate2, int8": 40.0, "persona, int8, compiled": 100.0}
    rows = [
        {"load": "a", "way": way, "units": 50, "cpu_seconds": 50 / rate, "per_cpu_second": rate}
        for way, rate in rates.items()
    ]
    found = {row["way"]: (row["x_serial"], row["x_best_other"]) for row in compared(rows)}
    assert found == {
        "HuggingFacePipeline, loop": (1.0, 0.25),
        "CTranslate2, int8": (4.0, 1.0),
        "persona, int8, compiled": (10.0, 2.5),
    }


@pytest.mark.model
def test_the_share_of_the_bandwidth_counts_every_weight_once_a_token() -> None:
    rows = limits({"persona, int8, torch": 50.0, "persona, float32, torch": 10.0}, bandwidth=1e10, numbers=10**8)
    assert [row["share"] for row in rows] == ["50%", "40%"]
    assert timed(lambda: 3)["units"] == 3
