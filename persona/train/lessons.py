"""From cleaned texts to lessons: what the writer is asked, in the words of its briefs, and the text that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..compose.asked import card_for
from ..compose.brief import SAMPLES, Brief, Card, brief_messages, count_sentences, length_words
from ..definition import Persona
from ..digest import digest, seed_of
from ..writer.contract import Message
from .posts import Post

_AUTHOR = "A follower"
_VALID_SHARE, _MOST_VALID = 10, 200
_TESTED_FROM = 100
"""From so many texts on, some are set aside that not even the stopping point is chosen by."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One lesson. `key` is its line, `text` what shall be learnt."""

    messages: tuple[Message, ...]
    text: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Split:
    """The texts of a run. `test` is `valid` where there are too few texts for both."""

    train: tuple[Post, ...]
    valid: tuple[Post, ...]
    test: tuple[Post, ...]

    @property
    def apart(self) -> bool:
        """Whether the texts that are measured at the end had no part in choosing when to stop."""
        return self.test != self.valid


class Teacher:
    """Makes lessons of posts, with the cards of the personas that they name."""

    def __init__(self, personas: Sequence[Persona] = ()) -> None:
        """`personas` are those of a personas file; lines may name them by handle or name."""
        self._personas = {name: persona for persona in personas for name in (persona.handle, persona.name)}

    def lessons(self, posts: Sequence[Post], epoch: int, shown: Sequence[Post] | None = None) -> list[Asked]:
        """Return the lessons of one epoch, those of one card side by side.

        A persona's card shows a few of its own texts, other ones each epoch; a text that is shown is not asked for.
        They are drawn from `shown`, where the posts themselves shall not be shown.
        """
        groups: dict[str, list[Post]] = {}
        for post in posts:
            groups.setdefault(post.persona.lstrip("@"), []).append(post)
        pool: dict[str, list[Post]] = {}
        for post in posts if shown is None else shown:
            pool.setdefault(post.persona.lstrip("@"), []).append(post)
        found: list[Asked] = []
        for name, group in groups.items():
            card = self._card(name, group[0].card)
            samples: list[Post] = []
            if card is not None:
                # Of few texts none is spared for the card.
                count = min(SAMPLES, len(pool.get(name, ())) // 4)
                samples = sorted(pool.get(name, ()), key=lambda post: seed_of("shown", epoch, post.text))[:count]
                card = replace(card, samples=tuple(post.text for post in samples))
            taught = [post for post in group if post not in samples]
            found += [Asked(messages=messages_for(post, card), text=post.text, key=str(post.line)) for post in taught]
        return found

    def _card(self, name: str, given: Mapping[str, Any] | None) -> Card | None:
        if name in self._personas:
            return card_for(self._personas[name])
        if given is None:
            return None
        style, voice = given.get("style") or (), given.get("voice") or ()
        return Card(
            name=str(given.get("name") or name),
            bio=str(given.get("bio") or ""),
            voice=tuple(voice) if not isinstance(voice, str) else (voice,),
            style=tuple(style) if not isinstance(style, str) else (style,),
        )


def messages_for(post: Post, card: Card | None) -> tuple[Message, ...]:
    """Return what the writer is asked so that it writes `post`; without a card there is no system message."""
    sentences = count_sentences(post.text)
    if post.comment:
        brief = Brief(
            card=card or _NOBODY,
            task="reply",
            author=_AUTHOR,
            comment=post.comment,
            sentences=sentences,
        )
    else:
        brief = Brief(card=card or _NOBODY, task="post", topic=post.topic, sentences=sentences)
    system, ask = brief_messages(brief)
    if not (post.topic or post.comment):
        ask = Message(role="user", content=f"Write a post of {length_words(sentences)}.")
    return (system, ask) if card is not None else (ask,)


def split(posts: Sequence[Post]) -> Split:
    """Return the posts in three parts. Which text lands where follows from the texts alone, not from their order."""
    if len(posts) < 2:
        return Split(train=tuple(posts), valid=(), test=())
    order = sorted(posts, key=lambda post: digest("part", post.text))
    size = min(max(len(posts) // _VALID_SHARE, 1), _MOST_VALID)
    valid, rest = order[:size], order[size:]
    test = valid
    if len(posts) >= _TESTED_FROM:
        test, rest = rest[:size], rest[size:]
    chosen = {post.line for post in rest}
    return Split(train=tuple(post for post in posts if post.line in chosen), valid=tuple(valid), test=tuple(test))


_NOBODY = Card(name="", bio="", voice=())
