"""Open a data folder's database: SQLite beside the data, or any SQLAlchemy URL; brought to the newest schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.orm import Session

HEAD = "0004_forgetting"
"""The newest schema revision; a test compares it with the migrations folder."""


def open_store(folder: Path, url: str | None = None) -> Engine:
    """Return an engine on `folder/persona.db` (or `url`), its schema up to date.

    SQLite runs in WAL mode with synchronous=FULL: what the outbox has committed survives a power cut. Raises
    ValueError when the file was written by a newer persona.
    """
    folder.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url or f"sqlite:///{folder / 'persona.db'}")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    _upgrade(engine)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes late and would let two writers read the same state; see _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _upgrade(engine: Engine) -> None:
    with engine.connect() as connection:
        found = None
        if inspect(connection).has_table("alembic_version"):
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found == HEAD:
        return
    # Alembic takes a third of a second to import; a folder that is up to date does not need it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with engine.connect().execution_options(writing=True) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ValueError(f"the database has schema {found!r}, which this persona does not know") from error
        connection.commit()


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Give a session whose transaction takes the write lock at once, commits at the end and rolls back on error."""
    with (
        engine.connect().execution_options(writing=True) as connection,
        Session(connection) as session,
        session.begin(),
    ):
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Give a session for reading one consistent state."""
    with Session(engine) as session:
        yield session
