"""Data of every released schema comes through to the newest one."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import persona.store.engine as module
from persona.store import Table, open_store
from persona.store.engine import HEAD

ROWS = 3


def config(connection: sa.Connection | None = None) -> Config:
    found = Config()
    found.set_main_option("script_location", str(Path(module.__file__).with_name("migrations")))
    found.attributes["connection"] = connection
    return found


def revisions() -> list[str]:
    """Return all revisions, the oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()][::-1]


def value(column: Any, row: int) -> Any:
    """Return a value for a column as SQLite keeps it: another one in each row."""
    name, kind = column["name"], str(column["type"]).split("(")[0]
    if kind in ("INTEGER", "BIGINT"):
        return row + 1
    if kind in ("FLOAT", "REAL"):
        return row + 0.5
    if kind == "BLOB":
        return bytes([row, 255, 0, 128])
    if kind == "DATE":
        return date(2026, 3, row + 1).isoformat()
    if kind in ("DATETIME", "TIMESTAMP"):
        return datetime(2026, 3, row + 1, 2, 30, 15, 250000).isoformat(sep=" ")  # noqa: DTZ001 - as SQLite keeps it
    if kind == "JSON":
        return json.dumps({"row": row, "text": "ünïcode “quoted”"})
    if kind == "BOOLEAN":
        return row % 2
    return f"{name}-{row}"


def filled(folder: Path, revision: str) -> dict[str, list[dict[str, Any]]]:
    """Make a database at `revision` with rows in every table; return them by table, as they are read back."""
    engine = sa.create_engine(f"sqlite:///{folder / 'persona.db'}")
    with engine.begin() as connection:
        command.upgrade(config(connection), revision)
    inspector = sa.inspect(engine)
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        columns = inspector.get_columns(table)
        names = [column["name"] for column in columns]
        insert = sa.text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})")
        with engine.begin() as connection:
            for row in range(ROWS):
                connection.execute(insert, {column["name"]: value(column, row) for column in columns})
    found = contents(engine)
    engine.dispose()
    return found


def contents(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    tables = [name for name in sa.inspect(engine).get_table_names() if name != "alembic_version"]
    with engine.connect() as connection:
        return {
            name: [dict(row._mapping) for row in connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY rowid")]
            for name in tables
        }


@pytest.mark.parametrize("revision", revisions())
def test_every_row_of_every_released_schema_comes_through(tmp_path: Path, revision: str) -> None:
    before = filled(tmp_path, revision)
    assert before
    assert all(len(rows) == ROWS for rows in before.values())
    engine = open_store(tmp_path)
    after = contents(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == HEAD
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    for table, rows in before.items():
        assert len(after[table]) == ROWS, table
        for old, new in zip(rows, after[table], strict=True):
            kept = {name: new[name] for name in old if name in new}
            assert kept == {name: old[name] for name in kept}, table
    engine.dispose()


@pytest.mark.parametrize("revision", revisions())
def test_the_upgraded_rows_can_be_read_as_the_program_reads_them(tmp_path: Path, revision: str) -> None:
    filled(tmp_path, revision)
    engine = open_store(tmp_path)
    with sa.orm.Session(engine) as session:
        for mapper in Table.registry.mappers:
            rows = session.scalars(sa.select(mapper.class_)).all()
            assert len(rows) in (0, ROWS), mapper.class_
    engine.dispose()


def test_an_upgrade_that_is_killed_is_done_again(tmp_path: Path) -> None:
    oldest = revisions()[0]
    before = filled(tmp_path, oldest)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'persona.db'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        command.upgrade(config(connection), "head")
        connection.rollback()
    engine.dispose()
    engine = open_store(tmp_path)
    assert {name: len(rows) for name, rows in contents(engine).items() if name in before} == dict.fromkeys(before, ROWS)
    engine.dispose()
