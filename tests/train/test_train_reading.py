"""Files in all kinds of encodings and shapes, and what is said of their bad lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from persona.errors import BadTrainingData
from persona.train.encoding import decode, mended
from persona.train.posts import read_posts

TEXT = "Grüße aus der Küche. Ça va très bien, señora!\nZweite Zeile, ganz ohne.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_a_text_is_read_whatever_it_is_encoded_in(encoding: str) -> None:
    found = decode(TEXT.encode(encoding), "x.txt")
    assert found.text == TEXT
    assert not found.lost


def test_typographic_signs_of_windows_are_read() -> None:
    found = decode("It’s “good” – really, café".encode("cp1252"), "x.txt")
    assert (found.text, found.encoding) == ("It’s “good” – really, café", "cp1252")


def test_one_damaged_line_costs_that_line_only() -> None:
    data = "Grüße\n".encode() + "Küche\n".encode("latin-1") + "schön\n".encode()
    found = decode(data, "x.txt")
    assert found.lost == {2}
    assert found.text.splitlines()[::2] == ["Grüße", "schön"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"\xff\xfe\x41",
        "Привет, мир, как дела сегодня".encode("cp1251"),
        "日本語のテキスト".encode("shift-jis"),
    ],
    ids=["a picture", "torn utf-16", "cp1251", "shift-jis"],
)
def test_what_cannot_be_told_is_refused(data: bytes) -> None:
    with pytest.raises(BadTrainingData, match="Nothing was trained"):
        decode(data, "x.txt")


def test_text_that_was_read_wrongly_once_is_mended() -> None:
    for right in ("Grüße aus Köln", "It’s fine – “really”", "naïve café ☕", "🍞 bread"):
        wrong = "".join(_cp1252(byte) for byte in right.encode())
        assert mended(wrong) == right
    for right in ("Ã is a letter of its own", "São Paulo", "plain"):
        assert mended(right) == right


def _cp1252(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def test_bad_lines_of_jsonl_are_named(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    lines = [
        json.dumps({"text": "One good line.", "topic": "lines", "comment": {"text": "why?"}}),
        "{torn",
        "",
        json.dumps(["a list"]),
        json.dumps({"topic": "no text"}),
        json.dumps({"text": "A topic that is no text.", "topic": 7}),
        json.dumps({"text": "With a card.", "persona": {"name": "Ana", "handle": "ana", "bio": "A baker."}}),
        json.dumps({"text": "Two\u2028lines in one."}, ensure_ascii=False),
    ]
    file.write_text("\r\n".join(lines), encoding="utf-8")
    read = read_posts(file)
    assert [(post.line, post.comment, post.persona) for post in read.posts] == [
        (1, "why?", ""),
        (7, "", "ana"),
        (8, "", ""),
    ]
    assert [(each.line, each.reason) for each in read.left_out] == [(n, "unreadable") for n in (2, 4, 5, 6)]
    assert read.left_out[-1].detail == "`topic` is no text"


def test_csv_is_read_by_its_head(tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text(
        'Topic;Text;Query\nbread;"Rests; an hour.\nThen cut.";why?\n;only text;\nshort;row\n', encoding="utf-8-sig"
    )
    read = read_posts(file)
    first, second = read.posts
    assert (first.line, first.text, first.topic, first.comment) == (2, "Rests; an hour.\nThen cut.", "bread", "why?")
    assert (second.line, second.text) == (4, "only text")
    assert [(each.line, each.reason) for each in read.left_out] == [(5, "unreadable")]


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", "topic,words\na,b\n"), ("b.csv", 'text\n"torn\n'), ("c.docx", "x")]
)
def test_a_file_that_is_none_of_these_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadTrainingData):
        read_posts(tmp_path / name)
    with pytest.raises(BadTrainingData, match="no such file"):
        read_posts(tmp_path / "missing.txt")


def test_lines_of_txt_are_posts(tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    file.write_bytes("GrÃ¼ÃŸe, first.\n\n  second  \nthird \ufffd\n".encode())
    read = read_posts(file)
    assert [(post.line, post.text) for post in read.posts] == [(1, "Grüße, first."), (3, "second")]
    assert [(each.line, each.reason) for each in read.notes] == [(1, "mended")]
    assert [(each.line, each.reason) for each in read.left_out] == [(4, "encoding")]
