"""The network's SQLite file: how it is opened, and how a transaction on it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.engine.interfaces import DBAPIConnection

from . import tables as t
from .errors import NetworkVersionUnknown


def _on_connect(connection: DBAPIConnection, record: Any) -> None:
    # The driver would begin transactions by itself, late and only for some statements; _on_begin does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=30000")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        cursor.execute("PRAGMA journal_mode=WAL")
    # FULL for audience steps too: after a power cut the network must not be behind the engine's own store.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def open_database(file: Path) -> tuple[Engine, Engine]:
    """Open or make the file and return one engine to read and one to write with, on the same connections.

    Raises NetworkVersionUnknown for a file that another version of the schema wrote.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    readers = create_engine(f"sqlite:///{file}")
    event.listen(readers, "connect", _on_connect)
    event.listen(readers, "begin", _on_begin)
    writers = readers.execution_options(writes=True)
    try:
        _prepare(readers, writers, file)
    except BaseException:
        readers.dispose()
        raise
    return readers, writers


def _prepare(readers: Engine, writers: Engine, file: Path) -> None:
    version = select(t.about.c.value).where(t.about.c.name == "schema_version")
    with writers.begin() as db:
        t.metadata.tables["about"].create(db, checkfirst=True)
        found = db.scalar(version)
        if found is None:
            t.metadata.create_all(db)
            db.execute(insert(t.about).values(name="schema_version", value=str(t.SCHEMA_VERSION)))
        elif found != str(t.SCHEMA_VERSION):
            raise NetworkVersionUnknown(file_text=str(file), found=found, known=t.SCHEMA_VERSION)
