"""persona queue: list held drafts, and approve, reject or edit one."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EditRefused
from ._context import FolderClock, limits_of, load_definition, open_engine

if TYPE_CHECKING:
    from ..approval import Approvals, HeldDraft


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what `queue` takes."""
    parser.description = (
        "Drafts that the guards hold until a person decides. An approved one goes out at the next tick."
    )
    parser.set_defaults(action=None, by="operator", json=False)
    actions = parser.add_subparsers(title="actions", dest="action", metavar="{list,approve,reject,edit}")
    listing = actions.add_parser("list", help="show what is held (the default)")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    for name, help_text in (
        ("approve", "send it as it is"),
        ("reject", "never send it"),
        ("edit", "change its text, in $EDITOR or by --text, and send it"),
    ):
        action = actions.add_parser(name, help=help_text)
        action.add_argument("ref", metavar="REF", help="its number, or the first characters of its key")
        action.add_argument("--by", default="operator", help="who decides, for the log (default: %(default)s)")
        if name == "reject":
            action.add_argument("--reason", default="", help="why not, for the log")
        if name == "edit":
            action.add_argument("--text", help="the new text, without labels: they are added")


def run(args: argparse.Namespace) -> int:
    """Carry out one action. Exit code 6 when the draft is not held any more or the new text is refused."""
    engine = open_engine(args)
    from ..approval import Approvals

    try:
        now = FolderClock(engine).now()
        if args.action in (None, "list"):
            return _list(Approvals(engine).held(), as_json=args.json)
        if args.action == "approve":
            print(f"Approved {_name(Approvals(engine).approve(args.ref, args.by, now))}; it goes out at the next tick.")
        elif args.action == "reject":
            print(f"Rejected {_name(Approvals(engine).reject(args.ref, args.by, now, reason=args.reason))}.")
        else:
            from ..reconsider import reviewer

            definition = load_definition(args)
            limits = limits_of(args, definition)
            approvals = Approvals(engine, limits=limits, review=reviewer(engine, definition, limits))
            body = args.text if args.text is not None else _from_editor(approvals, args.ref)
            edited = approvals.edit(args.ref, body, args.by, now)
            print(f"Changed and approved {_name(edited)}; it goes out at the next tick:\n{edited.text}")
        return 0
    finally:
        engine.dispose()


def _name(draft: HeldDraft) -> str:
    return f"{draft.id} ({draft.key[:8]}, {draft.persona})"


def _list(drafts: list[HeldDraft], *, as_json: bool) -> int:
    if as_json:
        for d in drafts:
            told: dict[str, object] = {
                "id": d.id,
                "key": d.key,
                "persona": d.persona,
                "channel": d.channel,
                "kind": d.kind,
            }
            told |= {"text": d.text, "reasons": d.reasons, "due_at": d.due_at.isoformat()}
            print(json.dumps(told | {"question": d.question, "asked_by": d.asked_by}, ensure_ascii=False))
        return 0
    if not drafts:
        print("Nothing is held.")
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    for column in ("ref", "persona", "due (UTC)", "text", "held because"):
        table.add_column(column, overflow="fold")
    for d in drafts:
        text = Text(f"{d.asked_by}: {d.question}\n", style="dim") if d.question else Text()
        # Text, not markup: what was written must not be read as rich's own tags.
        table.add_row(
            Text(f"{d.id}\n{d.key[:8]}"),
            Text(d.persona),
            Text(f"{d.due_at:%Y-%m-%d %H:%M}"),
            text + Text(d.text),
            Text("\n".join(d.reasons)),
        )
    Console().print(table)
    print("persona queue approve REF | reject REF --reason WHY | edit REF")
    return 0


def _from_editor(approvals: Approvals, ref: str) -> str:
    from ..approval import find_row
    from ..errors import DraftNotHeld
    from ..store import reading

    with reading(approvals.engine) as session:
        row = find_row(session, ref)
        if row.state != "held":
            raise DraftNotHeld(ref=ref, state_text=row.state)
        body = row.body
    if not sys.stdin.isatty():
        raise EditRefused(reasons_text="there is no terminal for an editor; give it by --text")
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="persona-") as folder:
        file = Path(folder) / "draft.txt"
        file.write_text(body + "\n", "utf-8")
        try:
            code = subprocess.run([*editor, str(file)], check=False).returncode
        except OSError as error:
            raise EditRefused(reasons_text=f"the editor {editor[0]} cannot be started ({error.strerror})") from error
        if code:
            raise EditRefused(reasons_text=f"the editor {editor[0]} ended with status {code}")
        changed = file.read_text("utf-8").strip()
    if changed == body.strip():
        raise EditRefused(reasons_text="it was not changed; use `persona queue approve` to send it as it is")
    return changed
