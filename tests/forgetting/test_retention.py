"""Records fade by kind, once a day, and what was said fades with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from sqlalchemy import select

from persona.definition import Definition
from persona.definition.remembering import Fading
from persona.forgetting import Place
from persona.forgetting.retention import tidy
from persona.memory import RecordKind
from persona.runner import Runner
from persona.store import InboxRow, JournalRow, LogRow, TraceRow, reading
from tests.forgetting.lived import ANNA, NOW, SAID, bytes_of, live, open_place, rows_of


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = open_place(tmp_path / "data")
    live(place)
    yield place
    place.memory.close()
    place.store.dispose()


def parts_of(place: Place, **retention: timedelta) -> Any:
    persona = SimpleNamespace(handle="ida", memory=SimpleNamespace(retention=retention))
    return SimpleNamespace(personas=(persona,), store=place.store, memory=place.memory)


def test_every_kind_but_canon_may_fade() -> None:
    assert set(get_args(Fading)) == set(get_args(RecordKind)) - {"canon"}


def test_what_was_told_fades_everywhere(place: Place) -> None:
    parts = parts_of(place, told=timedelta(days=5))
    assert tidy(parts, NOW) == 0, "all of it is a day old"
    later = NOW + timedelta(days=6)
    assert tidy(parts, later) == 6
    assert {row["kind"] for row in rows_of(place.store, JournalRow)} == {"post", "reply", "promise"}
    events = rows_of(place.store, InboxRow)
    held = [row for row in events if row["author"] == ANNA]
    assert [row["text"] for row in held] == [SAID[1]], "its answer still waits for a person"
    assert len(events) == 6, "an event is known again"
    logged = [row["body"] for row in rows_of(place.store, LogRow) if row["kind"] == "heard"]
    assert logged == [{"what": "reply", "forgotten": True}] * 6
    tidied = [row["body"] for row in rows_of(place.store, LogRow) if row["kind"] == "tidied"]
    assert tidied == [{"counts": {"events": 5}}, {"counts": {"told": 6}}]
    with reading(place.store) as session:
        assert SAID[0] not in json.dumps(session.scalars(select(TraceRow.body)).first())
    assert [h.ok for h in place.memory.health()] == [True]
    chroma = bytes_of(place.folder / "chroma")
    assert place.memory.embed([SAID[0]])[0].tobytes() not in chroma


def test_once_a_day_and_again_the_same(place: Place) -> None:
    parts = parts_of(place, promise=timedelta(hours=1))
    assert tidy(parts, NOW) == 1
    parts.personas[0].memory.retention = {"post": timedelta(hours=1)}
    assert tidy(parts, NOW + timedelta(hours=23)) == 0
    assert tidy(parts, NOW + timedelta(hours=24)) == 2
    assert tidy(parts, NOW + timedelta(hours=24)) == 0


def test_the_tick_tidies(two: Definition, open_two: Any) -> None:
    faded = two.model_copy(
        update={
            "personas": tuple(
                p.model_copy(update={"memory": p.memory.model_copy(update={"retention": {"told": timedelta(days=1)}})})
                for p in two.personas
            )
        }
    )
    parts = open_two(definition=faded)
    runner = Runner(parts)
    runner.start(parts.clock.now())
    runner.tick(parts.clock.now())
    with reading(parts.store) as session:
        from persona.store import get_setting

        assert get_setting(session, "tidied") == {"at": parts.clock.now().isoformat()}
