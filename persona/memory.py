"""The contract of a memory: what a persona keeps, and how it finds it again.

A memory comes in by the entry point group `persona.memories`. Its journal rows are written by `Memory.remember` in
the engine's own transaction, so that a record is there exactly when what caused it is there; the index follows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from .digest import digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from .definition import Persona

RecordKind = Literal["canon", "post", "reply", "told", "promise"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One entry of memory. `id` is a digest of persona, kind, author, text and source.

    `importance` and `trust` lie in 0..1. `source` names what caused it (an outbox key, an event id, the YAML file).
    `author` is the persona's own name for what it posted or is canon, else the handle of who said it.
    """

    id: str
    persona: str
    kind: RecordKind
    text: str
    at: datetime
    author: str
    source: str
    channel: str = ""
    importance: float = 0.5
    trust: float = 1.0
    language: str = "en"
    extra: Mapping[str, str] = field(default_factory=dict)


def record_id(*, persona: str, kind: RecordKind, author: str, text: str, source: str) -> str:
    """Return the id of a record: a digest of what makes it one entry rather than two.

    `source` counts for what a persona did itself (post, reply, promise): the same words posted twice are two
    entries. It does not count for `told` and `canon`: one author saying the same thing in several events is one
    entry with a count, and canon stays the same entry when its file moves.
    """
    return digest("record", persona, kind, author, text, "" if kind in ("told", "canon") else source)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What to look for on behalf of one cue. `kinds` and `author` narrow it; `limit` is how many records."""

    persona: str
    text: str
    now: datetime
    limit: int = 4
    kinds: tuple[RecordKind, ...] = ()
    author: str | None = None
    exclude_sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """A record that was found, its score in 0..1 and the parts the score is made of."""

    record: Record
    score: float
    parts: Mapping[str, float]

    @property
    def reason(self) -> str:
        """The score's parts as one line, for the trace and the page."""
        return ", ".join(f"{name} {value:.2f}" for name, value in self.parts.items())


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the index stands against the journal, for one persona."""

    persona: str
    journal: int
    index: int
    ok: bool
    cause: str = ""


class Memory(ABC):
    """Remembers for all personas of one data folder."""

    @classmethod
    @abstractmethod
    def open(cls, *, engine: Engine, folder: Path, personas: Sequence[Persona]) -> Self:
        """Open the memory of a data folder.

        `engine` is the project's own database with its tables; `folder` is the data folder, where the memory may
        keep an index; recall weights and half-lives come from `personas`. A persona that is not among them is
        served with the defaults. Loads no model: that waits for the first text.
        """

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector per text, shape (len(texts), dimensions), float32."""

    @abstractmethod
    def remember(self, records: Sequence[Record], session: object) -> int:
        """Write journal rows through the caller's SQLAlchemy `session`; return how many were new.

        The caller commits. A record whose id is there already only has its count raised.
        """

    @abstractmethod
    def sync(self) -> None:
        """Bring the index up to the journal: add what is missing, remove what was forgotten. Idempotent."""

    @abstractmethod
    def recall(self, queries: Sequence[Query]) -> list[list[Recalled]]:
        """Return, for each query, the best records, best first. One embedding batch for all queries.

        Only records that are in the journal and not younger than the query's `now` are returned, whatever the
        index says. The answer depends on the journal alone, never on how or when the index was built.
        """

    @abstractmethod
    def list(self, persona: str, *, kind: RecordKind | None = None, limit: int = 50) -> Sequence[Record]:
        """Return records, newest first."""

    @abstractmethod
    def count(self, persona: str) -> int:
        """Return how many records the journal holds for `persona`."""

    @abstractmethod
    def forget(self, *, persona: str | None = None, author: str | None = None, record_id: str | None = None) -> int:
        """Erase matching records from journal and index; return how many. At least one criterion is needed."""

    @abstractmethod
    def reindex(self, persona: str | None = None) -> int:
        """Rebuild the index from the journal's vectors, without the model; return how many records it holds."""

    @abstractmethod
    def health(self) -> Sequence[Health]:
        """Compare index and journal, for each persona that has records."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the files. Does nothing if it is closed already."""
