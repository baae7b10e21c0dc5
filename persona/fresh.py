"""A last look at a text before it goes out: the world may have changed since it was written and judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .definition import Definition, Persona, Product
from .digest import digest
from .guards.banned import holds_word
from .guards.labels import stands
from .store import OutboxRow

REPLY_GRACE = 4
"""An answer may be so many times later than a post: who asked is glad of it all the same."""


def lateness(row: OutboxRow, persona: Persona, now: datetime) -> str:
    """Return why the text is too late for its slot, or an empty text. What a person approved is due from then on."""
    due = max(row.due_at, row.approved_at or row.due_at)
    grace = persona.delivery.grace * (1 if row.kind == "post" else REPLY_GRACE)
    if now - due <= grace:
        return ""
    return f"late: it was due at {row.due_at:%Y-%m-%d %H:%M} UTC, and that is too late for its slot"


def stale(row: OutboxRow, persona: Persona, definition: Definition) -> list[str]:
    """Return what speaks against sending the text as it stands; reasons that a person has waived are left out.

    Nobody can waive a label that is missing.
    """
    needed = {str(label) for label in row.labels}
    if row.kind == "post" or persona.disclosure.on_replies:
        needed.add(persona.disclosure.ai)
    unlabelled = [f"labels: the label {label} is missing" for label in sorted(needed) if not stands(label, row.text)]
    if unlabelled:
        # Law 5: no person can waive this.
        return unlabelled
    found = _changed(row.products, definition)
    found += [
        f"crisis: it holds the word {word!r}, which is on the list of the day"
        for word in persona.delivery.crisis
        if holds_word(word, row.body)
    ]
    return [reason for reason in found if reason not in row.cleared]


def products_in(definition: Definition, product: str, text: str) -> dict[str, dict[str, str]]:
    """Return what the catalogue says of `product` (an id, or empty) and of every product that `text` names, by id."""
    named = [each for each in definition.products if each.id == product or _names(each, text)]
    return {each.id: _said(each) for each in named}


def _changed(then: Mapping[str, Any], definition: Definition) -> list[str]:
    catalogue = {product.id: product for product in definition.products}
    found = []
    for name, was in sorted(then.items()):
        if name not in catalogue:
            found.append(f"product: {was['name']} has left the catalogue since this was written")
            continue
        now = _said(catalogue[name])
        for key, what in (("price", "price"), ("offer", "offer"), ("name", "name")):
            if was[key] != now[key]:
                found.append(f"product: the {what} of {was['name']} was {was[key]!r} and is {now[key]!r} now")
        if was["facts"] != now["facts"]:
            found.append(f"product: the facts about {was['name']} have changed since this was written")
    return found


def _said(product: Product) -> dict[str, str]:
    facts = digest(list(product.facts), size=8)
    return {"name": product.name, "price": product.price, "offer": product.offer, "facts": facts}


def _names(product: Product, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(product.name)}(?!\w)", text, re.IGNORECASE) is not None
