"""The AI and the advertising label stand in the text that goes out, whatever was cut from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ..guard import Draft, Finding, Guard
from ._text import fold

_OFFER = re.compile(
    r"\d\s?%\s?(?:off|rabatt|de r[ée]duction|de descuento|de desconto|di sconto|less|discount)"
    r"|\bpercent off\b|\bhalf[- ]price\b|\bdiscount code\b|\bpromo code\b|\bcoupon\b|\bwith (?:my )?code [A-Za-z0-9]"
    r"|\buse (?:my )?code\b|\bfree (?:shipping|postage|delivery)\b|\bbuy one,? get\b|\blink in (?:my )?bio\b"
    r"|\b(?:order|buy|get|grab) (?:it|one|yours) (?:now|here|today)\b|\bshop now\b|\bon sale\b|\brabattcode\b",
    re.IGNORECASE,
)


def stands(label: str, text: str) -> bool:
    """Tell whether `label` is in `text`, letter by letter and not as a part of another word."""
    return bool(_label(label).search(text))


def makes_offer(text: str) -> bool:
    """Tell whether `text` offers something for sale: a discount, a code, a call to buy."""
    return bool(_OFFER.search(text))


class LabelsGuard(Guard):
    """Blocks a text without its labels.

    The AI label is needed on every post, and on replies unless the persona's disclosure leaves them out; the ad
    label where a product is the subject, is named, or an offer is made. `product_names` are further names to look
    for; the ids of the persona's products are known from its card.
    """

    name = "labels"

    def __init__(self, product_names: Sequence[str] = ()) -> None:
        self._names = tuple(product_names)

    def look(self, draft: Draft) -> Sequence[Finding]:
        disclosure = draft.persona.disclosure
        needed: dict[str, str] = dict.fromkeys(draft.labels, "it was set for this text")
        if draft.kind == "post" or disclosure.on_replies:
            needed[disclosure.ai] = "every such text says that it is made by AI"
        if cause := self._advertises(draft):
            needed[disclosure.ad] = cause
        return [
            Finding(rule=self.name, decision="block", reason=f"the label {label} is missing: {cause}")
            for label, cause in needed.items()
            if not stands(label, draft.text)
        ]

    def _advertises(self, draft: Draft) -> str:
        if draft.product:
            return f"the text is about the product {draft.product}"
        if makes_offer(draft.body):
            return "the text makes an offer"
        body = fold(draft.body)
        for name in (*self._names, *(product.replace("-", " ") for product in draft.persona.products)):
            if _name(fold(name)).search(body):
                return f"the text names the product {name}"
        return ""


@lru_cache(maxsize=256)
def _label(label: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(label)}(?!\w)")


@lru_cache(maxsize=1024)
def _name(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
