"""Reading a corpus of personas with their texts, one persona a line, into examples.

The format is that of the project's labelled data: a line holds `persona` (name, handle, bio, voice, style, topics) and
`items`, each with a `task`, its inputs and the `text` that was wanted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compose.brief import TASKS, Brief, Card, Goods, brief_messages, count_sentences
from ..errors import BadTrainingData
from ..writer.contract import Message

_LABEL = re.compile(r"\s*#(?:ad|AI|ai|Ad|AD)\b")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A brief with the text that answers it. `handle` is whose text it is, `place` the item's place in its line."""

    brief: Brief
    text: str
    handle: str
    source: str
    place: int

    @property
    def key(self) -> str:
        """A stable name for logs and scores."""
        return f"{self.source}/{self.handle}/{self.place}"

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the writer is asked."""
        return brief_messages(self.brief)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """One persona of a corpus with its items, as they stand in the file."""

    persona: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...]
    source: str

    @property
    def handle(self) -> str:
        return str(self.persona["handle"])


def corpus_files(path: Path) -> list[Path]:
    """Return the .jsonl files of a folder, or the file itself. Raises BadTrainingData if there is none."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise BadTrainingData(place_text=str(path), cause_text="there is no .jsonl file")
    return files


def read_casts(path: Path) -> list[Cast]:
    """Return all personas of a folder or file. Raises BadTrainingData, which names file, line and cause."""
    casts = []
    for file in corpus_files(path):
        with file.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    casts.append(_cast(line, f"{file}:{number}", file.stem))
    return casts


def _cast(line: str, place: str, source: str) -> Cast:
    try:
        found = json.loads(line)
        persona, items = found["persona"], found["items"]
        missing = {"name", "handle", "bio", "voice"} - set(persona)
        if missing:
            raise ValueError(f"the persona lacks {', '.join(sorted(missing))}")
        for number, item in enumerate(items):
            if item.get("task") not in TASKS or not isinstance(item.get("text"), str):
                raise ValueError(f"item {number} needs a `task` of {', '.join(TASKS)} and a `text`")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadTrainingData(place_text=place, cause_text=f"{type(error).__name__}: {error}") from error
    return Cast(persona=persona, items=tuple(items), source=source)


def unlabelled(text: str) -> str:
    """Return a text without the labels that code sets."""
    return _LABEL.sub("", text).strip()


def card_of(cast: Cast, samples: Sequence[str] = ()) -> Card:
    """Return the card of a corpus persona."""
    persona = cast.persona
    style = persona.get("style") or ""
    return Card(
        name=persona["name"],
        bio=persona["bio"],
        voice=tuple(persona["voice"]),
        style=(style,) if isinstance(style, str) else tuple(style),
        samples=tuple(samples),
    )


def brief_of(card: Card, item: Mapping[str, Any]) -> Brief:
    """Return the brief that an item answers; its length is that of its text."""
    product = item.get("product") or {}
    goods = None
    if product:
        goods = Goods(
            name=product["name"],
            price=product.get("price") or "",
            facts=tuple(product.get("facts") or ()),
            offer=product.get("offer") or "",
        )
    comment = item.get("comment") or {}
    return Brief(
        card=card,
        task=item["task"],
        topic=item.get("topic", ""),
        points=tuple(item.get("points") or ()),
        goods=goods,
        memory=tuple(item.get("memory") or ()),
        about=item.get("about") or item.get("post") or "",
        author=comment.get("author", ""),
        comment=comment.get("text", ""),
        policy=tuple(item.get("policy") or ()),
        mood=item.get("mood", ""),
        sentences=count_sentences(unlabelled(item["text"])),
    )


def sample_places(cast: Cast, turn: int, count: int = 3) -> list[int]:
    """Return the places of `count` own texts to show: posts and a reply, other ones each `turn`."""
    posts = [i for i, item in enumerate(cast.items) if item["task"] == "post"]
    replies = [i for i, item in enumerate(cast.items) if item["task"] == "reply"]
    chosen = [posts[(turn * 2 + i) % len(posts)] for i in range(min(count - 1, len(posts)))]
    if replies:
        chosen.append(replies[turn % len(replies)])
    return list(dict.fromkeys(chosen))


def examples_of(cast: Cast, turn: int = 0, *, tasks: Iterable[str] = TASKS, samples: bool = True) -> Iterator[Example]:
    """Yield a persona's examples. Those whose text is shown as a sample in this `turn` are left out."""
    shown = sample_places(cast, turn) if samples else []
    card = card_of(cast, [unlabelled(cast.items[i]["text"]) for i in shown])
    wanted = set(tasks)
    for place, item in enumerate(cast.items):
        if item["task"] in wanted and place not in shown:
            yield Example(
                brief=brief_of(card, item),
                text=unlabelled(item["text"]),
                handle=cast.handle,
                source=cast.source,
                place=place,
            )
