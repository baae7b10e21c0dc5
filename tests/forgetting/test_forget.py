"""A forgotten person is nowhere any more, and nobody else has lost anything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from persona.errors import AuthorIsAPersona, AuthorOnSeveralChannels, ForgettingWaits
from persona.forgetting import (
    Person,
    Place,
    Tombstones,
    finish,
    forget_people,
    lift,
    people_called,
    receipts,
    unfinished,
)
from persona.forgetting.export import held_about
from persona.memory import Query
from persona.store import InboxRow, JournalRow, LogRow, OutboxRow, PostRow, TraceRow, reading, writing
from tests.forgetting.lived import ANNA, NOW, OTHERS, SAID, bytes_of, live, open_place, record, rows_of

WHO = [Person(author=ANNA, channel="feed")]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = open_place(tmp_path / "data")
    live(place)
    yield place
    place.memory.close()
    place.store.dispose()


def left_in(folder: Path) -> list[str]:
    """Return which of the person's own words are found by the plainest of searches."""
    data = bytes_of(folder)
    texts = [ANNA, *SAID[:2], SAID[0][5:30], SAID[1][-30:], "Delfzijl", f"reply-{ANNA}", f"77{ANNA}"]
    forms = {
        form for text in texts for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    }
    return sorted(form for form in forms if form.encode() in data)


def test_nothing_of_a_person_is_left(place: Place) -> None:
    assert len(left_in(place.folder)) > 8
    vector = place.memory.embed([SAID[0]])[0].tobytes()
    assert vector in bytes_of(place.folder)
    receipt = forget_people(WHO, place, NOW)
    assert left_in(place.folder) == []
    assert vector not in bytes_of(place.folder)
    assert receipt.left == ()
    assert receipt.searched["needles"] > 20
    assert receipt.searched["bytes"] >= (place.folder / "persona.db").stat().st_size > 0
    assert receipt.counts["journal removed"] == 6
    assert receipt.counts["inbox removed"] == 3
    assert receipt.counts["posts that stay on their network"] == 2
    assert ANNA.casefold() not in json.dumps(receipt.as_json()).casefold()
    assert [h.ok for h in place.memory.health()] == [True]


def test_nobody_else_has_lost_anything(place: Place) -> None:
    before = {row["record_id"]: row for row in rows_of(place.store, JournalRow) if row["author"] in ("ben", "ida")}
    forget_people(WHO, place, NOW)
    after = {row["record_id"]: row for row in rows_of(place.store, JournalRow)}
    own = record("post", "Rye needs a night to settle, then it slices clean.", source="key-4")
    assert set(after) == {own.id, *(one for one, row in before.items() if row["author"] == "ben")}
    changed = [one for one, row in after.items() if row != before[one]]
    assert [after[one]["text"] for one in changed] == [OTHERS[0].replace(f"@{ANNA}", "@someone")]
    assert (after[changed[0]]["vector"] == place.memory.embed([str(after[changed[0]]["text"])])[0].tobytes()) is True
    assert [row["text"] for row in rows_of(place.store, InboxRow)] == [
        OTHERS[0].replace(f"@{ANNA}", "@someone"),
        *OTHERS[1:],
    ]
    found = place.memory.recall([Query(persona="ida", text="how long to bake", now=NOW)])[0]
    assert found[0].record.text == OTHERS[2]


def test_the_outbox_keeps_its_keys_and_sends_nothing_more(place: Place) -> None:
    forget_people(WHO, place, NOW)
    rows = {row["key"]: row for row in rows_of(place.store, OutboxRow)}
    assert {key: row["state"] for key, row in rows.items()} == {
        "key-1": "sent", "key-2": "expired", "key-3": "sent", "key-4": "sent",
    }  # fmt: skip
    assert [rows[f"key-{i}"]["text"] for i in (1, 2, 3)] == ["[forgotten]"] * 3
    assert str(rows["key-4"]["text"]).startswith("Rye needs a night")
    assert [row["text"] for row in rows_of(place.store, PostRow)] == [
        "[forgotten]",
        "[forgotten]",
        rows["key-4"]["text"],
    ]
    assert [row["outbox_id"] for row in rows_of(place.store, TraceRow)] == [rows["key-4"]["id"]]
    kinds = [row["kind"] for row in rows_of(place.store, LogRow)]
    assert kinds == ["heard"] * 6 + ["drafted"] * 4 + ["forgot"], "rows of the log stay, emptied"


