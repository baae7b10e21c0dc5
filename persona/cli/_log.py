"""`persona log`: what happened, in order, or its digest."""

from __future__ import annotations

import argparse

from ._context import open_engine


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    parser.add_argument("--digest", action="store_true", help="print one line: how many entries, and their digest")
    parser.add_argument("--json", action="store_true", help="print every entry as one line of canonical JSON")
    parser.add_argument("--persona", help="only entries of this handle")
    parser.add_argument("--last", type=int, help="only the last so many entries")


def run(args: argparse.Namespace) -> int:
    from ..store.log import line_of, log_digest, rows

    engine = open_engine(args)
    try:
        if args.digest:
            count, digest = log_digest(engine)
            print(f"{digest}  {count} entries")
            return 0
        chosen = [row for row in rows(engine) if not args.persona or row.persona == args.persona.lstrip("@")]
        for row in chosen[-args.last :] if args.last else chosen:
            if args.json:
                print(line_of(row))
            else:
                text = row.body.get("text") or row.body.get("reason") or row.body.get("counts") or ""
                who = f"@{row.persona}" if row.persona else "-"
                print(f"{row.at:%Y-%m-%d %H:%M}  {who:<18} {row.kind:<9} {text}")
        return 0
    finally:
        engine.dispose()
