"""What the tests of training share."""

from __future__ import annotations

NOUNS = ("loaf", "basil", "kettle", "ladder", "candle", "blanket", "pencil", "lantern", "saddle", "button")
VERBS = ("rests", "leans", "hums", "waits", "glows", "dries", "turns", "settles", "keeps", "cools")


def post_text(number: int) -> str:
    """Return one of a hundred short texts, no two of which are near duplicates."""
    noun, verb = NOUNS[number % 10], VERBS[number // 10 % 10]
    tails = ("by the window all morning", "where nobody looks for it", "until the street is quiet again")
    return f"The {noun} {verb} {tails[number % 3]}. Number {number} of {verb[:3]}{noun[::-1]} is done."
