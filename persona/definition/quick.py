"""Tells in a fraction of the loader's time that a personas file is right.

It reads, merges and looks for secrets and plugins with the loader's own functions; only the models, whose import alone
takes longer than all of this, are replaced by plain shapes made from them. It never says that a file is wrong: where
it is not sure, the loader decides and words the problems.
"""

from __future__ import annotations

import os
from typing import Any

from ..errors import DefinitionError
from ..plugins import PluginRegistry
from ._merge import merged, plain
from ._plain_schema import DEFINITION
from ._plugins import check_plugins
from ._shapes import Unsure
from ._yaml import Entry, Node, read
from .secrets import written_out


def surely_right(path: str | os.PathLike[str], registry: PluginRegistry) -> dict[str, Any] | None:
    """Return what the file says, as `load` would but in plain mappings; None if `load` might not take it."""
    strict = _Strict()
    try:
        root = read(path, os.fspath(path))
        if any(written_out(root)):
            return None
        data = merged(root, strict)
        found: dict[str, Any] = DEFINITION.fit(plain(data, tuple))
        check_plugins(data, registry, strict)
    except (Unsure, DefinitionError):
        return None
    return found


class _Strict:
    """Gives up at the first fault."""

    def add(self, at: Node | Entry, path: str, message: str, cure: str = "") -> None:
        raise Unsure

    def settings(self, model: type[Any], settings: Node) -> None:
        try:
            model.model_validate(plain(settings, list))
        except ValueError:
            raise Unsure from None
