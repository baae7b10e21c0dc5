"""CommentBank: what it holds, what it reads, what it refuses."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from persona.audience import CommentBank
from persona.audience.people import make_people
from persona.audience.pick import typed
from persona.audience.words import nouns, overlap, stems, words
from persona.audience.written import tidy
from persona.errors import CommentsUnreadable


def test_the_bank_is_large_and_various() -> None:
    bank = CommentBank.load()
    counts = Counter(line.intent for line in bank.lines)
    assert len(bank) >= 260
    assert min(counts.values()) >= 10
    assert len(counts) == 11
    assert sum(bool(line.slots) for line in bank.lines) > 100
    assert sum(bool(line.later) for line in bank.lines) >= 20
    assert all(len(line.text) <= 140 for line in bank.lines)


def test_a_line_is_known_again_however_it_is_typed() -> None:
    bank = CommentBank.load()
    values = {"word": "kettle", "topic": "slow tea", "product": "Harbour Mug", "past": "spoon", "other": "ben"}
    people = make_people(1, 12, [["tea"]], ())
    for line in bank.lines:
        found = {bank.line_of(typed(line.fill(values), person)) for person in people}
        assert None not in found
    assert bank.line_of("something that nobody has written down before") is None


def test_files_of_product_comments_are_read(tmp_path: Path) -> None:
    row = {
        "product": {"id": "p", "name": "Pip Buds", "category": "gadgets", "facts": ["8 hours"]},
        "comments": [
            {"author": "a", "text": "whoever I ring only hears {word}", "intent": "complaint", "lang": "en"},
            {"author": "b", "text": "cheap buds on my page", "intent": "spam", "lang": "en"},
            {"author": "c", "text": "super\u200b produit", "intent": "praise", "lang": "fr"},
        ],
    }
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(row) + "\n\n")
    complaint, spam, praise = CommentBank.load(path).lines[:3]
    assert (complaint.product, complaint.slots, complaint.fill({})) == ("Pip Buds", frozenset(), complaint.text)
    assert spam.product == ""
    assert (praise.text, praise.language) == ("super produit", "fr")


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        "3",
        '{"intent": "praise"}',
        '{"intent": "x", "text": "y"}',
        '{"comments": [{}], "product": {}}',
        "[" * 9999,
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"intent": "praise", "text": "fine"}\n' + row + "\n")
    with pytest.raises(CommentsUnreadable, match="line 2"):
        CommentBank.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommentsUnreadable, match=r"none\.jsonl"):
        CommentBank.load(tmp_path / "none.jsonl")


def test_nouns_are_picked_up() -> None:
    assert nouns("The first green leaf of the basil! #AI A good knife, the came") == ["leaf", "basil", "knife"]
    assert nouns("") == nouns("the a the") == []


def test_stems_match_forms_of_a_word() -> None:
    assert stems("running runs") == stems("run")
    assert overlap(["slow runs", "tea"], stems("she runs")) == 0.5
    assert words("Don’t @ana #tag https://x.org stop") == ["don't", "stop"]


@pytest.mark.parametrize(
    ("raw", "tidied"),
    [
        ('"love that bell so much"', "love that bell so much"),
        ("one two. three four. five six.", "one two. three four."),
        ("nice one\nUser: more", "nice one"),
        ("As an AI, I love it", ""),
        ("ok", ""),
        ("check #this out", ""),
        ("leave it at the door and ring the bell", ""),
        ("x" * 300, ""),
    ],
)
def test_a_models_comment_is_tidied_or_dropped(raw: str, tidied: str) -> None:
    assert tidy(raw, "Leave it at the door and ring the bell twice.") == tidied
