"""Unselected samples: drafts drawn by digest, evenly over the tasks, with what was asked."""

from __future__ import annotations

from collections.abc import Sequence

from ...compose.brief import brief_messages
from ...digest import seed_of
from ..corpus import Example
from .sheet import TASKS, Sheet


def drawn(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Return `count` examples, as evenly over the tasks as they allow, in an order drawn by digest."""
    by_task = [
        sorted((e for e in examples if e.brief.task == task), key=lambda e: (seed_of("sample", seed, e.key), e.key))
        for task in TASKS
    ]
    found: list[Example] = []
    for place in range(max(map(len, by_task), default=0)):
        found += [group[place] for group in by_task if place < len(group)]
    return sorted(found[:count], key=lambda e: (TASKS.index(e.brief.task), seed_of("sample", seed, e.key), e.key))


def samples_text(examples: Sequence[Example], sheet: Sheet, *, count: int, seed: int, heading: str) -> str:
    """Return Markdown: each draft with the persona that wrote it and the request, word for word."""
    chosen = drawn(examples, count, seed)
    lines = [f"# {heading}", "", f"Writer: {sheet.writer}. Drawn by digest with seed {seed}, none left out.", ""]
    for number, example in enumerate(chosen, 1):
        brief = example.brief
        lines += [f"## {number}. {brief.task}: {brief.card.name}", ""]
        lines += [f"*{brief.card.bio} Voice: {', '.join(brief.card.voice)}. {' '.join(brief.card.style)}*", ""]
        lines += [f"    {line}" for line in brief_messages(brief)[-1].content.splitlines()]
        lines += ["", *[f"> {line}" for line in (sheet.texts[example.key] or "(nothing)").splitlines()], ""]
    return "\n".join(lines)
