"""A brief: all that a small model is told of one text, in the one wording that it was trained on.

The engine makes briefs of cues, the trainer makes them of corpus lines; both read the same sentences. Whatever does
not fit a small model (rules of conduct, labels, exact quotations) stays with code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..writer.contract import Message

Task = Literal["post", "promo", "callback", "reply", "answer", "support", "boundary", "comment"]
TASKS: tuple[Task, ...] = ("post", "promo", "callback", "reply", "answer", "support", "boundary", "comment")
SAMPLES = 3
"""How many of its own texts a persona's card shows."""

_COUNTS = {1: "one sentence", 2: "two sentences", 3: "three sentences"}
_END = re.compile(r"[.!?…]+[\"”’')\]]*(?=\s|$)")
_FOLLOWER = "You are a follower on a social network. You write one short comment under a post, as people do."


@dataclass(frozen=True, kw_only=True)
class Card:
    """Who writes. `samples` are own texts that show how it sounds."""

    name: str
    bio: str
    voice: tuple[str, ...]
    style: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Goods:
    """What a text may say of a product."""

    name: str
    price: str = ""
    facts: tuple[str, ...] = ()
    offer: str = ""


@dataclass(frozen=True, kw_only=True)
class Brief:
    """One text that is wanted.

    `points` are what the text says, in neutral words: facts, or moves such as "be glad that it worked". `memory` is
    what was said before, `about` the own post that a comment stands under, `policy` what a shop promises, `mood` the
    kind of a follower's comment, `sentences` how long the text shall be (more than three: "several").
    """

    card: Card
    task: Task
    topic: str = ""
    points: tuple[str, ...] = ()
    goods: Goods | None = None
    memory: tuple[str, ...] = ()
    about: str = ""
    author: str = ""
    comment: str = ""
    policy: tuple[str, ...] = ()
    mood: str = ""
    sentences: int = 2


def brief_messages(brief: Brief) -> tuple[Message, ...]:
    """Return the system and the user message. The first is the same for all texts of one card."""
    if brief.task == "comment":
        return Message(role="system", content=_FOLLOWER), Message(role="user", content=_comment(brief))
    return Message(role="system", content=card_text(brief.card)), Message(role="user", content=_ask(brief))


def card_text(card: Card) -> str:
    """Return the system message."""
    lines = [f"You are {card.name}. {card.bio}", f"Voice: {', '.join(card.voice)}."]
    if card.style:
        lines.append(f"Style: {' '.join(card.style)}")
    if card.samples:
        lines.append("You wrote:")
        lines += [f"- {one_line(text)}" for text in card.samples[:SAMPLES]]
    return "\n".join(lines)


def count_sentences(text: str) -> int:
    """Return how many sentences a text has, at least one."""
    return max(len(_END.findall(text)), 1)


def length_words(sentences: int) -> str:
    """Return a number of sentences in the words of a brief."""
    return _COUNTS.get(sentences, "several sentences")


def one_line(text: str, most: int = 400) -> str:
    """Return `text` on one line, cut at a word."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + "…"


def _ask(brief: Brief) -> str:
    length = length_words(brief.sentences)
    if brief.task == "post":
        return "\n".join([f"Write a post of {length} about {brief.topic}.", *_listed("Say", brief.points)])
    if brief.task == "promo":
        return "\n".join([f"Write an ad of {length}.", *_goods(brief.goods)])
    if brief.task == "callback":
        told = _listed("Followers told you", brief.memory)
        return "\n".join([*told, f"Write a post of {length} about {brief.topic}.", *_listed("Say", brief.points)])
    lines = [f"Your post: {one_line(brief.about, 220)}"] if brief.about else []
    lines += _listed("You remember", brief.memory)
    if brief.task == "answer":
        lines += [*_goods(brief.goods), f"{brief.author} asks: {one_line(brief.comment)}"]
        return "\n".join([*lines, f"Answer in {length}, only from these facts."])
    if brief.task == "support":
        lines += [*_listed("The shop's rules", brief.policy), f"{brief.author} writes: {one_line(brief.comment)}"]
        return "\n".join([*lines, f"Answer in {length}, only from these rules."])
    lines += [f"{brief.author} writes: {one_line(brief.comment)}", f"Reply in {length}."]
    return "\n".join([*lines, *_listed("Say", brief.points)])


def _comment(brief: Brief) -> str:
    plan = f": {one_line(brief.points[0])}" if brief.points else ""
    return f"Post by {brief.card.name}: {one_line(brief.about)}\nWrite a comment ({brief.mood}){plan}."


def _goods(goods: Goods | None) -> list[str]:
    if goods is None:
        return []
    lines = [f"Product: {goods.name}", *([f"Price: {goods.price}"] if goods.price else [])]
    return [*lines, *_listed("Facts", goods.facts), *([f"Offer: {goods.offer}"] if goods.offer else [])]


def _listed(title: str, texts: Sequence[str]) -> list[str]:
    return [f"{title}: {'; '.join(one_line(text, 220).rstrip('.') for text in texts)}."] if texts else []
