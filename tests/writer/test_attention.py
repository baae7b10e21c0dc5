"""Attention in parts: the same as over all keys at once, and independent of other queries."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from persona.writer.attention import attend, attend_apart, joined, plainly, with_own

HEADS, SIZE = 3, 16


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def whole(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    scores = query.transpose(1, 2) @ keys.transpose(-1, -2)
    return (scores.softmax(-1) @ values).transpose(1, 2)


def test_the_kernel_is_plain_attention() -> None:
    query, keys, values = drawn(2, 5, HEADS, SIZE), drawn(2, HEADS, 7, SIZE), drawn(2, HEADS, 7, SIZE) + 1
    mixed, weight = attend(query, keys, values)
    assert torch.allclose(mixed, whole(query, keys, values), atol=1e-5)
    scores = (query.transpose(1, 2) @ keys.transpose(-1, -2)).logsumexp(-1).transpose(1, 2)
    assert torch.allclose(weight, scores, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_the_way_for_other_devices_gives_the_same(causal: bool) -> None:
    query, keys, values = drawn(2, 7, HEADS, SIZE), drawn(2, HEADS, 7, SIZE), drawn(2, HEADS, 7, SIZE) + 1
    mask = torch.zeros(2, 1, 1, 7)
    mask[0, ..., 5:] = float("-inf")
    found = attend(query, keys, values, None if causal else mask, causal=causal)
    plain = plainly(query.transpose(1, 2), keys, values, None if causal else mask, causal=causal)
    for one, other in zip(found, plain, strict=True):
        assert torch.allclose(one, other.transpose(1, 2), atol=1e-5)
    if causal:
        assert torch.allclose(found[0][:, 0], values[:, :, 0], atol=1e-5)
    else:
        without = attend(query[:1], keys[:1, :, :5], values[:1, :, :5])
        assert torch.allclose(found[0][:1], without[0], atol=1e-5)


def test_parts_join_to_the_whole() -> None:
    query, keys, values = drawn(4, 2, HEADS, SIZE), drawn(4, HEADS, 12, SIZE), drawn(4, HEADS, 12, SIZE) + 1
    parts = [attend(query, keys[:, :, at], values[:, :, at]) for at in (slice(0, 5), slice(5, 9))]
    wanted = whole(query, keys, values)
    assert torch.allclose(with_own(query, keys[:, :, 9:], values[:, :, 9:], parts), wanted.flatten(1), atol=1e-5)
    shorter = whole(query, keys[:, :, :9], values[:, :, :9])
    assert torch.allclose(joined(*parts), shorter, atol=1e-5)
    assert joined(parts[0], None) is parts[0][0]


def test_a_query_does_not_depend_on_how_many_others_there_are() -> None:
    keys, values = drawn(1, HEADS, 300, SIZE), drawn(1, HEADS, 300, SIZE) + 1
    query = drawn(1, 100, HEADS, SIZE)
    mixed, weight = attend_apart(query, keys, values)
    for count in (1, 2, 3, 4, 5, 31, 33, 64, 66):
        few, little = attend_apart(query[:, :count], keys, values)
        assert torch.equal(few, mixed[:, :count])
        assert torch.equal(little, weight[:, :count])
