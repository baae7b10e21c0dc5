"""How a model is trained: all settings of one run, and nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..digest import digest


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of one training run.

    `method` "lora" trains low-rank additions to every linear layer (Hu et al. 2021), "full" all weights. `rate` is the
    peak of the learning rate, reached after `warmup` of the steps, then a half cosine down to zero. `batch` counts
    packs a step, `pack` the tokens of the longest pack. The validation loss is looked at every `look_every` steps;
    `patience` stops after so many looks without a better one.
    """

    method: Literal["lora", "full"] = "lora"
    rank: int = 16
    alpha: int = 32
    rate: float = 5e-4
    warmup: float = 0.06
    decay: float = 0.01
    clip: float = 1.0
    epochs: float = 1.0
    batch: int = 1
    pack: int = 1200
    look_every: int = 75
    patience: int = 4
    seed: int = 7
    precision: Literal["float32", "bfloat16"] = "bfloat16"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    @property
    def name(self) -> str:
        """A short digest: a checkpoint of another recipe is not resumed."""
        return digest(sorted(self.as_json().items()))[:12]
