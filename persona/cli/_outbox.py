"""`persona outbox`: what waits and why, what came to nothing, and what to do about it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from ._context import FolderClock, data_folder, open_engine

if TYPE_CHECKING:
    from ..outbox import Waiting


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what `outbox` takes."""
    from ..outbox import STATES

    parser.description = (
        "Texts on their way: what they wait for, and those that came to nothing (failed, unknown, expired), with the "
        "reasons. `unknown` may have gone out: look on the network before you retry it."
    )
    parser.set_defaults(action=None, by="operator")
    for name, help_text in (("--state", "only this state"), ("--persona", "only this handle")):
        parser.add_argument(name, help=help_text, choices=STATES if name == "--state" else None, action="append")
    parser.add_argument("--dead", action="store_true", help="only what came to nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="{list,retry,drop}")
    actions.add_parser("list", help="show the outbox (the default)")
    for name, help_text in (("retry", "send it at the next tick, as it is"), ("drop", "never send it")):
        action = actions.add_parser(name, help=help_text)
        action.add_argument("ref", metavar="REF", help="its number, or the first characters of its key")
        action.add_argument("--by", default="operator", help="who decides, for the log (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Carry out one action. Exit code 6 when the text's state does not allow it."""
    from ..outbox import DEAD, OPEN, decide, listed

    engine = open_engine(args)
    try:
        now = FolderClock(engine).now()
        if args.action in ("retry", "drop"):
            done = decide(engine, args.ref, args.action, by=args.by, now=now)
            what = "goes out at the next tick" if args.action == "retry" else "will not be sent"
            print(f"{done.id} ({done.key[:8]}, {done.persona}) {what}.")
            return 0
        states = args.state or (DEAD if args.dead else (*OPEN, *DEAD))
        handles = [handle.lstrip("@") for handle in args.persona or ()] or [None]
        rows = [
            row for handle in handles for row in listed(engine, data_folder(args), now, states=states, persona=handle)
        ]
        return _as_json(rows) if args.json else _as_table(rows)
    finally:
        engine.dispose()


def _as_json(rows: list[Waiting]) -> int:
    for row in rows:
        told = {**row.__dict__, "due_at": row.due_at.isoformat(), "reasons": list(row.reasons)}
        print(json.dumps(told, ensure_ascii=False))
    return 0


def _as_table(rows: list[Waiting]) -> int:
    if not rows:
        print("The outbox is empty.")
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    for column in ("ref", "state", "persona", "channel", "due (UTC)", "text", "why"):
        table.add_column(column, overflow="fold")
    for row in rows:
        why = [*row.reasons, *([f"waits for {row.waits_for}"] if row.waits_for else [])]
        table.add_row(
            Text(f"{row.id}\n{row.key[:8]}"),
            Text(row.state),
            Text(row.persona),
            Text(row.channel),
            Text(f"{row.due_at:%Y-%m-%d %H:%M}"),
            Text(row.text),
            Text("\n".join(why)),
        )
    Console().print(table)
    print("persona outbox retry REF | drop REF; held drafts: persona queue")
    return 0
