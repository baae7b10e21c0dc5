"""The parts of `persona memory` that concern one person: forget, export, allow, receipts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._context import FolderClock, data_folder, project_folder

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ..forgetting import Person, Place, Receipt
    from ..memory import Memory
    from ..network import Network

_NOT_CLEAN = 1


def add_arguments(actions: Any) -> None:
    """Add the actions to those of `persona memory`."""
    forget = actions.add_parser("forget", help="erase a person from everything, or a persona's records, or one record")
    forget.add_argument("--author", action="append", help="a person; may be given several times")
    forget.add_argument("--channel", help="the channel the person is from, or all; needed where several know the name")
    forget.add_argument("--network", action="store_true", help="also what the simulated network holds of the person")
    forget.add_argument(
        "--also", action="append", default=[], help="a folder or file outside, such as training exports"
    )
    forget.add_argument("--json", action="store_true", help="print the receipt as JSON")
    forget.add_argument("--persona", help="all records of this handle")
    forget.add_argument("--record", help="one record by its id")
    export = actions.add_parser("export", help="write all that is held about a person as JSON")
    export.add_argument("--author", required=True)
    export.add_argument("--channel", help="the channel the person is from, or all")
    export.add_argument("--out", help="a file; without it, standard output")
    allow = actions.add_parser("allow", help="hear a forgotten person again from now on; what was erased stays erased")
    allow.add_argument("--author", required=True)
    allow.add_argument("--channel", required=True)
    actions.add_parser("receipts", help="print the receipts of all that was forgotten, as JSON lines")


def place_of(args: argparse.Namespace, engine: Engine, memory: Memory) -> Place:
    """Return where to forget: the data folder and what is named besides."""
    from ..forgetting import Place

    also = tuple(Path(one) for one in getattr(args, "also", ()))
    for path in also:
        if not path.exists():
            raise FileNotFoundError(path)
    return Place(store=engine, folder=data_folder(args), memory=memory, also=also, open_network=_opener(args))


def run(args: argparse.Namespace, engine: Engine, memory: Memory) -> int:
    """Carry out one of the actions."""
    actions: dict[str, Callable[[argparse.Namespace, Engine, Memory], int]] = {
        "forget": _forget, "export": _export, "allow": _allow, "receipts": _receipts,
    }  # fmt: skip
    return actions[args.action](args, engine, memory)


def _forget(args: argparse.Namespace, engine: Engine, memory: Memory) -> int:
    from ..forgetting import forget_people

    people = [person for author in args.author for person in _people(engine, author, args.channel)]
    if not people:
        print("Nobody of that name is known here, so nothing was erased. If one is to be kept out, name --channel.")
        return 0
    receipt = forget_people(people, place_of(args, engine, memory), FolderClock(engine).now(), network=args.network)
    if args.json:
        print(json.dumps(receipt.as_json()))
    else:
        print_receipt(receipt)
    return 0 if receipt.clean else _NOT_CLEAN


def print_receipt(receipt: Receipt) -> None:
    """Print a receipt for a person to read and to keep."""
    searched = receipt.searched
    for what, count in sorted(receipt.counts.items()):
        print(f"{count:>8}  {what}")
    print(
        f"Searched {searched['files']} files, {searched['bytes']} bytes, for {searched['needles']} byte strings: "
        f"{searched['found']} found."
    )
    for line in receipt.left:
        print(f"LEFT in {line}")
    for note in receipt.notes:
        print(f"Note: {note}.")
    print(f"Tombstones: {', '.join(receipt.tombstones)}")
    print(f"Receipt {receipt.as_json()['digest']} of {receipt.at:%Y-%m-%d %H:%M} UTC")


def _export(args: argparse.Namespace, engine: Engine, memory: Memory) -> int:
    from ..forgetting.export import held_about
    from ..store import reading

    people = _people(engine, args.author, args.channel)
    with reading(engine) as session:
        text = json.dumps(held_about(session, people), indent=1, ensure_ascii=False)
    if args.out:
        Path(args.out).write_text(text + "\n", encoding="utf-8")
        print(f"Written to {args.out}. It holds personal data: give it to the person, then delete it.", file=sys.stderr)
    else:
        print(text)
    return 0


def _allow(args: argparse.Namespace, engine: Engine, memory: Memory) -> int:
    from ..forgetting import lift
    from ..store import writing

    with writing(engine) as session:
        found = lift(session, args.author, args.channel)
    print("They are heard again from now on." if found else "No such person was forgotten; nothing changed.")
    return 0


def _receipts(args: argparse.Namespace, engine: Engine, memory: Memory) -> int:
    from ..forgetting import receipts
    from ..store import reading

    with reading(engine) as session:
        for receipt in receipts(session):
            print(json.dumps(receipt))
    return 0


def _people(engine: Engine, author: str, channel: str | None) -> list[Person]:
    from ..forgetting import people_called
    from ..store import reading

    with reading(engine) as session:
        return people_called(session, author, channel)


def _opener(args: argparse.Namespace) -> Callable[[], Network]:
    def opener() -> Network:
        from ..plugins import PluginRegistry
        from ._context import STAND_IN

        return PluginRegistry(project_folder(args)).network(STAND_IN).open(data_folder(args))

    return opener
