"""Building the body of a text: what code must say exactly, around what the model wrote."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ..cue import Cue
from ..definition import Product
from ..memory import Recalled
from . import exact
from .asked import earlier_words
from .brief import Brief
from .polish import clean, within_emoji
from .prompt import is_plain
from .trim import grounded

_POST = (3, 300)
_SHORT = (2, 180)


def needs_model(cue: Cue) -> bool:
    """Tell whether a model has a say in this text. Identity and product questions are answered by code alone."""
    if cue.subject.mode == "identity":
        return False
    return not (cue.subject.mode == "answer" and cue.heard and exact.is_question(cue.heard.text))


def build_body(
    cue: Cue,
    written: str,
    recalled: Sequence[Recalled],
    product: Product | None,
    random: Random,
    brief: Brief | None = None,
    opening: str = "",
) -> str:
    """Return the whole body, or an empty text if nothing usable was written.

    `brief` is what the model was asked, `opening` what code says to what a follower said, before the model's text.
    """
    mode = cue.subject.mode
    if mode == "identity":
        return cue.persona.disclosure.answer
    if not needs_model(cue):
        assert product is not None
        assert cue.heard is not None
        return exact.product_answer(product, cue.heard.text, random)
    body = model_part(cue, written, brief)
    if not body:
        return ""
    if mode == "promo" and product:
        return body if exact.is_whole_ad(body, product) else f"{body} {exact.promo_facts(product, random)}"
    if mode == "callback":
        return " ".join(part for part in (exact.quotation(cue, random), opening, body) if part)
    if mode == "promise":
        return f"{exact.promise_kept(cue, random)} {body}"
    if cue.heard is not None:
        return _reply(cue, body, recalled, random)
    return body


def model_part(cue: Cue, written: str, brief: Brief | None = None) -> str:
    """Return what is kept of what the model wrote: whole sentences, fewer for replies and framed texts."""
    mode, plain = cue.subject.mode, is_plain(cue.persona)
    if mode == "promo" and not plain:
        # A model that was not asked for the whole ad gives its opening; code says the rest.
        return clean(written, sentences=1, chars=160)
    sentences, chars = _POST if cue.kind == "post" else _SHORT
    text = clean(written, sentences=sentences, chars=chars)
    if plain and brief is not None:
        text = grounded(text, brief)
    return within_emoji(text, cue.persona.emoji)


def by_code(brief: Brief, product: Product | None, random: Random) -> str:
    """Return what a text is told to say, as it is: for when the model found no better words."""
    if brief.task == "promo" and product:
        return exact.promo_facts(product, random)
    said = as_sentences(brief.points)
    if brief.task == "post" and brief.topic and brief.points:
        # What is said of an angle may need its words: "it slides by its own thickness".
        return f"{_capital(brief.topic)}: {said[0].lower() if brief.points[0][0].islower() else said[0]}{said[1:]}"
    return said


def as_sentences(points: Sequence[str]) -> str:
    """Return points as they are, as sentences."""
    return " ".join(f"{_capital(point).rstrip('.')}." for point in points)


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _reply(cue: Cue, body: str, recalled: Sequence[Recalled], random: Random) -> str:
    assert cue.heard is not None
    earlier = earlier_words(cue, recalled)
    if earlier is not None:
        body = f"{exact.seen_again(earlier, cue.due_at, random)} {body}"
    if exact.asks_for_more(cue.heard.text) and cue.subject.topic:
        body = f"{body} {exact.promise(cue.subject.topic, random)}"
    return body


def facts_for(cue: Cue, recalled: Sequence[Recalled], products: Sequence[Product]) -> tuple[str, ...]:
    """Return the texts that numbers and names in a draft may come from: the file's own, the cue, what was quoted."""
    persona = cue.persona
    subject = cue.subject
    facts = [*persona.canon, persona.bio, subject.angle, subject.say, subject.topic, persona.disclosure.answer]
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
