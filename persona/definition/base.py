"""What all parts of a personas file are made of: the base model, and the types of single values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from . import checks, values
from .values import Day

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
