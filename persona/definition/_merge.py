"""What a personas file says once its `defaults` lie under each persona.

The loader and the quick check share this: one collects the faults, the other gives up at the first.
"""

from __future__ import annotations

from typing import Any, Protocol

from ._yaml import Entry, Node


class Faults(Protocol):
    """Takes what is wrong with a file."""

    def add(self, at: Node | Entry, path: str, message: str, cure: str = "") -> None:
        """Note, or raise, one fault at the place of `at`. `path` is its key's path as written."""

    def settings(self, model: type[Any], settings: Node) -> None:
        """Check a channel's settings against its pydantic model, and take what is wrong with them."""


class NoMapping(Exception):
    """The file is a list or a single value."""


def merged(root: Node, faults: Faults) -> Node:
    """Return the document without `defaults`, each persona holding what it does not say itself. May raise NoMapping."""
    if not isinstance(root.value, dict):
        faults.add(root, "", "must be a mapping that begins with `personas:`.", "See `persona schema`.")
        raise NoMapping
    entries = dict(root.value)
    defaults = entries.pop("defaults", None)
    if defaults is None or defaults.node.value is None:
        return Node(entries, root.line, root.column, "")
    if not isinstance(defaults.node.value, dict):
        faults.add(defaults.node, "defaults", "must be a mapping of a persona's keys.")
        return Node(entries, root.line, root.column, "")
    personas = entries.get("personas")
    if personas is not None and isinstance(personas.node.value, list):
        nodes = [_over(defaults.node, each) for each in personas.node.value]
        node = Node(nodes, personas.node.line, personas.node.column, personas.path)
        entries["personas"] = Entry(personas.line, personas.column, personas.path, node)
    return Node(entries, root.line, root.column, "")


def _over(under: Node, over: Node) -> Node:
    if not isinstance(under.value, dict) or not isinstance(over.value, dict):
        return over
    entries = dict(over.value)
    for key, entry in under.value.items():
        own = entries.get(key)
        if own is None:
            entries[key] = entry
        else:
            entries[key] = Entry(own.line, own.column, own.path, _over(entry.node, own.node))
    return Node(entries, over.line, over.column, over.path)


def plain(node: Node, sequence: type[tuple[Any, ...]] | type[list[Any]]) -> Any:
    """Return the values alone. Lists become `sequence`, but stay lists in what is under `channels`."""
    # The schema is strict and holds tuples; what a channel is given are the lists that its author expects.
    if isinstance(node.value, dict):
        return {key: plain(entry.node, list if key == "channels" else sequence) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return sequence(plain(each, sequence) for each in node.value)
    return node.value
