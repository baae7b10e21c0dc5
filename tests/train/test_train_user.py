"""Fine-tuning a writer on a user's texts, from the file to a folder that writes."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from persona.errors import BadTrainingData
from persona.testing.cards import make_card
from persona.train.cleaning import Cleaned, clean
from persona.train.extra import ExtraMissing
from persona.train.lessons import Teacher, split
from persona.train.meter import Meter
from persona.train.place import FolderTaken, NothingToResume
from persona.train.posts import Post, Read, read_posts
from persona.train.user import Outcome, Wish, train_writer
from persona.writer import Message, WriteRequest
from persona.writer.adapter import WEIGHTS
from persona.writer.choose import open_writer
from tests.train.train_parts import NOUNS, post_text

pytestmark = pytest.mark.usefixtures("own_cache")

Train = Callable[..., Outcome]


@pytest.fixture
def cleaned(posts_file: Path) -> Cleaned:
    return clean(read_posts(posts_file))


@pytest.fixture
def train(cleaned: Cleaned, llama: Path, tmp_path: Path) -> Train:
    def run(*, stop: Callable[[], bool] = lambda: False, teacher: Teacher | None = None, **wish: Any) -> Outcome:
        settings = {"out": tmp_path / "out", "base": str(llama), "epochs": 4.0, "rate": 3e-3, "precision": "float32"}
        return train_writer(cleaned, teacher or Teacher(), Wish(**{**settings, **wish}), stop=stop)

    return run


def write(folder: Path) -> str:
    from persona.definition.writing import WriterSettings

    writer = open_writer(WriterSettings(model=str(folder)))
    messages = (Message(role="user", content="Write a post of two sentences about loaf care."),)
    [written] = writer.write([WriteRequest(id="x", messages=messages, seed=1)])
    assert not written.error
    return written.candidates[0].text


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_trained_folder_opens_and_writes(
    kind: str, method: str, train: Train, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    base: Path = request.getfixturevalue(kind)
    outcome = train(base=str(base), method=method, epochs=6.0)
    report = outcome.report
    assert report["loss"]["after"] < 0.97 * report["loss"]["before"]
    assert write(tmp_path / "out")
    weights = WEIGHTS if method == "lora" else "model.safetensors"
    assert weights in report["files"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == report["files"]
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    assert (tmp_path / "out" / "curve.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "out" / "report.md").read_text()
    for said in ("fell by", "| loss a token (nats) |", "an estimate: processor seconds", "## Licence", "look it up"):
        assert said in text
    assert len(report["samples"]["texts"]) == report["loss"]["texts"]


def test_the_same_texts_and_seed_give_the_same_bytes(train: Train, tmp_path: Path) -> None:
    train(out=tmp_path / "one")
    train(out=tmp_path / "two")
    train(out=tmp_path / "other", seed=8)
    one, two, other = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("one", "two", "other"))
    assert one == two
    assert one != other
    assert (tmp_path / "one" / "curve.png").read_bytes() == (tmp_path / "two" / "curve.png").read_bytes()


def test_stopped_it_leaves_no_model_and_goes_on(train: Train, tmp_path: Path) -> None:
    train(out=tmp_path / "whole")
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] > 7

    outcome = train(stop=stop)
    assert (outcome.report, outcome.progress.step) == ({}, 7)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".training"]
    with pytest.raises(FolderTaken, match=r"an unfinished training of other texts or settings.*--fresh"):
        train(rate=1e-3)
    report = train(resume=True).report
    assert report["cost"]["starts"] == 2
    assert (tmp_path / "out" / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()
    assert not (tmp_path / "out" / ".training").exists()


def test_a_folder_is_never_overwritten_unasked(train: Train, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    for fresh in (False, True):
        with pytest.raises(FolderTaken, match="holds something else"):
            train(out=tmp_path / "taken", fresh=fresh)
    with pytest.raises(NothingToResume):
        train(resume=True)
    assert not (tmp_path / "out").exists()
    train(epochs=1.0)
    with pytest.raises(FolderTaken, match="holds a finished training"):
        train(epochs=1.0)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    train(epochs=1.0, fresh=True, method="full")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert WEIGHTS not in names
    assert {"model.safetensors", "notes.txt", "report.json"} <= names
    assert (tmp_path / "taken" / "thesis.txt").read_text() == "mine"


def test_an_earlier_adapter_is_trained_on(train: Train, llama: Path, tmp_path: Path) -> None:
    first = train(out=tmp_path / "first").report
    second = train(base=str(tmp_path / "first"), rank=2, seed=9).report
    assert second["loss"]["before"] == pytest.approx(first["loss"]["after"], abs=0.05)
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert (config["r"], config["base_model_name_or_path"]) == (10, str(llama.resolve()))
    assert write(tmp_path / "out")


@pytest.mark.parametrize(("package", "method"), [("matplotlib", "full"), ("peft", "lora")])
def test_a_missing_extra_is_named_before_anything_is_loaded(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, method: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == package else find(name, *more))
    with pytest.raises(ExtraMissing, match=rf"{package}. Install it: pip install 'persona\[train\]'") as caught:
        train(method=method)
    assert isinstance(caught.value, ImportError)
    assert not (tmp_path / "out").exists()


def test_texts_that_do_not_fit_the_model_are_left_out(
    train: Train, cleaned: Cleaned, llama: Path, tmp_path: Path
) -> None:
    long = Post(line=99, text=" ".join(post_text(i) for i in range(40))[:1990], topic="all")
    report = train_writer(
        replace(cleaned, posts=(*cleaned.posts, long), lines=41),
        Teacher(),
        Wish(out=tmp_path / "out", base=str(llama), epochs=1.0, precision="float32"),
    ).report
    [row] = report["data"]["lines_left_out"]
    assert (row["line"], row["reason"]) == (99, "too long")
    assert "512 fit" in row["detail"]
    with pytest.raises(BadTrainingData, match="only 0 texts fit"):
        train_writer(
            replace(cleaned, posts=tuple(replace(long, line=i) for i in range(5))),
            Teacher(),
            Wish(out=tmp_path / "none", base=str(llama), epochs=1.0, precision="float32"),
        )
    assert not (tmp_path / "none").exists()


def test_a_persona_is_shown_some_of_its_texts_and_asked_for_others() -> None:
    card = make_card()
    posts = [Post(line=i, text=post_text(i), topic=NOUNS[i % 10], persona="ana") for i in range(20)]
    teacher = Teacher([card])
    shown = []
    for epoch in (0, 1):
        lessons = teacher.lessons(posts, epoch)
        [system] = {lesson.messages[0].content for lesson in lessons}
        assert system.startswith("You are Ana Test. A virtual gardener")
        assert len(lessons) == 17
        assert not any(lesson.text in system for lesson in lessons)
        shown.append(system)
    assert shown[0] != shown[1]
    reply = teacher.lessons([Post(line=1, text="Yes.", comment="really?", persona="Ana Test")], 0)[0]
    assert reply.messages[1].content == "A follower writes: really?\nReply in one sentence."
    alone = teacher.lessons([Post(line=1, text="Rain. Again.")], 0)[0]
    assert [message.content for message in alone.messages] == ["Write a post of two sentences."]
    given = {"name": "Bo", "bio": "A mender.", "voice": "calm"}
    own = teacher.lessons([Post(line=1, text="Rain.", persona="bo", card=given)], 0)[0]
    assert own.messages[0].content == "You are Bo. A mender.\nVoice: calm."


def test_texts_are_split_by_what_they_say_not_by_where_they_stand() -> None:
    posts = [Post(line=i, text=post_text(i)) for i in range(100)]
    parts = split(posts)
    assert [len(part) for part in (parts.train, parts.valid, parts.test)] == [80, 10, 10]
    assert parts.apart
    turned = split([replace(post, line=100 - post.line) for post in reversed(posts)])
    assert {post.text for post in turned.valid} == {post.text for post in parts.valid}
    few = split(posts[:6])
    assert [len(part) for part in (few.train, few.valid, few.test)] == [5, 1, 1]
    assert not few.apart


def test_energy_is_read_where_it_can_be(tmp_path: Path) -> None:
    domain, part = tmp_path / "intel-rapl:0", tmp_path / "intel-rapl:0:1"
    for folder, value in ((domain, 900_000), (part, 5)):
        folder.mkdir()
        (folder / "energy_uj").write_text(str(value))
        (folder / "max_energy_range_uj").write_text("1000000")
    meter = Meter(tmp_path / "cost.json", rapl=tmp_path)
    (domain / "energy_uj").write_text("950000")
    meter.look()
    # The counter has wrapped around.
    (domain / "energy_uj").write_text("50000")
    cost = meter.look()
    assert cost.joules == pytest.approx(0.15)
    assert "RAPL" in cost.as_json(10)["energy_from"]


def test_energy_is_estimated_elsewhere_and_adds_up_over_starts(tmp_path: Path) -> None:
    first = Meter(tmp_path / "cost.json", watts=20, rapl=tmp_path / "none").look()
    assert first.joules == pytest.approx(20 * first.cpu_seconds)
    second = Meter(tmp_path / "cost.json", watts=20, rapl=tmp_path / "none").look()
    assert second.starts == 2
    assert second.seconds > first.seconds
    assert second.as_json(20)["energy_from"] == "an estimate: processor seconds × 20 W a core"


def test_a_base_with_another_kind_of_attention_leaves_nothing(train: Train, tmp_path: Path, llama: Path) -> None:
    from persona.train.model import CannotTrain

    folder = tmp_path / "mistral"
    folder.mkdir()
    for file in llama.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mistral", "architectures": ["MistralForCausalLM"], "sliding_window": 64}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CannotTrain, match="looks back over 64 tokens"):
        train(base=str(folder))
    assert not (tmp_path / "out").exists()


def test_the_reports_weights_are_those_of_the_best_look(train: Train, tmp_path: Path) -> None:
    outcome = train(method="full", epochs=8.0)
    losses = [valid for _, _, valid in outcome.progress.curve]
    assert outcome.progress.best == min(losses)
    assert outcome.report["loss"]["after"] == pytest.approx(outcome.progress.best, abs=1e-3)
    assert load_file(tmp_path / "out" / "model.safetensors")


def test_few_texts_are_read_too(llama: Path, tmp_path: Path) -> None:
    posts = tuple(Post(line=i, text=post_text(i), topic="care") for i in range(4))
    cleaned = clean(Read(place="x", encoding="utf-8", posts=posts))
    wish = Wish(out=tmp_path / "out", base=str(llama), epochs=1.0, precision="float32")
    assert train_writer(cleaned, Teacher(), wish).report["data"]["split"] == {"train": 3, "valid": 1, "test": 1}
