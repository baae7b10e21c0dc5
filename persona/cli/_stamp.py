"""Remembers that a personas file was right, so that checking it again need not import pydantic and YAML.

A stamp holds for the same bytes of the file, the same Python and search path, and as long as no module that took
part in the check, no drop-in and no folder of installed packages has changed. It lies in the user's cache; anything
that goes wrong with it means no more than a full check.
"""

from __future__ import annotations

import os
import sys

FORM = "persona-check 1"


def recall(file: str) -> str | None:
    """Return what the last check of `file` printed, if everything is as it was then."""
    try:
        with open(_place(file), encoding="utf-8") as stream:
            head, _, rest = stream.read().partition("\n")
        watched, _, text = rest.partition("\n\n")
        if head != _head(file):
            return None
        for line in watched.split("\n"):
            state, _, path = line.partition(" ")
            if state != _state(path):
                return None
    except (OSError, ValueError):
        return None
    return text


def keep(file: str, text: str) -> None:
    """Note that `file` is right now, and what was printed."""
    try:
        watched = "\n".join(f"{_state(path)} {path}" for path in sorted(_watched(file)))
        place = _place(file)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        scratch = f"{place}.{os.getpid()}"
        with open(scratch, "w", encoding="utf-8") as stream:
            stream.write(f"{_head(file)}\n{watched}\n\n{text}")
        os.replace(scratch, place)
    except (OSError, ValueError):
        return


def _watched(file: str) -> set[str]:
    found = {str(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    for folder in sys.path:
        if os.path.isdir(folder) and any(name.endswith(("-info", ".egg-link")) for name in os.listdir(folder)):
            found.add(folder)
    plugins = os.path.join(os.path.dirname(os.path.abspath(file)), "plugins")
    found.add(plugins)
    if os.path.isdir(plugins):
        for name in os.listdir(plugins):
            found.update((os.path.join(plugins, name), os.path.join(plugins, name, "__init__.py")))
    return found


def _state(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return "none"
    return f"{status.st_mtime_ns}/{status.st_size}/{status.st_ino}"


def _head(file: str) -> str:
    with open(file, "rb") as stream:
        data = stream.read(1 << 20)
    return f"{FORM} {_state(file)} {_sum(data)} {_sum(chr(0).join((sys.version, *sys.path)).encode())}"


def _place(file: str) -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.abspath(file)
    return os.path.join(cache, "persona", "checked", f"{_sum(path.encode())}-{path.replace(os.sep, '%')[-150:]}")


def _sum(data: bytes) -> str:
    # It tells an accident, as make does, not an attack; hashlib would take longer to import than all else here.
    from binascii import crc32

    return f"{crc32(data):08x}"
