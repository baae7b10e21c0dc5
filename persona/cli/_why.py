"""persona why: how one post came to be."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._context import open_engine

if TYPE_CHECKING:
    from rich.console import Console

    from ..explain import Explanation


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what `why` takes."""
    parser.description = "Tell why one text exists: cue, memory, prompt, candidates, verdict, and what happened to it."
    parser.add_argument("ref", metavar="REF", help="outbox number, first characters of its key, or the post's id")
    parser.add_argument("--json", action="store_true", help="everything that is stored, as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the trace; return 0."""
    engine = open_engine(args)
    from ..explain import explain

    try:
        found = explain(engine, args.ref)
    finally:
        engine.dispose()
    if args.json:
        print(json.dumps(found.to_json(), ensure_ascii=False, default=str))
        return 0
    from rich.console import Console

    # Markup and highlighting are off: a stranger's text must not be read as rich's own tags.
    _print(Console(markup=False, highlight=False, emoji=False), found)
    return 0


def _print(console: Console, e: Explanation) -> None:
    def head(title: str) -> None:
        console.print(f"\n{title}", style="bold")

    console.print(f"{e.persona}, {e.kind} on {e.channel}: {e.state}", style="bold")
    console.print(e.text or "(nothing is written yet)")
    for reason in e.reasons:
        console.print(f"  held: {reason}", style="yellow")
    head("Cue")
    if e.asked_by or e.question:
        console.print(f"  @{e.asked_by} wrote: {e.question}")
    for name, value in {**e.subject, **e.cue}.items():
        if value not in ("", None) and name != "text":
            console.print(f"  {name}: {_plain(value)}")
    head("Remembered")
    for record in e.recalled or ({"text": "nothing"},):
        console.print(f"  {_plain(record.get('score', ''))} {record.get('kind', '')} {record.get('text', '')}".rstrip())
        if why := record.get("reason"):
            console.print(f"      {why}", style="dim")
    head("Prompt")
    for message in e.messages or ({"role": "", "content": "no model was asked"},):
        console.print(f"  {message.get('role', '')}", style="dim")
        console.print("    " + str(message.get("content", "")).replace("\n", "\n    "))
    head("Candidates")
    for candidate in e.candidates or ({"text": "none are stored"},):
        mark = "*" if candidate.get("chosen") else " "
        console.print(f"{mark} {_plain(candidate.get('score', ''))} {candidate.get('text', '')}")
        if isinstance(parts := candidate.get("parts"), Mapping):
            console.print("      " + ", ".join(f"{k} {_plain(v)}" for k, v in parts.items()), style="dim")
    head("Verdict")
    console.print(f"  {e.decision or 'the guards have not seen it'}")
    for finding in e.findings:
        console.print(f"  {finding.get('rule', '')} ({finding.get('decision', '')}): {finding.get('reason', '')}")
    head("What happened")
    for step in e.steps:
        at = f"{step.at:%Y-%m-%d %H:%M}" if step.at else ""
        console.print(f"  {at:16} {step.what}{f' ({step.note})' if step.note else ''}")
    console.print(f"\nmodel {e.model or '-'}, seed {e.seed or '-'}, key {e.key}", style="dim")


def _plain(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