def test_a_row_on_its_way_is_not_sent_again(place: Place) -> None:
    with writing(place.store) as session:
        session.execute(update(OutboxRow).where(OutboxRow.key == "key-1").values(state="sending", remote_id=None))
    forget_people(WHO, place, NOW)
    with reading(place.store) as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.key == "key-1")).one()
    assert (row.state, row.text) == ("unknown", "[forgotten]")


def test_it_can_be_done_twice(place: Place) -> None:
    first = forget_people(WHO, place, NOW)
    state = [rows_of(place.store, table) for table in (JournalRow, InboxRow, OutboxRow, PostRow, TraceRow)]
    second = forget_people(WHO, place, NOW)
    assert second.clean
    assert second.counts == {}
    assert second.tombstones == first.tombstones
    assert state == [rows_of(place.store, table) for table in (JournalRow, InboxRow, OutboxRow, PostRow, TraceRow)]
    with reading(place.store) as session:
        assert [r["digest"] for r in receipts(session)] == [first.as_json()["digest"], second.as_json()["digest"]]


def test_a_forgotten_person_is_not_taken_in_again(place: Place) -> None:
    told = record("told", SAID[0], author=ANNA, source="feed:again")
    forget_people(WHO, place, NOW)
    with writing(place.store) as session:
        assert place.memory.remember([told], session) == 0
        stones = Tombstones(session)
        assert stones.author(ANNA.lower(), "feed")
        assert not stones.author(ANNA, "mail")
        assert not stones.author("ben", "feed")
        assert stones.event(f"reply-{ANNA}-{0:018d}", "feed")
        assert stones.without_names(f"ask @{ANNA} and @ben", "feed") == "ask @someone and @ben"
    assert left_in(place.folder) == []
    with writing(place.store) as session:
        assert lift(session, ANNA, "feed")
        assert not lift(session, ANNA, "feed")
        assert Tombstones(session).event(f"reply-{ANNA}-{0:018d}", "feed"), "what was erased stays out"
        assert place.memory.remember([told], session) == 1


def test_what_rests_on_an_erased_record_goes_too(place: Place) -> None:
    if "rests_on" not in JournalRow.__table__.c:
        pytest.skip("records do not rest on others here")
    told = record("told", SAID[0], author=ANNA, source="x").id
    with writing(place.store) as session:
        place.memory.remember([record("post", f"concluded {i}", source=f"c{i}") for i in range(3)], session)
        ids = [record("post", f"concluded {i}", source=f"c{i}").id for i in range(3)]
        for one, base in zip(ids, (told, ids[0], "other"), strict=True):
            session.execute(update(JournalRow).where(JournalRow.record_id == one).values({"rests_on": [base]}))
    forget_people(WHO, place, NOW)
    assert {row["record_id"] for row in rows_of(place.store, JournalRow)} & set(ids) == {ids[2]}


def test_text_files_of_the_folder_are_cleaned_and_others_are_named(place: Place, tmp_path: Path) -> None:
    folder = place.folder
    (folder / "loud.txt").write_text(f"HELLO\n@{ANNA} YES\nBYE\n")
    (folder / "export.jsonl").write_text(json.dumps({"text": SAID[1]}) + "\n" + json.dumps({"text": "mine"}) + "\n")
    (folder / "state.json").write_text(
        json.dumps({"a": [{"author": ANNA, "text": "x"}, {"author": "ben"}], "b": SAID[0]})
    )
    outside = tmp_path / "training"
    outside.mkdir()
    (outside / "posts.csv").write_text(f"text\n{SAID[0]}\nRye.\n")
    receipt = forget_people(WHO, Place(**{**place.__dict__, "also": (outside,)}), NOW)
    assert receipt.left == ()
    assert (folder / "loud.txt").read_text() == "HELLO\nBYE\n"
    assert (folder / "export.jsonl").read_text() == json.dumps({"text": "mine"}) + "\n"
    assert json.loads((folder / "state.json").read_text()) == {"a": [{"author": "ben"}], "b": "[forgotten]"}
    assert (outside / "posts.csv").read_text() == "text\nRye.\n"
    (folder / "voice.bin").write_bytes(b"\0\1" + SAID[0].encode() + b"\2")
    receipt = forget_people(WHO, place, NOW)
    assert receipt.left == (), "nothing is known of them any more but the name"
    (folder / "voice.bin").write_bytes(b"\0\1" + ANNA.encode() + b"\2")
    receipt = forget_people(WHO, place, NOW)
    assert not receipt.clean
    assert receipt.left == ("voice.bin: 1",)


