"""What a model writes before and after, on the same requests with the same seeds, and a few counts of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ..compose.brief import count_sentences
from ..digest import seed_of
from ..writer.contract import Sampling, WriteRequest
from .lessons import Asked
from .near import plain
from .quiet import quiet

MOST = 24


def write_samples(folder: Path, lessons: Sequence[Asked], seed: int) -> list[str]:
    """Return one text for each lesson's request; an empty one where the model failed."""
    from ..writer.local import LocalChatModel

    requests = [
        WriteRequest(
            id=lesson.key,
            messages=lesson.messages,
            seed=seed_of("sample", seed, lesson.key),
            sampling=Sampling(max_tokens=100),
        )
        for lesson in lessons
    ]
    with quiet():
        answers = LocalChatModel(folder=str(folder)).write(requests)
    return [answer.candidates[0].text if answer.candidates else "" for answer in answers]


def chosen(lessons: Sequence[Asked], most: int = MOST) -> list[Asked]:
    """Return lessons to write samples for, by a digest of their texts."""
    return sorted(lessons, key=lambda lesson: seed_of("chosen", lesson.text))[:most]


def counts(texts: Sequence[str], lessons: Sequence[Asked]) -> dict[str, float]:
    """Return shares in percent: texts with as many sentences as their lesson, different texts, and different word pairs
    among all word pairs (distinct-2); and the mean number of words.
    """
    words = [plain(text).split() for text in texts]
    pairs = [pair for each in words for pair in pairwise(each)]
    fits = [count_sentences(text) == count_sentences(lesson.text) for text, lesson in zip(texts, lessons, strict=True)]
    values = {
        "as_long_as_asked": 100 * sum(fits) / max(len(texts), 1),
        "different_texts": 100 * len({" ".join(each) for each in words}) / max(len(texts), 1),
        "distinct_2": 100 * len(set(pairs)) / max(len(pairs), 1),
        "words": sum(len(each) for each in words) / max(len(texts), 1),
    }
    return {name: round(value, 1) for name, value in values.items()}
