"""Saying that a fact is not given, where it is not."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re

_NOT_GIVEN = re.compile(
    r"\b(?:is|are|was|were)(?:n't| not) (?:in|among|on|part of|given|listed|mentioned|stated|written|noted|told|named|covered|recorded)\b"
    r"|\b(?:do|does|did)(?:n't| not) (?:say|know|list|tell|mention|give|state|cover|include|hold|have|name|specify)\b"
    r"|\bno (?:word|words|note|notes|figure|fact|facts|mention|line|detail|details|information|answer|number|idea|data|entry)\b"
    r"|\b(?:can't|cannot|couldn't|won't|will not|would not|rather not|never) (?:say|tell|guess|promise|confirm)\b|\bnothing (?:in|on|about)\b"
    r"|\b(?:not|never|left out|missing|silent) (?:in|of|from|among|on|about|covered|recorded|told)\b|\b(?:say|tell)s? (?:me )?nothing\b"
    r"|\bi only (?:know|have)\b|\bunknown\b"
    r"|\b(?:ask|check|contact|write to|message|look (?:at|on)|see) (?:with )?(?:the|their|its|our) (?:\w+ )?"
    r"(?:shop|store|seller|maker|brand|team|product|page|label|support|customer|manual|people|staff|box)\b",
    re.IGNORECASE,
)


def says_not_given(text: str) -> bool:
    """Tell whether an answer says that it does not know, or where to ask. By lexicon, in English.

    It knows three to four in five of the corpora's answers to what the facts leave open, and errs on 2 in 100 others.
    """
    return bool(_NOT_GIVEN.search(text.replace("’", "'")))
