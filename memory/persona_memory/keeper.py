"""Keeping the index in step with the journal: following it, comparing, probing, and building anew what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine

from persona.memory import Health

from . import journal
from .index import ChromaIndex, IndexBroken
from .journal import Standing

T = TypeVar("T")
_log = logging.getLogger(__name__)
_PROBES = 3
_LOOK_EVERY = 5000
"""After so many written entries the size of the files is looked at again."""


class Keeper:
    """Brings an index up to the journal. Not thread-safe by itself.

    The first time, and whenever rows have left the journal, ids are compared one by one and some records of each
    persona are searched for by their own vectors; in between, counts are. An index that fails, is behind, holds what
    has left the journal, or has outgrown its records is built anew from the journal, without the model.
    """

    def __init__(self, engine: Engine, index: ChromaIndex) -> None:
        self._engine = engine
        self.index = index
        self.seen: dict[str, Standing] = {}
        self.rebuilt = 0
        """how many times the index was built anew because something was wrong with it"""
        self.checked = False
        """whether index and journal have been held against each other since it was opened"""
        self._written = 0

    def sync(self) -> None:
        """Bring the index up to the journal. Raises IndexBroken where it cannot even be built anew."""
        self.mending(self._sync)

    def mending(self, action: Callable[[], T]) -> T:
        """Do `action`; if the index is broken, build it anew and do it again."""
        try:
            return action()
        except IndexBroken as error:
            _log.warning("the memory's index is rebuilt from the journal: %s", error)
        self.rebuilt += 1
        self._drop()
        return action()

    def rebuild(self) -> int:
        """Delete the index and build it anew; return how many records it holds."""
        self._drop()
        self.sync()
        return sum(seen.count for seen in self.seen.values())

    def health(self) -> list[Health]:
        """Compare index and journal by ids, for each persona that has records. Mends nothing."""
        report = []
        with self._engine.connect() as connection:
            for persona, standing in journal.standing(connection).items():
                wanted, held, cause = journal.ids(connection, persona), list[str](), ""
                try:
                    held = self.index.ids(persona)
                except IndexBroken as error:
                    cause = str(error)
                if not cause and held != wanted:
                    missing, extra = len(set(wanted) - set(held)), len(set(held) - set(wanted))
                    cause = f"{missing} records are missing in the index and {extra} are not in the journal"
                report.append(
                    Health(persona=persona, journal=standing.count, index=len(held), ok=not cause, cause=cause)
                )
        return report

    def close(self) -> None:
        """Let go of the index. What it holds is compared again when it is next used."""
        self.index.close()
        self.seen.clear()
        self.checked = False

    def _drop(self) -> None:
        self.index.destroy()
        self.seen.clear()

    def _sync(self) -> None:
        with self._engine.connect() as connection:
            now = journal.standing(connection)
        if not self.checked:
            if self.index.strangers(list(now)):
                raise IndexBroken("it holds a persona of whom the journal has nothing")
            self._weigh(now)
            self.checked = True
        if gone := sorted(set(self.seen) - set(now)):
            raise IndexBroken(f"all records of {', '.join(gone)} have left the journal")
        changed = False
        for persona, standing in now.items():
            seen = self.seen.get(persona)
            if seen == standing:
                continue
            changed = True
            if seen is None or not self._follow(persona, seen, standing):
                self._compare(persona)
            self.seen[persona] = standing
        if changed and (held := self.index.total()) != (count := sum(each.count for each in now.values())):
            raise IndexBroken(f"it holds {held} records, and the journal {count}")
        if self._written >= _LOOK_EVERY:
            self._written = 0
            self._weigh(now)

    def _follow(self, persona: str, seen: Standing, standing: Standing) -> bool:
        """Add the rows that came since; say whether they account for the difference."""
        with self._engine.connect() as connection:
            ids, vectors = journal.after(connection, persona, seen.last)
        if seen.count + len(ids) != standing.count:
            return False
        self.index.put(persona, ids, vectors)
        self._written += len(ids)
        return True

    def _compare(self, persona: str) -> None:
        """Hold the ids of the persona's index against the journal's, and probe it."""
        with self._engine.connect() as connection:
            ids, vectors = journal.after(connection, persona, 0)
        held = set(self.index.ids(persona))
        if held - set(ids):
            raise IndexBroken(f"it holds records of {persona} that have left the journal")
        missing = [i for i, record_id in enumerate(ids) if record_id not in held]
        if missing:
            self.index.put(persona, [ids[i] for i in missing], vectors[missing])
            self._written += len(missing)
        places = sorted({0, len(ids) // 2, len(ids) - 1})[:_PROBES]
        nearest = self.index.search(persona, vectors[places], 1)
        by_id = {record_id: i for i, record_id in enumerate(ids)}
        for place, found in zip(places, nearest, strict=True):
            # Several records may have one vector: any of them is right.
            if (
                not found
                or float(vectors[place] @ vectors[by_id[found[0]]]) < float(vectors[place] @ vectors[place]) - 1e-4
            ):
                raise IndexBroken(f"a record of {persona} is not found by its own vector")

    def _weigh(self, now: dict[str, Standing]) -> None:
        records = sum(standing.count for standing in now.values())
        with self._engine.connect() as connection:
            dimensions = max(journal.dimensions(connection), default=0)
        if cause := self.index.too_large(records, dimensions, len(now)):
            raise IndexBroken(cause)
