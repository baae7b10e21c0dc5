from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from persona.channel import Limits
from persona.guard import Draft
from persona.testing.cards import make_card


@pytest.fixture
def draft() -> Callable[..., Draft]:
    """A maker of drafts: `draft(body, emoji=…, card={…}, facts=(…))`."""

    def make(body: str, *, card: dict[str, Any] | None = None, **changes: Any) -> Draft:
        labels = changes.pop("labels", ("#AI", "#ad") if changes.get("product") else ("#AI",))
        values: dict[str, Any] = {
            "persona": make_card(**(card or {})),
            "kind": "reply" if changes.get("question") else "post",
            "channel": "recording",
            "body": body,
            "text": f"{body}\n{' '.join(labels)}",
            "labels": labels,
            "limits": Limits(max_chars=500),
            "now": datetime(2026, 3, 2, tzinfo=UTC),
        }
        return Draft(**{**values, **changes})

    return make
