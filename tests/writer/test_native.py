"""The forward pass in compiled C: as torch's in int8, and independent of the batch and of the number of threads."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from persona.writer import LocalChatModel, Message, Sampling, WriteRequest
from persona.writer.compiled import compiled, works
from persona.writer.folder import ModelFolder
from persona.writer.int8 import has_int8
from persona.writer.native import NativeForward, fits
from persona.writer.pocket import cache_home
from persona.writer.weights import LlamaWeights

pytestmark = pytest.mark.skipif(
    not has_int8() or not works(cache_home()), reason="needs a C compiler and a processor with AVX-512 VNNI"
)

WORDS = "rye bread for the early tram and a quiet oven "


@pytest.fixture(scope="module")
def quick(tiny_folder: Path) -> LocalChatModel:
    return LocalChatModel(folder=str(tiny_folder), precision="int8")


@pytest.fixture(scope="module")
def by_torch(tiny_folder: Path) -> LocalChatModel:
    return LocalChatModel(folder=str(tiny_folder), precision="int8", native=False)


def ask(number: int, *, system: int = 30, own: int = 20, candidates: int = 2, most: int = 14) -> WriteRequest:
    messages = (
        Message(role="system", content=(WORDS * 9)[:system]),
        Message(role="user", content=f"{number} " + (WORDS * 9)[:own]),
    )
    sampling = Sampling(max_tokens=most, temperature=0.9)
    return WriteRequest(id=f"r{number}", messages=messages, seed=number, candidates=candidates, sampling=sampling)


MIXED = [
    ask(0),
    ask(1, system=150, own=300, candidates=5),
    ask(2, system=150, own=3, candidates=1, most=3),
    ask(3, system=0, own=290, candidates=3),
    ask(4, own=1, candidates=9, most=30),
    ask(5, system=150, own=129, most=9),
]


def test_the_two_ways_are_told_apart(quick: LocalChatModel, by_torch: LocalChatModel) -> None:
    assert quick.resolved_precision == "int8-native"
    assert isinstance(quick._decoder._model, NativeForward)
    assert by_torch.resolved_precision == "int8"


def test_it_gives_what_torch_gives(quick: LocalChatModel, by_torch: LocalChatModel) -> None:
    tokens = torch.randint(300, (400,), generator=torch.Generator().manual_seed(4)).tolist()
    with torch.inference_mode():
        first, second = (model._decoder._model.logprobs(None, tokens) for model in (quick, by_torch))
        for model in (quick, by_torch):
            forward = model._decoder._model
            after = forward.logprobs(forward.prefix(tokens[:150]), tokens[150:])
            assert (after - first[150:]).abs().mean() < 0.02
    assert (first - second).abs().mean() < 0.02
    assert first.std() > 0.5


def test_a_request_gets_the_same_alone_and_in_any_batch(quick: LocalChatModel) -> None:
    together = quick.write(MIXED)
    assert not [answer.error for answer in together if answer.error]
    assert [answer for request in MIXED for answer in quick.write([request])] == together
    assert quick.write(MIXED[::-1]) == together[::-1]
    many = [replace(MIXED[i % 6], id=f"{i}") for i in range(18)]
    assert [answer.candidates for answer in quick.write(many)] == [answer.candidates for answer in together] * 3


def test_the_number_of_threads_changes_nothing(quick: LocalChatModel) -> None:
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            quick.forget()
            found.append(quick.write(MIXED))
    finally:
        torch.set_num_threads(threads)
    assert found[0] == found[1] == found[2]


def test_sizes_that_it_cannot_run_are_left_to_torch(tiny_folder: Path) -> None:
    folder = ModelFolder.open(tiny_folder)
    weights = LlamaWeights(folder.config, folder.tensors())
    assert fits(weights)
    weights.inner = 100
    assert not fits(weights)
    weights.inner = 96
    weights.head_size = 24
    assert not fits(weights)


def test_without_a_compiler_torch_writes(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("persona.writer.model.cache_home", lambda: tmp_path)
    model = LocalChatModel(folder=str(tiny_folder), precision="int8")
    assert model.resolved_precision == "int8"
    assert model.write([ask(1)])[0].candidates


def test_a_compiler_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = subprocess.run

    def run(command: list[str], **values: Any) -> Any:
        broken = [*command[:-1], "-lno-such-library"] if "-shared" in command else command
        return plain(broken, **values)

    monkeypatch.setattr(subprocess, "run", run)
    assert compiled(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_compiled_is_kept(tmp_path: Path) -> None:
    assert compiled(tmp_path) is not None
    [file] = tmp_path.iterdir()
    assert file.name.startswith("native-")
    assert file.suffix == ".so"
