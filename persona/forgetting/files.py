"""What else lies in a data folder: text files of channels and exports lose the lines that hold a person's words."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ..errors import ForgettingWaits
from .scan import Needles
from .words import Words

LINES = (".jsonl", ".csv", ".tsv", ".txt", ".log", ".md", ".ndjson")
_SQLITE = b"SQLite format 3\0"
_PATIENCE = 10.0
_PART = 2000


def clean_files(files: Sequence[Path], words: Words, needles: Needles) -> tuple[int, int]:
    """Take the people out of text files that hold their words; return how many files and lines changed.

    Of files of lines, whole lines go; JSON keeps its shape. A file is replaced in one step. What is neither is left
    for the search that follows, which names it.
    """
    changed = lines = 0
    for file in files:
        if file.suffix not in (*LINES, ".json") or not needles.in_file(file):
            continue
        raw = file.read_bytes()
        if file.suffix == ".json":
            try:
                fresh, gone = json.dumps(words.without(json.loads(raw), quotes=True), ensure_ascii=False).encode(), 1
            except ValueError:
                continue
        else:
            every = raw.splitlines(keepends=True)
            kept = [line for line in every if not needles.in_bytes(line)]
            fresh, gone = b"".join(kept), len(every) - len(kept)
        draft = file.with_name(f".{file.name}.new")
        draft.write_bytes(fresh)
        draft.replace(file)
        changed, lines = changed + 1, lines + gone
    return changed, lines


def compact(file: Path) -> None:
    """Rewrite an SQLite file so that nothing deleted is left in it or in its write-ahead log.

    See sqlite.org/lang_vacuum.html and pragma.html (secure_delete, wal_checkpoint). Raises ForgettingWaits where
    another process keeps reading it.
    """
    until = time.monotonic() + _PATIENCE
    with closing(sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete=ON")
        try:
            db.execute("VACUUM")
            while db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > until:
                    raise ForgettingWaits(file_text=str(file))
                time.sleep(0.1)
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise ForgettingWaits(file_text=str(file)) from error
            raise


def is_sqlite(file: Path) -> bool:
    """Tell whether a file is an SQLite database."""
    with file.open("rb") as stream:
        return stream.read(len(_SQLITE)) == _SQLITE


def letters_in(file: Path, names: Sequence[str]) -> tuple[set[str], dict[str, int]]:
    """Return which of `names` occur anywhere in the texts of an SQLite file, and in how many texts of each column."""
    needles = Needles(name.lower().encode() for name in names)
    seen: set[str] = set()
    places: dict[str, int] = {}
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        db.text_factory = bytes
        tables = [row[0].decode() for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in sorted(tables):
            columns = [row[1].decode() for row in db.execute(f'PRAGMA table_info("{table}")')]
            for column in columns:
                rows = db.execute(f'SELECT "{column}" FROM "{table}" WHERE typeof("{column}") = \'text\'')
                while part := rows.fetchmany(_PART):
                    found = needles.in_bytes(b"\0".join(row[0].lower() for row in part))
                    if found:
                        seen.update(needle.decode() for needle in found)
                        places[f"{table}.{column}"] = places.get(f"{table}.{column}", 0) + sum(found.values())
    return {name for name in names if name.lower() in seen}, places
