"""The forward pass of a BERT encoder in plain torch, read from a safetensors file.

Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", 2019
(arXiv:1810.04805); the sizes are those of MiniLM-L6-H384: Wang et al., 2020 (arXiv:2002.10957). It is written out
because importing a transformers model class takes seconds, which every command that only recalls would pay.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

_EPSILON = 1e-12
_ROWS = 256
"""For how many rows of a product its weight is laid out."""

Product = Callable[[Tensor, Tensor], Tensor]


class Encoder:
    """A BERT encoder with mean pooling; returns unit vectors."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.heads = int(config["num_attention_heads"])
        self.layers = int(config["num_hidden_layers"])
        self.dimensions = int(config["hidden_size"])
        tensors = load_file(folder / "model.safetensors")
        self.w = {name: t.float() for name, t in tensors.items() if t.is_floating_point()}
        for i in range(self.layers):
            self._fuse(f"encoder.layer.{i}.attention.self.")
        self._products = {
            name: product(w) for name, w in self.w.items() if name.startswith("encoder.") and w.dim() == 2
        }

    def _fuse(self, at: str) -> None:
        for part in ("weight", "bias"):
            self.w[f"{at}qkv.{part}"] = torch.cat(
                [self.w.pop(f"{at}{name}.{part}") for name in ("query", "key", "value")]
            )

    def _linear(self, x: Tensor, at: str) -> Tensor:
        return self._products[f"{at}.weight"](x, self.w[f"{at}.bias"])

    def _norm(self, x: Tensor, at: str) -> Tensor:
        return F.layer_norm(x, (self.dimensions,), self.w[f"{at}.weight"], self.w[f"{at}.bias"], _EPSILON)

    def _layer(self, x: Tensor, bias: Tensor, at: str) -> Tensor:
        rows, length, width = x.shape
        qkv = self._linear(x, f"{at}attention.self.qkv").view(rows, length, 3, self.heads, width // self.heads)
        q, k, v = (part.transpose(1, 2) for part in qkv.unbind(2))
        weights = torch.softmax(q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5 + bias, dim=-1)
        mixed = (weights @ v).transpose(1, 2).reshape(rows, length, width)
        x = self._norm(self._linear(mixed, f"{at}attention.output.dense") + x, f"{at}attention.output.LayerNorm")
        wide = F.gelu(self._linear(x, f"{at}intermediate.dense"))
        return self._norm(self._linear(wide, f"{at}output.dense") + x, f"{at}output.LayerNorm")

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return one unit vector per row of token `ids`; `mask` is 1 on tokens and 0 on padding."""
        with torch.inference_mode():
            x = (
                self.w["embeddings.word_embeddings.weight"][ids]
                + self.w["embeddings.token_type_embeddings.weight"][0]
                + self.w["embeddings.position_embeddings.weight"][: ids.shape[1]]
            )
            x = self._norm(x, "embeddings.LayerNorm")
            bias = (1.0 - mask.float())[:, None, None, :] * torch.finfo(torch.float32).min
            for i in range(self.layers):
                x = self._layer(x, bias, f"encoder.layer.{i}.")
            keep = mask.float()[:, :, None]
            return F.normalize((x * keep).sum(1) / keep.sum(1), dim=1)


def product(weight: Tensor) -> Product:
    """Return the product of rows with `weight` [out, in] plus a bias: in oneDNN's own layout where torch has it."""
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _ROWS)
        multiply = torch.ops.mkldnn._linear_pointwise.default

        def quick(x: Tensor, bias: Tensor) -> Tensor:
            found: Tensor = multiply(x, packed, bias, "none", [], "")
            return found

        rows, bias = torch.linspace(-1, 1, weight.shape[1]).repeat(2, 1), weight[:, 0].contiguous()
        if torch.allclose(quick(rows, bias), F.linear(rows, weight, bias), rtol=1e-4, atol=1e-4):
            return quick
    except (RuntimeError, AttributeError):
        # This build of torch has no oneDNN, or calls it by another name.
        pass
    return lambda x, bias: F.linear(x, weight, bias)
