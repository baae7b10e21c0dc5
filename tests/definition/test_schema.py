from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from persona.definition import Definition
from persona.definition.base import Model
from persona.definition.schema import Delay, Persona, QuietHours, SlotRule


def ada(**more: Any) -> dict[str, Any]:
    return {
        "name": "Ada",
        "handle": "ada",
        "bio": "A virtual baker.",
        "voice": ("warm",),
        "topics": ({"name": "bread"},),
        "time_zone": "Europe/Lisbon",
        "slots": ({"name": "a", "at": "08:30"},),
        "channels": {"feed": {}},
        **more,
    }


def test_models_check_themselves_without_a_file() -> None:
    for wrong in (
        lambda: SlotRule(name="a"),
        lambda: SlotRule(name="a", at=time(8), cron="0 8 * * *"),
        lambda: SlotRule(name="a", cron="0 8 * *"),
        lambda: SlotRule(name="a", at=time(8), days=()),
        lambda: Delay(least=timedelta(hours=2), most=timedelta(hours=1)),
        lambda: QuietHours(start=time(8), end=time(8)),
        lambda: Persona.model_validate(ada(time_zone="Mars/Base")),
        lambda: Definition.model_validate({"personas": (ada(), ada())}),
        lambda: Definition.model_validate({"personas": (ada(products=("mug",)),)}),
    ):
        with pytest.raises(ValidationError):
            wrong()


def test_personas_are_frozen() -> None:
    persona = Persona.model_validate(ada())
    with pytest.raises(ValidationError, match="frozen"):
        persona.name = "Eve"


def below(model: type[Model]) -> Iterator[type[Model]]:
    for each in model.__subclasses__():
        yield each
        yield from below(each)


def test_every_key_is_described() -> None:
    models = list(below(Model))
    assert len(models) > 15
    for model in models:
        assert [name for name, field in model.model_fields.items() if not field.description] == [], model


def test_lookups() -> None:
    definition = Definition.model_validate(
        {"personas": (ada(),), "products": ({"id": "mug", "name": "Mug", "facts": ("blue",)},)}
    )
    assert definition.persona("Ada") is definition.persona("@ada")
    assert definition.product("mug").name == "Mug"
    for lookup in (definition.persona, definition.product):
        with pytest.raises(KeyError):
            lookup("none")
