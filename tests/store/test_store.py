"""The store: schema, instants, transactions, owner, log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from persona.errors import DataFolderInUse
from persona.store import (
    Owner,
    SlotRow,
    Table,
    append,
    get_setting,
    log_digest,
    open_store,
    put_setting,
    reading,
    writing,
)
from persona.store.engine import HEAD

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    engine = open_store(tmp_path)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
    engine.dispose()


def test_head_is_the_newest_migration() -> None:
    config = Config()
    import persona.store.engine as module

    config.set_main_option("script_location", str(Path(module.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    engine = open_store(tmp_path)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ValueError, match="9999"):
        open_store(tmp_path)


def test_instants_come_back_aware_and_in_utc(tmp_path: Path) -> None:
    engine = open_store(tmp_path)
    east = datetime(2026, 3, 2, 21, tzinfo=timezone(timedelta(hours=9)))
    with writing(engine) as session:
        session.add(SlotRow(persona="a", name="n", local_date=east.date(), due_at=east, state="planned", note=""))
    with reading(engine) as session:
        found = session.query(SlotRow).one().due_at
    assert found == NOON
    assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="time zone"), writing(engine) as session:
        session.add(SlotRow(persona="b", name="n", local_date=east.date(), due_at=datetime(2026, 3, 2)))  # noqa: DTZ001
    engine.dispose()


def test_an_error_rolls_everything_back(tmp_path: Path) -> None:
    engine = open_store(tmp_path)

    def half_done() -> None:
        with writing(engine) as session:
            put_setting(session, "x", {"a": 1})
            append(session, at=NOON, persona="a", kind="k")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    with reading(engine) as session:
        assert get_setting(session, "x") is None
    assert log_digest(engine)[0] == 0
    engine.dispose()


def test_the_digest_tells_logs_apart(tmp_path: Path) -> None:
    digests = []
    for name, words in (("a", "one"), ("b", "one"), ("c", "two")):
        engine = open_store(tmp_path / name)
        with writing(engine) as session:
            append(session, at=NOON, persona="ada", kind="sent", text=words)
        digests.append(log_digest(engine))
        engine.dispose()
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_a_second_owner_is_refused_at_once_and_a_killed_one_leaves_nothing(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from persona.store import Owner\n"
    code += f"Owner(Path({str(tmp_path)!r})).__enter__(); print('in', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    began = time.perf_counter()
    with pytest.raises(DataFolderInUse, match=str(process.pid)):
        Owner(tmp_path).__enter__()
    assert time.perf_counter() - began < 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Owner(tmp_path):
        pass
