"""clean_text: what is left of a stranger's text."""

from __future__ import annotations

import pytest

from persona.text import clean_line, clean_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain", "plain"),
        ("  two\r\nlines\rthree\u2028four\t\tx  ", "two\nlines\nthree\nfour  x"),
        ("a\u200bb\u200dc\ufeffd\u2060e", "abcde"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("hi\U000e0049\U000e0067\U000e006e", "hi"),
        ("x\ufe01\ufe02\U000e0101", "x"),
        ("❤\ufe0f\ufe0f\ufe0f", "❤\ufe0f"),
        ("bell\x07 nul\x00 esc\x1b[0m", "bell nul esc[0m"),
        ("e\u0301", "é"),
        ("a\ud800b", "ab"),
        ("\u3164\u2800", ""),
        ("日本 🐢 grün", "日本 🐢 grün"),
    ],
)
def test_what_hides_goes(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean
    assert clean_text(clean) == clean


def test_it_is_cut() -> None:
    assert len(clean_text("x" * 5000)) == 2000
    assert len(clean_text("\u0958" * 5000)) <= 2000
    assert clean_text("abcdef", 3) == "abc"


def test_a_name_is_one_line() -> None:
    assert clean_line("Bob\n\u202e  the\tBuilder ") == "Bob the Builder"
