"""The weights of a Llama model, in the order in which persona's forward passes want them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LayerWeights:
    """One layer's matrices [out, in] and norms, in float32."""

    qkv: Tensor
    out: Tensor
    gate_up: Tensor
    down: Tensor
    attention_norm: Tensor
    mlp_norm: Tensor


def supports(config: Mapping[str, Any]) -> bool:
    """Return whether the forward passes compute this architecture exactly."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return (
        config.get("model_type") == "llama"
        and config.get("hidden_act", "silu") == "silu"
        and not config.get("attention_bias")
        and not config.get("mlp_bias")
        and rope.get("rope_type", rope.get("type", "default")) == "default"
    )


class LlamaWeights:
    """Sizes and weights.

    Query heads stand group by group: the first heads of all groups, then the second ones. So the queries of one row
    that share a key head lie where a further token's would, and attention needs no copies of them. The scale of the
    scores is in the queries' weights, and the two halves that rotate together stand side by side, as complex numbers.
    """

    def __init__(self, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self.count: int = config["num_hidden_layers"]
        self.width: int = config["hidden_size"]
        self.inner: int = config["intermediate_size"]
        self.heads: int = config["num_attention_heads"]
        self.key_heads: int = config.get("num_key_value_heads") or self.heads
        self.group = self.heads // self.key_heads
        self.head_size: int = config.get("head_dim") or self.width // self.heads
        self.eps: float = config.get("rms_norm_eps", 1e-6)
        self.parameters = sum(tensor.numel() for tensor in tensors.values())
        self.embeddings = tensors["model.embed_tokens.weight"].float().clone()
        last = tensors.get("lm_head.weight")
        tied = config.get("tie_word_embeddings", False) or last is None
        self.head = self.embeddings if tied or last is None else last.float()
        self.norm = tensors["model.norm.weight"].float()
        rope = config.get("rope_parameters") or {}
        theta = float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0)
        inverse = 1.0 / theta ** (torch.arange(0, self.head_size, 2, dtype=torch.float32) / self.head_size)
        angles = torch.outer(torch.arange(config["max_position_embeddings"], dtype=torch.float32), inverse)
        self.turns = torch.polar(torch.ones_like(angles), angles)
        """The rotation of each pair at each position, [positions, head size / 2] complex."""

    @property
    def token_bytes(self) -> int:
        """How many bytes the keys and values of one token take."""
        return self.count * self.key_heads * 2 * self.head_size * 4

    def layer(self, number: int) -> LayerWeights:
        """Return the weights of one layer."""

        def weight(part: str) -> Tensor:
            return self._tensors[f"model.layers.{number}.{part}.weight"].float()

        shape = (self.key_heads, self.group, self.head_size)
        query = self._paired(weight("self_attn.q_proj")) * self.head_size**-0.5
        query = query.unflatten(0, shape).transpose(0, 1).flatten(0, 2)
        out = weight("self_attn.o_proj")
        out = out.view(len(out), *shape).transpose(1, 2).flatten(1)
        return LayerWeights(
            qkv=torch.cat([query, self._paired(weight("self_attn.k_proj")), weight("self_attn.v_proj")]),
            out=out,
            gate_up=torch.cat([weight("mlp.gate_proj"), weight("mlp.up_proj")]),
            down=weight("mlp.down_proj"),
            attention_norm=weight("input_layernorm"),
            mlp_norm=weight("post_attention_layernorm"),
        )

    def _paired(self, weight: Tensor) -> Tensor:
        rows, columns = weight.shape
        halves = weight.view(rows // self.head_size, 2, self.head_size // 2, columns)
        return halves.transpose(1, 2).reshape(rows, columns)
