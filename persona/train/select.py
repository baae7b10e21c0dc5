"""Which texts of a corpus a small model can follow: those that the untrained model finds least surprising.

A text that is wittier than the model can follow teaches it to sound witty and to mean nothing; the loss of the model
before training tells such texts from plain ones.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from ..digest import seed_of
from .corpus import Cast, Example, examples_of
from .model import Trainable
from .pack import Pack, Packer


def held_out(cast: Cast, share: int = 6) -> bool:
    """Tell whether a persona is never trained on: one in `share`, by a digest of its handle."""
    return seed_of("held out", cast.handle) % share == 0


def losses(model: Trainable, packs: Iterable[Pack]) -> dict[str, tuple[float, int]]:
    """Return by example the mean loss a token of its answer, in nats, and how many tokens it has."""
    found = {}
    for pack in packs:
        with torch.inference_mode():
            logits, targets = model.run(pack)
            each = cross_entropy(logits, targets, reduction="none").tolist()
        at = 0
        for (start, end), key in zip(pack.spans, pack.keys, strict=True):
            count = sum(1 for target in pack.targets[start:end] if target >= 0)
            found[key] = (sum(each[at : at + count]) / max(count, 1), count)
            at += count
    return found


def scored(model: Trainable, packer: Packer, casts: Sequence[Cast], file: Path) -> dict[str, float]:
    """Return the losses of all texts of `casts`; they are kept in `file`, persona by persona, and found there again."""
    known: dict[str, float] = {}
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            known[row["key"]] = row["loss"]
    with file.open("a", encoding="utf-8") as stream:
        for cast in casts:
            examples = list(examples_of(cast, samples=False))
            if examples[0].key in known:
                continue
            for key, (loss, tokens) in losses(model, packer.packs(examples)).items():
                known[key] = round(loss, 4)
                stream.write(json.dumps({"key": key, "loss": known[key], "tokens": tokens}) + "\n")
            stream.flush()
    return known


def plainest(examples: Sequence[Example], loss: dict[str, float], share: float, tasks: Collection[str]) -> set[str]:
    """Return the keys of the `share` of each task's examples with the least loss; other tasks are left out whole."""
    by_task: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if example.brief.task in tasks and example.key in loss:
            by_task[example.brief.task].append(example)
    kept: set[str] = set()
    for group in by_task.values():
        group.sort(key=lambda example: (loss[example.key], example.key))
        kept |= {example.key for example in group[: round(len(group) * share)]}
    return kept
