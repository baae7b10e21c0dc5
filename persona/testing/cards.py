"""A small valid persona for tests."""

from __future__ import annotations

from typing import Any

from ..definition import Persona


def make_card(**changes: Any) -> Persona:
    """Return a small valid Persona that posts to the channel `recording`; `changes` replace or add keys."""
    card: dict[str, Any] = {
        "name": "Ana Test",
        "handle": "ana",
        "bio": "A virtual gardener, drawn and run by AI.",
        "voice": ("dry", "warm"),
        "topics": ({"name": "balcony plants", "angles": ("a basil that leans", "rain on tin")},),
        "canon": ("Ana is drawn in green ink.",),
        "time_zone": "Europe/Berlin",
        "slots": ({"name": "morning", "at": "08:30"},),
        "channels": {"recording": {}},
    }
    return Persona.model_validate({**card, **changes})
