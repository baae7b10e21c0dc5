"""Memory that is asked for comes blank, so that nothing of this process is left in files that hold unwritten places."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

_M_PERTURB = -6
"""See mallopt(3): every byte of a new block is set to the complement of this value's lowest byte."""
_BLANK = 0xFF
_lock = Lock()
_depth = 0


@contextmanager
def blank_memory() -> Iterator[None]:
    """While this is entered, glibc gives every new block of memory filled with zeros, in all threads.

    Chroma's vector index reserves places for records to come and writes them to its file as they are: without this,
    they hold whatever the process had in memory before, such as a comment that was erased. Elsewhere than on glibc it
    does nothing.
    """
    global _depth
    with _lock:
        _depth += 1
        if _depth == 1:
            _mallopt()(_M_PERTURB, _BLANK)
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _mallopt()(_M_PERTURB, 0)


@cache
def _mallopt() -> Callable[[int, int], int]:
    try:
        found: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return lambda option, value: 0
    return found
