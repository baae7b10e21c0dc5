"""Attention over a pack: the beginning to itself, each own part to the beginning and to itself.

Registered with transformers under the name `PACKED`; a model that is loaded with `attn_implementation=PACKED` takes
`spans=` in its forward call. The work grows with the texts, not with the square of the pack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

PACKED = "persona_packed"


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    *,
    spans: Sequence[tuple[int, int]] = (),
    **_: Any,
) -> tuple[Tensor, None]:
    """Return the attention, [1, tokens, heads, head size], of queries and keys [1, heads, tokens, head size]."""
    group = query.shape[1] // key.shape[1]
    if group > 1:
        key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    length = query.shape[2]
    shared = spans[0][0] if spans else length
    # One split, not a slice a span: the gradient of a slice is as large as the whole, that of a split is one join.
    sizes = [shared, *(end - start for start, end in spans)]
    queries, keys, values = (torch.split(each, sizes, 2) for each in (query, key, value))
    mixed = []
    if shared:
        first = (queries[0], keys[0], values[0])
        mixed.append(scaled_dot_product_attention(*first, is_causal=True, scale=scaling, dropout_p=dropout))
    for own, own_key, own_value in zip(queries[1:], keys[1:], values[1:], strict=True):
        count = own.shape[2]
        mask = torch.ones(count, shared + count, dtype=torch.bool, device=query.device).tril(shared)
        mixed.append(
            scaled_dot_product_attention(
                own,
                torch.cat([keys[0], own_key], 2),
                torch.cat([values[0], own_value], 2),
                attn_mask=mask,
                scale=scaling,
                dropout_p=dropout,
            )
        )
    return torch.cat(mixed, 2).transpose(1, 2), None


def register() -> None:
    """Make `PACKED` known to transformers; doing it again changes nothing."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(PACKED, packed_attention)
