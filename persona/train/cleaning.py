"""Cleaning: which of a user's texts are trained on, and why the others are not, line by line."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import BadTrainingData
from ..language import guess
from .corpus import unlabelled
from .foreign import Foreign
from .near import firsts, plain
from .personal import found_in
from .posts import LeftOut, Post, Read

MOST = 2000
"""Characters of one text; no network takes longer posts."""
LEAST_TEXTS = 4
_LEAST_WORDS, _LEAST_LETTERS = 3, 12
_CONTROL = re.compile(r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>", re.IGNORECASE)
# What hides in a text: control, zero-width, bidirectional and tag characters. The joiner of emoji stays.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_LINK = re.compile(r"https?://|\bwww\.", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w.])@\w{2,}")


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """Texts to train on, the lines that were left out, and notes on lines that were kept."""

    place: str
    encoding: str
    lines: int
    posts: tuple[Post, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[LeftOut, ...]
    languages: dict[str, int]

    @property
    def reasons(self) -> dict[str, int]:
        """How many lines were left out for each reason, the commonest first."""
        return dict(Counter(each.reason for each in self.left_out).most_common())

    def as_json(self) -> dict[str, object]:
        """Return the counts and the lines, without any of their text."""
        return {
            "from": self.place,
            "encoding": self.encoding,
            "lines": self.lines,
            "kept": len(self.posts),
            "left_out": self.reasons,
            "notes": dict(Counter(each.reason for each in self.notes).most_common()),
            "languages": self.languages,
            "lines_left_out": [_row(each) for each in self.left_out],
            "lines_noted": [_row(each) for each in self.notes],
        }


def clean(read: Read, foreign: Foreign | None = None) -> Cleaned:
    """Return what of a file may be trained on. Raises BadTrainingData where more than half of it, or all but a few
    lines, may not.

    Lines with a comment (a query) are duplicates only where it is the same too: other queries may have like answers.
    """
    foreign = foreign or Foreign()
    kept: list[Post] = []
    left_out = list(read.left_out)
    notes = list(read.notes)
    seen: dict[str, int] = {}
    for post in read.posts:
        text = unlabelled(tidy(post.text))
        post = replace(post, text=text, topic=tidy(post.topic)[:200], comment=tidy(post.comment)[:MOST])
        if reason := _refused(post, foreign):
            left_out.append(reason)
            continue
        key = f"{plain(text)}\n{plain(post.comment)}"
        if key in seen:
            left_out.append(LeftOut(line=post.line, reason="duplicate", detail=f"as line {seen[key]}"))
            continue
        seen[key] = post.line
        kept.append(post)
    kept, near = _without_near(kept)
    left_out += near
    notes += [note for post in kept for note in _notes(post)]
    languages = Counter(guess(post.text) or "?" for post in kept)
    common = languages.most_common(1)[0][0] if languages else ""
    for post in kept:
        found = guess(post.text)
        if found and found != common:
            notes.append(LeftOut(line=post.line, reason="another language", detail=found))
    cleaned = Cleaned(
        place=read.place,
        encoding=read.encoding,
        lines=len(read.posts) + len(read.left_out),
        posts=tuple(kept),
        left_out=tuple(sorted(left_out, key=lambda each: each.line)),
        notes=tuple(sorted(notes, key=lambda each: (each.line, each.reason))),
        languages=dict(languages.most_common()),
    )
    _judge(cleaned)
    return cleaned


def tidy(text: str) -> str:
    """Return `text` in NFC, without what cannot be seen, with plain line ends and no blanks around its lines."""
    text = _UNSEEN.sub("", unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _refused(post: Post, foreign: Foreign) -> LeftOut | None:
    text, line = post.text, post.line
    if not text:
        return LeftOut(line=line, reason="empty")
    if len(text) > MOST:
        return LeftOut(line=line, reason="too long", detail=f"more than {MOST} characters")
    if len(plain(text).split()) < _LEAST_WORDS and sum(map(str.isalpha, text)) < _LEAST_LETTERS:
        return LeftOut(line=line, reason="too short")
    for name in ("text", "topic", "comment"):
        value = getattr(post, name)
        if _CONTROL.search(value):
            return LeftOut(line=line, reason="control tokens", detail=f"of a chat model, in its {name}")
        if what := found_in(value):
            reason = "secret" if what == "a secret" else "personal data"
            return LeftOut(line=line, reason=reason, detail=f"{what} in its {name}")
        if foreign.said(value):
            return LeftOut(line=line, reason="another's words", detail=f"in its {name}")
    if foreign.names(text):
        return LeftOut(line=line, reason="another's words", detail="it names a follower")
    return None


def _without_near(posts: Sequence[Post]) -> tuple[list[Post], list[LeftOut]]:
    kept, left_out = [], []
    places = firsts([post.text for post in posts])
    for place, (post, first) in enumerate(zip(posts, places, strict=True)):
        if first == place or post.comment:
            kept.append(post)
        else:
            detail = f"nearly as line {posts[first].line}"
            left_out.append(LeftOut(line=post.line, reason="near duplicate", detail=detail))
    return kept, left_out


def _notes(post: Post) -> list[LeftOut]:
    notes = []
    if _LINK.search(post.text):
        notes.append(LeftOut(line=post.line, reason="link", detail="the model will learn to write links"))
    if _MENTION.search(post.text):
        notes.append(LeftOut(line=post.line, reason="mention", detail="the model will learn to name accounts"))
    return notes


def _judge(cleaned: Cleaned) -> None:
    found = ", ".join(f"{reason} {count}" for reason, count in cleaned.reasons.items())
    first = "; ".join(f"line {each.line}: {each.reason}" for each in cleaned.left_out[:3])
    if not cleaned.posts:
        cause = f"no text is left ({found}; {first})" if found else "it holds no text"
    elif len(cleaned.left_out) > cleaned.lines / 2:
        cause = f"{len(cleaned.left_out)} of {cleaned.lines} lines are unusable ({found}; {first})"
    elif len(cleaned.posts) < LEAST_TEXTS:
        cause = f"only {len(cleaned.posts)} texts are left, and {LEAST_TEXTS} are needed"
    else:
        return
    raise BadTrainingData(place_text=cleaned.place, cause_text=cause)


def _row(each: LeftOut) -> dict[str, object]:
    return {"line": each.line, "reason": each.reason, "detail": each.detail}
