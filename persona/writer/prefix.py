"""Prefixes: keys and values of the tokens that several rows begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .attention import Part, attend_apart


@dataclass(frozen=True, kw_only=True, eq=False)
class Prefix:
    """The keys and values of tokens that several rows begin with: [layers, key heads, tokens, head size]."""

    tokens: tuple[int, ...]
    keys: Tensor
    values: Tensor

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes

    @cached_property
    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of each layer, [1, key heads, tokens, head size]."""
        return list(zip(self.keys.unsqueeze(1).unbind(0), self.values.unsqueeze(1).unbind(0), strict=True))


Groups = list[tuple[int, int, Prefix | None]]
"""Runs of rows, as (first, end, prefix)."""


def groups_of(prefixes: Sequence[Prefix | None]) -> Groups:
    """Return the runs of rows that have the same prefix."""
    groups: Groups = []
    for row, prefix in enumerate(prefixes):
        if groups and groups[-1][2] is prefix:
            groups[-1] = (groups[-1][0], row + 1, prefix)
        else:
            groups.append((row, row + 1, prefix))
    return groups


def with_prefixes(query: Tensor, groups: Groups, layer: int) -> Part | None:
    """Return the attention of `query` [rows, group, key heads, size] over each row's prefix; None if no row has one."""
    parts = []
    for first, end, prefix in groups:
        asked = query[first:end]
        if prefix is None:
            parts.append((torch.zeros_like(asked), query.new_full(asked.shape[:-1], float("-inf"))))
        else:
            keys, values = prefix.layers[layer]
            mixed, weight = attend_apart(asked.reshape(1, -1, *asked.shape[2:]), keys, values)
            parts.append((mixed.reshape(asked.shape), weight.reshape(asked.shape[:-1])))
    if all(prefix is None for _, _, prefix in groups):
        return None
    if len(parts) == 1:
        return parts[0]
    return torch.cat([mixed for mixed, _ in parts]), torch.cat([weight for _, weight in parts])
