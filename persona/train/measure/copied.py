"""Exact copies: product names, prices and numbers as they were given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ...compose.brief import Brief
from ...guards import amounts
from .judged import numbers, strange_numbers

Piece = Literal["name", "price", "figure", "number"]


def pieces(brief: Brief, reference: str, text: str) -> Iterator[tuple[Piece, bool]]:
    """Yield for each piece that was to be copied whether it was; nothing for tasks without a product.

    An ad owes the product's whole name and, of its price, the amount ("€16" of "€16 a pair"). An answer owes each
    figure of the reference answer that stands in the product's facts or price. Both owe that every number in digits
    that they use stands in the brief or in the comment. Letter case counts.
    """
    goods = brief.goods
    if goods is None or brief.task not in ("promo", "answer"):
        return
    if brief.task == "promo":
        yield "name", goods.name in text
        for price in _prices(goods.price):
            yield "price", price in text
    else:
        facts = {number for fact in (*goods.facts, goods.price, goods.offer) for number in numbers(fact)}
        said = set(numbers(text))
        for figure in sorted(facts & set(numbers(reference))):
            yield "figure", figure in said
    strange = set(strange_numbers(brief, text))
    for number in numbers(text):
        yield "number", number not in strange


def _prices(price: str) -> list[str]:
    found = [amount.span for amount in amounts(price) if amount.kind == "money"]
    return found or ([price] if price else [])
