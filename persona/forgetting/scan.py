"""Looking for many byte strings in many files at once.

A rolling hash over 4, 8, 16 or 32 bytes (Karp and Rabin, 1987), computed for all places of a block at once by
doubling; a place whose hash is wanted is then compared byte by byte.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LEAST = 4
"""Shorter needles are not looked for: chance would find them."""
_SIZES = (32, 16, 8, 4)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 1 << 22
_BITS = 22

Hashes = NDArray[np.uint64]


class Needles:
    """Byte strings to look for. Those shorter than `LEAST` are left out."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self.needles = tuple(sorted({needle for needle in needles if len(needle) >= LEAST}))
        self._longest = max((len(needle) for needle in self.needles), default=0)
        groups: dict[int, dict[int, list[bytes]]] = defaultdict(lambda: defaultdict(list))
        for needle in self.needles:
            size = next(size for size in _SIZES if size <= len(needle))
            first = int(_levels(np.frombuffer(needle[:size], dtype=np.uint8), size)[size][0])
            groups[size][first].append(needle)
        self._groups = {size: dict(group) for size, group in groups.items()}
        self._tables = {size: _table(group) for size, group in self._groups.items()}

    def __len__(self) -> int:
        return len(self.needles)

    def in_bytes(self, data: bytes) -> Counter[bytes]:
        """Return how often each needle that occurs does so in `data`."""
        return self._in_blocks([(data, len(data))])

    def in_file(self, file: Path) -> Counter[bytes]:
        """Return how often each needle that occurs does so in `file`."""
        return self._in_blocks(_blocks(file, self._longest))

    def _in_blocks(self, blocks: Iterable[tuple[bytes, int]]) -> Counter[bytes]:
        found: Counter[bytes] = Counter()
        for block, fresh in blocks:
            array = np.frombuffer(block, dtype=np.uint8)
            levels = _levels(array, max(self._groups, default=0))
            for size, group in self._groups.items():
                if size not in levels:
                    continue
                hashes = levels[size][:fresh]
                for place in np.flatnonzero(self._tables[size][hashes >> np.uint64(64 - _BITS)]):
                    for needle in group.get(int(hashes[place]), ()):
                        if block.startswith(needle, place):
                            found[needle] += 1
        return found


def _blocks(file: Path, overlap: int) -> Iterator[tuple[bytes, int]]:
    """Yield a file's bytes by blocks that overlap, each with how many of its places are new."""
    with file.open("rb") as stream:
        block = stream.read(_BLOCK)
        while block:
            more = stream.read(_BLOCK)
            yield block + more[:overlap], len(block)
            block = more


def _levels(array: NDArray[np.uint8], most: int) -> dict[int, Hashes]:
    """Return by size the hashes of all windows of that size, for sizes that fit."""
    levels: dict[int, Hashes] = {}
    hashes, size, factor = array.astype(np.uint64) + np.uint64(1), 1, _BASE
    while size < most and 2 * size <= len(array):
        with np.errstate(over="ignore"):
            hashes = hashes[:-size] * factor + hashes[size:]
            factor = factor * factor
        size *= 2
        if size in _SIZES:
            levels[size] = _mixed(hashes)
    return levels


def _mixed(hashes: Hashes) -> Hashes:
    # The low bits of a polynomial modulo 2**64 depend on few bytes; the table goes by the high ones.
    with np.errstate(over="ignore"):
        return (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


def _table(wanted: Iterable[int]) -> NDArray[np.bool_]:
    table = np.zeros(1 << _BITS, dtype=np.bool_)
    for one in wanted:
        table[one >> (64 - _BITS)] = True
    return table


def forms_of(text: str) -> set[bytes]:
    """Return how `text` stands in files: as UTF-8, and escaped as JSON with and without letters beyond ASCII."""
    forms = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return {form.encode("utf-8", "surrogatepass") for form in forms}


def piece_of_vector(vector: bytes) -> bytes:
    """Return the eight numbers in a row with the fewest zeros: no other vector has them by chance. Empty if too few."""
    numbers = np.frombuffer(vector, dtype="<f4")
    starts = range(0, max(len(numbers) - 7, 1), 4)
    best = max(starts, key=lambda start: (np.count_nonzero(numbers[start : start + 8]), -start))
    return vector[4 * best : 4 * best + 32] if np.count_nonzero(numbers[best : best + 8]) >= 4 else b""


def files_under(folder: Path, without: Sequence[Path] = ()) -> list[Path]:
    """Return all files of a folder, sorted, but for `without` and what lies in these. Links are not followed."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not any(path.is_relative_to(one) for one in without):
            found.append(path)
    return found
