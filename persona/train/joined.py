"""Two adapters for one model as one: their low-rank parts stand side by side, and the products add up.

W + a·B₁A₁ + b·B₂A₂ = W + [a·B₁ b·B₂][A₁; A₂], exactly, with the sum of both ranks (Hu et al. 2021, section 4.1).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..errors import ModelNotTrusted
from ..writer.adapter import CONFIG, WEIGHTS

_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"


def join(first: Path, second: Path) -> None:
    """Rewrite the adapter in `second`, so that it adds what `first` adds too. Raises ModelNotTrusted."""
    parts = [_parts(first), _parts(second)]
    names = sorted({name for part in parts for name in part})
    rank = max(sum(part[name][0].shape[0] for part in parts if name in part) for name in names)
    tensors: dict[str, Tensor] = {}
    for name in names:
        downs = [part[name][0] for part in parts if name in part]
        ups = [part[name][1] for part in parts if name in part]
        down, up = torch.cat(downs, 0), torch.cat(ups, 1)
        # One rank for all: rows of zeros add nothing.
        missing = rank - down.shape[0]
        down = torch.cat([down, down.new_zeros(missing, down.shape[1])], 0)
        up = torch.cat([up, up.new_zeros(up.shape[0], missing)], 1)
        tensors[name + _DOWN] = down.to(torch.bfloat16).contiguous()
        tensors[name + _UP] = up.to(torch.bfloat16).contiguous()
    config = _config(second)
    config |= {"r": rank, "lora_alpha": rank, "rank_pattern": {}, "alpha_pattern": {}, "use_rslora": False}
    save_file(tensors, second / WEIGHTS, metadata={"format": "pt"})
    (second / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _parts(folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Return by name the two factors, the scale within the second."""
    config, found = _config(folder), load_file(folder / WEIGHTS)
    parts = {}
    for name, down in found.items():
        if not name.endswith(_DOWN):
            continue
        rank = down.shape[0]
        alpha = float(config.get("lora_alpha", rank))
        scale = alpha / rank**0.5 if config.get("use_rslora") else alpha / rank
        stem = name.removesuffix(_DOWN)
        parts[stem] = (down.float(), found[stem + _UP].float() * scale)
    return parts


def _config(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    if not isinstance(found, dict) or found.get("rank_pattern") or found.get("alpha_pattern"):
        raise ModelNotTrusted(file_text=str(folder), cause_text="only plain LoRA adapters with one rank are read")
    return found
