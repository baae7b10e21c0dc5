"""Loads what is right in a personas file, and keeps the last valid version of what is not."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from ..errors import DefinitionError, Problem
from ..plugins import PluginRegistry
from ._merge import merged, plain
from ._yaml import Node, read
from .loader import Found, load
from .schema import Definition, Persona

_PERSONA = re.compile(r"personas\[(\d+)\]")


def load_partly(
    path: Path, last: Definition, *, registry: PluginRegistry | None = None
) -> tuple[Definition, tuple[Problem, ...]]:
    """Return the definition to use, and what is wrong with the file.

    A persona with a fault is what it was in `last`, known by its handle or name, or left out if it was not there. A
    fault anywhere else (the catalogue, `defaults`, YAML itself) keeps all of `last`.
    """
    try:
        return load(path, registry=registry), ()
    except DefinitionError as error:
        problems = error.problems
    except FileNotFoundError as error:
        gone = Problem(file=str(path), line=1, column=1, path="", message=f"cannot be read ({error.strerror}).")
        return last, (gone,)
    places = [_PERSONA.match(problem.path) for problem in problems]
    bad = {int(place[1]) for place in places if place}
    if not all(places):
        return last, problems
    found = _without(path, bad, last)
    return (found or last), problems


def _without(path: Path, bad: set[int], last: Definition) -> Definition | None:
    root = read(path, str(path))
    data = merged(root, Found(str(path), root))
    entry = data.value["personas"]
    nodes: list[Node] = entry.node.value
    kept = {i: _before(nodes[i], last) for i in bad if i < len(nodes)}
    entry.node.value = [node for i, node in enumerate(nodes) if i not in bad]
    try:
        right = iter(Definition.model_validate(plain(data, tuple)).personas)
        rest = Definition.model_validate(plain(data, tuple))
    except ValidationError:
        # None is right, or what is right refers to what is not.
        return None
    personas = [kept[i] if i in bad else next(right) for i in range(len(nodes))]
    chosen: dict[str, Persona] = {}
    for persona in personas:
        if persona is not None:
            chosen.setdefault(persona.handle, persona)
    return rest.model_copy(update={"personas": tuple(chosen.values())})


def _before(node: Node, last: Definition) -> Persona | None:
    said = {key: child.node.value for key, child in node.value.items()} if isinstance(node.value, dict) else {}
    for persona in last.personas:
        if persona.handle == said.get("handle") or persona.name == said.get("name"):
            return persona
    return None
