"""Persona files: schema, safe loader, JSON Schema."""

from .schema import Definition, Disclosure, Persona, Product, ReplyPolicy, SlotRule, Topic, WriterSettings

__all__ = ["Definition", "Disclosure", "Persona", "Product", "ReplyPolicy", "SlotRule", "Topic", "WriterSettings"]
