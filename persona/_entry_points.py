"""The entry points of installed packages, as `importlib.metadata` finds them, in a fraction of its time.

Only the `entry_points.txt` beside each package is read. Packages in archives and in eggs are not looked at.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator
from typing import Any


class EntryPoint:
    """One entry point. `value` is `module:name`; `info` is the folder with its package's name and version."""

    __slots__ = ("group", "info", "name", "value")

    def __init__(self, *, group: str, name: str, value: str, info: str) -> None:
        self.group, self.name, self.value, self.info = group, name, value, info

    @property
    def package(self) -> str:
        """The name of the package, as its folder has it."""
        return _name(os.path.basename(self.info))

    def distribution(self) -> tuple[str, str]:
        """Return name and version of the package that brings it."""
        from importlib.metadata import PathDistribution
        from pathlib import Path

        found = PathDistribution(Path(self.info))
        return found.name, found.version

    def load(self) -> Any:
        """Import what it names."""
        return imported(self.value)


def imported(name: str) -> Any:
    """Import and return what `module:name` stands for. Raises what the module raises, or AttributeError."""
    from importlib import import_module

    module, _, attributes = name.partition("[")[0].partition(":")
    found: Any = import_module(module.strip())
    for each in attributes.strip().split("."):
        found = getattr(found, each) if each else found
    return found


def entry_points(groups: Collection[str]) -> list[EntryPoint]:
    """Return the entry points of these groups. Of two packages of one name the first on the path counts."""
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for info in _infos():
        name = _name(os.path.basename(info))
        if name not in seen:
            seen.add(name)
            found += _read(info, groups)
    return found


def _infos() -> Iterator[str]:
    """Yield the folders that describe installed packages, in the order of the search path."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield os.path.join(folder, name)


def _read(info: str, groups: Collection[str]) -> Iterator[EntryPoint]:
    try:
        with open(os.path.join(info, "entry_points.txt"), encoding="utf-8") as stream:
            lines = [line.strip() for line in stream]
    except (OSError, ValueError):
        return
    group = ""
    for line in lines:
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group in groups and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield EntryPoint(group=group, name=name.strip(), value=value.strip(), info=info)


def _name(info: str) -> str:
    """Return a package's name as it is compared: `Foo.Bar-1.0.dist-info` describes `foo-bar`."""
    return re.sub(r"[-_.]+", "-", info.rpartition(".")[0].partition("-")[0]).lower()
