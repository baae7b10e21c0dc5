"""Where channels, networks and memories come from.

Order of precedence, last word first:

1. the project's own drop-ins: `plugins/*.py` and `plugins/*/__init__.py` beside the personas file, by file name;
2. the entry points of installed packages, in the groups `persona.channels`, `persona.networks` and
   `persona.memories`, by name of the distribution.

The first source that has a name keeps it; that a drop-in goes before an installed plugin is logged at INFO. Drop-ins
hold channels only, `_*.py` are helpers. A drop-in that is a file of an installed entry point is skipped by its
resolved path, so that no class is loaded twice. Drop-ins live in `sys.modules` as `persona_dropin_<file name>`: a
file `email.py` does not replace the standard library's.

A plugin that cannot be loaded is described as broken, with its cause, and does not stop others; only asking for it
by name raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ._entry_points import imported
from ._plugin_sources import GROUPS, PREFIX, DropIn, Installed, PluginDescription, PluginKind, PluginStatus, Refused
from .errors import PluginBroken, PluginNotFound

if TYPE_CHECKING:
    from .channel import Channel
    from .memory import Memory
    from .network import Network

__all__ = ["GROUPS", "PREFIX", "PluginDescription", "PluginKind", "PluginRegistry", "PluginStatus"]


class PluginRegistry:
    """All plugins that a project can name. Nothing is imported before it is asked for."""

    def __init__(self, project: str | os.PathLike[str]) -> None:
        """`project` is the folder of the personas file; it need not have a `plugins` folder."""
        self._project = os.fspath(project)
        self._installed = Installed()
        self._dropins: list[DropIn] | None = None
        self._loaded: dict[tuple[PluginKind, str], type[Any]] = {}

    def channel(self, name: str) -> type[Channel]:
        """Return the channel class of that name. Raises PluginNotFound or PluginBroken."""
        return cast("type[Channel]", self._get("channel", name))

    def settings_model(self, name: str) -> type[Any] | None:
        """Return the pydantic model of a channel's settings, or None. Raises PluginNotFound or PluginBroken."""
        model = self.channel(name).settings_model
        if not isinstance(model, str):
            return model
        try:
            return cast("type[Any]", imported(model))
        except Exception as error:
            cause = f"{type(error).__name__}: {error}".rstrip(".")
            raise PluginBroken(kind_text="channel", name=name, source_text=model, cause_text=cause) from error

    def network(self, name: str) -> type[Network]:
        """Return the network class of that name. Raises PluginNotFound or PluginBroken."""
        return cast("type[Network]", self._get("network", name))

    def memory(self, name: str) -> type[Memory]:
        """Return the memory class of that name. Raises PluginNotFound or PluginBroken."""
        return cast("type[Memory]", self._get("memory", name))

    def names(self, kind: PluginKind) -> list[str]:
        """Return the names of one kind, sorted, without importing plugins: a drop-in's are read from its text."""
        found = set(self._installed.of(kind))
        if kind == "channel":
            found.update(name for dropin in self.dropins for name in dropin.claims)
        return sorted(found)

    def descriptions(self) -> list[PluginDescription]:
        """Load every plugin and describe it: channels, networks, memories, by name, what goes first before the rest."""
        found: list[PluginDescription] = []
        for kind in GROUPS:
            rows = [row for dropin in self.dropins for row in dropin.describe()] if kind == "channel" else []
            rows += [row for name in self._installed.of(kind) for row in self._installed.describe(kind, name)]
            taken: dict[str, str] = {}
            for row in rows:
                first = taken.setdefault(row.name, row.source)
                if first != row.source:
                    row = PluginDescription(
                        name=row.name,
                        kind=kind,
                        source=row.source,
                        version=row.version,
                        status="hidden",
                        cause=f"{first} has the same name and goes before it",
                    )
                found.append(row)
        order = list(GROUPS)
        return sorted(found, key=lambda row: (order.index(row.kind), row.name, row.status == "hidden", row.source))

    @property
    def dropins(self) -> list[DropIn]:
        """The project's own plugin files, by file name."""
        if self._dropins is None:
            self._dropins = list(self._find_dropins())
        return self._dropins

    def _get(self, kind: PluginKind, name: str) -> type[Any]:
        if (kind, name) not in self._loaded:
            self._loaded[kind, name] = self._find(kind, name)
        return self._loaded[kind, name]

    def _find(self, kind: PluginKind, name: str) -> type[Any]:
        for dropin in self.dropins if kind == "channel" else ():
            if name not in dropin.claims and not dropin.vague:
                continue
            if dropin.cause and name in dropin.claims:
                raise PluginBroken(
                    kind_text=kind, name=name, source_text=dropin.source, cause_text=dropin.cause.rstrip(".")
                )
            if name in dropin.classes:
                if name in self._installed.of(kind):
                    import logging

                    message = "%s %r: %s goes before the installed plugin"
                    logging.getLogger(__name__).info(message, kind, name, dropin.source)
                return dropin.classes[name]
        if name not in self._installed.of(kind):
            known = ", ".join(self.names(kind)) or "none"
            raise PluginNotFound(kind_text=kind, name=name, known_text=known)
        try:
            return self._installed.load(kind, name)
        except Refused as error:
            source = self._installed.source(kind, name)
            raise PluginBroken(kind_text=kind, name=name, source_text=source, cause_text=str(error)) from error

    def _find_dropins(self) -> Iterator[DropIn]:
        if not os.path.isdir(os.path.join(self._project, "plugins")):
            return
        from pathlib import Path

        project = Path(self._project)
        folder = project / "plugins"
        for path in sorted(folder.iterdir(), key=lambda path: path.name):
            file = path / "__init__.py" if path.is_dir() else path
            if path.name.startswith(("_", ".")) or file.suffix != ".py" or not file.is_file():
                continue
            if not self._installed.owns(file.resolve()):
                yield DropIn(file=file, stem=path.stem, project=project)
