"""Loads a personas file: safe YAML, defaults merged in, everything checked, every problem with its place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import DefinitionError, PluginBroken, PluginNotFound, Problem
from ..plugins import PluginRegistry
from . import checks
from ._explain import explain
from ._yaml import MAX_PROBLEMS, Entry, Loc, Node, read
from .schema import Definition
from .secrets import looks_secret, resolve_secrets

__all__ = ["load", "resolve_secrets"]


def load(path: Path, *, registry: PluginRegistry | None = None) -> Definition:
    """Return what the personas file says, with `defaults` merged into each persona.

    Mappings are merged key by key and the persona's own value wins; lists are replaced whole. Nothing is run and no
    secret is read: `env:NAME` stays as it is (see `resolve_secrets`). `registry` tells which plugins there are; left
    out, those of the file's folder. Raises DefinitionError with all problems found, in the order of the file.
    """
    root = read(path, str(path))
    found = _Found(str(path), root)
    data = _merged(root, found)
    definition: Definition | None = None
    try:
        definition = Definition.model_validate(_plain(data, tuple))
    except ValidationError as error:
        found.errors(error, data, Definition, ())
        if not any(each["type"] == "persona_checks" and not each["loc"] for each in error.errors()):
            found.findings(checks.across(_plain(data, tuple)), data, ())
    _check_plugins(data, registry if registry is not None else PluginRegistry(path.parent), found)
    if found.problems or definition is None:
        raise DefinitionError(found.sorted())
    return definition


class _Found:
    """The problems met so far; a value that may be a secret is named by its place only."""

    def __init__(self, file: str, root: Node) -> None:
        self.file = file
        self.problems: dict[tuple[int, int, str, str], Problem] = {}
        self._secret: set[str] = set()
        self._look_for_secrets(root, "")

    def add(self, at: Node | Entry, path: str, message: str, cure: str = "") -> None:
        problem = Problem(file=self.file, line=at.line, column=at.column, path=path, message=message, cure=cure)
        self.problems.setdefault((at.line, at.column, path, message), problem)

    def sorted(self) -> tuple[Problem, ...]:
        rows = sorted(self.problems.values(), key=lambda p: (p.line, p.column, p.path, p.message))
        return tuple(rows[:MAX_PROBLEMS])

    def errors(self, error: ValidationError, data: Node, model: type[BaseModel], start: Loc) -> None:
        """Take over what pydantic found in the part of `data` at `start`."""
        for each in error.errors(include_url=False):
            loc = (*start, *(part for part in each["loc"] if part != "[key]"))
            if each["type"] == "persona_checks":
                self.findings(each["ctx"]["found"], data, loc)
                continue
            at, path, node = _place(data, loc)
            if path in self._secret or (each["type"] == "too_short" and node is not None and node.value):
                # pydantic counts only the items that it could build.
                continue
            if each["type"] == "extra_forbidden":
                at = _key(data, loc)
            message, cure = explain(each, model, each["loc"], None if node is None else node.value)
            self.add(at, path, message, cure)

    def findings(self, found: Iterable[checks.Finding], data: Node, start: Loc) -> None:
        for each in found:
            at, path, _ = _place(data, (*start, *each.loc))
            self.add(at, path, each.message, each.cure)

    def _look_for_secrets(self, node: Node, key: str) -> None:
        if isinstance(node.value, dict):
            for name, entry in node.value.items():
                if looks_secret("", name):
                    self._secret.add(entry.path)
                    self.add(entry, node.path, "a key looks like a secret.", "Take it out of the file.")
                self._look_for_secrets(entry.node, name)
        elif isinstance(node.value, list):
            for each in node.value:
                self._look_for_secrets(each, key)
        elif looks_secret(key, node.value):
            self._secret.add(node.path)
            cure = "Write `env:NAME` and set that environment variable; if the file was shared, revoke the secret."
            self.add(node, node.path, "this looks like a secret.", cure)


def _merged(root: Node, found: _Found) -> Node:
    """Return the document without `defaults`, each persona holding what it does not say itself."""
    if not isinstance(root.value, dict):
        found.add(root, "", "must be a mapping that begins with `personas:`.", "See `persona schema`.")
        raise DefinitionError(found.sorted())
    entries = dict(root.value)
    defaults = entries.pop("defaults", None)
    if defaults is None or defaults.node.value is None:
        return Node(entries, root.line, root.column, "")
    if not isinstance(defaults.node.value, dict):
        found.add(defaults.node, "defaults", "must be a mapping of a persona's keys.")
        return Node(entries, root.line, root.column, "")
    personas = entries.get("personas")
    if personas is not None and isinstance(personas.node.value, list):
        merged = [_merge(defaults.node, each) for each in personas.node.value]
        node = Node(merged, personas.node.line, personas.node.column, personas.path)
        entries["personas"] = Entry(personas.line, personas.column, personas.path, node)
    return Node(entries, root.line, root.column, "")


def _merge(under: Node, over: Node) -> Node:
    if not isinstance(under.value, dict) or not isinstance(over.value, dict):
        return over
    entries = dict(over.value)
    for key, entry in under.value.items():
        own = entries.get(key)
        if own is None:
            entries[key] = entry
        else:
            entries[key] = Entry(own.line, own.column, own.path, _merge(entry.node, own.node))
    return Node(entries, over.line, over.column, over.path)


def _plain(node: Node, sequence: type[tuple[Any, ...]] | type[list[Any]]) -> Any:
    # The schema is strict and holds tuples; what a channel is given are the lists that its author expects.
    if isinstance(node.value, dict):
        return {key: _plain(entry.node, list if key == "channels" else sequence) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return sequence(_plain(each, sequence) for each in node.value)
    return node.value


def _place(root: Node, loc: Loc) -> tuple[Node | Entry, str, Node | None]:
    """Return where `loc` stands (or the nearest thing around it), its path as written, and its node if it is there.

    A value's place is the value; that of an unknown key is the key.
    """
    node, at = root, root
    for i, part in enumerate(loc):
        child = node.child(part)
        if child is None:
            rest = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in loc[i:])
            return at, (at.path + rest).lstrip("."), None
        node = child.node if isinstance(child, Entry) else child
        at = node
    return at, at.path, node


def _key(root: Node, loc: Loc) -> Node | Entry:
    _, _, parent = _place(root, loc[:-1])
    return (parent.child(loc[-1]) if parent is not None else None) or root


def _check_plugins(data: Node, registry: PluginRegistry, found: _Found) -> None:
    personas = data.child("personas")
    for persona in personas.node.value if isinstance(personas, Entry) and isinstance(personas.node.value, list) else ():
        if not isinstance(persona.value, dict):
            continue
        channels = persona.value.get("channels")
        if channels is not None and isinstance(channels.node.value, dict):
            for name, entry in channels.node.value.items():
                _check_channel(name, entry, registry, found)
        memory = persona.value.get("memory")
        store = memory.node.child("store") if memory is not None else None
        if isinstance(store, Entry) and isinstance(store.node.value, str):
            _check_store(store.node, registry, found)


def _check_channel(name: str, entry: Entry, registry: PluginRegistry, found: _Found) -> None:
    try:
        model = registry.channel(name).settings_model
    except PluginNotFound:
        known = registry.names("channel")
        hint = checks.nearest(name, known) or f"There are: {', '.join(known) or 'none'}."
        found.add(entry, entry.path, "no channel plugin has this name.", f"{hint} `persona plugins` lists them.")
        return
    except PluginBroken as error:
        found.add(entry, entry.path, str(error))
        return
    settings = entry.node
    if settings.value is None:
        settings = Node({}, settings.line, settings.column, settings.path)
    if not isinstance(settings.value, dict):
        return
    if model is None:
        for key in settings.value.values():
            found.add(key, key.path, f"the channel {name} has no settings.", "Write {} instead.")
        return
    try:
        model.model_validate(_plain(settings, list))
    except ValidationError as error:
        found.errors(error, settings, model, ())


def _check_store(node: Node, registry: PluginRegistry, found: _Found) -> None:
    known = registry.names("memory")
    if node.value not in known:
        hint = checks.nearest(node.value, known) or f"There are: {', '.join(known) or 'none'}."
        found.add(node, node.path, "no memory plugin has this name.", f"{hint} `persona plugins` lists them.")
