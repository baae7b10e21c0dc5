"""What a personas file may say of the models that write."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from . import checks, values
from .base import ChannelSettings, Duration, Model


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
