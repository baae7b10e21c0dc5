"""`persona memory`: search, list, release, forget, purge, reindex, doctor."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import _forget
from ._context import FolderClock, data_folder, open_engine
from ._junk import add_doctor, diagnose
from ._open import load_definition

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ..memory import Memory, Record, State

_KINDS = ("canon", "post", "reply", "told", "fact", "promise", "insight", "performance")


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    search = actions.add_parser("search", help="what a persona would recall for a text, with scores and reasons")
    search.add_argument("persona", help="handle")
    search.add_argument("text")
    search.add_argument("--limit", type=int, default=8)
    search.add_argument("--kind", choices=_KINDS)
    listing = actions.add_parser("list", help="a persona's newest records")
    listing.add_argument("persona", help="handle")
    listing.add_argument("--kind", choices=_KINDS)
    listing.add_argument("--limit", type=int, default=30)
    states = listing.add_mutually_exclusive_group()
    states.add_argument(
        "--quarantined", action="store_const", const="quarantined", dest="state", help="what is kept apart, and why"
    )
    states.add_argument(
        "--ended", action="store_const", const="ended", dest="state", help="what does not hold any more"
    )
    states.add_argument("--all", action="store_const", const="all", dest="state", help="all of it")
    release = actions.add_parser("release", help="let quarantined records be recalled after all")
    release.add_argument("records", nargs="+", metavar="RECORD", help="a record's id")
    _forget.add_arguments(actions)
    purge = actions.add_parser(
        "purge", help="delete a person's records from journal and index; forget erases everywhere"
    )
    purge.add_argument("--author", required=True, help="the person's handle")
    add_doctor(actions)
    reindex = actions.add_parser("reindex", help="rebuild the index from the journal, without the model")
    reindex.add_argument("--persona", help="only of this handle")
    reindex.add_argument("--embed", action="store_true", help="embed all texts with the model of the personas file")
    actions.add_parser("health", help="compare the index with the journal, and tell of model and forgettings")


def run(args: argparse.Namespace) -> int:
    if args.action == "forget" and sum(map(bool, (args.persona, args.author, args.record))) != 1:
        print("Say what to forget: one of --author, --record and --persona.")
        return 2
    with _open(args) as (engine, memory):
        if args.action in ("export", "allow", "receipts") or (args.action == "forget" and args.author):
            return _forget.run(args, engine, memory)
        return _do(args, engine, memory)


@contextmanager
def _open(args: argparse.Namespace) -> Iterator[tuple[Engine, Memory]]:
    from ..forgetting import finish
    from ..store import Owner

    engine = open_engine(args)
    folder = data_folder(args)
    definition, registry = load_definition(args)
    # The index has one writer at a time, so a running engine keeps the folder to itself.
    with Owner(folder):
        kind = registry.memory(definition.personas[0].memory.store)
        memory = kind.open(engine=engine, folder=folder, personas=definition.personas)
        try:
            for receipt in finish(_forget.place_of(args, engine, memory)):
                print("A forgetting that was cut off has been finished:")
                _forget.print_receipt(receipt)
            yield engine, memory
        finally:
            memory.close()
            engine.dispose()


def _do(args: argparse.Namespace, engine: Engine, memory: Memory) -> int:
    if args.action == "search":
        _search(args, memory)
    elif args.action == "list":
        within: State = args.state or "valid"
        for record in memory.list(_handle(args.persona), kind=args.kind, limit=args.limit, state=within):
            print(f"{record.id}  {record.at:%Y-%m-%d %H:%M}  {record.kind:<7} @{record.author}: {record.text}")
            if notes := _notes(record):
                print(f"{'':34}{notes}")
    elif args.action == "release":
        return _release(args, memory)
    elif args.action == "purge":
        print(f"Erased {memory.forget(author=_handle(args.author))} records of @{_handle(args.author)}.")
    elif args.action == "doctor":
        return max(_health(args, engine, memory), _doctor(args, memory))
    elif args.action == "forget":
        count = memory.forget(persona=_handle(args.persona) if args.persona else None, record_id=args.record)
        print(f"Forgot {count} records.")
    elif args.action == "reindex":
        if args.embed:
            print(f"Embedded {memory.embed_again()} records.")
        print(f"Indexed {memory.reindex(_handle(args.persona) if args.persona else None)} records.")
    else:
        return _health(args, engine, memory)
    return 0


def _notes(record: Record) -> str:
    notes = [f"quarantined: {record.quarantined}"] if record.quarantined else []
    if record.valid_until:
        by = f", superseded by {record.superseded_by}" if record.superseded_by else ""
        notes.append(f"ended {record.valid_until:%Y-%m-%d %H:%M}{by}")
    notes += [f"rests on {len(record.rests_on)} records"] if record.rests_on else []
    notes += [f"told {record.count} times"] if record.count > 1 else []
    return "; ".join(notes)


def _release(args: argparse.Namespace, memory: Memory) -> int:
    from ..store import writing

    engine = open_engine(args)
    with writing(engine) as session:
        count = memory.restore(args.records, session)
    engine.dispose()
    print(f"Released {count} records.")
    return 0 if count else 1


def _doctor(args: argparse.Namespace, memory: Memory) -> int:
    definition, _ = load_definition(args)
    personas = [p for p in definition.personas if args.persona is None or p.handle == _handle(args.persona)]
    if not personas:
        print(f"The personas file has no @{_handle(args.persona)}.")
        return 2
    engine = open_engine(args)
    try:
        return diagnose(memory, engine, personas, FolderClock(engine).now())
    finally:
        engine.dispose()


def _health(args: argparse.Namespace, engine: Engine, memory: Memory) -> int:
    from ..forgetting import receipts
    from ..store import reading

    # What a kill has left is mended before it is looked at, as every start does.
    memory.sync()
    states = memory.health()
    for state in states:
        word = "ok" if state.ok else f"not ok: {state.cause}"
        print(f"@{state.persona}: journal {state.journal}, index {state.index}, {word}")
    for remark in memory.remarks():
        print(remark)
    with reading(engine) as session:
        done = receipts(session)
    if done:
        unclean = sum(bool(receipt["searched"].get("found")) for receipt in done)
        print(f"{len(done)} forgettings done, {unclean} of them with something left (persona memory receipts)")
    return 0 if all(state.ok for state in states) else 1


def _search(args: argparse.Namespace, memory: Memory) -> None:
    from ..memory import Query

    handle = _handle(args.persona)
    engine = open_engine(args)
    now = FolderClock(engine).now()
    engine.dispose()
    kinds = (args.kind,) if args.kind else ()
    for found in memory.recall([Query(persona=handle, text=args.text, now=now, limit=args.limit, kinds=kinds)])[0]:
        record = found.record
        print(f"{found.score:.3f}  {record.kind:<7} @{record.author}: {record.text}")
        print(f"       {found.reason}  ({record.id})")


def _handle(text: str) -> str:
    return text.lstrip("@")
