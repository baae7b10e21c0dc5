"""What code says word for word, because it must be exact: identity, product facts, quotations, promises."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from random import Random

from ..cue import Cue
from ..definition import Persona, Product
from ..memory import Record
from .stems import stems

_WISH = re.compile(
    r"\b(?:can|could|would|will) (?:you|u) (?:please )?(?:post|write|do|make|cover|talk|share|explain)\b|"
    r"\bmore (?:about|on|of) (?:this|that|these|it)\b|\bplease (?:post|write|cover|do)\b|\bpart (?:2|two)\b|"
    r"\bnext (?:post|one) (?:about|on)\b|\bwish (?:you'd|you would)\b|"
    r"\b(?:do|write|post) (?:one|something|more) (?:about|on)\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"\b(?:price|cost|how much|expensive|cheap|€|\$|£)", re.IGNORECASE)
_OFFER = re.compile(r"\b(?:discount|code|sale|offer|deal|coupon)\b", re.IGNORECASE)
_UNKNOWN = (
    "That is not in the facts I was given, and I will not guess. The shop's page will know.",
    "I do not have that one in my notes, so I would rather not guess. The shop can tell you.",
    "The facts I hold do not say. Please ask the shop before you decide.",
)
_NOT_KNOWN = (
    "I do not know that one, and I would rather not guess.",
    "Good question, and not one I can answer. Does anyone here know?",
    "That is not in my notes, {author}. If somebody knows, please write it below.",
    "I have no good answer to that. Maybe another reader has one.",
    "Not something I know, {author}, and I will not make it up.",
    "My notes end before that question. Who has tried it?",
    "I cannot say for sure, so I will not say it at all. Other readers may know.",
    "That one is new to me, {author}. I leave it to people who have done it.",
)
_PROMISES = (
    "I will write about {topic} this week.",
    "I will come back to {topic} in the next days.",
    "{topic} goes on my list for this week, I promise.",
)
_KEPT = (
    "I promised @{author} more on {topic}.",
    "@{author} asked for this, and I said I would write about {topic}.",
    "A promise to @{author}: {topic}.",
)
_LEADS = ("@{author} wrote: “{text}”", "From the comments, @{author}: “{text}”", "@{author} put it this way: “{text}”")
_AGAIN = (
    "{When} you wrote “{text}”, @{author}, and I remember it.",
    "@{author}, you told me “{text}” {when}.",
    "Good to see you again, @{author}. {When} it was “{text}”.",
)


def asks_for_more(comment: str) -> bool:
    """Tell whether a comment asks for another post on the subject."""
    return bool(_WISH.search(comment))


def not_known(author: str, random: Random) -> str:
    """Return an answer to a question of which the persona knows nothing: that, plainly."""
    return random.choice(_NOT_KNOWN).format(author=f"@{author}")


def promise(topic: str, random: Random) -> str:
    """Return a sentence that promises a post on `topic`."""
    text = random.choice(_PROMISES).format(topic=topic)
    return text[0].upper() + text[1:]


def promise_kept(cue: Cue, random: Random) -> str:
    """Return the opening of a post that keeps a promise."""
    assert cue.subject.quote is not None
    return random.choice(_KEPT).format(author=cue.subject.quote.author, topic=cue.subject.topic)


def quotation(cue: Cue, random: Random) -> str:
    """Return a follower's words, quoted, as the opening of a post."""
    assert cue.subject.quote is not None
    return random.choice(_LEADS).format(author=cue.subject.quote.author, text=_inside_quotes(cue.subject.quote.text))


def seen_again(earlier: Record, now: datetime, random: Random) -> str:
    """Return an opening that recalls what the same person said before."""
    days = (now.date() - earlier.at.date()).days
    when = "earlier today" if days == 0 else f"on {earlier.at:%A}" if days < 7 else "a while ago"
    text = _inside_quotes(earlier.text, 80)
    return random.choice(_AGAIN).format(author=earlier.author, text=text, when=when, When=when[0].upper() + when[1:])


def promo_facts(product: Product, random: Random) -> str:
    """Return the sentences that state a product's facts, price and offer, as the catalogue has them."""
    facts = list(product.facts)
    random.shuffle(facts)
    text = f"{product.name}: {_join(facts[:3])}."
    if product.price:
        text += f" {product.price}" + (f", {product.offer}." if product.offer else ".")
    elif product.offer:
        text += f" {product.offer[0].upper()}{product.offer[1:]}."
    return text


def is_whole_ad(text: str, product: Product) -> bool:
    """Tell whether a text holds the product's name, price and offer as the catalogue has them."""
    return all(part.casefold() in text.casefold() for part in (product.name, product.price, product.offer))


def product_answer(product: Product, comment: str, random: Random) -> str:
    """Return the answer to a question about a product: the facts that fit its words, or that they do not say."""
    if _PRICE.search(comment) and product.price:
        offer = f" There is also an offer: {product.offer}." if product.offer else ""
        return f"{product.name} costs {product.price}.{offer}"
    if _OFFER.search(comment):
        return f"The offer is {product.offer}." if product.offer else f"There is no offer on {product.name} now."
    asked = stems(comment) - stems(product.name)
    fitting = [fact for fact in product.facts if asked & stems(fact)]
    if fitting:
        return f"{product.name}: {_join(fitting[:2])}."
    return random.choice(_UNKNOWN)


def product_spoken_of(persona: Persona, products: Sequence[Product], about: str, comment: str) -> Product | None:
    """Return the product that a comment is about: named in it, or in the post that it stands under."""
    own = [product for product in products if product.id in persona.products]
    for text in (comment, about):
        for product in own:
            if product.name.casefold() in text.casefold():
                return product
    return None


def is_question(comment: str) -> bool:
    """Tell whether a comment asks something."""
    opening = r"(?:is|are|does|do|can|how|what|when|where|which|who|why|will)\b"
    return "?" in comment or bool(re.match(opening, comment, re.IGNORECASE))


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _inside_quotes(text: str, most: int = 200) -> str:
    # Emoji stay out: the persona's emoji policy is for its own words, and a quotation is not its own.
    text = "".join(c for c in text if unicodedata.category(c) not in ("So", "Sk", "Cs") and c != "\ufe0f")
    text = " ".join(text.replace("“", "'").replace("”", "'").split())
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + "…"
