"""Comments in a model's words: what it is asked, and what of its answers can stand."""

from __future__ import annotations

import re

from persona.definition import Persona
from persona.network import Status
from persona.text import clean_text
from persona.writer import Message, Sampling, WriteRequest

from .bank import Intent
from .people import Person
from .words import words

MAX_CHARS = 200
_SYSTEM = (
    "You are a follower on a social network, not a writer. You write one short comment under a post, "
    "one sentence, as people do: casual, concrete, no hashtags, no quotation marks."
)
_EXAMPLES = (
    ("Write something kind about it.", "The heron is back on the canal. Third day.", "that heron has a job I bet"),
    ("Ask one question about it.", "Salt the water before the pasta goes in.", "how much salt for two people?"),
)  # fmt: skip
_MOODS: dict[Intent, str] = {
    "praise": "Write something kind about it.",
    "question": "Ask one question about it.",
    "story": "Tell one small thing from your own day that it reminds you of.",
    "wish": "Say what you would like to read next.",
    "chat": "Write something light about it.",
}
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MACHINE = re.compile(
    r"\bas an? (ai|language model|assistant)|\bhere('s| is| are)\b|\bi('m| am) (sorry|unable|here to)|\bsure[,!]|"
    r"\bcertainly\b|\bcomment\s*:|\bfollower\b|\bassist\b|\bcaption\b|\bthe post\b|\bthis post is\b|https?:|www\.",
    re.IGNORECASE,
)


def may_write(intent: Intent) -> bool:
    """Return whether a model is asked for comments of this kind; it is never asked to be rude or to sell."""
    return intent in _MOODS


def request(request_id: str, seed: int, person: Person, persona: Persona, post: Status, intent: Intent) -> WriteRequest:
    """Ask for one comment of `person` under `post`."""
    messages = [Message(role="system", content=_SYSTEM)]
    for mood, text, comment in _EXAMPLES:
        messages += [Message(role="user", content=f"Post: {text}\n{mood}"), Message(role="assistant", content=comment)]
    likes = ", ".join(person.account.interests[:2])
    ask = f"You like {likes}.\nPost by {persona.name}: {clean_text(post.text, 500)}\n{_MOODS[intent]}"
    messages.append(Message(role="user", content=ask))
    sampling = Sampling(max_tokens=32, temperature=0.9, stop=("\n",))
    return WriteRequest(id=request_id, messages=tuple(messages), seed=seed, candidates=2, sampling=sampling)


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
