"""Building the body of a text: what code must say exactly, around what the model wrote."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ..cue import Cue
from ..definition import Product
from ..memory import Recalled, Record
from . import exact
from .polish import clean
from .prompt import is_plain

_POST = (3, 300)
_SHORT = (2, 180)


def needs_model(cue: Cue) -> bool:
    """Tell whether a model has a say in this text. Identity and product questions are answered by code alone."""
    if cue.subject.mode == "identity":
        return False
    return not (cue.subject.mode == "answer" and cue.heard and exact.is_question(cue.heard.text))


def build_body(cue: Cue, written: str, recalled: Sequence[Recalled], product: Product | None, random: Random) -> str:
    """Return the whole body, or an empty text if nothing usable was written."""
    mode = cue.subject.mode
    if mode == "identity":
        return cue.persona.disclosure.answer
    if not needs_model(cue):
        assert product is not None
        assert cue.heard is not None
        return exact.product_answer(product, cue.heard.text, random)
    body = model_part(cue, written)
    if not body:
        return ""
    if mode == "promo" and product:
        return f"{body} {exact.promo_facts(product, random)}"
    if mode == "callback":
        return f"{exact.quotation(cue, random)} {body}"
    if mode == "promise":
        return f"{exact.promise_kept(cue, random)} {body}"
    if cue.heard is not None:
        return _reply(cue, body, recalled, random)
    return body


def model_part(cue: Cue, written: str) -> str:
    """Return what is kept of what the model wrote: whole sentences, fewer for replies and framed texts."""
    if cue.subject.mode == "promo":
        return clean(written, sentences=1, chars=160)
    if is_plain(cue.persona):
        # The first sentence of so small a model mostly holds; what it adds to it mostly does not.
        return clean(written, sentences=1, chars=220)
    sentences, chars = _POST if cue.kind == "post" and cue.subject.mode == "topic" else _SHORT
    return clean(written, sentences=sentences, chars=chars)


def _reply(cue: Cue, body: str, recalled: Sequence[Recalled], random: Random) -> str:
    assert cue.heard is not None
    earlier = earlier_words(cue, recalled)
    if earlier is not None and random.random() < 0.6:
        body = f"{exact.seen_again(earlier, cue.due_at, random)} {body}"
    if exact.asks_for_more(cue.heard.text) and cue.subject.topic:
        body = f"{body} {exact.promise(cue.subject.topic, random)}"
    return body


def earlier_words(cue: Cue, recalled: Sequence[Recalled]) -> Record | None:
    """Return what the same person said before that is worth taking up, or None."""
    assert cue.heard is not None
    for found in recalled:
        record = found.record
        if record.kind == "told" and record.author == cue.heard.author and 5 <= len(record.text.split()) <= 30:
            return record
    return None


def facts_for(cue: Cue, recalled: Sequence[Recalled], products: Sequence[Product]) -> tuple[str, ...]:
    """Return the texts that numbers and names in a draft may come from: the file's own, the cue, what was quoted."""
    persona = cue.persona
    facts = [*persona.canon, persona.bio, cue.subject.angle, cue.subject.topic, persona.disclosure.answer]
    chosen = [product for product in products if product.id == cue.subject.product]
    for product in chosen:
        facts += [product.name, product.price, product.offer, *product.facts]
    if cue.heard:
        # A stranger's words are no facts; only what code quotes from them word for word may stand in a draft.
        facts.append(f"@{cue.heard.author}")
        earlier = earlier_words(cue, recalled)
        facts += [earlier.text, f"{earlier.at:%A}"] if earlier else []
    if cue.subject.quote:
        facts += [cue.subject.quote.text, f"@{cue.subject.quote.author}"]
    # Own earlier texts are no source: a number that slipped through once would then be a fact for good.
    facts += [found.record.text for found in recalled if found.record.kind == "canon"]
    return tuple(fact for fact in facts if fact)
