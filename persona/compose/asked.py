"""From a cue to the brief of its text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..cue import Cue
from ..definition import Persona, Product
from ..digest import rng_of
from ..memory import Recalled, Record
from .brief import Brief, Card, Goods, count_sentences

_MOST_SENTENCES = 3
_NEAR = 0.4
"""Below this relevance (cosine of MiniLM) what somebody said before is about something else."""
_FAR = 0.25
"""The same for a comment that refers back to something."""
_BACK = re.compile(
    r"\b(?:update|as promised|remember me|last (?:time|week)|(?:i )?told you|back with|in the end|it worked"
    r"|(?:thing|person) from before|\w+ person (?:here|again)|home from)\b",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(("its", "the", "not", "just", "real", "mrs", "miss", "your", "mum", "dad"))


def card_for(persona: Persona) -> Card:
    """Return the persona's card: the same for all its texts, so that a local model reads it once."""
    samples = [*persona.samples.posts[:2], *(reply.text for reply in persona.samples.replies[:1])]
    return Card(
        name=persona.name,
        bio=persona.bio,
        voice=persona.voice,
        style=(*persona.style, _emoji_rule(persona)),
        samples=tuple(samples),
    )


def brief_for(cue: Cue, recalled: Sequence[Recalled], product: Product | None, points: tuple[str, ...] = ()) -> Brief:
    """Return what is asked for; `points` is what the text says, where the subject does not.

    Memory enters a reply only as what its own author said before.
    """
    card, subject, heard = card_for(cue.persona), cue.subject, cue.heard
    if heard is not None:
        earlier = earlier_words(cue, recalled)
        memory = (f"{friendly(heard.author)} wrote: {earlier.text}",) if earlier else ()
        return Brief(
            card=card,
            task="reply",
            about=heard.about,
            author=friendly(heard.author),
            comment=heard.text,
            memory=memory,
            points=points,
            sentences=len(points) or 1,
        )
    if subject.mode == "promo" and product:
        goods = Goods(name=product.name, price=product.price, facts=product.facts, offer=product.offer)
        return Brief(card=card, task="promo", goods=goods, topic=product.name, sentences=3 if product.offer else 2)
    return Brief(
        card=card,
        task="post",
        topic=subject.angle or subject.topic,
        points=(subject.say,) if subject.say else points,
        # One thing to say fills one or two sentences; asked for more, a small model goes on about something else.
        sentences=min(_length(cue), 2) if subject.say or points else 2,
    )


def earlier_words(cue: Cue, recalled: Sequence[Recalled]) -> Record | None:
    """Return what the author of the comment said before that is worth taking up, or None.

    It has to do with what is said now, or what is said now refers back: else it would be recalled for show.
    """
    assert cue.heard is not None
    back = bool(_BACK.search(cue.heard.text))
    for found in recalled:
        record = found.record
        least = 3 if record.kind == "fact" else 5
        worth = least <= len(record.text.split()) <= 30 and "?" not in record.text
        near = found.parts.get("relevance", 0.0) >= (_FAR if back else _NEAR)
        if record.kind in ("told", "fact") and record.author == cue.heard.author and worth and near:
            return record
    return None


def friendly(handle: str) -> str:
    """Return a handle as a name to speak to somebody: `petra_k` is Petra; one that holds no name stays as it is."""
    names = [part for part in re.split(r"[\W\d_]+", handle) if len(part) >= 3 and part.casefold() not in _NO_NAMES]
    return names[0].capitalize() if names else handle


def _length(cue: Cue) -> int:
    """Return how many sentences to ask for: as many as one of the persona's own samples has."""
    own = cue.persona.samples.posts
    counts = [min(count_sentences(text), _MOST_SENTENCES) for text in own] or [2]
    return rng_of("length", cue.key).choice(counts)


def _emoji_rule(persona: Persona) -> str:
    emoji = persona.emoji
    if emoji.max == 0:
        return "No emoji."
    few = "At most one emoji" if emoji.max == 1 else f"At most {emoji.max} emoji"
    return f"{few}, at the end{': ' + ' '.join(emoji.allowed) if emoji.allowed else ''}."
