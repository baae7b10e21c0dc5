"""The real pocket base: a few steps, and the result opened as a persona's writer would be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from persona.definition.writing import WriterSettings
from persona.train import base
from persona.train.cleaning import clean
from persona.train.lessons import Teacher
from persona.train.posts import Post, Read
from persona.train.user import Wish, train_writer
from persona.writer import Message, WriteRequest, allow_generation
from persona.writer.adapter import merge
from persona.writer.choose import open_writer
from persona.writer.folder import ModelFolder
from persona.writer.pocket import base_folder

TEXTS = (
    "Let the loaf cool before you cut it. The crumb is still setting.",
    "A towel in the bowl keeps washed salad dry until evening.",
    "Old bread makes the best crumbs. Grate it and keep it in a jar.",
    "Salt the water, not the pan. It tastes of it all the same.",
    "A blunt knife slips more than a sharp one, so sharpen it on Sundays.",
    "Onions wait happily in the dark, away from the potatoes.",
    "Warm plates keep soup warm. Rinse them with hot water first.",
    "Beans soak overnight and cook in half the time.",
)


@pytest.mark.model
def test_the_pocket_base_is_fine_tuned_and_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The adapter that the project ships must not decide how long this takes, or whether it passes.
    monkeypatch.setattr(base, "ADAPTER", tmp_path / "none")
    posts = tuple(Post(line=i, text=text, topic="kitchen habits") for i, text in enumerate(TEXTS))
    cleaned = clean(Read(place="x", encoding="utf-8", posts=posts))
    with allow_generation():
        report = train_writer(cleaned, Teacher(), Wish(out=tmp_path / "out", epochs=1.0, rank=4)).report
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "pocket"
    assert report["base"]["licence"].startswith("Apache-2.0")
    assert report["loss"]["after"] < report["loss"]["before"]
    weights = ModelFolder.open(base_folder()).tensors()
    merged = merge(weights, tmp_path / "out")
    assert sum(merged[name] is not weights[name] for name in weights) == 30 * 7
    # What is merged goes to a cache of the test's own, beside the base that is there already.
    cache = tmp_path / "cache" / "persona"
    cache.mkdir(parents=True)
    (cache / base_folder().name).symlink_to(base_folder())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    writer = open_writer(WriterSettings(model=str(tmp_path / "out")))
    ask = Message(role="user", content="Write a post of one sentence about kitchen habits.")
    with allow_generation():
        [written] = writer.write([WriteRequest(id="x", messages=(ask,), seed=1)])
    assert len(written.candidates[0].text.split()) > 3
