"""Candidates, choice, samples and the whole table, with a tiny real model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.writer_quality import measure, options_of
from persona.testing.memory import HashEmbedder
from persona.testing.models import tiny_model
from persona.train.corpus import Example, read_casts
from persona.train.measure import Chooser, Sheet, author_all, briefed, samples_text, write_candidates
from persona.train.measure.candidates import Written, polished
from persona.train.measure.sheet import TASKS
from persona.train.select import held_out
from persona.writer import LocalChatModel
from persona.writer.contract import Candidate, Writer, WriteRequest
from persona.writer.contract import Written as Answer
from persona.writer.model import LocalWriter

embed = HashEmbedder().embed
GOODS = {"name": "Ovo", "price": "€9", "facts": ["one red lid"], "offer": None}
ITEMS = (
    {"task": "post", "topic": "tea", "points": [], "text": "Tea waits."},
    {"task": "post", "topic": "rye", "points": [], "text": "Rye rises."},
    {"task": "post", "topic": "owls", "points": [], "text": "Owls look back."},
    {"task": "promo", "product": GOODS, "text": "Ovo has one red lid. €9."},
    {"task": "callback", "memory": ["bo likes jam"], "topic": "jam", "text": "Bo, more jam."},
    {"task": "reply", "comment": {"author": "bo", "text": "hi"}, "memory": [], "text": "Hello, Bo."},
    {"task": "reply", "comment": {"author": "al", "text": "lol"}, "memory": [], "text": "A short one."},
    {"task": "answer", "product": GOODS, "comment": {"author": "al", "text": "price?"}, "text": "It is €9."},
    {
        "task": "support",
        "policy": ["send it back"],
        "comment": {"author": "al", "text": "bad"},
        "text": "Send it back.",
    },
    {"task": "boundary", "comment": {"author": "al", "text": "are you a bot?"}, "text": "Yes, I am software."},
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "two.jsonl"
    people = ({"name": "Al", "handle": f"p{i}", "bio": "An AI.", "voice": ["dry"], "style": ""} for i in range(3))
    lines = [json.dumps({"persona": persona, "items": ITEMS}) for persona in people]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def examples(data: Path) -> list[Example]:
    return [example for cast in read_casts(data) for example in briefed(cast)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


class Scripted(Writer):
    """Says what it is told to, whoever asks; None is an error."""

    name = "scripted"

    def __init__(self, texts: Sequence[str] | None) -> None:
        self.texts = texts

    def write(self, requests: Sequence[WriteRequest]) -> list[Answer]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: WriteRequest) -> Answer:
        if self.texts is None:
            return Answer(id=request.id, error="no")
        made = [Candidate(text=text, tokens=3, logprob=-1.0 - i) for i, text in enumerate(self.texts)]
        return Answer(id=request.id, candidates=tuple(made[: request.candidates]))


def test_the_first_candidates_are_the_same_however_many_are_written(folder: Path, examples: list[Example]) -> None:
    writer = LocalWriter(LocalChatModel(folder=str(folder), precision="float32", max_rows=6))
    two = write_candidates(writer, examples[:4], count=2, seed=7)
    four = write_candidates(writer, examples[:4], count=4, seed=7)
    assert any(each.text for found in two.values() for each in found)
    assert {key: found[:2] for key, found in four.items()} == two
    assert write_candidates(writer, examples[:4], count=2, seed=8) != two


def test_a_request_that_fails_leaves_empty_texts(examples: list[Example]) -> None:
    found = write_candidates(Scripted(None), examples, count=3, seed=7)
    assert all(len(each) == 3 and not any(c.text for c in each) for each in found.values())
    assert set(found) == {example.key for example in examples}


def test_openers_and_loose_ends_go_and_length_stays() -> None:
    assert polished('Sure, here is a post: "Tea waits. Rye rises."') == "Tea waits. Rye rises."
    assert polished("One. Two. Three. Four. Fi") == "One. Two. Three. Four."
    assert polished("no end in sight") == "no end in sight"


def test_the_guards_come_first_then_the_rank(examples: list[Example]) -> None:
    [ad] = [example for example in examples if example.brief.task == "promo" and example.handle == "p0"]
    texts = ("Rain fell on an old tin roof.", "Ovo has one red lid. €9.", "Ovo has one red lid and 40% off. €9.")
    found = {ad.key: [Written(text=text, logprob=-1.0 - i) for i, text in enumerate(texts)]}
    chooser = Chooser(embed)
    assert chooser.chosen("w", [ad], found, 1).texts[ad.key] == texts[0]
    assert chooser.chosen("w", [ad], found, 3).texts[ad.key] == texts[1]
    assert chooser.likeliest("w", [ad], found, 3).texts[ad.key] == texts[0]
    assert chooser.chosen("w", [ad], {ad.key: found[ad.key][::2]}, 2).texts[ad.key] == texts[0]


def test_samples_are_drawn_evenly_and_show_the_request(examples: list[Example]) -> None:
    sheet = Sheet(writer="scripted", texts={example.key: f"Text of {example.key}." for example in examples})
    text = samples_text(examples, sheet, count=2 * len(TASKS), seed=7, heading="Samples")
    heads = [line.split(" ")[2].rstrip(":") for line in text.splitlines() if line.startswith("## ")]
    assert heads == [task for task in TASKS for _ in range(2)]
    assert "    Write an ad of two sentences." in text
    assert text.count("\n> Text of ") == len(heads)
    assert text == samples_text(list(reversed(examples)), sheet, count=2 * len(TASKS), seed=7, heading="Samples")


@pytest.fixture
def printed(data: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], Path]:
    samples = tmp_path / "samples.md"
    options = options_of(
        [
            "--data",
            str(data),
            "--all",
            "--json",
            "--candidates",
            "2",
            "1",
            "--processes",
            "1",
            "--samples",
            str(samples),
        ]
    )
    assert measure(options, {"base": folder, "pocket": folder}, embed) == 0
    return capsys.readouterr().out.splitlines(), samples


def test_the_table_has_a_row_for_every_writer(printed: tuple[list[str], Path]) -> None:
    lines, samples = printed
    report = json.loads(lines[-1])
    rows = {row["writer"]: row for row in report["rows"]}
    of_a_model = ("{}, 1", "{}, 2", "{}, likeliest of 2")
    assert list(rows) == [name.format(m) for m in ("base", "pocket") for name in of_a_model] + ["template", "reference"]
    reference, template = rows["reference"], rows["template"]
    assert reference["exact"] == reference["length"] == reference["honest"] == 1.0
    assert template["honest"] == template["facts"] == 1.0
    assert reference["loss"] is None
    assert rows["base, 1"]["loss"] == rows["pocket, 2"]["loss"] > 1
    assert {k: v for k, v in rows["base, 2"].items() if k != "writer"} == {
        k: v for k, v in rows["pocket, 2"].items() if k != "writer"
    }
    assert rows["base, 2"]["honest_sent"] == 1.0
    assert rows["base, likeliest of 2"]["logprob"] >= rows["base, 1"]["logprob"]
    drafts = {row["counts"]["facts"] for row in report["rows"]}
    assert drafts == {report["briefs"]} == {21}
    assert "unselected samples" in samples.read_text(encoding="utf-8")
    heads = lines[0].split()
    assert heads[:3] == ["writer", "loss", "exact"]


@pytest.mark.slow
def test_two_processes_write_what_one_writes(folder: Path, examples: list[Example]) -> None:
    one, two = (author_all({"m": folder}, examples, 2, 7, processes=n)["m"] for n in (1, 2))
    assert two.candidates == one.candidates
    assert two.tokens == one.tokens
    assert two.mean_loss == pytest.approx(one.mean_loss, rel=1e-3)


def test_data_without_a_held_out_persona_says_what_to_do(
    data: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not any(held_out(cast) for cast in read_casts(data))
    assert measure(options_of(["--data", str(data)]), {"base": folder}, embed) == 2
    assert "--all measures every one" in capsys.readouterr().err
