"""Backup and restore of a data folder. A backup may be made while a run owns the folder.

A backup is a folder: every file of the data folder (databases by SQLite's online backup, so that one which is being
written is whole), and `manifest.json` with their digests. The write lock of `persona.db` is held from its copy until
the last copy: what channels keep can be ahead of the outbox by the one post in flight, never behind it. The index of
the memory is left out: it is rebuilt from the journal.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from .clock import Clock
from .errors import BackupBroken, NothingHereYet, WouldOverwrite
from .store import OutboxRow, Owner, append, get_setting, open_store, put_setting, writing

MANIFEST = "manifest.json"
DATABASE = "persona.db"
FORMAT = 1
RESTORED = "restored"
"""the setting that tells since when a restored folder may be behind its channels"""
_INDEX = "chroma"
_LOCK = "owner.lock"
_TAILS = ("-wal", "-shm", "-journal")
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What a backup holds. `files` maps each path to its SHA-256; `made_at` is when the copying began."""

    made_at: datetime
    version: str
    files: dict[str, str]
    bytes: int


def back_up(folder: Path, target: Path, *, clock: Clock) -> Backup:
    """Copy the data folder to the new folder `target`, which is there whole or not at all.

    Raises NothingHereYet where there is no data, WouldOverwrite if `target` is there already.
    """
    from . import __version__

    if not any((at / DATABASE).is_file() for at in (folder, folder / "rehearsal")):
        raise NothingHereYet(folder_text=str(folder))
    if target.exists():
        raise WouldOverwrite(file_text=str(target))
    made_at = clock.now()
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    paths = list(_files(folder, leave_out=(target, partial)))
    # The outbox first, and no write to it until all else is copied.
    paths.sort(key=lambda path: (path.name != DATABASE, path))
    held: list[sqlite3.Connection] = []
    try:
        for path in paths:
            if path.name == DATABASE:
                lock = sqlite3.connect(path, timeout=60, isolation_level=None)
                held.append(lock)
                lock.execute("BEGIN IMMEDIATE")
            _copy(path, partial / path.relative_to(folder))
    finally:
        for lock in held:
            lock.close()
    copies = [path for path in _files(partial, leave_out=()) if path.name != MANIFEST]
    files = {path.relative_to(partial).as_posix(): _sha256(path) for path in copies}
    size = sum(path.stat().st_size for path in copies)
    manifest = {"format": FORMAT, "persona": __version__, "made_at": made_at.isoformat(), "files": files}
    _write(partial / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
    os.replace(partial, target)
    return Backup(made_at=made_at, version=__version__, files=files, bytes=size)


def examine(backup: Path) -> Backup:
    """Read a backup and compare every file with its digest. Raises BackupBroken."""
    try:
        manifest: dict[str, Any] = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
        files, made_at = dict(manifest["files"]), datetime.fromisoformat(manifest["made_at"])
        known = manifest["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupBroken(backup_text=str(backup), cause_text=f"its {MANIFEST} cannot be read: {error}") from error
    if not known:
        raise BackupBroken(backup_text=str(backup), cause_text=f"its format is {manifest['format']!r}, not {FORMAT}")
    size = 0
    for name, wanted in files.items():
        path = backup / name
        if not path.resolve().is_relative_to(backup.resolve()) or path.is_symlink():
            raise BackupBroken(backup_text=str(backup), cause_text=f"{name!r} leads out of it")
        if not path.is_file():
            raise BackupBroken(backup_text=str(backup), cause_text=f"{name!r} is missing")
        if _sha256(path) != wanted:
            raise BackupBroken(backup_text=str(backup), cause_text=f"{name!r} is not what was backed up")
        size += path.stat().st_size
    return Backup(made_at=made_at, version=str(manifest.get("persona", "")), files=files, bytes=size)


def restore(backup: Path, folder: Path, *, clock: Clock, replace: bool = False) -> Path | None:
    """Make `folder` what it was when the backup was made; return where what it held before was moved to.

    Raises BackupBroken, DataFolderInUse while a run owns the folder, and WouldOverwrite if it holds anything, unless
    `replace` is given. What was due between backup and restore may be out already: see `_look_first`.
    """
    found = examine(backup)
    if not replace and folder.exists() and any(path.name != _LOCK for path in folder.iterdir()):
        raise WouldOverwrite(file_text=str(folder))
    fresh, before = folder.with_name(folder.name + ".restoring"), None
    shutil.rmtree(fresh, ignore_errors=True)
    for name in found.files:
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(backup / name, fresh / name)
    if (fresh / DATABASE).exists():
        _look_first(fresh, found.made_at, clock.now())
    with Owner(folder):
        if any(path.name != _LOCK for path in folder.iterdir()):
            before = folder.with_name(f"{folder.name}.before-{clock.now():%Y%m%dT%H%M%S}")
            os.replace(folder, before)
        else:
            shutil.rmtree(folder)
        os.replace(fresh, folder)
    return before


def _look_first(folder: Path, made_at: datetime, now: datetime) -> None:
    """Make sure that nothing goes out twice: the folder does not know what went out since `made_at`.

    A text that was ready and due counts as on its way since then, and is settled by its channel's promise. One that
    was not written yet is not made up for. Later ones go on; slots and comments of that time are passed over by the
    agenda, which reads the setting that is left here.
    """
    store = open_store(folder)
    try:
        with writing(store) as session:
            rehearsed = get_setting(session, "rehearsal") is not None
            due = OutboxRow.due_at <= now
            for row in [] if rehearsed else session.scalars(select(OutboxRow).where(due)):
                if row.state == "ready":
                    row.state, row.sending_at = "sending", row.sending_at or made_at
                elif row.state == "planned":
                    row.state, row.reasons = "expired", ["restored: it may be out already"]
                    append(session, at=now, persona=row.persona, kind="expired", key=row.key, reason=row.reasons[0])
            if not rehearsed:
                put_setting(session, RESTORED, {"made": made_at.isoformat(), "until": now.isoformat()})
    finally:
        store.dispose()
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _files(folder: Path, *, leave_out: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files that count, in order; links, locks, the index and what SQLite keeps beside a database do not."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path in leave_out or path.name in (_LOCK, _INDEX) or path.name.endswith(_TAILS):
            continue
        if path.is_dir():
            yield from _files(path, leave_out=leave_out)
        elif path.is_file():
            yield path


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        database = file.read(len(_MAGIC)) == _MAGIC
    if not database:
        shutil.copyfile(path, target)
        return
    with closing(sqlite3.connect(path, timeout=60)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        # One file, with nothing beside it that a copier could forget.
        copy.execute("PRAGMA journal_mode=DELETE")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
