"""Secrets are named in the file, as `env:NAME`, and never written there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import SecretMissing

if TYPE_CHECKING:
    from ._yaml import Entry, Node

_NAMED = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]{0,99})")
_KEY = re.compile(
    r"(?:^|[_-])(?:token|secret|password|passwd|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"authorization|credentials?)$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    # One \b for all: tried one by one at each place, they would take four times as long.
    r"""\b(?:
        (?:sk|pk|rk)[-_](?=[\w-]*\d)[\w-]{16,}
        | gh[pousr]_\w{16,} | github_pat_\w{16,} | glpat-[\w-]{16,}
        | xox[abeoprs]-[\w-]{10,} | xapp-[\w-]{10,}
        | (?:AKIA|ASIA)[0-9A-Z]{16}\b | AIza[\w-]{30,} | hf_[A-Za-z0-9]{20,} | npm_[A-Za-z0-9]{20,}
        | pypi-[\w-]{20,} | SG\.[\w-]{16,}\.[\w-]{16,}
        | Bearer\s+[\w.~+/=-]{12,}
        | eyJ[\w-]{8,}\.[\w-]{8,}
        | \d{8,10}:[\w-]{35}\b
        | hooks\.slack\.com/services/\S+ | discord(?:app)?\.com/api/webhooks/\S+
    )
    | -----BEGIN\s[A-Z ]*PRIVATE\sKEY
    | ://[^/\s:@]+:[^/\s@]+@
    | (?<![0-9A-Za-z])[0-9a-fA-F]{32,}(?![0-9A-Za-z])""",
    re.VERBOSE,
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_RUN = re.compile(r"[A-Za-z0-9+]{24,}")


def is_named(value: object) -> bool:
    """Tell whether `value` is `env:NAME`."""
    return isinstance(value, str) and _NAMED.fullmatch(value) is not None


def looks_secret(key: str, value: object) -> bool:
    """Tell whether `value` under `key` looks like a secret written out."""
    if value is None or isinstance(value, bool) or value == "" or is_named(value):
        return False
    if _KEY.search(key):
        return True
    if not isinstance(value, str) or (key == "revision" and _COMMIT.fullmatch(value)):
        return False
    return _VALUE.search(value) is not None or any(_is_random(run) for run in _RUN.findall(value))


def written_out(node: Node, key: str = "") -> Iterator[tuple[Node | Entry, str, str, str, str]]:
    """Yield what looks like a secret in the document: the place, its path, the path to show, message and cure."""
    if isinstance(node.value, dict):
        for name, entry in node.value.items():
            if looks_secret("", name):
                yield entry, entry.path, node.path, "a key looks like a secret.", "Take it out of the file."
            yield from written_out(entry.node, name)
    elif isinstance(node.value, list):
        for each in node.value:
            yield from written_out(each, key)
    elif looks_secret(key, node.value):
        cure = "Write `env:NAME` and set that environment variable; if the file was shared, revoke the secret."
        yield node, node.path, node.path, "this looks like a secret.", cure


def resolve_secrets(settings: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return `settings` with each `env:NAME`, however deep, replaced by that variable's value.

    `path` is the settings' place in the file, for the message. Raises SecretMissing if a variable is unset or empty.
    """
    return {key: _resolve(value, f"{path}.{key}") for key, value in settings.items()}


def _resolve(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return resolve_secrets(value, path)
    if isinstance(value, list | tuple):
        return [_resolve(each, f"{path}[{i}]") for i, each in enumerate(value)]
    if isinstance(value, str) and (named := _NAMED.fullmatch(value)):
        from ..log import register_secret

        found = os.environ.get(named[1])
        if not found:
            raise SecretMissing(name_text=named[1], path_text=path)
        # From here on it is cut out of every log line, wherever it turns up.
        register_secret(found)
        return found
    return value


def _is_random(run: str) -> bool:
    kinds = (any(map(str.isdigit, run)), any(map(str.islower, run)), any(map(str.isupper, run)))
    return all(kinds) and len(set(run)) >= 12 and sum(map(str.isdigit, run)) >= 3
