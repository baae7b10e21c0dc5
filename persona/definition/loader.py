"""Loads a personas file: safe YAML, defaults merged in, everything checked, every problem with its place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import DefinitionError, Problem
from ..plugins import PluginRegistry
from . import checks
from ._explain import explain
from ._merge import NoMapping, merged, plain
from ._plugins import check_plugins
from ._yaml import MAX_PROBLEMS, Entry, Loc, Node, read
from .schema import Definition
from .secrets import resolve_secrets, written_out

__all__ = ["load", "resolve_secrets"]


def load(path: Path, *, registry: PluginRegistry | None = None) -> Definition:
    """Return what the personas file says, with `defaults` merged into each persona.

    Mappings are merged key by key and the persona's own value wins; lists are replaced whole. Nothing is run and no
    secret is read: `env:NAME` stays as it is (see `resolve_secrets`). `registry` tells which plugins there are; left
    out, those of the file's folder. Raises DefinitionError with all problems found, in the order of the file.
    """
    root = read(path, str(path))
    found = Found(str(path), root)
    try:
        data = merged(root, found)
    except NoMapping:
        raise DefinitionError(found.sorted()) from None
    definition: Definition | None = None
    try:
        definition = Definition.model_validate(plain(data, tuple))
    except ValidationError as error:
        found.errors(error, data, Definition, ())
        if not any(each["type"] == "persona_checks" and not each["loc"] for each in error.errors()):
            found.findings(checks.across(plain(data, tuple)), data, ())
    check_plugins(data, registry if registry is not None else PluginRegistry(path.parent), found)
    if found.problems or definition is None:
        raise DefinitionError(found.sorted())
    return definition


class Found:
    """The problems met so far; a value that may be a secret is named by its place only."""

    def __init__(self, file: str, root: Node) -> None:
        self.file = file
        self.problems: dict[tuple[int, int, str, str], Problem] = {}
        self._secret: set[str] = set()
        for at, place, path, message, cure in written_out(root):
            self._secret.add(place)
            self.add(at, path, message, cure)

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

    def settings(self, model: type[Any], settings: Node) -> None:
        """Take over what a channel's model finds wrong with its settings."""
        try:
            model.model_validate(plain(settings, list))
        except ValidationError as error:
            self.errors(error, settings, model, ())


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
