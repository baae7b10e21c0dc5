"""From what a model wrote to a text that can go out: cleaned, whole sentences, within length, labelled."""

from __future__ import annotations

import re
import unicodedata

from ..cue import Cue
from ..definition.schema import Emoji
from ..guards.emoji import emoji_in, undressed
from .trim import SENTENCE

_PREFIX = re.compile(
    r"^\s*(?:(?:sure|certainly|of course|absolutely)[,!.][^:\n]{0,60}:|here(?:'s| is)[^:\n]{0,60}:|"
    r"(?:post|reply|answer|caption|tweet|response|assistant)\s*:)\s*",
    re.IGNORECASE,
)
_HASHTAG = re.compile(r"(?:^|\s)#\w+")
_QUOTES = "\"“”'‘’`*_ "


def clean(written: str, *, sentences: int, chars: int) -> str:
    """Return the first whole sentences of what a model wrote, at most so many and so long; empty if none is whole.

    Takes off openers such as "Sure, here is a post:", wrapping quotation marks and hashtags.
    """
    text = _PREFIX.sub("", written.strip())
    text = _HASHTAG.sub("", text.split("\n\n")[0])
    text = " ".join(text.split()).strip()
    if len(text) > 1 and text[0] in '"“' and text.count('"') + text.count("“") + text.count("”") <= 2:
        text = text.strip(_QUOTES)
    kept: list[str] = []
    for piece in SENTENCE.findall(text):
        piece = piece.strip()
        if not piece or (piece[-1] not in ".!?…\"”’')]" and not _ends_in_emoji(piece)):
            continue
        if len(kept) == sentences or len(" ".join([*kept, piece])) > chars:
            break
        kept.append(piece)
    return " ".join(kept)


def within_emoji(text: str, policy: Emoji) -> str:
    """Return the text without emoji beyond the persona's policy: the last ones and those not allowed go."""
    left, allowed = policy.max, {undressed(sign) for sign in policy.allowed}
    for found in emoji_in(text):
        if left and (not allowed or undressed(found) in allowed):
            left -= 1
        else:
            at = text.rindex(found)
            text = f"{text[:at].rstrip()} {text[at + len(found) :].lstrip()}".strip()
    return text


def with_labels(body: str, labels: tuple[str, ...], most: int) -> str:
    """Return body and labels within `most` characters: the body is cut at a word, the labels never."""
    tail = " ".join(labels)
    room = most - len(tail) - (1 if tail else 0)
    if len(body) > room:
        body = body[: max(room - 1, 0)].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
    return f"{body} {tail}".strip()


def labels_for(cue: Cue) -> tuple[str, ...]:
    """Return the labels this text must carry: the ad label where a product is spoken of, the AI label."""
    disclosure = cue.persona.disclosure
    labels = [disclosure.ad] if cue.subject.product else []
    if cue.kind == "post" or disclosure.on_replies:
        labels.append(disclosure.ai)
    return tuple(labels)


def _ends_in_emoji(piece: str) -> bool:
    return unicodedata.category(piece[-1]) in ("So", "Sk", "Mn", "Cf")
