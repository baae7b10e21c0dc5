"""What a model does on its own: its loss, and its candidates for every brief; in several processes if there are cores.

One thread a process: small matrices gain little from a second thread, and two processes fill two cores.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..corpus import Example
from .candidates import Written, write_candidates
from .loss import reference_loss

ROWS = 48
"""Candidates in one batch of the decoder: more is no quicker, and takes more memory."""


@dataclass(kw_only=True)
class Authored:
    """`loss` is the sum over `tokens` tokens of reference texts, in nats."""

    loss: float = 0.0
    tokens: int = 0
    candidates: dict[str, list[Written]] = field(default_factory=dict)

    @property
    def mean_loss(self) -> float:
        """The loss a token."""
        return self.loss / max(self.tokens, 1)

    def add(self, other: Authored) -> None:
        """Take in what was made of other examples."""
        self.loss, self.tokens = self.loss + other.loss, self.tokens + other.tokens
        self.candidates |= other.candidates


def author(folder: Path, examples: Sequence[Example], count: int, seed: int) -> Authored:
    """Let the model in `folder` do all of its work. Raises ModelNotFound or ModelNotTrusted."""
    from ...writer import LocalChatModel
    from ...writer.model import LocalWriter

    loss, tokens = reference_loss(folder, examples)
    writer = LocalWriter(LocalChatModel(folder=str(folder), max_rows=ROWS))
    return Authored(loss=loss, tokens=tokens, candidates=write_candidates(writer, examples, count=count, seed=seed))


def author_all(
    folders: Mapping[str, Path], examples: Sequence[Example], count: int, seed: int, *, processes: int = 0
) -> dict[str, Authored]:
    """Return what each model of `folders` makes, by its name. `processes` 0 is one a core, at most four.

    Every model's personas are dealt out to all processes, so that they end together. A number of processes gives the
    same candidates as any other, but for roundings of one thread or several.
    """
    workers = processes or min(os.cpu_count() or 1, 4)
    made = {name: Authored() for name in folders}
    shares = [share for share in _shares(examples, workers) if share]
    if workers == 1:
        for name, folder in folders.items():
            made[name].add(author(folder, examples, count, seed))
        return made
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        asked = [
            (n, pool.submit(author, folder, share, count, seed)) for n, folder in folders.items() for share in shares
        ]
        for name, answer in asked:
            made[name].add(answer.result())
    return made


def _shares(examples: Sequence[Example], workers: int) -> list[list[Example]]:
    handles = list(dict.fromkeys((example.source, example.handle) for example in examples))
    place = {handle: i % workers for i, handle in enumerate(handles)}
    shares: list[list[Example]] = [[] for _ in range(workers)]
    for example in examples:
        shares[place[example.source, example.handle]].append(example)
    return shares


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
