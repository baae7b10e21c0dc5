"""A forward pass for Llama models on a CPU, made for many short texts that share long prompts.

The architecture is Llama (Touvron et al. 2023): RMSNorm (Zhang and Sennrich 2019), rotary positions (Su et al. 2021),
grouped-query attention (Ainslie et al. 2023) and SwiGLU (Shazeer 2020). Rows that share a prefix attend to one copy of
its keys and values (as in Hydragen, Juravsky et al. 2024), so a long system prompt costs memory traffic once, not once
a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Linear = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Prefix:
    """The keys and values of tokens that several rows begin with: [layers, key heads, tokens, head size]."""

    tokens: tuple[int, ...]
    keys: Tensor
    values: Tensor

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes


@dataclass(frozen=True, kw_only=True)
class _Layer:
    qkv: Linear
    out: Linear
    gate_up: Linear
    down: Linear
    attention_norm: Tensor
    mlp_norm: Tensor


def supports(config: Mapping[str, Any]) -> bool:
    """Return whether `LlamaForward` computes this architecture exactly."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return (
        config.get("model_type") == "llama"
        and config.get("hidden_act", "silu") == "silu"
        and not config.get("attention_bias")
        and not config.get("mlp_bias")
        and rope.get("rope_type", rope.get("type", "default")) == "default"
    )


def quick_bfloat16() -> bool:
    """Return whether this CPU multiplies bfloat16 in hardware, so that it is quicker than float32."""
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and check is not None
        and check()
    )


