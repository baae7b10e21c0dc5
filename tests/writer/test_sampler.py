"""Drawing tokens."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from persona.writer import Sampling
from persona.writer.sampler import Sampler, likeliest


def logits(rows: int, size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed)) * 4


@pytest.mark.parametrize("size", [50, 400, 64 * 300, 64 * 300 + 17])
def test_the_likeliest_are_those_of_a_whole_search(size: int) -> None:
    drawn = logits(5, size)
    drawn[0, -1] = 99.0
    values, places = likeliest(drawn, min(64, size))
    wanted = drawn.topk(min(64, size))
    assert torch.equal(values, wanted.values)
    assert torch.equal(places, wanted.indices)


@pytest.mark.parametrize("size", [50, 64 * 300 + 17])
def test_the_logprob_is_that_of_a_row_alone(size: int) -> None:
    drawn = logits(6, size)
    rows = [(Sampling(max_tokens=1), seed) for seed in range(6)]
    tokens, found = Sampler(rows).draw(drawn.clone())
    wanted = drawn.double().log_softmax(1).gather(1, tokens.unsqueeze(1)).squeeze(1)
    assert torch.allclose(torch.tensor(found, dtype=torch.float64), wanted, atol=1e-5)
    for place in range(6):
        assert Sampler(rows[place : place + 1]).draw(drawn[place : place + 1].clone())[1] == found[place : place + 1]


def drawing(rows: list[tuple[Sampling, int]], steps: int, size: int = 64 * 300) -> tuple[list[Any], list[Any]]:
    sampler = Sampler(rows)
    tokens, logprobs = [], []
    for step in range(steps):
        # Coarse logits, so that many are equal.
        drawn = logits(1, size, step).round().repeat(len(rows), 1)
        found, weights = sampler.draw(drawn)
        tokens.append(found.tolist())
        logprobs.append(weights)
    return tokens, logprobs


def test_a_row_draws_the_same_alone_and_beside_others_of_other_settings() -> None:
    rows = [
        (Sampling(max_tokens=8, top_k=40), 1),
        (Sampling(max_tokens=20, top_k=3, temperature=1.5), 2),
        (Sampling(max_tokens=8, top_k=900, top_p=1.0, temperature=2.0), 3),
        (Sampling(max_tokens=8, temperature=0.0), 4),
    ]
    tokens, logprobs = drawing(rows, 8)
    for place, row in enumerate(rows):
        alone, weights = drawing([row], 8)
        assert [step[0] for step in alone] == [step[place] for step in tokens]
        assert [step[0] for step in weights] == [step[place] for step in logprobs]


def test_greedy_takes_the_likeliest_and_the_penalty_moves_it() -> None:
    drawn = torch.full((1, 400), -5.0)
    drawn[0, 7], drawn[0, 300] = 4.0, 3.0
    plain = Sampler([(Sampling(max_tokens=3, temperature=0.0, repetition_penalty=1.0), 0)])
    assert [plain.draw(drawn.clone())[0].item() for _ in range(3)] == [7, 7, 7]
    wary = Sampler([(Sampling(max_tokens=3, temperature=0.0, repetition_penalty=2.0), 0)])
    found = [wary.draw(drawn.clone()) for _ in range(3)]
    assert [token.item() for token, _ in found] == [7, 300, 7]
    # The log-probability is the model's own, without the penalty.
    assert found[2][1] == pytest.approx([drawn.log_softmax(1)[0, 7].item()], abs=1e-5)


def test_top_k_and_top_p_bound_the_draw() -> None:
    drawn = logits(1, 400).repeat(200, 1)
    order = drawn[0].argsort(descending=True).tolist()
    few = Sampler([(Sampling(max_tokens=1, top_k=3, top_p=1.0, temperature=2.0), i) for i in range(200)])
    assert set(few.draw(drawn.clone())[0].tolist()) == set(order[:3])
    share = Sampler([(Sampling(max_tokens=1, top_k=0, top_p=1e-6, temperature=2.0), i) for i in range(200)])
    assert set(share.draw(drawn.clone())[0].tolist()) == {order[0]}
