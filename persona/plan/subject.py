"""What a post is about: chosen by code from topics, products, promises and what followers said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal, Self

from ..definition import Persona, Product, Topic
from ..memory import Record

Mode = Literal["topic", "promo", "callback", "promise", "chat", "answer", "identity"]

_CALLBACK_SHARE = 0.3
_CALLBACK_AGE = timedelta(days=5)
_ASKED_SHARE = 0.35
_MOVED = (0.75, 1.5)
"""How far a topic's success can move its weight."""
_PROMISE_REST = timedelta(hours=4)
"""A promise kept within the hour reads like a slip; one kept the same or the next day reads like a promise."""


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A record that a text takes up, as it was said."""

    record_id: str
    author: str
    text: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What to write about. `angle` is one concrete idea, `say` what to tell of it, `product` an id in the catalogue.

    `quote` is what a follower said or was promised; `insight` is what many of them asked, where that moved the choice.
    """

    mode: Mode = "topic"
    topic: str = ""
    angle: str = ""
    say: str = ""
    product: str = ""
    quote: Quote | None = None
    insight: Quote | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data for the store."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the subject that `as_json` gave."""
        quote, insight = data.get("quote"), data.get("insight")
        known = {name: data[name] for name in ("mode", "topic", "angle", "say", "product") if name in data}
        return cls(**known, quote=Quote(**quote) if quote else None, insight=Quote(**insight) if insight else None)

    @property
    def text(self) -> str:
        """The subject in words: what recall looks for and what a draft is measured against."""
        said = self.quote.text if self.quote and self.mode != "promise" else ""
        return " ".join(part for part in (self.angle or self.topic, self.say, said) if part)


def choose_subject(
    persona: Persona,
    *,
    now: datetime,
    history: Sequence[tuple[datetime, Subject]],
    promises: Sequence[Record],
    told: Sequence[Record],
    products: Sequence[Product],
    random: Random,
    takes_up: Callable[[Record], bool] = lambda record: True,
    insights: Sequence[Record] = (),
) -> Subject:
    """Return what the next post is about.

    `history` are the subjects of own posts, newest first; `takes_up` tells whether a post may take up what a follower
    said. An open promise comes first, then now and then a product (as often a week as the persona allows) or something
    a follower said, else a topic by weight with the angle that has rested longest. What several followers asked about
    since it was last written about is taken up now and then, and topics that did better or worse than others come up
    somewhat more or less often; insights name subjects of the persona's own file only, so followers can move the
    choice but never widen it.
    """
    used = {subject.quote.record_id for _, subject in history if subject.quote}
    last = history[0][1].mode if history else None
    open_promises = [r for r in promises if r.id not in used and now - r.at >= _PROMISE_REST]
    if open_promises and last != "promise":
        promised = _quoting(Subject(mode="promise"), min(open_promises, key=lambda r: (r.at, r.id)), persona)
        return _with_angle(promised, _topic_of(promised, persona), history, random)
    if last != "promo" and (product := _product(persona, now, history, products, random)):
        return Subject(mode="promo", topic=product.name, angle=product.name, product=product.id)
    if last not in ("callback", "promise") and random.random() < _CALLBACK_SHARE:
        authors = {subject.quote.author for _, subject in history[:6] if subject.quote}
        worth = [
            r
            for r in told
            if r.id not in used
            and now - r.at <= _CALLBACK_AGE
            and r.author not in authors
            and quotable(r)
            # A text that names a product is an ad.
            and not any(product.name.casefold() in r.text.casefold() for product in products)
        ]
        worth.sort(key=lambda r: (round(r.importance, 2), r.at, r.id), reverse=True)
        best = next((record for record in worth if takes_up(record)), None)
        if best is not None:
            taken = _quoting(Subject(mode="callback"), best, persona)
            return _with_angle(taken, _topic_of(taken, persona), history, random)
    return _asked(persona, history, insights, random) or _topic(persona, history, insights, random)


