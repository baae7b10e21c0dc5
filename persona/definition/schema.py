"""What a personas file may say. Every model is frozen and refuses unknown keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ..memory import RecordKind
from . import checks, values
from .values import DAYS, Day

Rule: TypeAlias = Callable[[object], list[checks.Finding]]


def _refuse(found: list[checks.Finding]) -> None:
    if found:
        raise PydanticCustomError(
            "persona_checks", "{text}", {"text": "; ".join(each.message for each in found), "found": found}
        )


Duration = Annotated[
    timedelta,
    BeforeValidator(
        values.duration,
        json_schema_input_type=Annotated[str, Field(pattern=r"^([0-9]+[smhdw])+$", examples=["20m", "1h30m", "7d"])],
    ),
]
WallTime = Annotated[
    time,
    BeforeValidator(
        values.wall_time,
        json_schema_input_type=Annotated[str, Field(pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$", examples=["08:30"])],
    ),
]
Holiday = Annotated[
    date,
    BeforeValidator(
        values.local_date,
        json_schema_input_type=Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-12-24"])],
    ),
]
Days = Annotated[
    tuple[Day, ...],
    Field(min_length=1),
    BeforeValidator(
        values.days,
        json_schema_input_type=Literal["daily", "weekdays", "weekend"] | Annotated[list[Day], Field(min_length=1)],
    ),
]
ChannelSettings = Annotated[
    dict[str, Any], BeforeValidator(values.settings, json_schema_input_type=dict[str, Any] | None)
]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Word = Annotated[str, Field(min_length=1, max_length=80)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Model(BaseModel):
    """The base of all parts of the file."""

    # Built once, as part of Definition, when a file is first checked: that halves the start of `persona check`.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    rule: ClassVar[Rule] = checks.nothing
    """What must hold of the whole part."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _refuse(type(self).rule(self))
        return self


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


class Price(Model):
    """What a remote model costs, in any one currency."""

    input: float = Field(default=0.0, ge=0, le=10000, description="The price of a million tokens of the prompt.")
    output: float = Field(default=0.0, ge=0, le=10000, description="The price of a million tokens of the text.")


class Budget(Model):
    """The most that a persona's writer may use in one of the persona's local days. Beyond it nothing is written."""

    tokens: int | None = Field(default=None, gt=0, le=10**12, description="The most tokens, prompt and text together.")
    money: float | None = Field(default=None, gt=0, le=10**6, description="The most money, by the writer's price.")

    rule = checks.budget


class WriterModel(Model):
    """A model that writes, and how it is reached."""

    model: str = Field(
        default="pocket",
        min_length=1,
        max_length=400,
        description="pocket, a folder or GGUF file, a hub name, or a LangChain string such as openai:gpt-5-mini.",
    )
    revision: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{40}$", description="The commit of a hub model: 40 of 0-9 and a-f."
    )
    base_url: str | None = Field(default=None, max_length=400, description="Address of an OpenAI-compatible server.")
    api_key: str | None = Field(
        default=None, pattern=r"^env:[A-Za-z_][A-Za-z0-9_]*$", description="env:NAME of the variable with the key."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=60),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="How long a call to a remote model may take, such as 60s.",
    )
    retries: int = Field(
        default=3, ge=0, le=10, description="How often a call is made again after an error that may pass."
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, le=100000, description="The most calls to a remote model in a minute."
    )
    price: Price | None = Field(default=None, description="What a remote model costs.")
    budget: Budget | None = Field(default=None, description="The most that may be used in a day.")
    reads: Literal["briefs", "chat"] | None = Field(
        default=None,
        description="How it is asked: briefs, as pocket and what `persona train` makes, or chat, as all others.",
    )
    device: Literal["cpu", "cuda", "mps", "auto"] = Field(
        default="cpu", description="Where a local model runs; auto is a GPU if there is one."
    )
    options: ChannelSettings = Field(
        default={}, description="What else LangChain's model takes, such as reasoning_effort: minimal."
    )

    rule = checks.writer


Fallback = Annotated[WriterModel, BeforeValidator(values.writer, json_schema_input_type=WriterModel | str)]


class WriterSettings(WriterModel):
    """Which model writes, and how it draws."""

    fallback: Fallback | None = Field(
        default=None, description="A model that writes what the first cannot, such as pocket."
    )
    temperature: float = Field(default=0.7, ge=0, le=2, description="0 always takes the likeliest word.")
    top_p: float = Field(default=0.9, gt=0, le=1, description="Draw from this share of the likeliest words.")
    top_k: int = Field(default=40, ge=0, le=1000, description="Draw from this many words; 0: no limit.")
    repetition_penalty: float = Field(default=1.1, ge=1, le=2, description="Above 1, words come back less often.")
    candidates: int = Field(default=3, ge=1, le=16, description="How many drafts to choose from.")
    max_tokens: int = Field(default=70, ge=8, le=1000, description="The longest draft, in tokens.")


Writing = Annotated[WriterSettings, BeforeValidator(values.writer, json_schema_input_type=WriterSettings | str)]


class RecallWeights(Model):
    """What counts how much when memory is searched. The defaults are measured: see docs/memory.md."""

    relevance: float = Field(default=1.0, ge=0, le=10, description="How close in meaning it is.")
    words: float = Field(default=0.7, ge=0, le=10, description="How many rare words, names and codes it shares.")
    neighbours: float = Field(default=0.45, ge=0, le=0.9, description="What turns beside it in its thread count.")
    time: float = Field(default=3.5, ge=0, le=10, description="Whether it is of the time that is asked about.")
    recency: float = Field(default=0.2, ge=0, le=10, description="How new it is, and how lately it was recalled.")
    importance: float = Field(default=0.1, ge=0, le=10, description="How much it matters.")
    kinds: dict[RecordKind, Annotated[float, Field(ge=0, le=10)]] = Field(
        default_factory=dict, description="Factors on the score of whole kinds, such as {promise: 1.2}."
    )


Fading = Literal["post", "reply", "told", "fact", "promise", "insight", "performance"]
"""the kinds of records that may be forgotten with time; canon stands in the file"""


class MemorySettings(Model):
    """How much is recalled, and by what."""

    store: Identifier = Field(default="chroma", description="The memory plugin's name.")
    recall: int = Field(default=4, ge=0, le=20, description="How many records a text may lean on.")
    weights: RecallWeights = Field(default_factory=RecallWeights, description="What counts how much.")
    half_life: Duration = Field(default=timedelta(days=7), description="After this time recency counts half.")
    people: Literal["off", "told", "consent"] = Field(
        default="told",
        description="What is kept of people: off, told (quotes), or consent (quotes, and facts they ask to be kept).",
    )
    per_author: int = Field(default=5, ge=0, le=1000, description="The most comments of one author kept in a day.")
    embedding: str = Field(
        default="default",
        min_length=1,
        max_length=400,
        description="default, or the folder of a model that `persona train --embedding` made.",
    )
    url: str | None = Field(
        default=None,
        max_length=400,
        description="Address of a Chroma server that keeps the index, such as http://127.0.0.1:8000.",
    )
    retention: dict[Fading, Duration] = Field(
        default={}, description="How long records of a kind are kept, such as {told: 180d}; others are kept for good."
    )

    rule = checks.memory


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
