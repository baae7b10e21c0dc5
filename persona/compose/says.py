"""Whether a text says what it was told to say, well enough to go out in the model's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .brief import Brief, Goods
from .rank import given_in, in_order
from .stems import stems, stems_in_order

SAID = 0.9
"""The least share of what was to be told that is told, in its order, and of the text that comes from it."""
_AD = 0.9
"""The least share of an ad's content words that come from the catalogue."""
_LEANS = re.compile(r"(?:\w+ ){0,3}(?:it|its|they|them|their|he|she|him|her)\b", re.IGNORECASE)
_SPEAKER = re.compile(r"\b(?:i|you)\b", re.IGNORECASE)
_OF_PRICES = stems("costs")


def says(brief: Brief, text: str, parts: Mapping[str, float]) -> bool:
    """Tell whether `text`, ranked as `parts`, says what its brief gave; True where the brief left that open.

    Of an ad, every fact that it takes up must stand there whole, and after the price only the offer: half a fact is
    another fact.
    """
    if brief.task == "promo" and brief.goods:
        own = stems(text) - _OF_PRICES
        from_goods = len(own & stems(given_in(brief))) >= _AD * len(own)
        ends = not brief.goods.price or len(stems(text.partition(brief.goods.price)[2]) - stems(brief.goods.offer)) == 0
        return parts["exact"] == 1 and from_goods and ends and _whole_facts(brief.goods, text)
    if not brief.points:
        return True
    if any(parts[name] < SAID for name in ("told", "kept", "order")):
        return False
    if leans_on(brief.points[0]) and not _names(brief, text):
        return False
    return parts["exact"] == 1 and _speaker(brief.points[0]) == _speaker(text)


def leans_on(point: str) -> bool:
    """Tell whether a point cannot stand without its subject: "it slides by its own thickness"."""
    return bool(_LEANS.match(point))


def _speaker(text: str) -> str:
    """Return the first of "I" and "you": "you are glad I wrote" is not what was to be said."""
    found = _SPEAKER.search(text)
    return found.group()[0].casefold() if found else ""


def _names(brief: Brief, text: str) -> bool:
    subject = stems(brief.topic) - stems(" ".join(brief.points))
    return not subject or bool(subject & stems(text))


def _whole_facts(goods: Goods, text: str) -> bool:
    name = stems(goods.name)
    own = [word for word in stems_in_order(text) if word not in name]
    for fact in goods.facts:
        wanted = [word for word in stems_in_order(fact) if word not in name]
        share = in_order(wanted, own)
        if wanted and set(wanted) & set(own) and share < SAID:
            return False
    return True
