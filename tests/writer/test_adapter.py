"""Adapters are merged as peft merges them, and refused where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from persona.errors import ModelNotFound, ModelNotTrusted
from persona.testing.models import tiny_model
from persona.writer.adapter import CONFIG, WEIGHTS, base_of, is_adapter, merge
from persona.writer.pocket import adapted

# peft 0.21 asks transformers 5.24 for a name that transformers has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def made(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    """An adapter with random weights that peft wrote, and the weights that peft merged it into."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=12, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), config)
    model.save_pretrained(str(folder))
    merged = model.merge_and_unload()
    return folder, {name: value.detach() for name, value in merged.state_dict().items()}


def copy(adapter: Path, to: Path, **config: object) -> Path:
    to.mkdir()
    found = json.loads((adapter / CONFIG).read_text("utf-8"))
    (to / CONFIG).write_text(json.dumps({**found, **config}), "utf-8")
    save_file(load_file(adapter / WEIGHTS), to / WEIGHTS)
    return to


def test_the_merged_weights_are_pefts(base: Path, made: tuple[Path, dict[str, torch.Tensor]]) -> None:
    adapter, theirs = made
    before = load_file(base / "model.safetensors")
    ours = merge(before, adapter)
    changed = [name for name in ours if not torch.equal(ours[name].float(), before[name].float())]
    assert changed
    for name, value in ours.items():
        torch.testing.assert_close(value.float(), theirs[name].float(), rtol=1e-5, atol=1e-6)


def test_an_adapted_model_is_a_whole_folder_named_after_what_is_in_it(
    base: Path, made: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    assert is_adapter(made[0])
    assert not is_adapter(base)
    folder = adapted(made[0], cache=tmp_path, base=base)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file.name for file in folder.iterdir()}
    other = adapted(copy(made[0], tmp_path / "other", lora_alpha=24), cache=tmp_path, base=base)
    assert other != folder
    assert adapted(made[0], cache=tmp_path, base=base) == folder


@pytest.mark.parametrize("config", [{"peft_type": "IA3"}, {"use_dora": True}])
def test_other_kinds_are_refused(
    made: tuple[Path, dict[str, torch.Tensor]], base: Path, tmp_path: Path, config: dict[str, object]
) -> None:
    folder = copy(made[0], tmp_path / "a", **config)
    with pytest.raises(ModelNotTrusted, match="only plain LoRA"):
        merge(load_file(base / "model.safetensors"), folder)


def test_an_adapter_for_another_model_is_refused(
    made: tuple[Path, dict[str, torch.Tensor]], base: Path, tmp_path: Path
) -> None:
    tensors = load_file(base / "model.safetensors")
    name = next(name for name in tensors if "q_proj" in name)
    with pytest.raises(ModelNotTrusted, match="does not fit"):
        merge({**tensors, name: tensors[name][:-1]}, made[0])
    with pytest.raises(ModelNotTrusted, match="does not fit"):
        merge({key: value for key, value in tensors.items() if key != name}, made[0])


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=WEIGHTS.replace(".", r"\.")):
        adapted(tmp_path, cache=tmp_path)
    (tmp_path / CONFIG).write_text("{", "utf-8")
    with pytest.raises(ModelNotTrusted, match="cannot be read"):
        base_of(tmp_path)
