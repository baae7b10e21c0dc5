"""A forward pass for Llama models, made for many short texts that share long prompts.

The architecture is Llama (Touvron et al. 2023): RMSNorm (Zhang and Sennrich 2019), rotary positions (Su et al. 2021),
grouped-query attention (Ainslie et al. 2023) and SwiGLU (Shazeer 2020). Rows that share a prefix attend to one copy of
its keys and values (as in Hydragen, Juravsky et al. 2024), so a long system prompt costs memory traffic once, not once
a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from .attention import attend, joined
from .prefix import Groups, Prefix, groups_of, with_prefixes
from .product import Product, product
from .session import Session, prompts_of
from .weights import LayerWeights, LlamaWeights


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer's weights."""

    qkv: Product
    out: Product
    gate_up: Product
    down: Product
    attention_norm: Tensor
    mlp_norm: Tensor


class LlamaForward:
    """The weights, packed, and the three ways to run them: a prefix alone, the start of a batch, one more token.

    `precision` (float32, bfloat16, int8) is that of the products inside the layers, `head` that of the last one.
    Norms, attention, and the residual stream are float32 always.
    """

    def __init__(self, weights: LlamaWeights, *, precision: str, head: str, device: str = "cpu") -> None:
        self.heads, self.key_heads, self.group = weights.heads, weights.key_heads, weights.group
        self.head_size, self.eps = weights.head_size, weights.eps
        self.parameters, self.token_bytes = weights.parameters, weights.token_bytes
        self.precision, self.device = precision, device
        self.embeddings = weights.embeddings.to(device)
        self.head = product(weights.head, head, device)
        self.norm = weights.norm.to(device)
        self.layers = [self._layer(weights.layer(number)) for number in range(weights.count)]
        self._turns = weights.turns.to(device)

    def _layer(self, weights: LayerWeights) -> Layer:
        def made(matrix: Tensor) -> Product:
            return product(matrix, self.precision, self.device)

        return Layer(
            qkv=made(weights.qkv),
            out=made(weights.out),
            gate_up=made(weights.gate_up),
            down=made(weights.down),
            attention_norm=weights.attention_norm.to(self.device),
            mlp_norm=weights.mlp_norm.to(self.device),
        )

    def turns(self, positions: Tensor) -> Tensor:
        """Return the rotations of all heads, [tokens, pairs] complex; values are turned by nothing."""
        turned = self._turns[positions].repeat(1, self.heads + self.key_heads)
        still = turned.new_ones(len(positions), self.key_heads * self.head_size // 2)
        return torch.cat([turned, still], 1)

    def qkv(self, layer: Layer, hidden: Tensor, turns: Tensor) -> Tensor:
        """Return rotated queries, rotated keys, and values: [tokens, heads, head size]."""
        flat, factor = layer.qkv.raw(functional.rms_norm(hidden, hidden.shape[-1:], layer.attention_norm, self.eps))
        flat = flat.float()
        if factor is not None:
            flat.mul_(factor)
        torch.view_as_complex(flat.view(len(flat), -1, 2)).mul_(turns)
        return flat.view(len(flat), -1, self.head_size)

    def finish(self, layer: Layer, hidden: Tensor, mixed: Tensor) -> None:
        """Add to `hidden` what follows attention in a layer."""
        _add(hidden, *layer.out.raw(mixed))
        normed = functional.rms_norm(hidden, hidden.shape[-1:], layer.mlp_norm, self.eps)
        both, factor = layer.gate_up.raw(normed)
        gate, up = both.chunk(2, dim=-1)
        if factor is None:
            _add(hidden, *layer.down.raw(functional.silu(gate).mul_(up)))
        else:
            # The factor of `up` may wait: a row's own factor goes through the last product unchanged.
            gate = torch.mul(gate, factor)
            found, own = layer.down.raw(functional.silu(gate, inplace=True).mul_(up))
            _add(hidden, found, factor if own is None else own.mul_(factor))

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the next-token logits of [rows, hidden size], in float32."""
        found, factor = self.head.raw(functional.rms_norm(hidden, hidden.shape[-1:], self.norm, self.eps))
        return found.float() if factor is None else found.mul_(factor)

    def prefix(self, tokens: Sequence[int]) -> Prefix:
        """Return the keys and values of `tokens`, computed alone, so that they never depend on a batch."""
        _, kept = self._prefill([(None, tokens)], wanted="none")
        keys, values = self._both(kept.transpose(1, 2))
        return Prefix(tokens=tuple(tokens), keys=keys.contiguous(), values=values.contiguous())

    def _both(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Return the keys and the values of [batch, 2 × key heads, tokens, head size]."""
        return kept[:, : self.key_heads], kept[:, self.key_heads :]

    def start(self, prompts: Sequence[tuple[Prefix | None, Sequence[int]]], room: int) -> tuple[Session, Tensor]:
        """Run each prompt's own tokens (at least one) after its prefix; return a batch with `room` for new tokens.

        Also returns the logits of each prompt's next token. Prompts with the same prefix must stand together.
        """
        hidden, kept = self._prefill(prompts, wanted="ends")
        lengths = [len(tokens) for _, tokens in prompts]
        prefixes = [prefix for prefix, _ in prompts]
        own = prompts_of(kept, lengths, self.key_heads)
        return Session(model=self, prefixes=prefixes, lengths=lengths, own=own, room=room), self.logits(hidden)

    def logprobs(self, prefix: Prefix | None, tokens: Sequence[int]) -> Tensor:
        """Return the log-probability of each of `tokens` but the first, given those before it."""
        hidden, _ = self._prefill([(prefix, tokens)], wanted="all")
        logits = self.logits(hidden[:-1])
        following = torch.tensor(tokens[1:], device=self.device).unsqueeze(1)
        return logits.gather(1, following).squeeze(1) - logits.logsumexp(1)

    def _prefill(
        self, prompts: Sequence[tuple[Prefix | None, Sequence[int]]], *, wanted: Literal["none", "ends", "all"]
    ) -> tuple[Tensor, Tensor]:
        """Run all prompts' tokens as one flat list, without padding; only attention goes prompt by prompt.

        Returns the hidden states of the `wanted` tokens (none, each prompt's last, or all), and the keys and values of
        all: [layers, tokens, 2 × key heads, head size].
        """
        tokens = torch.tensor([token for _, own in prompts for token in own], dtype=torch.long, device=self.device)
        starts = [len(prefix.tokens) if prefix else 0 for prefix, _ in prompts]
        lengths = [len(own) for _, own in prompts]
        places = [torch.arange(start, start + length) for start, length in zip(starts, lengths, strict=True)]
        turns = self.turns(torch.cat(places).to(self.device))
        hidden = functional.embedding(tokens, self.embeddings)
        kept = torch.empty(len(self.layers), len(tokens), 2 * self.key_heads, self.head_size, device=self.device)
        spans = _Spans(prompts)
        for index, layer in enumerate(self.layers):
            flat = self.qkv(layer, hidden, turns)
            kept[index].copy_(flat[:, self.heads :])
            query = flat[:, : self.heads].reshape(-1, self.group, self.key_heads, self.head_size)
            if index + 1 == len(self.layers) and wanted != "all":
                if wanted == "none":
                    break
                hidden, query = hidden[spans.ends], query[spans.ends]
                spans.only_ends = True
            mixed = self._mixed(query, kept[index], spans, index)
            self.finish(layer, hidden, mixed)
        return hidden, kept

    def _mixed(self, query: Tensor, kept: Tensor, spans: _Spans, layer: int) -> Tensor:
        """Return all prompts' attention, [tokens, heads × head size]."""
        mixed, weight = torch.empty_like(query), query.new_empty(query.shape[:-1])
        for asked, seen in spans.own():
            keys, values = self._both(kept[seen].transpose(0, 1).unsqueeze(0))
            # The heads of a group stand as a batch here: with a causal mask they are no further tokens.
            grouped = query[asked].transpose(0, 1)
            shape = (self.group, -1, -1, -1)
            found, heavy = attend(grouped, keys.expand(shape), values.expand(shape), causal=not spans.only_ends)
            mixed[asked] = found.transpose(0, 1)
            weight[asked] = heavy.transpose(0, 1)
        return joined((mixed, weight), with_prefixes(query, spans.groups(), layer)).flatten(1)


class _Spans:
    """Where each prompt's tokens stand in a flat list, and which prompts share a prefix."""

    def __init__(self, prompts: Sequence[tuple[Prefix | None, Sequence[int]]]) -> None:
        self._prefixes = [prefix for prefix, _ in prompts]
        self._edges = [0]
        for _, own in prompts:
            self._edges.append(self._edges[-1] + len(own))
        self.ends = torch.tensor(self._edges[1:]) - 1
        self.only_ends = False

    def own(self) -> Iterator[tuple[slice, slice]]:
        """Yield, for each prompt, the places of its queries and of its keys."""
        for number, (start, end) in enumerate(zip(self._edges, self._edges[1:], strict=False)):
            yield slice(number, number + 1) if self.only_ends else slice(start, end), slice(start, end)

    def groups(self) -> Groups:
        """Return (first, end, prefix) for runs of queries with the same prefix."""
        edges = list(range(len(self._edges))) if self.only_ends else self._edges
        return [(edges[first], edges[end], prefix) for first, end, prefix in groups_of(self._prefixes)]


def _add(hidden: Tensor, found: Tensor, factor: Tensor | None) -> None:
    if factor is None:
        hidden.add_(found)
    else:
        hidden.addcmul_(found, factor)