class LlamaForward:
    """The weights, packed, and the three ways to run them: a prefix alone, the start of a batch, one more token.

    `precision` is that of the products inside the layers; norms, attention, the residual stream and the last
    projection are float32 always.
    """

    def __init__(self, config: Mapping[str, Any], tensors: dict[str, Tensor], *, precision: str) -> None:
        self.heads: int = config["num_attention_heads"]
        self.key_heads: int = config.get("num_key_value_heads") or self.heads
        self.head_size: int = config.get("head_dim") or config["hidden_size"] // self.heads
        self.eps: float = config.get("rms_norm_eps", 1e-6)
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        count: int = config["num_hidden_layers"]
        self.embeddings = tensors["model.embed_tokens.weight"].float().clone()
        last = tensors.get("lm_head.weight")
        tied = config.get("tie_word_embeddings", False) or last is None
        self.head = _packed(self.embeddings if tied or last is None else last.float())
        self.norm = tensors["model.norm.weight"].float()
        self.layers = [self._layer(tensors, f"model.layers.{i}.") for i in range(count)]
        self.parameters = sum(tensor.numel() for tensor in tensors.values())
        rope = config.get("rope_parameters") or {}
        theta = float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0)
        inverse = 1.0 / theta ** (torch.arange(0, self.head_size, 2, dtype=torch.float32) / self.head_size)
        angles = torch.outer(torch.arange(config["max_position_embeddings"], dtype=torch.float32), inverse)
        self.rotation = torch.polar(torch.ones_like(angles), angles)

    def _layer(self, tensors: dict[str, Tensor], name: str) -> _Layer:
        def weight(part: str) -> Tensor:
            return tensors[f"{name}{part}.weight"].float()

        # The scale of the scores is put into the queries' weights, and the two halves that rotate together are put
        # side by side, so that a rotation is one complex product.
        query = self._paired(weight("self_attn.q_proj")) * self.head_size**-0.5
        key = self._paired(weight("self_attn.k_proj"))
        qkv = torch.cat([query, key, weight("self_attn.v_proj")])
        return _Layer(
            qkv=_packed(qkv.to(self.dtype)),
            out=_packed(weight("self_attn.o_proj").to(self.dtype)),
            gate_up=_packed(torch.cat([weight("mlp.gate_proj"), weight("mlp.up_proj")]).to(self.dtype)),
            down=_packed(weight("mlp.down_proj").to(self.dtype)),
            attention_norm=weight("input_layernorm"),
            mlp_norm=weight("post_attention_layernorm"),
        )

    def _paired(self, weight: Tensor) -> Tensor:
        rows, columns = weight.shape
        halves = weight.view(rows // self.head_size, 2, self.head_size // 2, columns)
        return halves.transpose(1, 2).reshape(rows, columns)

    def _rotated(self, flat: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, [tokens, heads, head size] each, from one layer's joint product."""
        turned = self.heads + self.key_heads
        flat = flat.float().view(flat.shape[0], turned + self.key_heads, self.head_size)
        pairs = torch.view_as_complex(flat[:, :turned].reshape(flat.shape[0], turned, -1, 2))
        both = torch.view_as_real(pairs * rotation).flatten(2)
        return both[:, : self.heads], both[:, self.heads :], flat[:, turned:]

    def _mlp(self, layer: _Layer, hidden: Tensor) -> None:
        normed = functional.rms_norm(hidden, hidden.shape[-1:], layer.mlp_norm, self.eps).to(self.dtype)
        gate, up = layer.gate_up(normed).chunk(2, dim=-1)
        hidden.add_(layer.down(functional.silu(gate).mul_(up)))

    def _normed(self, layer: _Layer, hidden: Tensor) -> Tensor:
        return functional.rms_norm(hidden, hidden.shape[-1:], layer.attention_norm, self.eps).to(self.dtype)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the next-token logits of [rows, hidden size]."""
        return self.head(functional.rms_norm(hidden, hidden.shape[-1:], self.norm, self.eps))

    def prefix(self, tokens: Sequence[int]) -> Prefix:
        """Return the keys and values of `tokens`, computed alone, so that they never depend on a batch."""
        _, keys, values = self._prefill([(None, tokens)])
        return Prefix(
            tokens=tuple(tokens),
            keys=torch.stack(keys).transpose(1, 2).contiguous(),
            values=torch.stack(values).transpose(1, 2).contiguous(),
        )

    def start(self, prompts: Sequence[tuple[Prefix | None, Sequence[int]]], room: int) -> tuple[Session, Tensor]:
        """Run each prompt's own tokens (at least one) after its prefix; return a batch with `room` for new tokens.

        Also returns the logits of each prompt's next token. Prompts with the same prefix must stand together.
        """
        hidden, keys, values = self._prefill(prompts)
        lengths = [len(tokens) for _, tokens in prompts]
        shape = (len(prompts), self.key_heads, _blocks(max(lengths) + room), self.head_size)
        caches = []
        for flat_keys, flat_values in zip(keys, values, strict=True):
            cache = (torch.zeros(shape), torch.zeros(shape))
            at = 0
            for row, length in enumerate(lengths):
                cache[0][row, :, :length] = flat_keys[at : at + length].transpose(0, 1)
                cache[1][row, :, :length] = flat_values[at : at + length].transpose(0, 1)
                at += length
            caches.append(cache)
        session = Session(model=self, prefixes=[p for p, _ in prompts], lengths=torch.tensor(lengths), caches=caches)
        return session, self.logits(hidden[session.lengths.cumsum(0) - 1])

    def _prefill(
        self, prompts: Sequence[tuple[Prefix | None, Sequence[int]]]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Run all prompts' tokens as one flat list, without padding; only attention goes prompt by prompt."""
        tokens = torch.tensor([token for _, own in prompts for token in own], dtype=torch.long)
        spans, at = [], 0
        positions = []
        for prefix, own in prompts:
            before = len(prefix.tokens) if prefix else 0
            spans.append((prefix, at, at + len(own), _causal(before, len(own), self.heads // self.key_heads)))
            positions.append(torch.arange(before, before + len(own)))
            at += len(own)
        rotation = self.rotation[torch.cat(positions)].unsqueeze(1)
        hidden = self.embeddings[tokens]
        all_keys, all_values = [], []
        for index, layer in enumerate(self.layers):
            query, key, value = self._rotated(layer.qkv(self._normed(layer, hidden)), rotation)
            mixed = torch.empty(at, self.heads * self.head_size)
            for prefix, start, end, mask in spans:
                mixed[start:end] = self._attend(query[start:end], key[start:end], value[start:end], prefix, index, mask)
            hidden.add_(layer.out(mixed.to(self.dtype)))
            self._mlp(layer, hidden)
            all_keys.append(key.contiguous())
            all_values.append(value.contiguous())
        return hidden, all_keys, all_values

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, prefix: Prefix | None, layer: int, mask: Tensor | None
    ) -> Tensor:
        """Return one prompt's attention, [tokens, heads × head size]."""
        count, group = query.shape[0], self.heads // self.key_heads
        key, value = key.transpose(0, 1), value.transpose(0, 1)
        if prefix is None:
            mixed = functional.scaled_dot_product_attention(
                query.transpose(0, 1).unsqueeze(0),
                key.repeat_interleave(group, 0).unsqueeze(0),
                value.repeat_interleave(group, 0).unsqueeze(0),
                is_causal=True,
                scale=1.0,
            )
            return mixed[0].transpose(0, 1).reshape(count, -1)
        key = torch.cat([prefix.keys[layer], key], 1)
        value = torch.cat([prefix.values[layer], value], 1)
        query = query.view(count, self.key_heads, group, self.head_size).permute(1, 2, 0, 3)
        mixed = functional.scaled_dot_product_attention(
            query.reshape(1, self.key_heads, group * count, self.head_size),
            key.unsqueeze(0),
            value.unsqueeze(0),
            attn_mask=mask,
            scale=1.0,
        )
        return mixed.view(self.key_heads, group, count, self.head_size).permute(2, 0, 1, 3).reshape(count, -1)


class Session:
    """A batch of rows in mid-text. Rows with the same prefix stand together, in the order given.

    A row's numbers do not depend on the other rows, to the last bit: every row's own keys start at the first slot, and
    products run in blocks of sizes for which the libraries sum in the same order.
    """

    def __init__(
        self,
        *,
        model: LlamaForward,
        prefixes: list[Prefix | None],
        lengths: Tensor,
        caches: list[tuple[Tensor, Tensor]],
    ) -> None:
        self.model, self.prefixes, self.caches = model, prefixes, caches
        self.lengths = lengths
        self.before = torch.tensor([len(prefix.tokens) if prefix else 0 for prefix in prefixes])
        self.groups = _groups(prefixes)

    def pick(self, rows: Sequence[int]) -> None:
        """Keep these rows, in ascending order; a row named several times is copied."""
        index = torch.tensor(rows, dtype=torch.long)
        self.prefixes = [self.prefixes[row] for row in rows]
        self.lengths, self.before = self.lengths[index], self.before[index]
        for layer, (keys, values) in enumerate(self.caches):
            self.caches[layer] = (keys[index], values[index])
        self.groups = _groups(self.prefixes)

    def step(self, tokens: Tensor) -> Tensor:
        """Add one token to each row; return the logits of the next."""
        model = self.model
        rows, group = tokens.shape[0], model.heads // model.key_heads
        hidden = model.embeddings[tokens]
        rotation = model.rotation[self.before + self.lengths].unsqueeze(1)
        every, slots = torch.arange(rows), self.lengths
        seen = _blocks(int(slots.max()) + 1)
        hidden_slots = torch.arange(seen).unsqueeze(0) > slots.unsqueeze(1)
        mask = torch.zeros(rows, seen).masked_fill_(hidden_slots, float("-inf"))
        mask = mask.repeat_interleave(model.key_heads, 0).unsqueeze(1)
        for index, layer in enumerate(model.layers):
            query, key, value = model._rotated(layer.qkv(model._normed(layer, hidden)), rotation)
            keys, values = self.caches[index]
            keys[every, :, slots] = key
            values[every, :, slots] = value
            query = query.reshape(rows, model.key_heads, group, model.head_size)
            own_keys, own_values = keys.flatten(0, 1)[:, :seen], values.flatten(0, 1)[:, :seen]
            scores = torch.baddbmm(mask, query.flatten(0, 1), own_keys.transpose(1, 2))
            own = tuple(part.view(rows, model.key_heads, group, -1) for part in _weighed(scores, own_values))
            mixed = self._with_prefixes(query, *own, layer=index)
            hidden.add_(layer.out(mixed.reshape(rows, -1).to(model.dtype)))
            model._mlp(layer, hidden)
        self.lengths = self.lengths + 1
        return model.logits(hidden)

    def _with_prefixes(self, query: Tensor, top: Tensor, total: Tensor, mixed: Tensor, *, layer: int) -> Tensor:
        """Return attention over own tokens and prefix together: the two softmax sums are brought to one scale."""
        if not any(prefix for _, _, prefix in self.groups):
            return mixed / total
        _, key_heads, group, size = query.shape
        tops, totals = torch.full_like(top, float("-inf")), torch.zeros_like(total)
        mixes = torch.zeros_like(mixed)
        for start, end, prefix in self.groups:
            if prefix is None:
                continue
            asked = query[start:end].transpose(0, 1).reshape(key_heads, -1, size)
            count = asked.shape[1]
            if count < _FEWEST:
                asked = asked.repeat(1, -(-_FEWEST // count), 1)
            scores = torch.bmm(asked, prefix.keys[layer].transpose(1, 2))
            found = _weighed(scores, prefix.values[layer])
            for place, part in zip((tops, totals, mixes), found, strict=True):
                by_row = part[:, :count].view(key_heads, end - start, group, -1)
                place[start:end] = by_row.transpose(0, 1)
        best = torch.maximum(top, tops)
        ours, theirs = torch.exp(top - best), torch.exp(tops - best)
        return (mixed * ours + mixes * theirs) / (total * ours + totals * theirs)


def _weighed(scores: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the highest score, the sum of the weights and the weighted sum of `values`, not yet divided by it."""
    top = scores.amax(-1, keepdim=True)
    weights = scores.sub_(top).exp_()
    return top, weights.sum(-1, keepdim=True), torch.bmm(weights, values)


_BLOCK = 64
_FEWEST = 8


def _blocks(length: int) -> int:
    """Return `length` rounded up to whole blocks."""
    return -(-length // _BLOCK) * _BLOCK


def _groups(prefixes: Sequence[Prefix | None]) -> list[tuple[int, int, Prefix | None]]:
    groups: list[tuple[int, int, Prefix | None]] = []
    for row, prefix in enumerate(prefixes):
        if groups and groups[-1][2] is prefix:
            groups[-1] = (groups[-1][0], row + 1, prefix)
        else:
            groups.append((row, row + 1, prefix))
    return groups


def _causal(before: int, count: int, group: int) -> Tensor | None:
    """Return the additive mask of `count` tokens after `before` seen ones, repeated for each query head of a group."""
    if not before:
        return None
    mask = torch.zeros(count, before + count)
    mask[:, before:] = torch.full((count, count), float("-inf")).triu(1)
    return mask.repeat(group, 1)


def _packed(weight: Tensor) -> Linear:
    """Return the product with `weight`, in oneDNN's own layout: measured two to seven times as quick as `linear`."""
    weight = weight.contiguous()
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, 16)
        product = torch.ops.mkldnn._linear_pointwise

        def linear(x: Tensor) -> Tensor:
            if x.shape[0] == 1:
                # A single row is summed in another order than a row of several.
                return product(x.repeat(2, 1), packed, None, "none", [], "")[:1]  # type: ignore[no-any-return]
            return product(x, packed, None, "none", [], "")  # type: ignore[no-any-return]

        probe = torch.linspace(-1, 1, weight.shape[1]).to(weight.dtype).unsqueeze(0)
        if torch.allclose(linear(probe).float(), functional.linear(probe, weight).float(), rtol=0.05, atol=0.05):
            return linear
    except (RuntimeError, AttributeError, NotImplementedError):
        pass
    return lambda x: functional.linear(x, weight)
