"""The choice of number format and device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from persona.errors import DeviceMissing, PrecisionMissing
from persona.writer import precision
from persona.writer.device import chosen_device
from persona.writer.precision import Formats, choice, formats, processor, quickest


def test_a_coarser_format_must_be_clearly_quicker() -> None:
    assert choice({"float32": 10.0, "bfloat16": 9.5, "int8": 9.2}) == "float32"
    assert choice({"float32": 10.0, "bfloat16": 5.0, "int8": 4.9}) == "bfloat16"
    assert choice({"float32": 10.0, "bfloat16": 5.0, "int8": 3.0}) == "int8"
    assert choice({"float32": 10.0, "bfloat16": 12.0, "int8": 8.0}) == "int8"
    assert choice({"float32": 10.0}) == "float32"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A machine that has all formats and takes these times, in turn."""
    times = [3.0, 2.0, 1.0]
    monkeypatch.setattr(precision, "has_int8", lambda: True)
    monkeypatch.setattr(precision, "quick_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "product", lambda weight, name: name)
    monkeypatch.setattr(precision, "_seconds", lambda multiply: times.pop(0))
    return times


def test_the_quickest_is_measured_once_and_kept(tmp_path: Path, measured: list[float]) -> None:
    assert quickest(tmp_path) == "int8"
    assert measured == []
    assert quickest(tmp_path) == "int8"
    [file] = tmp_path.iterdir()
    assert json.loads(file.read_text())["seconds"] == {"float32": 3.0, "bfloat16": 2.0, "int8": 1.0}


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"precision": "int3"}'])
def test_a_spoilt_note_is_measured_again(tmp_path: Path, measured: list[float], content: str) -> None:
    quickest(tmp_path)
    [file] = tmp_path.iterdir()
    file.write_text(content)
    measured += [1.0, 2.0, 3.0]
    assert quickest(tmp_path) == "float32"
    assert json.loads(file.read_text())["precision"] == "float32"


def test_another_processor_is_measured_anew(
    tmp_path: Path, measured: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    quickest(tmp_path)
    monkeypatch.setattr(precision, "processor", lambda: "another")
    measured += [1.0, 2.0, 3.0]
    assert quickest(tmp_path) == "float32"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, measured: list[float]) -> None:
    (tmp_path / "file").write_text("x")
    assert quickest(tmp_path / "file" / "below") == "int8"


def test_a_real_measurement_names_a_format(tmp_path: Path) -> None:
    found = quickest(tmp_path)
    assert found in {"float32", "bfloat16", "int8"}
    assert quickest(tmp_path) == found
    assert processor() == processor()
    assert len(processor()) > 3


def test_formats_on_a_cpu(tmp_path: Path, measured: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    assert formats("float32", "cpu", cache=tmp_path) == Formats(layers="float32", head="float32")
    assert formats("bfloat16", "cpu", cache=tmp_path) == Formats(layers="bfloat16", head="int8")
    assert formats("int8", "cpu", cache=tmp_path) == Formats(layers="int8", head="int8")
    assert formats("auto", "cpu", cache=tmp_path).layers == "int8"
    monkeypatch.setattr(precision, "has_int8", lambda: False)
    assert formats("bfloat16", "cpu", cache=tmp_path).head == "float32"
    with pytest.raises(PrecisionMissing, match="Set the precision to auto"):
        formats("int8", "cpu", cache=tmp_path)


def test_formats_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert formats("auto", "cuda", cache=tmp_path) == Formats(layers="bfloat16", head="float32")
    assert formats("auto", "mps", cache=tmp_path) == Formats(layers="float32", head="float32")
    assert formats("float32", "cuda", cache=tmp_path).layers == "float32"
    with pytest.raises(PrecisionMissing, match="cuda"):
        formats("int8", "cuda", cache=tmp_path)


def test_a_gpu_is_taken_where_there_is_one() -> None:
    assert chosen_device("auto", cuda=True, mps=False) == "cuda"
    assert chosen_device("auto", cuda=False, mps=True) == "mps"
    assert chosen_device("auto", cuda=False, mps=False) == "cpu"
    assert chosen_device("cpu", cuda=True, mps=True) == "cpu"
    assert chosen_device("mps", cuda=True, mps=True) == "mps"


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceMissing, match="'cuda', but on this machine torch finds cpu and mps"):
        chosen_device("cuda", cuda=False, mps=True)


def test_torch_is_asked_for_what_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen_device("auto") == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert chosen_device("auto") == "cpu"
    with pytest.raises(DeviceMissing):
        chosen_device("mps")
