"""Near duplicates among many texts: MinHash over 5-letter shingles (Broder 1997), banded, then checked exactly."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.8
"""Jaccard share of shingles from which two texts are one text with some letters changed."""
_SHINGLE = 5
_BANDS, _ROWS = 20, 3
_PRIME = np.uint64((1 << 31) - 1)
_WORD = re.compile(r"\w+")


def plain(text: str) -> str:
    """Return the words of a text alone: two texts with the same are exact duplicates."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def firsts(texts: Sequence[str]) -> list[int]:
    """Return for each text the place of an earlier one that says nearly the same, or its own place.

    Chains are followed: a text that is near to a near duplicate counts as one of the first.
    """
    shingles = [_shingles(plain(text)) for text in texts]
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    found = list(range(len(texts)))
    for place, own in enumerate(shingles):
        signature = _signature(own)
        keys = [(band, signature[band * _ROWS : (band + 1) * _ROWS].tobytes()) for band in range(_BANDS)]
        candidates = sorted({other for key in keys for other in buckets[key]})
        for other in candidates:
            if _alike(own, shingles[other]):
                found[place] = found[other]
                break
        for key in keys:
            buckets[key].append(place)
    return found


def _shingles(text: str) -> frozenset[int]:
    return frozenset(zlib.crc32(text[i : i + _SHINGLE].encode()) for i in range(max(len(text) - _SHINGLE + 1, 1)))


def _alike(one: frozenset[int], other: frozenset[int]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)


def _signature(shingles: frozenset[int]) -> NDArray[np.uint64]:
    values = np.fromiter(shingles, dtype=np.uint64, count=len(shingles)) % _PRIME
    signature: NDArray[np.uint64] = ((values[None, :] * _FACTORS[:, None] + _SHIFTS[:, None]) % _PRIME).min(1)
    return signature


_RANDOM = np.random.Generator(np.random.Philox(key=20))
_FACTORS = _RANDOM.integers(1, int(_PRIME), _BANDS * _ROWS, dtype=np.uint64)
_SHIFTS = _RANDOM.integers(0, int(_PRIME), _BANDS * _ROWS, dtype=np.uint64)
