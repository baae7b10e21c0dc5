"""Lexical match: which records share words, names or codes with a text, and how rare those are.

BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009. Statistics are
those of the records that may be answered with, so that what one person says never weighs words for another.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import snowballstemmer
from numpy.typing import NDArray

from .digest import digest

_K1, _B = 0.9, 0.4
_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(r"[^\W_]+(?:[-_./][^\W_]+)+")
_COMMON = frozenset(
    [
        "a",
        "about",
        "am",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "being",
        "but",
        "by",
        "can",
        "could",
        "d",
        "did",
        "do",
        "does",
        "doing",
        "don",
        "for",
        "from",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "ll",
        "m",
        "may",
        "me",
        "might",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "ours",
        "re",
        "s",
        "shall",
        "she",
        "should",
        "so",
        "t",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "too",
        "us",
        "ve",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "yours",
    ]
)
"""words that tell nothing of what a text is about"""
_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=65536)
def _term(word: str) -> int:
    # A signed 64-bit number, so that terms of all personas need no shared table of words.
    return int(digest(_stemmer.stemWord(word), size=8), 16) - 2**63


def terms(text: str) -> Counter[int]:
    """Return the terms of a text, and how often each occurs: stems of its words, and codes such as AB-12 joined."""
    small = text.casefold()
    found = [word for word in _WORD.findall(small) if word not in _COMMON]
    found += [_SEPARATORS.sub("", code) for code in _CODE.findall(small) if any(c.isdigit() for c in code)]
    return Counter(_term(word) for word in found)


_SEPARATORS = re.compile(r"[-_./]")


class Postings:
    """Which terms each of `size` records has: three columns sorted by term, then by place."""

    def __init__(self, bags: Sequence[Counter[int]] = ()) -> None:
        """`bags` are what `terms` returns, one per record."""
        self.size = 0
        self.lengths = np.zeros(0)
        self._terms = np.zeros(0, dtype=np.int64)
        self._places = np.zeros(0, dtype=np.int32)
        self._times = np.zeros(0, dtype=np.float32)
        self.extend(bags)

    @property
    def nbytes(self) -> int:
        return sum(column.nbytes for column in (self.lengths, self._terms, self._places, self._times))

    def extend(self, bags: Sequence[Counter[int]]) -> None:
        """Add records behind those that are there."""
        if not bags:
            return
        places = np.repeat(np.arange(self.size, self.size + len(bags), dtype=np.int32), [len(bag) for bag in bags])
        found = np.concatenate([self._terms, np.array([term for bag in bags for term in bag], dtype=np.int64)])
        order = np.argsort(found, kind="stable")
        self._terms = found[order]
        self._places = np.concatenate([self._places, places])[order]
        times = np.array([times for bag in bags for times in bag.values()], dtype=np.float32)
        self._times = np.concatenate([self._times, times])[order]
        self.lengths = np.concatenate([self.lengths, [float(bag.total()) for bag in bags]])
        self.size += len(bags)

    def score(self, wanted: Counter[int], allowed: NDArray[np.bool_] | None) -> tuple[NDArray[np.float64], float]:
        """Return the BM25 score of every record, and the score that all of `wanted` would give.

        Only `allowed` records (None: all) count in the statistics; what the others get means nothing.
        """
        scores = np.zeros(self.size)
        if not wanted or not self.size:
            return scores, 0.0
        count = self.size if allowed is None else int(np.count_nonzero(allowed))
        words = self.lengths.sum() if allowed is None else self.lengths[allowed].sum()
        if not count or not words:
            return scores, 0.0
        base = _K1 * (1 - _B) + (_K1 * _B * count / words) * self.lengths
        best = 0.0
        asked = np.sort(np.fromiter(wanted, dtype=np.int64, count=len(wanted)))
        starts, ends = self._terms.searchsorted(asked, "left"), self._terms.searchsorted(asked, "right")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if start == end:
                continue
            places, times = self._places[start:end], self._times[start:end]
            having = end - start if allowed is None else int(np.count_nonzero(allowed[places]))
            rarity = math.log1p((count - having + 0.5) / (having + 0.5)) * (_K1 + 1)
            scores[places] += rarity * times / (times + base[places])
            best += rarity
        return scores, best
