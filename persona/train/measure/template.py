"""A writer without a model: fixed sentences with the brief's own words put in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from ...compose.brief import Brief, Goods

_POST = ("Today I want to write about {topic}.", "A few words about {topic}.", "Here is a thought on {topic}.")
_CALLBACK = ("Some of you wrote to me about this: {told}.", "I have not forgotten what you told me: {told}.")
_REPLY = ("Thank you for your comment, {author}.", "Thanks for writing, {author}.", "I am glad you wrote, {author}.")
_UNKNOWN = ("The facts I have do not say that.", "That is not among the facts I have.")
_CLOSING = ("What do you think?", "Tell me in the comments.", "I am curious to read your answers.")
_HELPFUL = ("Please look at the shop's page for the rest.", "The shop will gladly help you.", "Thank you for asking.")
_HONEST = ("I am a virtual character, written by software.", "No human is typing this.", "Thank you for asking.")
_WORD = re.compile(r"[a-z]{4,}")
_MOST = 4


def template_text(brief: Brief, seed: int) -> str:
    """Return a text for `brief` with as many sentences as asked, at most four; `seed` draws among the openings."""
    random = Random(seed)
    own, closing = _sentences(brief, random)
    wanted = min(brief.sentences, _MOST)
    return " ".join([*own, *closing][:wanted])


def _sentences(brief: Brief, random: Random) -> tuple[list[str], Sequence[str]]:
    if brief.task == "promo" and brief.goods:
        return _promo(brief.goods, brief.sentences), _CLOSING
    if brief.task == "answer" and brief.goods:
        return _answer(brief.goods, brief.comment, random), _HELPFUL
    if brief.task == "support":
        return [_sentence(f"I am sorry, {brief.author}: {_list(brief.policy)}")], _HELPFUL
    if brief.task == "boundary":
        return [], _HONEST
    if brief.task == "reply":
        return [random.choice(_REPLY).format(author=brief.author)], _CLOSING
    if brief.task == "callback":
        told = random.choice(_CALLBACK).format(told=_list(brief.memory))
        return [told, random.choice(_POST).format(topic=brief.topic)], _CLOSING
    if brief.points:
        return [_sentence(point) for point in brief.points], _CLOSING
    return [random.choice(_POST).format(topic=brief.topic)], _CLOSING


def _promo(goods: Goods, sentences: int) -> list[str]:
    price = f" for {goods.price}" if goods.price else ""
    offer = [_sentence(f"The offer: {goods.offer}")] if goods.offer else []
    if sentences == 1:
        return [_sentence(f"{goods.name}{price}: {_list(goods.facts)}")]
    return [_sentence(f"There is {goods.name}{price}"), _sentence(f"The facts: {_list(goods.facts)}"), *offer]


def _answer(goods: Goods, comment: str, random: Random) -> list[str]:
    asked = set(_WORD.findall(comment.casefold()))
    fitting = max(goods.facts, key=lambda fact: len(asked & set(_WORD.findall(fact.casefold()))), default="")
    if asked & set(_WORD.findall(fitting.casefold())):
        return [_sentence(f"{goods.name}: {fitting}")]
    return [random.choice(_UNKNOWN)]


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _list(parts: Sequence[str]) -> str:
    parts = [part.strip().rstrip(".") for part in parts]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else "nothing yet"
