"""Where a command finds its data: folder, store, network, limits, and what time it is there."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..clock import Clock, SystemClock
from ..errors import NothingHereYet

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ..definition import Definition
    from ..network import Network

DATABASE = "persona.db"
STAND_IN = "feed"
"""the network of every rehearsal"""


def project_folder(args: argparse.Namespace) -> Path:
    """Return the folder that the persona file lies in."""
    return Path(args.file).absolute().parent


def data_folder(args: argparse.Namespace) -> Path:
    """Return the folder with the data: `--data`, else `.persona` beside the persona file.

    Where it has no live data but a rehearsal, the rehearsal's folder. Raises NothingHereYet if there is neither.
    """
    given = getattr(args, "data", None)
    folder = Path(given) if given else project_folder(args) / ".persona"
    for candidate in (folder, folder / "rehearsal"):
        if (candidate / DATABASE).is_file():
            return candidate
    raise NothingHereYet(folder_text=str(folder))


def open_engine(args: argparse.Namespace) -> Engine:
    """Return the store of the data folder. Raises NothingHereYet if there is none; never makes one."""
    from ..store import open_store

    return open_store(data_folder(args))


def rehearsed_until(engine: Engine) -> datetime | None:
    """Return how far the folder's rehearsal has come, None in a folder of live runs."""
    from ..store import get_setting, reading

    with reading(engine) as session:
        state = get_setting(session, "rehearsal")
    return datetime.fromisoformat(state["at"]) if state else None


class FolderClock(Clock):
    """The time of a data folder: a rehearsal's own, also while another process runs it; else the system's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def now(self) -> datetime:
        return rehearsed_until(self._engine) or SystemClock().now()


def open_network(args: argparse.Namespace, definition: Definition, engine: Engine) -> Network | None:
    """Return the simulated network of the data folder, None where the personas live on real ones only."""
    from ..plugins import PluginRegistry

    if rehearsed_until(engine) is None and not any(STAND_IN in p.channels for p in definition.personas):
        return None
    return PluginRegistry(project_folder(args)).network(STAND_IN).open(data_folder(args))


def limits_of(args: argparse.Namespace, definition: Definition) -> dict[str, int]:
    """Return how many characters each channel in use takes; a channel that cannot be loaded is left out."""
    from ..errors import PluginBroken, PluginNotFound
    from ..plugins import PluginRegistry

    registry, limits = PluginRegistry(project_folder(args)), {}
    for name in sorted({STAND_IN, *(name for p in definition.personas for name in p.channels)}):
        try:
            limits[name] = registry.channel(name).limits.max_chars
        except (PluginBroken, PluginNotFound):
            continue
    return limits


def load_definition(args: argparse.Namespace) -> Definition:
    """Return the checked persona file."""
    from ..definition.loader import load

    return load(Path(args.file))
