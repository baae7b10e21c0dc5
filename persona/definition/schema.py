"""What a personas file may say. Every model is frozen and refuses unknown keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from . import checks, values
from .base import (
    ChannelSettings,
    Days,
    Duration,
    Holiday,
    Identifier,
    Model,
    Text,
    WallTime,
    Word,
)
from .remembering import MemorySettings
from .values import DAYS
from .writing import WriterSettings, Writing


class Product(Model):
    """Something a persona may speak of, and all that may be said of it."""

    id: Identifier = Field(description="Short name that personas refer to: a-z, 0-9, - and _.")
    name: Word = Field(description="The product's name, as it is written in posts.")
    price: str = Field(default="", max_length=40, description='The price as it is written, such as "€14". Text.')
    facts: tuple[Text, ...] = Field(min_length=1, description="All that may be said of it, one fact each.")
    offer: str = Field(default="", max_length=200, description="A current offer, word for word.")


_Pair = Annotated[dict[Text, Text], Field(min_length=1, max_length=1)]


class Angle(Model):
    """One concrete idea for a post: what it is `about` and, for a writer that knows little, what to `say` of it."""

    about: Text = Field(description="What the post is about.")
    say: str = Field(default="", max_length=2000, description="What it shall tell, in plain words.")


Angles = Annotated[
    tuple[Annotated[Angle, BeforeValidator(values.angle, json_schema_input_type=Text | _Pair)], ...],
    Field(description="Concrete ideas for single posts: a text, or a pair `what it is about: what to say`."),
]


class Topic(Model):
    """What a persona writes about, how often against the others, and from which concrete angles."""

    name: Word = Field(description="What it is about, in a few words.")
    weight: float = Field(default=1.0, gt=0, le=100, description="How often, against the other topics.")
    angles: Angles = ()


class SampleReply(Model):
    """A comment and how the persona would answer it."""

    comment: Text = Field(description="What somebody wrote.")
    text: Text = Field(description="How the persona answers.")


class Samples(Model):
    """Texts in the persona's own voice; the writer is shown some of them."""

    posts: tuple[Text, ...] = Field(default=(), description="Posts as the persona would write them.")
    replies: tuple[SampleReply, ...] = Field(default=(), description="Comments with the persona's answers.")


class Emoji(Model):
    """How many emoji a text may hold, and which; an empty list allows any."""

    max: int = Field(default=1, ge=0, le=20, description="The most emoji in one text.")
    allowed: tuple[str, ...] = Field(default=(), description="Only these; empty: any.")


class QuietHours(Model):
    """Local wall times between which nothing is sent. It may span midnight."""

    start: WallTime = Field(description="From this local time, such as 22:30.")
    end: WallTime = Field(description="Until this local time, such as 07:00.")

    rule = checks.quiet_hours


class SlotRule(Model):
    """When to post, in the persona's local time: `at` on `days`, or a `cron` expression."""

    name: Identifier = Field(description="Short name of the slot: a-z, 0-9, - and _.")
    at: WallTime | None = Field(default=None, description="Local time of day, such as 08:30. Either this or cron.")
    days: Days = Field(default=DAYS, description="daily, weekdays, weekend, or a list such as [mon, thu].")
    jitter: Duration = Field(
        default=timedelta(0), le=timedelta(hours=12), description="Up to how much later it may be, such as 20m."
    )
    cron: str | None = Field(
        default=None, max_length=80, description='Five cron fields in local time, such as "30 8 * * mon-fri".'
    )

    rule = checks.slot


class Delay(Model):
    """How long a reply is held back: drawn between `least` and `most`."""

    least: Duration = Field(default=timedelta(minutes=5), description="The shortest wait, such as 5m.")
    most: Duration = Field(default=timedelta(minutes=90), description="The longest wait, such as 90m.")

    rule = checks.delay


class ReplyPolicy(Model):
    """Which events are answered, and how many at most."""

    to: tuple[Literal["mention", "reply", "message", "follow"], ...] = Field(
        default=("mention", "reply", "message"), description="Which events are answered."
    )
    per_thread: int = Field(default=3, ge=0, le=100, description="The most answers in one thread.")
    per_author: int = Field(default=3, ge=0, le=100, description="The most answers to one author in a local day.")
    per_day: int = Field(default=30, ge=0, le=10000, description="The most answers in a local day.")
    delay: Delay = Field(default_factory=Delay, description="How long an answer is held back.")


class CallRate(Model):
    """How many calls of one account a network takes."""

    calls: int = Field(ge=1, le=10**6, description="The most calls: posts, look-ups and polls together.")
    window: Duration = Field(
        ge=timedelta(seconds=1), le=timedelta(days=7), description="Within any stretch of this length, such as 5m."
    )


