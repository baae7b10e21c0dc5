"""What a personas file may say. Every model is frozen and refuses unknown keys."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _duration(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"(\d+[smhdw])+", value):
        return timedelta(seconds=sum(int(n) * _UNITS[u] for n, u in re.findall(r"(\d+)([smhdw])", value)))
    if isinstance(value, timedelta):
        return value
    raise ValueError("must be a duration such as 20m, 1h30m or 7d")


def _wall_time(value: object) -> object:
    if isinstance(value, str) and (m := re.fullmatch(r"(\d{1,2}):(\d{2})", value)):
        hour, minute = int(m[1]), int(m[2])
        if hour < 24 and minute < 60:
            return time(hour, minute)
    if isinstance(value, time):
        return value
    raise ValueError("must be a time of day such as 08:30, from 00:00 to 23:59")


def _days(value: object) -> object:
    named = {"daily": DAYS, "weekdays": DAYS[:5], "weekend": DAYS[5:]}
    return named.get(value, value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str)]
WallTime = Annotated[time, BeforeValidator(_wall_time, json_schema_input_type=str)]
Days = Annotated[tuple[Day, ...], BeforeValidator(_days)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Word = Annotated[str, Field(min_length=1, max_length=80)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Model(BaseModel):
    """The base of all parts of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Product(Model):
    """Something a persona may speak of, and all that may be said of it."""

    id: Identifier
    name: Word
    price: str = Field(default="", max_length=40)
    facts: tuple[Text, ...] = Field(min_length=1)
    offer: str = Field(default="", max_length=200)


class Topic(Model):
    """What a persona writes about, how often against the others, and from which concrete angles."""

    name: Word
    weight: float = Field(default=1.0, gt=0, le=100)
    angles: tuple[Text, ...] = ()


class SampleReply(Model):
    """A comment and how the persona would answer it."""

    comment: Text
    text: Text


class Samples(Model):
    """Texts in the persona's own voice; the writer is shown some of them."""

    posts: tuple[Text, ...] = ()
    replies: tuple[SampleReply, ...] = ()


class Emoji(Model):
    """How many emoji a text may hold, and which; an empty list allows any."""

    max: int = Field(default=1, ge=0, le=20)
    allowed: tuple[str, ...] = ()


class QuietHours(Model):
    """Local wall times between which nothing is sent. It may span midnight."""

    start: WallTime
    end: WallTime


class SlotRule(Model):
    """When to post, in the persona's local time: `at` on `days`, or a `cron` expression."""

    name: Identifier
    at: WallTime | None = None
    days: Days = DAYS
    jitter: Duration = timedelta(0)
    cron: str | None = Field(default=None, max_length=80)


class Delay(Model):
    """How long a reply is held back: drawn between `least` and `most`."""

    least: Duration = timedelta(minutes=5)
    most: Duration = timedelta(minutes=90)


class ReplyPolicy(Model):
    """Which events are answered, and how many at most."""

    to: tuple[Literal["mention", "reply", "message", "follow"], ...] = ("mention", "reply", "message")
    per_thread: int = Field(default=3, ge=0, le=100)
    per_author: int = Field(default=3, ge=0, le=100)
    """a local day"""
    per_day: int = Field(default=30, ge=0, le=10000)
    delay: Delay = Delay()


class WriterSettings(Model):
    """Which model writes, and how it draws."""

    model: Word = "pocket"
    """`pocket`, a folder or GGUF file, a hub name, or a LangChain model string such as `openai:gpt-5-mini`"""
    base_url: str | None = None
    api_key: str | None = None
    temperature: float = Field(default=0.7, ge=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    top_k: int = Field(default=40, ge=0, le=1000)
    repetition_penalty: float = Field(default=1.1, ge=1, le=2)
    candidates: int = Field(default=3, ge=1, le=16)
    max_tokens: int = Field(default=70, ge=8, le=1000)


class RecallWeights(Model):
    """What counts how much when memory is searched."""

    relevance: float = Field(default=0.7, ge=0, le=1)
    recency: float = Field(default=0.2, ge=0, le=1)
    importance: float = Field(default=0.1, ge=0, le=1)


class MemorySettings(Model):
    """How much is recalled, and by what."""

    store: Identifier = "chroma"
    recall: int = Field(default=4, ge=0, le=20)
    weights: RecallWeights = RecallWeights()
    half_life: Duration = timedelta(days=7)


class Disclosure(Model):
    """The labels that code puts on every text (`ai`) and on texts about products (`ad`)."""

    ai: str = Field(default="#AI", min_length=2, max_length=40)
    ad: str = Field(default="#ad", min_length=2, max_length=40)
    on_replies: bool = True
    answer: str = Field(
        default="I am a virtual character, written by software. No human is typing this.",
        min_length=10,
        max_length=280,
    )
    """what is said, word for word, when someone asks whether this is a person"""


class Persona(Model):
    """One virtual influencer."""

    name: Word
    handle: str = Field(pattern=r"^[a-z0-9_]{2,30}$")
    bio: Text
    trade: str = Field(default="", max_length=80)
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}$")
    voice: tuple[Word, ...] = Field(min_length=1)
    style: tuple[Text, ...] = ()
    emoji: Emoji = Emoji()
    topics: tuple[Topic, ...] = Field(min_length=1)
    samples: Samples = Samples()
    canon: tuple[Text, ...] = ()
    do: tuple[Text, ...] = ()
    dont: tuple[Text, ...] = ()
    banned: tuple[Word, ...] = ()
    time_zone: str
    slots: tuple[SlotRule, ...] = Field(min_length=1)
    quiet_hours: QuietHours | None = None
    replies: ReplyPolicy = ReplyPolicy()
    channels: dict[str, dict[str, Any]] = Field(min_length=1)
    approval: Literal["auto", "promo", "all"] = "auto"
    """which drafts wait for a person even when the guards have nothing to say"""
    writer: WriterSettings = WriterSettings()
    memory: MemorySettings = MemorySettings()
    disclosure: Disclosure = Disclosure()
    products: tuple[Identifier, ...] = ()
    promos_per_week: int = Field(default=1, ge=0, le=50)


class Definition(Model):
    """A whole personas file, checked. `defaults` have been merged into the personas."""

    personas: tuple[Persona, ...] = Field(min_length=1)
    products: tuple[Product, ...] = ()

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
