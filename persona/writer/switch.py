"""One switch that forbids real generation, for tests: a forgotten double fails at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from persona.errors import GenerationForbidden

_largest: int | None = None


@contextmanager
def forbid_generation(*, above: int = 1_000_000) -> Iterator[None]:
    """While inside, local models with more than `above` parameters refuse to write; tiny ones made by tests may."""
    global _largest
    before, _largest = _largest, above
    try:
        yield
    finally:
        _largest = before


@contextmanager
def allow_generation() -> Iterator[None]:
    """While inside, every model may write, also within `forbid_generation`."""
    global _largest
    before, _largest = _largest, None
    try:
        yield
    finally:
        _largest = before


def check_generation(parameters: int) -> None:
    """Raise GenerationForbidden if a model of that size may not write now."""
    if _largest is not None and parameters > _largest:
        raise GenerationForbidden
