"""Attention in parts: over keys that many rows share and over a row's own, brought together exactly.

The attention over two sets of keys follows from the attention over each and the logarithm of each one's sum of weights
(Dao et al. 2022; for shared beginnings of prompts Juravsky et al. 2024), so shared keys are stored and read once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

Part = tuple[Tensor, Tensor]
"""What one set of keys gives: the mixed values [batch, tokens, heads, size], and the logarithm of the sum of weights
[batch, tokens, heads], in float32."""

_STEP = 4
"""The processor's kernel sums a query in one order, whatever the others are, if there are a multiple of four of them:
tried with 1 to 400 queries and 20 to 1,000 keys."""


def attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Part:
    """Attend from `query` [batch, tokens, heads, size] to `keys` and `values` [batch, heads, keys, size].

    Scores are not scaled. `mask` is added to them: [batch, 1, 1, keys], of the query's type. With `causal`, token i
    sees the keys up to i.
    """
    asked = query.transpose(1, 2)
    if query.device.type == "cpu":
        mixed, weight = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(
            asked, keys, values, 0.0, causal, attn_mask=mask, scale=1.0
        )
    else:
        mixed, weight = plainly(asked, keys, values, mask, causal=causal)
    return mixed.transpose(1, 2), weight.transpose(1, 2)


def attend_apart(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Part:
    """As `attend`, but a query's result does not depend, to the last bit, on how many others there are."""
    count = query.shape[1]
    extra = -count % _STEP
    if not extra:
        return attend(query, keys, values, mask)
    mixed, weight = attend(functional.pad(query, (0, 0, 0, 0, 0, extra)), keys, values, mask)
    return mixed[:, :count], weight[:, :count]


def joined(first: Part, second: Part | None) -> Tensor:
    """Return the mixed values over the keys of both."""
    if second is None:
        return first[0]
    # A softmax goes row by row; element-wise functions sum up the last elements of a list in another way.
    shares = torch.stack([first[1], second[1]], -1).softmax(-1)
    return (first[0] * shares[..., :1]).addcmul_(second[0], shares[..., 1:])


def with_own(query: Tensor, keys: Tensor, values: Tensor, others: list[Part]) -> Tensor:
    """Return the attention over each row's own keys and over those of `others`, all in one softmax.

    `query` [rows, group, key heads, size], `keys` and `values` [rows, key heads, tokens, size]; each of `others` is for
    the same queries. Returns [rows, group × key heads × size].
    """
    rows, group, heads, size = query.shape
    count = keys.shape[2]
    scores = torch.bmm(query.transpose(1, 2).reshape(-1, group, size), keys.flatten(0, 1).transpose(1, 2))
    scores = scores.view(rows, heads, group, count)
    shares = torch.cat([scores, *(part[1].transpose(1, 2).unsqueeze(-1) for part in others)], -1).softmax(-1)
    mixed = torch.bmm(shares.flatten(0, 1)[:, :, :count], values.flatten(0, 1))
    found = mixed.view(rows, heads, group, size).transpose(1, 2)
    for at, (mixed, _) in enumerate(others, count):
        found = torch.addcmul(found, mixed, shares[..., at].transpose(1, 2).unsqueeze(-1))
    return found.reshape(rows, -1)


def plainly(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, *, causal: bool) -> Part:
    """As the processor's kernel, on any device, with the tokens in the third place."""
    scores = (query @ keys.transpose(-1, -2)).float()
    if mask is not None:
        scores = scores + mask
    if causal:
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(hidden, float("-inf"))
    return functional.softmax(scores, -1).to(values.dtype) @ values, scores.logsumexp(-1)
