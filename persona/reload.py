"""A live run takes up its personas file when it changes; what is wrong in it keeps its last valid version."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from .definition import Definition
from .definition.partly import load_partly
from .errors import PersonaError, Problem
from .plugins import PluginRegistry

log = logging.getLogger(__name__)


class Reload:
    """Watches one personas file. `adopt` takes a new definition into use, and may refuse it by raising."""

    def __init__(self, path: Path, definition: Definition, adopt: Callable[[Definition, PluginRegistry], None]) -> None:
        self._path, self._adopt = path, adopt
        self.definition = definition
        self._seen = self._stamp()
        self.problem = ""
        """what is wrong with the file as it stands, or an empty text"""

    def look(self) -> bool:
        """Take the file up if it has changed since; tell whether another definition is in use now."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        registry = PluginRegistry(self._path.resolve().parent)
        try:
            found, problems = load_partly(self._path, self.definition, registry=registry)
            self.problem = _told(problems)
            if found == self.definition:
                return False
            self._adopt(found, registry)
        except (PersonaError, OSError) as error:
            self.problem = f"the personas file as it is now cannot be used, so its last valid version is: {error}"
            return False
        self.definition = found
        log.info("the personas file was taken up again: %d personas", len(found.personas))
        return True

    def _stamp(self) -> tuple[int, int, int]:
        try:
            stat = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _told(problems: tuple[Problem, ...]) -> str:
    if not problems:
        return ""
    more = f" (and {len(problems) - 1} more: `persona check`)" if len(problems) > 1 else ""
    return f"what is wrong in the personas file keeps its last valid version: {problems[0]}{more}"
