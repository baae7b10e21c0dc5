"""Personas' records held in RAM between recalls: a bounded copy of the journal that is never older than it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, PoolProxiedConnection

from persona.shelf import Shelf

from . import journal
from .journal import Stamp

HELD_BYTES = 512 * 1024 * 1024
"""How much RAM the shelves of all personas may take together."""


@dataclass(kw_only=True)
class _Held:
    shelf: Shelf
    stamp: Stamp
    version: object


class Shelves:
    """The shelves of the personas that were asked last; the longest unused go first. Not thread-safe by itself."""

    def __init__(self, engine: Engine, most: int = HELD_BYTES) -> None:
        """`most` bytes are held at most; a persona that is larger alone is read anew for every call."""
        self._engine = engine
        self._most = most
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._watching: PoolProxiedConnection | None = None

    @property
    def nbytes(self) -> int:
        """About how much RAM they take."""
        return sum(held.shelf.nbytes for held in self._held.values())

    def get(self, persona: str) -> Shelf:
        """Return the persona's shelf as the journal has it now."""
        version = self._version()
        held = self._held.get(persona)
        if held is None or held.version != version:
            held = self._brought_up(persona, held, version)
            self._held[persona] = held
            self._make_room(persona)
        if persona in self._held:
            self._held.move_to_end(persona)
        return held.shelf

    def clear(self) -> None:
        """Let go of all shelves, such as when vectors were replaced or records forgotten."""
        self._held.clear()

    def close(self) -> None:
        """Let go of the shelves and of the connection. Does nothing if that is done."""
        self.clear()
        if self._watching is not None:
            self._watching.close()
            self._watching = None

    def _brought_up(self, persona: str, held: _Held | None, version: object) -> _Held:
        with self._engine.connect() as connection:
            if held is not None:
                if held.stamp == journal.stamp(connection, persona, held.stamp.last):
                    return self._extended(connection, persona, held, version)
                records = journal.records(connection, persona, 0, held.stamp.last)
                if [r.id for r in records] == [r.id for r in held.shelf.records]:
                    held.shelf.replace(records)
                    return self._extended(connection, persona, held, version)
            fresh = _Held(shelf=Shelf(), stamp=Stamp(), version=version)
            return self._extended(connection, persona, fresh, version)

    def _extended(self, connection: Connection, persona: str, held: _Held, version: object) -> _Held:
        stamp = journal.stamp(connection, persona)
        if stamp.last != held.stamp.last:
            records = journal.records(connection, persona, held.stamp.last, stamp.last)
            _, vectors = journal.after(connection, persona, held.stamp.last)
            held.shelf.extend(records, vectors[: len(records)])
        return _Held(shelf=held.shelf, stamp=stamp, version=version)

    def _make_room(self, keep: str) -> None:
        left = self.nbytes
        for persona in [*self._held]:
            if left <= self._most:
                break
            if persona != keep or len(self._held) == 1:
                left -= self._held.pop(persona).shelf.nbytes

    def _version(self) -> object:
        """Return what changes whenever another connection commits; a new object where that cannot be told."""
        url = self._engine.url
        if self._engine.dialect.name != "sqlite" or url.database in (None, "", ":memory:"):
            return object()
        if self._watching is None:
            # Not a connection of SQLAlchemy: it would begin a transaction, in which nothing is seen to change.
            self._watching = self._engine.raw_connection()
        cursor = self._watching.cursor()
        try:
            cursor.execute("PRAGMA data_version")
            return cursor.fetchone()
        finally:
            cursor.close()
