"""The two sources of plugins: installed packages and the project's own files. `plugins.py` puts them in order."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, cast

from ._entry_points import EntryPoint, entry_points

if TYPE_CHECKING:
    from pathlib import Path

    from .channel import Channel

PluginKind = Literal["channel", "network", "memory"]
PluginStatus = Literal["ready", "broken", "hidden"]
GROUPS: dict[PluginKind, str] = {
    "channel": "persona.channels",
    "network": "persona.networks",
    "memory": "persona.memories",
}
PREFIX = "persona_dropin_"

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


class Refused(Exception):
    """Why something that was found is no plugin."""


class DropIn:
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
            except Refused as error:
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
            raise Refused(_cause_of(error, file)) from error
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
            raise Refused(
                "it holds no subclass of persona.Channel; write one, or begin the file's name with _ if it is a helper"
            )
        return found


class Installed:
    """The entry points of installed packages."""

    def __init__(self) -> None:
        self._points: dict[PluginKind, dict[str, list[EntryPoint]]] | None = None
        self._roots: set[Path] | None = None

    def of(self, kind: PluginKind) -> dict[str, list[EntryPoint]]:
        if self._points is None:
            # Asked for once: each call reads the files of every installed package.
            every = entry_points(GROUPS.values())
            self._points = {}
            for each, group in GROUPS.items():
                by_name: dict[str, list[EntryPoint]] = {}
                points = [point for point in every if point.group == group]
                for point in sorted(points, key=lambda point: (point.name, point.package)):
                    known = by_name.setdefault(point.name, [])
                    if all((point.info, point.value) != (other.info, other.value) for other in known):
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
            except Refused as error:
                cause = str(error)
            status: PluginStatus = "broken" if cause else "ready"
            rows.append(
                PluginDescription(
                    name=name,
                    kind=kind,
                    source=_source(point),
                    version=point.distribution()[1],
                    status=status,
                    cause=cause,
                )
            )
        return rows

    def owns(self, file: Path) -> bool:
        """Tell whether `file` is part of the module or package that an entry point names."""
        if self._roots is None:
            from importlib.util import find_spec
            from pathlib import Path

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
            raise Refused(_cause_of(error, None)) from error
        _inspect(kind, value)
        if kind == "channel" and value.name != point.name:
            raise Refused(f"its class says name = {value.name!r}, its entry point says {point.name!r}; make them agree")
        return cast("type[Any]", value)


def _inspect(kind: PluginKind, value: object) -> None:
    base = _base(kind)
    if not (isinstance(value, type) and issubclass(value, base)):
        raise Refused(f"{getattr(value, '__name__', value)!r} is no subclass of persona.{kind}.{base.__name__}")
    missing = sorted(getattr(value, "__abstractmethods__", ()))
    if missing:
        raise Refused(f"its class {value.__name__} must write {', '.join(missing)}")
    if kind == "channel" and not (isinstance(getattr(value, "name", None), str) and value.name):  # type: ignore[attr-defined]
        raise Refused(f'its class {value.__name__} has no name; write name = "..." in it')


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


def _source(point: EntryPoint) -> str:
    return f"{point.distribution()[0]} ({point.value})"


def _version_of(plugin: type[Any]) -> str:
    return str(getattr(sys.modules.get(plugin.__module__), "__version__", ""))
