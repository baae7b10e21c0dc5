"""Comments in a model's words: what it is asked, and what of its answers can stand."""

from __future__ import annotations

import re
from collections.abc import Mapping

from persona.compose.brief import Brief, Card, brief_messages
from persona.definition import Persona
from persona.network import Status
from persona.text import clean_text, without_end_tags
from persona.writer import Sampling, WriteRequest

from .bank import Intent
from .words import nouns, words

MAX_CHARS = 200
_PLANS: Mapping[Intent, str] = {
    "praise": "praise the {}",
    "question": "ask about the {}",
    "story": "tell of own {}",
    "wish": "wish for more on {}",
    "chat": "joke about the {}",
}
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MACHINE = re.compile(
    r"\bas an? (ai|language model|assistant)|\bhere('s| is| are)\b|\bi('m| am) (sorry|unable|here to)|\bsure[,!]|"
    r"\bcertainly\b|\bcomment\s*:|\bfollower\b|\bassist\b|\bcaption\b|\bthe post\b|\bthis post is\b|https?:|www\.",
    re.IGNORECASE,
)


def may_write(intent: Intent) -> bool:
    """Return whether a model is asked for comments of this kind; it is never asked to be rude or to sell."""
    return intent in _PLANS


def request(request_id: str, seed: int, persona: Persona, post: Status, intent: Intent) -> WriteRequest:
    """Ask for one comment under `post`, in the words that the pocket writer knows, about one of its nouns."""
    text = without_end_tags(clean_text(post.text, 500))
    found = nouns(text)
    points = (_PLANS[intent].format(found[seed % len(found)]),) if found else ()
    card = Card(name=persona.name, bio="", voice=())
    brief = Brief(card=card, task="comment", about=text, mood=intent, points=points)
    sampling = Sampling(max_tokens=32, temperature=0.8, stop=("\n",))
    return WriteRequest(id=request_id, messages=brief_messages(brief), seed=seed, candidates=2, sampling=sampling)


def tidy(text: str, post: str) -> str:
    """Return the first sentences of a model's answer as a comment, or "" if it cannot stand as one."""
    text = clean_text(text).split("\n")[0].strip().strip("\"'“”‘’*- ").strip()
    kept = ""
    for sentence in _SENTENCE.split(text)[:2]:
        if len(kept) + len(sentence) + 1 > MAX_CHARS:
            break
        kept = f"{kept} {sentence}".strip()
    said, read = words(kept), words(post)
    if len(said) < 2 or any(c in kept for c in '#@"“”{}<>[]') or _MACHINE.search(kept):
        return ""
    runs = {tuple(read[i : i + 5]) for i in range(len(read) - 4)}
    copied = any(tuple(said[i : i + 5]) in runs for i in range(len(said) - 4)) or " ".join(said) in " ".join(read)
    return "" if copied else kept
