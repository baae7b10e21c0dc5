"""What memories are asked in `benchmarks.memory_recall`: conversations with questions, and personas' callbacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_TYPES = {1: "several turns", 2: "time", 3: "open", 4: "one turn", 5: "adversarial"}
_START = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One text that is remembered. `thread` is empty where turns are no conversation."""

    id: str
    author: str
    text: str
    at: datetime
    thread: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One text that is looked for, and the ids of the turns that should be found."""

    text: str
    kind: str
    evidence: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Talk:
    """All that one memory holds, and what it is asked at `now`."""

    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]
    now: datetime


def talks_of(path: Path) -> list[Talk]:
    """Read LoCoMo conversations (.json) and persona files (.jsonl); `path` is such a file or a folder of them.

    Files of a folder that are of neither format are passed over. Raises ValueError if nothing is left.
    """
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.suffix in (".json", ".jsonl"))
    talks = [talk for file in files for talk in _read(file)]
    if not talks:
        raise ValueError(f"{path}: no LoCoMo conversation and no persona with callbacks; give a folder or file of them")
    return talks


def _read(file: Path) -> Iterator[Talk]:
    if file.suffix == ".jsonl":
        with file.open(encoding="utf-8") as stream:
            first = json.loads(stream.readline() or "null")
        if isinstance(first, dict) and {"persona", "items"} <= set(first):
            yield _callbacks(file)
    else:
        found = json.loads(file.read_text(encoding="utf-8"))
        for i, one in enumerate(found if isinstance(found, list) else [found]):
            if isinstance(one, dict) and {"conversation", "qa"} <= set(one):
                yield _locomo(one, f"{file.stem} {one.get('sample_id', i)}")


def _locomo(one: dict[str, Any], name: str) -> Talk:
    talk = one["conversation"]
    turns = []
    for session in sorted((key for key in talk if re.fullmatch(r"session_\d+", key)), key=lambda key: int(key[8:])):
        start = datetime.strptime(talk[f"{session}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        for i, turn in enumerate(talk[session]):
            photo = f" [photo: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            text = f"{turn['speaker']}: {turn['text']}{photo}"
            at = start + timedelta(minutes=i)
            turns.append(Turn(id=turn["dia_id"], author=turn["speaker"], text=text, at=at, thread=session))
    ids = {turn.id for turn in turns}
    questions = []
    for asked in one["qa"]:
        # A few entries hold several ids in one string.
        named = {part for entry in asked["evidence"] for part in re.split(r"[;,\s]+", entry)}
        if named & ids:
            kind = _TYPES.get(asked["category"], str(asked["category"]))
            questions.append(Question(text=asked["question"], kind=kind, evidence=frozenset(named & ids)))
    return Talk(name=name, turns=tuple(turns), questions=tuple(questions), now=max(t.at for t in turns) + _DAY)


_DAY = timedelta(days=1)


def _callbacks(file: Path) -> Talk:
    """One memory of all personas of a file: their posts, and the notes that their callbacks and replies rest on."""
    turns: dict[str, Turn] = {}
    questions = []
    for line in file.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        for item in one["items"]:
            texts = item.get("memory", []) + ([item["text"]] if item["task"] == "post" else [])
            for text in texts:
                # The same text of two personas is one note: either is what was looked for.
                at = _START + timedelta(hours=len(turns))
                turns.setdefault(text, Turn(id=text, author=one["persona"]["handle"], text=text, at=at, thread=""))
            if item["task"] == "callback" and item.get("memory"):
                questions.append(Question(text=item["topic"], kind="callback", evidence=frozenset(item["memory"])))
    end = _START + timedelta(hours=len(turns)) + _DAY
    return Talk(name=file.stem, turns=tuple(turns.values()), questions=tuple(questions), now=end)
