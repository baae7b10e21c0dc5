"""How far an account's notifications have been read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """All notifications up to `low` have been read, and those `above` it that were due before one that was not."""

    low: int = 0
    above: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read what `str` wrote; None is the very beginning. Raises ValueError for anything else."""
        if text is None:
            return cls()
        low, _, above = text.partition("+")
        return cls(low=int(low), above=frozenset(map(int, above.split(","))) if above else frozenset())

    def __str__(self) -> str:
        return f"{self.low}+{','.join(map(str, sorted(self.above)))}" if self.above else str(self.low)

    def advance(self, seen: Sequence[int], read: Iterable[int]) -> Self:
        """Return the cursor after `read`; `seen` are all ids above `low` that there are, in order."""
        done = self.above | frozenset(read)
        low = self.low
        for note_id in seen:
            if note_id not in done:
                break
            low = note_id
        return type(self)(low=low, above=frozenset(i for i in done if i > low))
