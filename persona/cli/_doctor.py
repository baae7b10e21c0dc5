"""`persona doctor`: is everything there that a run needs, and is the data in order?"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import PersonaError

_ROOM = 1 << 30


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    parser.add_argument("--quick", action="store_true", help="leave the hashes of the model files out")


def run(args: argparse.Namespace) -> int:
    ok = True
    for name, check in _checks(args):
        try:
            print(f"ok    {name}: {check()}")
        except (PersonaError, OSError, ImportError, ValueError, LookupError) as error:
            ok = False
            print(f"FAIL  {name}: {error}")
    return 0 if ok else 1


def _checks(args: argparse.Namespace) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", lambda: sys.version.split()[0]
    yield "libraries", _libraries
    yield "personas", lambda: _definition(args)
    yield "plugins", lambda: _plugins(args)
    if not args.quick:
        yield "embedding model", _embedding
        yield "pocket writer", _pocket
    yield "disk", lambda: _disk(Path(args.data))
    for folder in (Path(args.data), Path(args.data) / "rehearsal"):
        if (folder / "persona.db").exists():
            yield f"data in {folder}", lambda folder=folder: _data(args, folder)  # type: ignore[misc]


def _libraries() -> str:
    from importlib.metadata import version

    names = ("torch", "transformers", "langchain-core", "chromadb", "apscheduler", "sqlalchemy", "pydantic")
    return ", ".join(f"{name} {version(name)}" for name in names)


def _definition(args: argparse.Namespace) -> str:
    from ._open import load_definition

    definition, _ = load_definition(args)
    return f"{len(definition.personas)} personas, {len(definition.products)} products"


def _plugins(args: argparse.Namespace) -> str:
    from ..plugins import PluginRegistry

    described = PluginRegistry(Path(args.file).resolve().parent).descriptions()
    broken = [f"{plugin.name} ({plugin.cause})" for plugin in described if plugin.status == "broken"]
    if broken:
        raise ValueError("broken: " + "; ".join(broken))
    return ", ".join(f"{plugin.kind} {plugin.name}" for plugin in described)


def _embedding() -> str:
    from importlib.util import find_spec

    if find_spec("persona_memory") is None:
        raise ImportError("persona_memory is not installed; install persona again")
    from ..plugins import PluginRegistry

    kind = PluginRegistry(Path()).memory("chroma")
    return f"{kind.__module__}.{kind.__qualname__} loads"


def _pocket() -> str:
    from ..writer.pocket import pocket_folder

    return str(pocket_folder().name)


def _disk(folder: Path) -> str:
    at = folder if folder.exists() else Path()
    free = shutil.disk_usage(at).free
    if free < _ROOM:
        raise OSError(f"only {free >> 20} MiB free; posting wants at least {_ROOM >> 20} MiB")
    return f"{free >> 30} GiB free"


def _data(args: argparse.Namespace, folder: Path) -> str:
    from sqlalchemy import func, select

    from ..clock import SystemClock
    from ..notices import notices
    from ..outbox import DEAD
    from ..store import OutboxRow, open_store, reading
    from ._context import rehearsed_until

    engine = open_store(folder)
    try:
        with reading(engine) as session:
            verdict = session.connection().exec_driver_sql("PRAGMA quick_check").scalar()
            counted = session.execute(select(OutboxRow.state, func.count()).group_by(OutboxRow.state))
            states = {row[0]: row[1] for row in counted}
        if verdict != "ok":
            raise ValueError(f"the database is damaged: {verdict}")
        told = notices(engine, folder, rehearsed_until(engine) or SystemClock().now())
        bad = [each.text for each in told if each.kind == "bad"]
        if bad:
            raise ValueError("; ".join(bad))
        stuck = sum(states.get(state, 0) for state in DEAD)
        note = f"; {stuck} came to nothing: see `persona outbox --dead`" if stuck else ""
        note += "".join(f"; {each.text}" for each in told)
        return ", ".join(f"{state} {count}" for state, count in sorted(states.items())) + note
    finally:
        engine.dispose()
