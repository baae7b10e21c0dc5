"""Drawing tokens: one independent, counter-based random source a row, so that a draw never depends on the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from persona.digest import seed_of

from .contract import Sampling


class Sampler:
    """Draws one token a row and step: repetition penalty, temperature, top-k, top-p, in this order.

    The penalty counts the tokens written so far, never the prompt, so that names and facts given there stay usable.
    """

    def __init__(self, rows: Sequence[tuple[Sampling, int]]) -> None:
        """`rows` holds each row's sampling and the seed of its draws."""
        steps = max(sampling.max_tokens for sampling, _ in rows)
        self._draws = np.stack([np.random.Generator(np.random.Philox(key=seed)).random(steps) for _, seed in rows])
        samplings = [sampling for sampling, _ in rows]
        self._penalty = torch.tensor([[s.repetition_penalty] for s in samplings], dtype=torch.float32)
        self._temperature = np.array([[s.temperature] for s in samplings])
        self._top_p = np.array([[s.top_p] for s in samplings])
        self._top_k = np.array([[s.top_k if s.temperature > 0 else 1] for s in samplings])
        self._written = torch.zeros(len(rows), steps, dtype=torch.long)
        self._step = 0

    def pick(self, rows: Sequence[int]) -> None:
        """Keep these rows."""
        index = list(rows)
        self._draws, self._top_p, self._top_k = self._draws[index], self._top_p[index], self._top_k[index]
        self._temperature = self._temperature[index]
        self._penalty, self._written = self._penalty[index], self._written[index]

    def draw(self, logits: Tensor) -> tuple[Tensor, list[float]]:
        """Return one token a row, and its log-probability under the model itself. Changes `logits`."""
        # One row alone would be summed in parts by several threads, in another order than a row of several.
        total = torch.logsumexp(logits if len(logits) > 1 else logits.repeat(2, 1), -1)[: len(logits)]
        written = self._written[:, : self._step]
        plain = logits.gather(1, written)
        logits.scatter_(1, written, torch.where(plain > 0, plain / self._penalty, plain * self._penalty))
        size = logits.shape[1]
        widest = size if (self._top_k == 0).any() else min(int(self._top_k.max()), size)
        values, indices = torch.topk(logits, widest)
        chosen = indices.gather(1, torch.from_numpy(self._places(values.double().numpy())))
        logits.scatter_(1, written, plain)
        logprobs = logits.gather(1, chosen).squeeze(1) - total
        tokens = chosen.squeeze(1)
        self._written[:, self._step] = tokens
        self._step += 1
        return tokens, [float(value) for value in logprobs]

    def _places(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return the place drawn in each row of descending `values`."""
        rank = np.arange(values.shape[1])[None, :]
        limit = np.where(self._top_k == 0, values.shape[1], self._top_k)
        scaled = (values - values[:, :1]) / np.maximum(self._temperature, 1e-6)
        weights = np.where(rank < limit, np.exp(scaled), 0.0)
        # Running sums add in one order, however many places other rows need.
        shares = weights / np.cumsum(weights, 1)[:, -1:]
        before = np.cumsum(shares, 1) - shares
        # The first token always stays: nothing comes before it.
        weights = np.where(before < self._top_p, weights, 0.0)
        sums = np.cumsum(weights, 1)
        point = self._draws[:, self._step : self._step + 1] * sums[:, -1:]
        places = (sums <= point).sum(1, keepdims=True)
        last = (weights > 0).sum(1, keepdims=True) - 1
        chosen: NDArray[np.int64] = np.minimum(places, last).astype(np.int64)
        return chosen


def row_seed(seed: int, candidate: int) -> int:
    """Return the seed of candidate number `candidate` of a request with that `seed`."""
    return seed_of("candidate", seed, candidate)
