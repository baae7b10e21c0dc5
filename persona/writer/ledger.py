"""What each persona's writers have used on each of its days, in a file of the data folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

FILE = "spending.db"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS spending (persona TEXT, place TEXT, day TEXT, tokens INTEGER, money INTEGER, "
    "PRIMARY KEY (persona, place, day))"
)
_ADD = (
    "INSERT INTO spending VALUES (?, ?, ?, ?, ?) ON CONFLICT (persona, place, day) DO UPDATE SET "
    "tokens = tokens + excluded.tokens, money = money + excluded.money"
)
_CHANGE = (
    "UPDATE spending SET tokens = MAX(tokens + ?, 0), money = MAX(money + ?, 0) "
    "WHERE persona = ? AND place = ? AND day = ?"
)


@dataclass(frozen=True, kw_only=True)
class Amount:
    """Tokens, and money in billionths of its unit: whole numbers, so that sums are exact."""

    tokens: int = 0
    money: int = 0


class Ledger:
    """Counts in an SQLite file, made at first use. Safe under threads, processes and kill -9.

    What is reserved is counted as used at once, so that a process that dies between reserving and settling has used
    it: the budget may then end early, never late.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def reserve(self, persona: str, place: str, day: date, amount: Amount, most: Amount) -> Amount | None:
        """Count `amount` as used if no more than `most` is used then (0: no limit); return None, or what stands there.

        Raises sqlite3.Error if the file cannot be read or written.
        """
        with self._locked() as db:
            used = _read(db, persona, place, day)
            if (most.tokens and used.tokens + amount.tokens > most.tokens) or (
                most.money and used.money + amount.money > most.money
            ):
                return used
            db.execute(_ADD, (persona, place, day.isoformat(), amount.tokens, amount.money))
            return None

    def settle(self, persona: str, place: str, day: date, reserved: Amount, used: Amount) -> None:
        """Put what was really used in the place of what was reserved. Raises sqlite3.Error."""
        change = (used.tokens - reserved.tokens, used.money - reserved.money)
        with self._locked() as db:
            db.execute(_CHANGE, (*change, persona, place, day.isoformat()))

    def used(self, persona: str, place: str, day: date) -> Amount:
        """Return what is used so far. Raises sqlite3.Error."""
        with self._locked() as db:
            return _read(db, persona, place, day)

    @contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        # A connection a time: these are few, and nothing stays open that a fork or a thread could share.
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=10.0, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                db.execute(_TABLE)
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def _read(db: sqlite3.Connection, persona: str, place: str, day: date) -> Amount:
    where = (persona, place, day.isoformat())
    row = db.execute("SELECT tokens, money FROM spending WHERE persona = ? AND place = ? AND day = ?", where).fetchone()
    return Amount(tokens=row[0], money=row[1]) if row else Amount()
