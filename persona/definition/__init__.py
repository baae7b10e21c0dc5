"""Persona files: schema, safe loader, JSON Schema."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .schema import Definition, Disclosure, Persona, Product, ReplyPolicy, SlotRule, Topic
    from .writing import WriterSettings

__all__ = ["Definition", "Disclosure", "Persona", "Product", "ReplyPolicy", "SlotRule", "Topic", "WriterSettings"]


def __getattr__(name: str) -> object:
    """Import the schema when it is first asked for: `persona check` of a right file does without pydantic."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import schema

    return getattr(schema, name)
