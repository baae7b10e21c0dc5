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

_DEPTH = 64
"""How many tokens stand in a column when the likeliest are looked for."""


class Sampler:
    """Draws one token a row and step: repetition penalty, temperature, top-k, top-p, in this order.

    The penalty counts the tokens written so far, never the prompt, so that names and facts given there stay usable.
    """

    def __init__(self, rows: Sequence[tuple[Sampling, int]], *, device: str = "cpu") -> None:
        """`rows` holds each row's sampling and the seed of its draws."""
        steps = max(sampling.max_tokens for sampling, _ in rows)
        self._draws = np.stack([np.random.Generator(np.random.Philox(key=seed)).random(steps) for _, seed in rows])
        samplings = [sampling for sampling, _ in rows]
        penalty = [[s.repetition_penalty] for s in samplings]
        self._penalty = torch.tensor(penalty, dtype=torch.float32, device=device)
        self._temperature = np.array([[s.temperature] for s in samplings])
        self._top_p = np.array([[s.top_p] for s in samplings])
        self._top_k = np.array([[s.top_k if s.temperature > 0 else 1] for s in samplings])
        self._written = torch.zeros(len(rows), steps, dtype=torch.long, device=device)
        self._step = 0

    def pick(self, rows: Sequence[int]) -> None:
        """Keep these rows."""
        index = list(rows)
        self._draws, self._top_p, self._top_k = self._draws[index], self._top_p[index], self._top_k[index]
        self._temperature = self._temperature[index]
        self._penalty, self._written = self._penalty[index], self._written[index]

    def draw(self, logits: Tensor) -> tuple[Tensor, list[float]]:
        """Return one token a row, and its log-probability under the model itself. Changes `logits`."""
        # Row by row, so that a row gets the same alone and among others, to the last bit.
        known = logits.log_softmax(1)
        written = self._written[:, : self._step]
        plain = logits.gather(1, written)
        logits.scatter_(1, written, torch.where(plain > 0, plain / self._penalty, plain * self._penalty))
        values, indices = likeliest(logits, self._widest(logits.shape[1]))
        ranked, names = _ranked(values.double().cpu().numpy(), indices.cpu().numpy())
        chosen = torch.from_numpy(np.take_along_axis(names, self._places(ranked), 1)).to(logits.device)
        tokens = chosen.squeeze(1)
        self._written[:, self._step] = tokens
        self._step += 1
        return tokens, known.gather(1, chosen).squeeze(1).tolist()

    def _widest(self, size: int) -> int:
        """Return how many of the likeliest tokens to look at, in whole columns, so that one more never changes them."""
        if (self._top_k == 0).any():
            return size
        return min(-(-int(self._top_k.max()) // _DEPTH) * _DEPTH, size)

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


def likeliest(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the `count` highest values of each row, descending, and their places.

    The highest values of a row are in the columns with the highest maxima, so only these are looked through.
    """
    columns, rest = _columns(logits)
    width = columns.shape[2]
    if width < 4 * count:
        return logits.topk(count)
    best = columns.amax(1).topk(count, sorted=False).indices.unsqueeze(1)
    depth = torch.arange(_DEPTH, device=logits.device).view(1, _DEPTH, 1)
    found = torch.cat([columns.gather(2, best.expand(-1, _DEPTH, -1)).flatten(1), rest], 1)
    last = torch.arange(_DEPTH * width, logits.shape[1], device=logits.device).expand(len(logits), -1)
    places = torch.cat([(best + depth * width).flatten(1), last], 1)
    values, at = found.topk(count)
    return values, places.gather(1, at)


def _columns(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return each row's logits as columns [rows, depth, columns], and the few that are left over."""
    whole = logits.shape[1] - logits.shape[1] % _DEPTH
    return logits[:, :whole].reshape(len(logits), _DEPTH, logits.shape[1] // _DEPTH), logits[:, whole:]


def _ranked(values: NDArray[Any], names: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return descending values and their names, equal values in the order of their names."""
    if not (values[:, 1:] == values[:, :-1]).any():
        return values, names
    order = np.lexsort((names, -values), axis=1)
    return np.take_along_axis(values, order, 1), np.take_along_axis(names, order, 1)


def row_seed(seed: int, candidate: int) -> int:
    """Return the seed of candidate number `candidate` of a request with that `seed`."""
    return seed_of("candidate", seed, candidate)
