"""The words of a text that carry its content, shortened so that their forms are one."""

from __future__ import annotations

import re

from ..text import stem

_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON_WORDS = """about all and any are because but can could did does for from get got has have her his how into its
just like not one our out really she should that the their them then there they this too was what when where which who
why will with would you your"""
_COMMON = frozenset(_COMMON_WORDS.split())


def stems(text: str) -> set[str]:
    """Return the stems of the words of `text` that are no mere joints: "cools" and "cooling" are one."""
    return set(stems_in_order(text))


def stems_in_order(text: str) -> list[str]:
    """Return the same stems as they follow each other, each as often as it stands there."""
    return [stem(word) for word in _WORD.findall(text.casefold()) if word not in _COMMON]
