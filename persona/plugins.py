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

import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, cast

from .errors import PluginBroken, PluginNotFound

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .channel import Channel
    from .memory import Memory
    from .network import Network

PluginKind = Literal["channel", "network", "memory"]
PluginStatus = Literal["ready", "broken", "hidden"]
GROUPS: dict[PluginKind, str] = {
    "channel": "persona.channels",
    "network": "persona.networks",
    "memory": "persona.memories",
}
PREFIX = "persona_dropin_"

_log = logging.getLogger(__name__)
_CLAIM = re.compile(r"""^[ \t]+name(?:[ \t]*:[^=\n]*)?[ \t]*=[ \t]*["']([^"'\n]+)["']""", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class PluginDescription:
    """One plugin as `persona plugins` shows it.

    `source` is the drop-in's path in the project, or the distribution and what its entry point names. `hidden` means
    that another plugin of this kind and name goes before it; `cause` says which one, or why it is broken.
    """

    name: str
    kind: PluginKind
    source: str
    version: str = ""
    status: PluginStatus = "ready"
    cause: str = ""


class _Refused(Exception):
    """Why something that was found is no plugin."""


class PluginRegistry:
    """All plugins that a project can name. Nothing is imported before it is asked for."""

    def __init__(self, project: Path) -> None:
        """`project` is the folder of the personas file; it need not have a `plugins` folder."""
        self.project = project
        self._installed = _Installed()
        self._dropins: list[_DropIn] | None = None
        self._loaded: dict[tuple[PluginKind, str], type[Any]] = {}

    def channel(self, name: str) -> type[Channel]:
        """Return the channel class of that name. Raises PluginNotFound or PluginBroken."""
        return cast("type[Channel]", self._get("channel", name))

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
    def dropins(self) -> list[_DropIn]:
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
                    _log.info("%s %r: %s goes before the installed plugin", kind, name, dropin.source)
                return dropin.classes[name]
        if name not in self._installed.of(kind):
            known = ", ".join(self.names(kind)) or "none"
            raise PluginNotFound(kind_text=kind, name=name, known_text=known)
        try:
            return self._installed.load(kind, name)
        except _Refused as error:
            source = self._installed.source(kind, name)
            raise PluginBroken(kind_text=kind, name=name, source_text=source, cause_text=str(error)) from error

    def _find_dropins(self) -> Iterator[_DropIn]:
        folder = self.project / "plugins"
        if not folder.is_dir():
            return
        for path in sorted(folder.iterdir(), key=lambda path: path.name):
            file = path / "__init__.py" if path.is_dir() else path
            if path.name.startswith(("_", ".")) or file.suffix != ".py" or not file.is_file():
                continue
            if not self._installed.owns(file.resolve()):
                yield _DropIn(file=file, stem=path.stem, project=self.project)


class _DropIn:
    """One file or package in the project's plugins folder; imported when its classes are asked for."""

    def __init__(self, *, file: Path, stem: str, project: Path) -> None:
        self.file, self.stem = file, stem
        self.source = file.relative_to(project).as_posix()
        self._found: dict[str, type[Channel]] | None = None
        self._cause = ""
        try:
            written = set(_CLAIM.findall(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError):
            written = set()
        self.vague = not written
        """True if the file's text does not show its channels' names, so that only importing it tells."""
        self.claims = written or {stem}

    @property
    def cause(self) -> str:
        """Why it cannot be loaded, or nothing."""
        self._load()
        return self._cause

    @property
    def classes(self) -> dict[str, type[Channel]]:
        """Its channels by name; none if it is broken."""
        return self._load()

    def describe(self) -> list[PluginDescription]:
        if self.cause:
            name = min(self.claims) if len(self.claims) == 1 else self.stem
            return [PluginDescription(name=name, kind="channel", source=self.source, status="broken", cause=self.cause)]
        return [
            PluginDescription(name=name, kind="channel", source=self.source, version=_version_of(kind))
            for name, kind in sorted(self.classes.items())
        ]

    def _load(self) -> dict[str, type[Channel]]:
        if self._found is None:
            self._found = {}
            try:
                self._found = self._channels(self._module())
            except _Refused as error:
                self._cause = str(error)
        return self._found

    def _module(self) -> ModuleType:
        from importlib.util import module_from_spec, spec_from_file_location

        file = self.file.resolve()
        name = PREFIX + re.sub(r"\W", "_", self.stem)
        known = sys.modules.get(name)
        if known is not None and known.__file__ == str(file):
            return known
        package = [str(file.parent)] if file.name == "__init__.py" else None
        spec = spec_from_file_location(name, file, submodule_search_locations=package)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise _Refused(_cause_of(error, file)) from error
        return module

    def _channels(self, module: ModuleType) -> dict[str, type[Channel]]:
        from .channel import Channel

        found: dict[str, type[Channel]] = {}
        for value in vars(module).values():
            if not (isinstance(value, type) and issubclass(value, Channel)) or value is Channel:
                continue
            own = value.__module__ == module.__name__ or value.__module__.startswith(f"{module.__name__}.")
            if not own or value.__name__.startswith("_"):
                continue
            _inspect("channel", value)
            found[value.name] = value
        if not found:
            raise _Refused(
                "it holds no subclass of persona.Channel; write one, or begin the file's name with _ if it is a helper"
            )
        return found


class _Installed:
    """The entry points of installed packages."""

    def __init__(self) -> None:
        self._points: dict[PluginKind, dict[str, list[EntryPoint]]] | None = None
        self._roots: set[Path] | None = None

    def of(self, kind: PluginKind) -> dict[str, list[EntryPoint]]:
        if self._points is None:
            from importlib.metadata import entry_points

            # Without a group this would build an object for every entry point of every package.
            self._points = {}
            for each, group in GROUPS.items():
                by_name: dict[str, list[EntryPoint]] = {}
                for point in sorted(entry_points(group=group), key=lambda point: (point.name, _dist(point)[0])):
                    known = by_name.setdefault(point.name, [])
                    if all((_dist(point), point.value) != (_dist(other), other.value) for other in known):
                        known.append(point)
                self._points[each] = by_name
        return self._points[kind]

    def load(self, kind: PluginKind, name: str) -> type[Any]:
        return self._load(kind, self.of(kind)[name][0])

    def source(self, kind: PluginKind, name: str) -> str:
        return _source(self.of(kind)[name][0])

    def describe(self, kind: PluginKind, name: str) -> list[PluginDescription]:
        rows = []
        for point in self.of(kind)[name]:
            cause = ""
            try:
                self._load(kind, point)
            except _Refused as error:
                cause = str(error)
            status: PluginStatus = "broken" if cause else "ready"
            rows.append(
                PluginDescription(
                    name=name,
                    kind=kind,
                    source=_source(point),
                    version=_dist(point)[1],
                    status=status,
                    cause=cause,
                )
            )
        return rows

    def owns(self, file: Path) -> bool:
        """Tell whether `file` is part of the module or package that an entry point names."""
        if self._roots is None:
            from importlib.util import find_spec

            self._roots = set()
            tops = {
                point.value.split(":")[0].split(".")[0]
                for kind in GROUPS
                for ps in self.of(kind).values()
                for point in ps
            }
            for top in sorted(tops):
                try:
                    spec = find_spec(top)
                except (ImportError, ValueError):
                    continue
                if spec is not None and spec.origin is not None:
                    origin = Path(spec.origin).resolve()
                    self._roots.add(origin.parent if origin.name == "__init__.py" else origin)
        return any(root == file or root in file.parents for root in self._roots)

    @staticmethod
    def _load(kind: PluginKind, point: EntryPoint) -> type[Any]:
        try:
            value = point.load()
        except (Exception, SystemExit) as error:
            raise _Refused(_cause_of(error, None)) from error
        _inspect(kind, value)
        if kind == "channel" and value.name != point.name:
            raise _Refused(
                f"its class says name = {value.name!r}, its entry point says {point.name!r}; make them agree"
            )
        return cast("type[Any]", value)


def _inspect(kind: PluginKind, value: object) -> None:
    base = _base(kind)
    if not (isinstance(value, type) and issubclass(value, base)):
        raise _Refused(f"{getattr(value, '__name__', value)!r} is no subclass of persona.{kind}.{base.__name__}")
    missing = sorted(getattr(value, "__abstractmethods__", ()))
    if missing:
        raise _Refused(f"its class {value.__name__} must write {', '.join(missing)}")
    if kind == "channel" and not (isinstance(getattr(value, "name", None), str) and value.name):  # type: ignore[attr-defined]
        raise _Refused(f'its class {value.__name__} has no name; write name = "..." in it')


def _base(kind: PluginKind) -> type[Any]:
    if kind == "channel":
        from .channel import Channel

        return Channel
    if kind == "network":
        from .network import Network

        return Network
    from .memory import Memory

    return Memory


def _cause_of(error: BaseException, file: Path | None) -> str:
    """Return what went wrong and, where it went wrong in `file` itself, the line."""
    line = 0
    if isinstance(error, SyntaxError):
        line = error.lineno or 0
        text = f"SyntaxError: {error.msg}"
    else:
        trace = error.__traceback__
        while trace is not None:
            if file is not None and trace.tb_frame.f_code.co_filename == str(file):
                line = trace.tb_lineno
            trace = trace.tb_next
        text = f"{type(error).__name__}: {error}"
    text = " ".join(text.split())[:300]
    return f"line {line}: {text}" if line else text


def _dist(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist is not None else ("", "")


def _source(point: EntryPoint) -> str:
    return f"{_dist(point)[0]} ({point.value})"


def _version_of(plugin: type[Any]) -> str:
    return str(getattr(sys.modules.get(plugin.__module__), "__version__", ""))
