"""What a personas file may say of a persona's memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from ..memory import RecordKind
from . import checks
from .base import Duration, Identifier, Model


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
