"""Secrets are named in the file, as `env:NAME`, and never written there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from ..errors import SecretMissing
from ..log import register_secret

_NAMED = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]{0,99})")
_KEY = re.compile(
    r"(?:^|[_-])(?:token|secret|password|passwd|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"authorization|credentials?)$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"""\b(?:sk|pk|rk)[-_](?=[\w-]*\d)[\w-]{16,}
    | \bgh[pousr]_\w{16,} | \bgithub_pat_\w{16,} | \bglpat-[\w-]{16,}
    | \bxox[abeoprs]-[\w-]{10,} | \bxapp-[\w-]{10,}
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b | \bAIza[\w-]{30,} | \bhf_[A-Za-z0-9]{20,} | \bnpm_[A-Za-z0-9]{20,}
    | \bpypi-[\w-]{20,} | \bSG\.[\w-]{16,}\.[\w-]{16,}
    | \bBearer\s+[\w.~+/=-]{12,}
    | \beyJ[\w-]{8,}\.[\w-]{8,}
    | -----BEGIN\s[A-Z ]*PRIVATE\sKEY
    | \b\d{8,10}:[\w-]{35}\b
    | ://[^/\s:@]+:[^/\s@]+@
    | \bhooks\.slack\.com/services/\S+ | \bdiscord(?:app)?\.com/api/webhooks/\S+
    | (?<![0-9A-Za-z])[0-9a-fA-F]{32,}(?![0-9A-Za-z])""",
    re.VERBOSE,
)
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
    if not isinstance(value, str):
        return False
    return _VALUE.search(value) is not None or any(_is_random(run) for run in _RUN.findall(value))


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
