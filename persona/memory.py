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
from typing import TYPE_CHECKING, Literal, Self, get_args

from .digest import digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from .definition import Persona

RecordKind = Literal["canon", "post", "reply", "told", "fact", "promise", "insight", "performance"]
KINDS: tuple[RecordKind, ...] = get_args(RecordKind)
"""`canon` stands in the personas file; `post` and `reply` are the persona's own words; `told` is what someone said,
word for word; `fact` is what someone asked to be remembered about themself; `promise` is what the persona promised;
`performance` is how an own post was taken; `insight` is what code concluded from many records."""
TrustClass = Literal["canon", "own", "person", "derived"]
State = Literal["valid", "ended", "quarantined", "all"]
_CLASSES: Mapping[RecordKind, TrustClass] = {
    "canon": "canon", "post": "own", "reply": "own", "promise": "own", "told": "person", "fact": "person",
    "insight": "derived", "performance": "derived",
}  # fmt: skip
ONCE: tuple[RecordKind, ...] = ("canon", "told", "fact")
"""Kinds of which the same text by the same author is one record, wherever it came from."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One entry of memory. `id` is a digest of persona, kind, author, text and source.

    `importance` and `trust` lie in 0..1. `source` names what caused it (an outbox key, an event id, the YAML file).
    `author` is the persona's own name for what it posted, concluded or is canon, else the handle of who said it; a
    promise has the author it was given to.

    From `valid_until` on it does not hold any more; `superseded_by` is the id of the record that took its place, if
    one did. `rests_on` are the ids of the records that a derived one was made of. `quarantined` is why it is kept
    but never recalled; empty for all others. `count` is how often it was told. `recalled` is how many texts were
    made with it, `recalled_at` when the last of them was.
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
    valid_until: datetime | None = None
    superseded_by: str = ""
    rests_on: tuple[str, ...] = ()
    quarantined: str = ""
    count: int = 1
    recalled: int = 0
    recalled_at: datetime | None = None

    @property
    def trust_class(self) -> TrustClass:
        """Whose word it is: the file's, the persona's own, a person's, or code's conclusion from others."""
        return _CLASSES[self.kind]

    def holds(self, now: datetime) -> bool:
        """Tell whether it may be recalled at `now`: it is there already, has not ended and is not quarantined."""
        ended = self.valid_until is not None and self.valid_until <= now
        return self.at <= now and not ended and not self.quarantined

    def within(self, state: State) -> bool:
        """Tell whether it belongs to the records that `Memory.list` returns for `state`."""
        if state == "all":
            return True
        if state == "quarantined":
            return bool(self.quarantined)
        return not self.quarantined and (self.valid_until is None) == (state == "valid")


def record_id(*, persona: str, kind: RecordKind, author: str, text: str, source: str) -> str:
    """Return the id of a record: a digest of what makes it one entry rather than two.

    `source` counts for what a persona did itself (post, reply, promise) and for what was concluded: the same words
    posted twice are two entries. It does not count for `told`, `fact` and `canon`: one author saying the same thing
    in several events is one entry with a count, and canon stays the same entry when its file moves.
    """
    return digest("record", persona, kind, author, text, "" if kind in ONCE else source)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What to look for on behalf of one cue. `kinds` and `author` narrow it; `limit` is how many records.

    `tokens` is how many tokens all texts together may cost a writer (see `persona.recall.tokens_of`), 0 for any. A
    time that `text` speaks of ("last week") is seen from `now`, in its time zone.
    """

    persona: str
    text: str
    now: datetime
    limit: int = 4
    kinds: tuple[RecordKind, ...] = ()
    author: str | None = None
    exclude_sources: tuple[str, ...] = ()
    tokens: int = 0


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

        The caller commits. A record whose id is there already only has its count raised: it stays ended, or
        quarantined, if it was.
        """

    @abstractmethod
    def supersede(self, successors: Mapping[str, str], at: datetime, session: object) -> int:
        """End records at `at` and link each to what took its place; return how many ended.

        `successors` maps the id of a record to the id of its successor, or to an empty text if it has none. What
        has ended already, or is not there, is left as it is. The caller commits.
        """

    @abstractmethod
    def restore(self, record_ids: Sequence[str], session: object) -> int:
        """Let records hold again that had ended or were quarantined; return how many did not hold. The caller commits.

        A person releases a comment from quarantine by this; a canon line that is back in the file comes back by it.
        """

    @abstractmethod
    def used(self, record_ids: Sequence[str], at: datetime, session: object) -> None:
        """Note that a text was made with these records at `at`. The caller commits."""

    @abstractmethod
    def reflect(self, persona: str, *, subjects: Mapping[str, str], now: datetime, session: object) -> Sequence[Record]:
        """Bring the persona's insights up to its journal; return those that are new. The caller commits.

        `subjects` are what the persona itself writes about: what each is called, and a text of it. The insights are
        those of `persona.reflection.conclude`, made of comments and performances of the last weeks that hold: the
        same journal gives the same insights, however often and whenever it was reflected on. One that does not
        follow any more ends, linked to what took its place.
        """

    @abstractmethod
    def sync(self) -> None:
        """Bring the index up to the journal: add what is missing, remove what was forgotten. Idempotent."""

    @abstractmethod
    def recall(self, queries: Sequence[Query]) -> list[list[Recalled]]:
        """Return, for each query, the best records, best first. One embedding batch for all queries.

        Only records that are in the journal and hold at the query's `now` (see `Record.holds`) are returned,
        whatever the index says. The answer depends on the journal alone, never on how or when the index was built.
        """

    @abstractmethod
    def list(
        self, persona: str, *, kind: RecordKind | None = None, limit: int = 50, state: State = "valid"
    ) -> Sequence[Record]:
        """Return records, newest first: those that are valid, have ended, are quarantined (ended or not), or all.

        Whatever has a `valid_until` counts as ended here, whenever that is.
        """

    @abstractmethod
    def count(self, persona: str) -> int:
        """Return how many records the journal holds for `persona`, in any state."""

    @abstractmethod
    def forget(self, *, persona: str | None = None, author: str | None = None, record_id: str | None = None) -> int:
        """Erase matching records from journal and index; return how many. At least one criterion is needed.

        What was derived from an erased record is erased with it and counted; the next reflection concludes anew.
        """

    def erase(self, record_ids: Sequence[str]) -> None:
        """Leave nothing of these records, whose journal rows are gone, in files of the memory's own. Idempotent.

        By default the index is rebuilt; that must be enough to leave no bytes of them behind.
        """
        self.reindex()

    @abstractmethod
    def reindex(self, persona: str | None = None) -> int:
        """Rebuild the index from the journal's vectors, without the model; return how many records it holds."""

    @abstractmethod
    def health(self) -> Sequence[Health]:
        """Compare index and journal, for each persona that has records."""

    def embed_again(self) -> int:
        """Embed all texts anew with the model that is set, whatever it finds; return how many records that were."""
        return 0

    def remarks(self) -> Sequence[str]:
        """Return what a person should know of the memory besides `health`, a line each."""
        return ()

    @abstractmethod
    def close(self) -> None:
        """Let go of the files. Does nothing if it is closed already."""