def quotable(record: Record) -> bool:
    """Tell whether a comment can stand alone in a post: long enough to say something, clean, short and no question."""
    text = record.text
    words = text.split()
    return (
        6 <= len(words) <= 30 and len(text) <= 160 and not any(sign in text for sign in ("http", "@", "#", "🎁", "?"))
    )


def _quoting(subject: Subject, record: Record, persona: Persona) -> Subject:
    quote = Quote(record_id=record.id, author=record.author, text=record.text, at=record.at.isoformat())
    topic = record.extra.get("topic", "") or persona.topics[0].name
    return replace(subject, quote=quote, topic=topic)


def _topic_of(subject: Subject, persona: Persona) -> Topic:
    return next((topic for topic in persona.topics if topic.name == subject.topic), persona.topics[0])


def _product(
    persona: Persona,
    now: datetime,
    history: Sequence[tuple[datetime, Subject]],
    products: Sequence[Product],
    random: Random,
) -> Product | None:
    own = [product for product in products if product.id in persona.products]
    week = [subject for at, subject in history if now - at < timedelta(days=7)]
    done = [subject.product for subject in week if subject.mode == "promo"]
    if not own or len(done) >= persona.promos_per_week or random.random() > persona.promos_per_week / 7:
        return None
    rested = [product for product in own if product.id not in done] or own
    return random.choice(rested)


def _asked(
    persona: Persona, history: Sequence[tuple[datetime, Subject]], insights: Sequence[Record], random: Random
) -> Subject | None:
    """Return the subject that most people asked about since it was last written about, now and then."""
    asked = [r for r in insights if r.extra.get("subject") and _asked_since(r, history)]
    if not asked or random.random() >= _ASKED_SHARE:
        return None
    for record in sorted(asked, key=lambda r: (-int(r.extra["people"]), r.id)):
        name = record.extra["subject"]
        quote = Quote(record_id=record.id, author=record.author, text=record.text, at=record.at.isoformat())
        for topic in persona.topics:
            subject = Subject(mode="topic", topic=topic.name, insight=quote)
            if topic.name == name:
                return _with_angle(subject, topic, history, random)
            for angle in topic.angles:
                if angle.about == name:
                    return replace(subject, angle=angle.about, say=angle.say)
    return None


def _asked_since(record: Record, history: Sequence[tuple[datetime, Subject]]) -> bool:
    last, name = datetime.fromisoformat(record.extra["last"]), record.extra["subject"]
    return not any(at > last and name in (subject.topic, subject.angle) for at, subject in history)


def _topic(
    persona: Persona, history: Sequence[tuple[datetime, Subject]], insights: Sequence[Record], random: Random
) -> Subject:
    recent = [subject.topic for _, subject in history[:2]]
    topics = [topic for topic in persona.topics if topic.name not in recent] or list(persona.topics)
    factors = {r.extra["topic"]: float(r.extra["factor"]) for r in insights if "factor" in r.extra}
    least, most = _MOVED
    weights = [topic.weight * min(max(factors.get(topic.name, 1.0), least), most) for topic in topics]
    topic = random.choices(topics, weights=weights)[0]
    return _with_angle(Subject(mode="topic", topic=topic.name), topic, history, random)


def _with_angle(subject: Subject, topic: Topic, history: Sequence[tuple[datetime, Subject]], random: Random) -> Subject:
    """Return the subject with the angle of its topic that has rested longest."""
    if not topic.angles:
        return replace(subject, angle=topic.name)
    # The age of an angle is its place in the history; one never used is older than all.
    age = {subject.angle: place for place, (_, subject) in reversed(list(enumerate(history)))}
    oldest = max(age.get(angle.about, len(history)) for angle in topic.angles)
    chosen = random.choice([a for a in topic.angles if age.get(a.about, len(history)) == oldest])
    return replace(subject, angle=chosen.about, say=chosen.say)
