"""Adapters: what is saved is what was trained, merged and joined."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from persona.errors import ModelNotFound, ModelNotTrusted
from persona.train.base import open_base
from persona.train.fit import Fit
from persona.train.joined import join
from persona.train.model import Trainable
from persona.writer.adapter import CONFIG, WEIGHTS, merge
from persona.writer.folder import ModelFolder
from persona.writer.pocket import adapted
from tests.train.test_train_packs import lesson, packer, recipe

pytestmark = pytest.mark.usefixtures("own_cache")


def trained(folder: Path, out: Path, *, seed: int = 1, rank: int = 4) -> Trainable:
    """Train an adapter for a few steps and save it."""
    made = recipe("lora", seed=seed, rank=rank, alpha=2 * rank, epochs=6, batch=1)
    model = Trainable(folder, made)
    packs = packer(model, most=120).packs([lesson(number % 4) for number in range(8)])
    Fit(model, made, out / "work").fit(lambda epoch: packs, [])
    model.save(out, base=str(folder))
    return model


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_merged_adapter_writes_what_the_trained_model_would(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(kind)
    model = trained(folder, tmp_path / "adapter")
    [pack] = packer(model).packs([lesson(0), lesson(1)])
    merged = Trainable(adapted(tmp_path / "adapter", base=folder, cache=tmp_path / "cache"), recipe())
    before = Trainable(folder, recipe())
    with torch.inference_mode():
        wanted, found, untrained = (each.run(pack)[0] for each in (model, merged, before))
    # The adapter is kept in bfloat16.
    assert torch.allclose(found, wanted, atol=0.05 * float(wanted.abs().max()))
    assert not torch.allclose(found, untrained, atol=0.05 * float(wanted.abs().max()))


def test_the_saved_folder_names_its_base_and_holds_nothing_else(llama: Path, tmp_path: Path) -> None:
    trained(llama, tmp_path / "adapter").save(tmp_path / "out", base="org/name", revision="abc")
    config = json.loads((tmp_path / "out" / CONFIG).read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("org/name", "abc")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [CONFIG, WEIGHTS]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_two_adapters_joined_add_up(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder: Path = request.getfixturevalue(kind)
    trained(folder, tmp_path / "one", seed=1, rank=4)
    trained(folder, tmp_path / "two", seed=2, rank=2)
    base = ModelFolder.open(folder).tensors()
    one, two = (merge(base, tmp_path / name) for name in ("one", "two"))
    join(tmp_path / "one", tmp_path / "two")
    both = merge(base, tmp_path / "two")
    changed = 0
    for name, weight in base.items():
        wanted = one[name].float() + two[name].float() - weight.float()
        assert torch.allclose(both[name].float(), wanted, atol=1e-2 * float((wanted - weight).abs().max()) + 1e-7), name
        changed += not torch.equal(both[name].float(), weight.float())
    assert changed
    assert json.loads((tmp_path / "two" / CONFIG).read_text())["r"] == 6


def test_a_base_may_be_an_adapter_and_is_then_part_of_the_result(llama: Path, tmp_path: Path) -> None:
    trained(llama, tmp_path / "one")
    base = open_base(str(tmp_path / "one"))
    assert base.below.samefile(llama)
    assert base.adapter == tmp_path / "one"
    assert base.name == str(llama.resolve())
    assert base.folder != base.below
    assert base.key != open_base(str(llama)).key


def test_what_is_no_model_or_not_trusted_is_refused(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="a hub name"):
        open_base("no such folder")
    trained(llama, tmp_path / "one")
    tensors = load_file(tmp_path / "one" / WEIGHTS)
    config = json.loads((tmp_path / "one" / CONFIG).read_text())
    (tmp_path / "one" / CONFIG).write_text(json.dumps({**config, "auto_map": {"x": "y"}}))
    with pytest.raises(ModelNotTrusted, match="auto_map"):
        open_base(str(tmp_path / "one"))
    (tmp_path / "one" / CONFIG).write_text(json.dumps(config))
    save_file({name: value for name, value in tensors.items() if "lora_B" not in name}, tmp_path / "one" / WEIGHTS)
    with pytest.raises(ModelNotTrusted, match="does not fit"):
        open_base(str(tmp_path / "one"))


@pytest.mark.parametrize(
    ("readme", "said"),
    [
        ("---\nlicense: mit\n---\n", "mit (as its README.md says)"),
        ("# Hello\n", "not stated in its folder: look it up before you publish"),
    ],
)
def test_the_licence_is_what_the_folder_says(llama: Path, tmp_path: Path, readme: str, said: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in llama.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "README.md").write_text(readme)
    assert open_base(str(folder)).licence == said
    (folder / "README.md").unlink()
    (folder / "LICENSE.txt").write_text("...")
    assert open_base(str(folder)).licence == "see LICENSE.txt in its folder"