class Delivery(Model):
    """How texts go out, and when they do not."""

    late: Literal["post", "drop", "ask"] = Field(
        default="drop", description="What becomes of a text that is later than `grace`: send it, drop it, or ask."
    )
    grace: Duration = Field(
        default=timedelta(hours=6),
        ge=timedelta(minutes=1),
        le=timedelta(days=7),
        description="How much later than its slot a post may go out, such as 6h; an answer has four times as long.",
    )
    crisis: tuple[Word, ...] = Field(
        default=(), description="While these words stand here, a text that holds one waits for a person."
    )
    rates: dict[Word, CallRate] = Field(
        default={}, description="The most calls by channel, where it is to be other than what the channel says."
    )


class Disclosure(Model):
    """The labels that code puts on every text (`ai`) and on texts about products (`ad`)."""

    ai: str = Field(default="#AI", min_length=2, max_length=40, description="The label on every text.")
    ad: str = Field(default="#ad", min_length=2, max_length=40, description="The label on texts about products.")
    on_replies: bool = Field(default=True, description="Whether answers carry the label too.")
    answer: str = Field(
        default="I am a virtual character, written by software. No human is typing this.",
        min_length=10,
        max_length=280,
        description="What is said, word for word, when someone asks whether this is a person.",
    )


class Persona(Model):
    """One virtual influencer."""

    name: Word = Field(description="The name that people see.")
    handle: str = Field(
        pattern=r"^[a-z0-9_]{2,30}$", description="The account's name, without @: 2 to 30 of a-z, 0-9 and _."
    )
    bio: Text = Field(description="Who it is, in one or two sentences; say that it is virtual.")
    trade: str = Field(default="", max_length=80, description="What it is known for, such as baker.")
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$", description="Two capital letters, such as PT.")
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}$", description="Two or three small letters, such as en.")
    voice: tuple[Word, ...] = Field(min_length=1, description="How it sounds, in single words.")
    style: tuple[Text, ...] = Field(default=(), description="Rules of form, one sentence each.")
    emoji: Emoji = Field(default_factory=Emoji, description="How many emoji, and which.")
    topics: tuple[Topic, ...] = Field(min_length=1, description="What it writes about.")
    samples: Samples = Field(default_factory=Samples, description="Texts in its own voice.")
    canon: tuple[Text, ...] = Field(default=(), description="Facts about the persona that never change.")
    do: tuple[Text, ...] = Field(default=(), description="What it always does.")
    dont: tuple[Text, ...] = Field(default=(), description="What it never does.")
    banned: tuple[Word, ...] = Field(default=(), description="Words that never go out.")
    time_zone: Annotated[str, BeforeValidator(values.time_zone, json_schema_input_type=str)] = Field(
        max_length=60, description="An IANA time zone, such as Europe/Lisbon."
    )
    slots: tuple[SlotRule, ...] = Field(min_length=1, description="When to post, in local time.")
    holidays: tuple[Holiday, ...] = Field(
        default=(), description="Local dates without slots, such as 2026-12-24; comments are answered all the same."
    )
    quiet_hours: QuietHours | None = Field(default=None, description="Local hours in which nothing is sent.")
    delivery: Delivery = Field(default_factory=Delivery, description="How texts go out, and when they do not.")
    replies: ReplyPolicy = Field(default_factory=ReplyPolicy, description="What is answered, and how much.")
    channels: dict[str, ChannelSettings] = Field(
        min_length=1, description="Where to post: a channel plugin's name, and its settings."
    )
    approval: Literal["auto", "promo", "all"] = Field(
        default="auto", description="Which drafts wait for a person even when the guards have nothing to say."
    )
    writer: Writing = Field(default_factory=WriterSettings, description="Which model writes, and how.")
    memory: MemorySettings = Field(default_factory=MemorySettings, description="How much is recalled.")
    disclosure: Disclosure = Field(default_factory=Disclosure, description="The labels that code puts on texts.")
    products: tuple[Identifier, ...] = Field(default=(), description="Ids of the products it may speak of.")
    promos_per_week: int = Field(default=1, ge=0, le=50, description="The most posts about products in a week.")


class Definition(Model):
    """A whole personas file, checked. `defaults` have been merged into the personas."""

    personas: tuple[Persona, ...] = Field(min_length=1, description="The virtual influencers.")
    products: tuple[Product, ...] = Field(default=(), description="The catalogue: all that may be advertised.")

    rule = checks.across

    def persona(self, handle: str) -> Persona:
        """Return the persona with that handle or name. Raises KeyError."""
        for persona in self.personas:
            if handle.lstrip("@") in (persona.handle, persona.name):
                return persona
        raise KeyError(handle)

    def product(self, product_id: str) -> Product:
        """Return the product with that id. Raises KeyError."""
        for product in self.products:
            if product.id == product_id:
                return product
        raise KeyError(product_id)
