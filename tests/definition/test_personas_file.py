"""The repository's own personas.yaml and its JSON Schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from persona.definition import Definition, json_schema
from persona.definition.loader import load

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "personas.yaml"


@pytest.fixture(scope="module")
def definition() -> Definition:
    return load(FILE)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def errors(validator: jsonschema.Draft202012Validator, value: Any) -> list[str]:
    return [error.message for error in validator.iter_errors(value)]


def test_the_schema_file_is_current() -> None:
    assert (ROOT / "personas.schema.json").read_text(encoding="utf-8") == json_schema.text(), (
        "run `persona schema > personas.schema.json`"
    )
    assert FILE.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=personas.schema.json\n")


def test_the_file_fits_its_json_schema(validator: jsonschema.Draft202012Validator) -> None:
    assert errors(validator, yaml.safe_load(FILE.read_text(encoding="utf-8"))) == []


def test_the_json_schema_refuses_and_allows(validator: jsonschema.Draft202012Validator) -> None:
    ada = {"name": "Ada", "handle": "ada"}
    assert errors(validator, {"defaults": {"quiet_hours": {"start": "22:00"}}, "personas": [ada]}) == []
    assert errors(validator, {"personas": [{**ada, "timezone": "x"}]}) != []
    assert errors(validator, {"personas": [{**ada, "slots": [{"name": "a", "at": "25:00"}]}]}) != []
    assert errors(validator, {"defaults": {"handel": "x"}, "personas": [ada]}) != []
    assert errors(validator, {"personas": [{**ada, "slots": [{"name": "a", "at": "8:30", "days": "weekend"}]}]}) == []


def test_no_duration_is_written_in_iso_form() -> None:
    assert not re.search(r'"P[T0-9]', json.dumps(json_schema.json_schema()))


def test_six_that_differ(definition: Definition) -> None:
    people = definition.personas
    assert len(people) == 6
    for values in (
        {each.country for each in people},
        {each.time_zone for each in people},
        {each.trade for each in people},
        {each.voice for each in people},
    ):
        assert len(values) == len(people)


def test_each_gives_a_small_model_enough_to_go_on(definition: Definition) -> None:
    for each in definition.personas:
        angles = [angle for topic in each.topics for angle in topic.angles]
        assert len({angle.about for angle in angles}) == len(angles) >= 30, each.handle
        assert all(6 <= len(angle.say.split()) <= 30 for angle in angles), each.handle
        assert 4 <= len(each.topics) <= 6
        assert all(5 <= len(topic.angles) <= 8 for topic in each.topics), each.handle
        assert len(each.samples.posts) >= 5
        assert len(each.samples.replies) >= 4
        assert "virtual" in each.bio
        assert all(len(text) <= 160 for text in each.samples.posts), each.handle


def test_no_sample_claims_a_body_or_a_banned_word(definition: Definition) -> None:
    bodily = re.compile(
        r"\bI (tasted|ate|drank|bought|touched|felt|saw|smelled|wore|tried|walked|held)\b", re.IGNORECASE
    )
    for each in definition.personas:
        for text in (*each.samples.posts, *(reply.text for reply in each.samples.replies)):
            assert not bodily.search(text), text
            assert not any(word.lower() in text.lower() for word in each.banned), text
            assert text.count("!") <= 1, text


def test_every_product_is_somebodys(definition: Definition) -> None:
    used = {product for each in definition.personas for product in each.products}
    assert used == {product.id for product in definition.products}
