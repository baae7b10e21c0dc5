"""The folder that a training writes to: whose it is, what is half done in it, and when it is finished."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import PersonaError

REPORT = "report.json"
FORM = "persona train 1"
_WORK = ".training"


class FolderTaken(PersonaError, FileExistsError):
    """The folder {folder_text} {cause_text}. Name another with --out{cure_text}."""

    exit_code = 2


class NothingToResume(PersonaError, FileNotFoundError):
    """The folder {folder_text} holds no unfinished training of these texts and settings. Leave --resume out."""

    exit_code = 2


class Place:
    """Holds the folder while it is entered; nothing is written before.

    Half-done work lies in a folder of its own within; what is finished is moved out of it file by file, the report
    last. A folder with anything else in it is left alone, also by `fresh`.
    """

    def __init__(self, out: Path, key: str, *, fresh: bool = False, resume: bool = False) -> None:
        """Raises FolderTaken or NothingToResume. `key` names what is trained on what."""
        self.out, self.work = out, out / _WORK
        self._key, self._fresh, self._lock = key, fresh, -1
        known = self._unfinished()
        if out.exists() and (not out.is_dir() or (self._others() and not known and not self._report())):
            raise FolderTaken(folder_text=str(out), cause_text="holds something else", cure_text="")
        if fresh:
            return
        if self._report() and not known:
            raise FolderTaken(folder_text=str(out), cause_text="holds a finished training", cure_text=_FRESH)
        if known and known != key:
            cause = "holds an unfinished training of other texts or settings"
            raise FolderTaken(folder_text=str(out), cause_text=cause, cure_text=_FRESH)
        if resume and not known:
            raise NothingToResume(folder_text=str(out))

    def __enter__(self) -> Self:
        self.work.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.work / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            cause = "is being trained in by another process"
            raise FolderTaken(folder_text=str(self.out), cause_text=cause, cure_text="") from None
        if self._fresh:
            own = self._report().get("files", [])
            for path in self._others():
                if path.name in own:
                    _remove(path)
            for path in self.work.iterdir():
                if path.name != "lock":
                    _remove(path)
        (self.work / "key").write_text(self._key, encoding="utf-8")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._lock)

    def finish(self, made: Path | None, report: Mapping[str, Any], texts: Mapping[str, bytes]) -> dict[str, Any]:
        """Move the files of `made` and write `texts` by name, then the report, then remove the half-done work.

        Returns the report as it was written, with the names of all files.
        """
        paths = sorted(made.iterdir()) if made else []
        files = sorted({REPORT, *texts, *(path.name for path in paths)})
        for path in paths:
            target = self.out / path.name
            if path.is_dir():
                shutil.rmtree(target, ignore_errors=True)
            path.replace(target)
        for name, content in texts.items():
            _write(self.out / name, content)
        whole = {"form": FORM, **report, "files": files}
        text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        _write(self.out / REPORT, text.encode())
        # The key goes first: without it what is left of the work is nobody's unfinished training.
        (self.work / "key").unlink()
        shutil.rmtree(self.work)
        return whole

    def _unfinished(self) -> str:
        try:
            return (self.work / "key").read_text(encoding="utf-8")
        except OSError:
            return ""

    def _others(self) -> list[Path]:
        return [path for path in sorted(self.out.iterdir()) if path.name != _WORK]

    def _report(self) -> dict[str, Any]:
        try:
            found = json.loads((self.out / REPORT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and found.get("form") == FORM else {}


_FRESH = ", or begin anew with --fresh"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write(file: Path, content: bytes) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(file)
