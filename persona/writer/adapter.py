"""Adapters: low-rank additions to a model's weights (Hu et al. 2021), in peft's format, merged on loading.

Once merged, a model with an adapter is as quick as one without. peft itself is not needed to read them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from persona.errors import ModelNotFound, ModelNotTrusted

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_PREFIX = "base_model.model."
_PICKLED = ("adapter_model.bin", "adapter_model.pt")


def is_adapter(folder: Path) -> bool:
    """Tell whether `folder` holds an adapter rather than a whole model."""
    return (folder / CONFIG).is_file()


def base_of(folder: Path) -> str:
    """Return the name of the model that the adapter was made for. Raises ModelNotTrusted."""
    return str(_config(folder).get("base_model_name_or_path") or "")


def revision_of(folder: Path) -> str | None:
    """Return the commit of the hub's model that the adapter was made for, if it says so. Raises ModelNotTrusted."""
    return _config(folder).get("revision") or None


def check_adapter(folder: Path) -> None:
    """Raise ModelNotTrusted if the adapter's weights are pickled, or it names code of its own."""
    if "auto_map" in _config(folder):
        raise ModelNotTrusted(file_text=str(folder), cause_text="it names code of its own to run (`auto_map`)")
    if not (folder / WEIGHTS).is_file() and any((folder / name).is_file() for name in _PICKLED):
        cause = "its weights are pickled, which can run code; save the adapter as safetensors"
        raise ModelNotTrusted(file_text=str(folder), cause_text=cause)


def merge(tensors: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return `tensors` (by name, [out, in]) with the adapter in `folder` added, in float32.

    Raises ModelNotFound, and ModelNotTrusted if the adapter does not fit these weights in every part.
    """
    from safetensors.torch import load_file

    file = folder / WEIGHTS
    if not file.is_file():
        raise ModelNotFound(file_text=str(file), cure_text="An adapter's folder holds its weights as safetensors.")
    config = _config(folder)
    found = load_file(file)
    merged = dict(tensors)
    for name, down in found.items():
        if not name.endswith(".lora_A.weight"):
            continue
        target = _target(name, merged)
        up = found.get(name.replace(".lora_A.", ".lora_B."))
        weight = merged.get(target)
        # GPT-2 keeps its weights as [in, out].
        turned = bool(config.get("fan_in_fan_out"))
        shape = () if up is None else (down.shape[1], up.shape[0]) if turned else (up.shape[0], down.shape[1])
        if up is None or weight is None or tuple(weight.shape) != shape:
            raise ModelNotTrusted(file_text=str(folder), cause_text=f"it does not fit the model: {target}")
        added = _scale(config, down.shape[0]) * (up.float() @ down.float())
        merged[target] = weight.float() + (added.T.contiguous() if turned else added)
    strange = [name for name in found if ".lora_A." not in name and ".lora_B." not in name]
    if strange or len(found) == 0:
        cause = f"it is no plain LoRA adapter ({strange[0] if strange else 'it is empty'})"
        raise ModelNotTrusted(file_text=str(folder), cause_text=cause)
    return merged


def _target(name: str, tensors: dict[str, Any]) -> str:
    """Return the weight that `name` adds to; some models are saved without their outermost name."""
    target = name.removeprefix(_PREFIX).replace(".lora_A.weight", ".weight")
    inner = target.partition(".")[2]
    return inner if target not in tensors and inner in tensors else target


def _scale(config: dict[str, Any], rank: int) -> float:
    alpha = float(config.get("lora_alpha", rank))
    return alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelNotTrusted(file_text=str(folder / CONFIG), cause_text=f"it cannot be read ({error})") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA" or config.get("use_dora"):
        raise ModelNotTrusted(file_text=str(folder / CONFIG), cause_text="only plain LoRA adapters are read")
    return config