def test_the_same_name_on_two_channels(place: Place) -> None:
    with writing(place.store) as session:
        row = session.scalars(select(InboxRow).where(InboxRow.author == ANNA)).first()
        assert row is not None
        row.channel = "mail"
    with reading(place.store) as session:
        with pytest.raises(AuthorOnSeveralChannels, match="feed, mail"):
            people_called(session, f"@{ANNA}", None)
        assert [p.channel for p in people_called(session, ANNA.lower(), "all")] == ["feed", "mail"]
        assert people_called(session, "nobody", None) == []
        with pytest.raises(AuthorIsAPersona):
            people_called(session, "ida", None)
    forget_people(WHO, place, NOW)
    assert [row["channel"] for row in rows_of(place.store, InboxRow) if row["author"] == ANNA] == ["mail"]


def test_the_letters_of_a_short_name_in_other_words_are_told_and_left(tmp_path: Path) -> None:
    place = open_place(tmp_path / "data")
    live(place, author="long", said=SAID[:1])
    receipt = forget_people([Person(author="long", channel="feed")], place, NOW)
    assert receipt.left == ()
    assert any("letters of a handle" in note and "inbox.text" in note for note in receipt.notes)
    assert OTHERS[2] in [row["text"] for row in rows_of(place.store, InboxRow)]
    place.memory.close()
    place.store.dispose()


def test_export_tells_all_that_forget_erases(place: Place) -> None:
    with reading(place.store) as session:
        held = held_about(session, WHO)
    assert {name: len(rows) for name, rows in held["held"].items()} == {
        "inbox": 3, "journal": 6, "outbox": 3, "posts": 2, "traces": 3, "log": 6,
    }  # fmt: skip
    assert held["named by others"] == 1
    assert not held["forgotten before"]
    assert SAID[0] in json.dumps(held, ensure_ascii=False)
    assert "@someone" not in json.dumps(held)
    assert OTHERS[2] not in json.dumps(held)
    forget_people(WHO, place, NOW)
    with reading(place.store) as session:
        again = held_about(session, WHO)
    assert again["held"] == {}
    assert again["forgotten before"]


def test_a_reader_in_the_way_is_told_and_the_rest_follows_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona.forgetting.files._PATIENCE", 0.2)
    import sqlite3

    other = sqlite3.connect(place.folder / "persona.db", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM journal").fetchone()
    with pytest.raises(ForgettingWaits, match="persona serve"):
        forget_people(WHO, place, NOW)
    assert len(unfinished(place.store)) == 1
    other.close()
    (receipt,) = finish(place)
    assert receipt.left == ()
    assert receipt.counts["inbox removed"] == 3
    assert left_in(place.folder) == []


CHILD = """
import os, pathlib, signal, sys
sys.path[:0] = {path!r}
from tests.forgetting.lived import NOW, ANNA, open_place
from persona.forgetting import Person, forget_people
import persona.forgetting.forget as module
place = open_place(pathlib.Path({folder!r}))
name = {at!r}
real = getattr(module, name)
def dying(*args, **kwargs):
    if not {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, dying)
forget_people([Person(author=ANNA, channel="feed")], place, NOW)
"""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", ["erase", "bury", "clean_files", "_compact", "_search"])
def test_killed_in_the_middle_it_is_finished_later(tmp_path: Path, at: str, after: bool) -> None:
    folder = tmp_path / "data"
    place = open_place(folder)
    live(place)
    (folder / "loud.txt").write_text(f"HELLO\n@{ANNA} YES\n{SAID[0]}\n")
    place.memory.close()
    place.store.dispose()
    child = CHILD.format(path=sys.path, folder=str(folder), at=at, after=after)
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    place = open_place(folder)
    assert len(unfinished(place.store)) == 1
    (receipt,) = finish(place)
    assert receipt.left == ()
    assert receipt.counts["inbox removed"] == 3
    assert receipt.searched["needles"] > 20
    assert left_in(folder) == []
    assert (folder / "loud.txt").read_text() == "HELLO\n"
    assert finish(place) == []
    place.memory.close()
    place.store.dispose()
