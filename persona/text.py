"""Untrusted text, made safe to store, show and quote: what a stranger wrote, without what only hides in it."""

from __future__ import annotations

import re
import unicodedata

MAX_FOREIGN = 2000
"""How many characters of a stranger's text are looked at."""

_LINE = re.compile("\r\n?|[\u2028\u2029\x85\x0b\x0c]")
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_STRAY_EMOJI_SIGN = re.compile("(?:(?<=\ufe0f)|(?<=\\s)|^)\ufe0f+")


def _hidden(char: str) -> bool:
    # Variation selectors can carry any bytes behind one visible character; only the emoji one is in common use.
    if char in _BLANK or "\ufe00" <= char <= "\ufe0e" or "\u180b" <= char <= "\u180f" or char >= "\U000e0000":
        return True
    return char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn")


def clean_text(text: str, limit: int = MAX_FOREIGN) -> str:
    """Return `text` cut to `limit` characters, in NFC, without anything a reader cannot see.

    Zero-width, bidirectional, tag, control and private-use characters go, so emoji joined by a zero-width joiner
    fall apart into their parts. Newlines stay; tabs become spaces; blank ends are stripped. Idempotent.
    """
    text = _LINE.sub("\n", text[:limit]).replace("\t", " ")
    text = "".join(c for c in text if not _hidden(c))
    text = _STRAY_EMOJI_SIGN.sub("", unicodedata.normalize("NFC", text))
    return text[:limit].strip()


def clean_line(text: str, limit: int = 100) -> str:
    """Return `text` as `clean_text` does, on one line: for names and handles."""
    return " ".join(clean_text(text, limit).split())


_PROMISE = re.compile(r"\bI(?:'ll| will) (?:write about|come back to)\b|\bon my list\b|\bI promise\b", re.IGNORECASE)


def promised_in(text: str) -> str:
    """Return the sentence of `text` in which its author promises something, or an empty text."""
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        if _PROMISE.search(sentence):
            return sentence
    return ""


def without_end_tags(text: str) -> str:
    """Return `text` without the hashtags at its end, where labels stand."""
    words = text.split(" ")
    while words and words[-1].startswith("#"):
        words.pop()
    return " ".join(words)


def stem(word: str) -> str:
    """Return `word` without the commonest English endings: enough to match "runs" and "running"."""
    word = word.removesuffix("'s")
    for ending in ("ings", "ing", "ies", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
