"""`persona pause`, `persona resume` and `persona channel`: stop posting, and go on."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from ..errors import NoSuchPersona, PersonaError
from ._context import FolderClock, data_folder, load_definition, open_engine


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what `pause`, `resume` or `channel` takes."""
    if command == "channel":
        parser.description = "How it stands with each channel: which rests after failures, and which is stopped."
        parser.set_defaults(action=None, by="operator", persona=None, channel=None)
        actions = parser.add_subparsers(title="actions", dest="action", metavar="{list,resume}")
        actions.add_parser("list", help="show those that are not well (the default)")
        resume = actions.add_parser("resume", help="let channels be called again")
        resume.add_argument("persona", nargs="?", metavar="NAME", help="only this persona's")
        resume.add_argument("--channel", help="only this channel")
        resume.add_argument("--by", default="operator", help="who decides, for the log (default: %(default)s)")
        return
    parser.add_argument("persona", nargs="?", metavar="NAME", help="a persona's handle or name; without it, everyone")
    parser.add_argument("--by", default="operator", help="who decides, for the log (default: %(default)s)")
    if command == "pause":
        parser.description = (
            "Post nothing until it is resumed; comments are still read. `persona run` heeds it at its next tick. "
            "A file PAUSE in the data folder does the same, and so does the signal SIGUSR1 to `persona run`."
        )
        parser.add_argument(
            "--until", type=_until, metavar="WHEN", help="an instant such as 2026-03-05T12:00 (UTC), or 90m, 2h, 3d"
        )


def run(args: argparse.Namespace) -> int:
    """Carry out one command."""
    from .. import gate, pause
    from ..clock import SystemClock
    from ..store import put_setting, writing
    from ..watch import CONFIRMED

    engine = open_engine(args)
    try:
        now = FolderClock(engine).now()
        if args.command == "channel" and args.action in (None, "list"):
            return _list(args, now)
        handle = _handle(args, args.persona) if args.persona else pause.ALL
        who = f"@{handle}" if handle else "Everyone"
        with writing(engine) as session:
            if args.command == "channel":
                opened = gate.resume(session, now, by=args.by, persona=handle or None, channel=args.channel)
                named = ", ".join(f"{name} of @{owner}" for owner, name in opened)
                print(f"Resumed: {named}." if opened else "Nothing was stopped or resting.")
            elif args.command == "pause":
                until = now + args.until if isinstance(args.until, timedelta) else args.until
                pause.pause(session, now, handle=handle, until=until, by=args.by)
                end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until `persona resume`"
                print(f"{who} posts nothing {end}.")
            else:
                was = pause.resume(session, now, handle=handle, by=args.by)
                if not handle:
                    # A clock that jumped is trusted again, since a person has looked.
                    put_setting(session, CONFIRMED, {"at": SystemClock().now().isoformat(), "by": args.by})
                print(f"{who} posts again." if was else f"{who} was not paused.")
        if args.command == "resume" and (file := data_folder(args) / pause.FILE).exists():
            print(f"The file {file} still pauses; remove it to go on.")
            return 1
        return 0
    finally:
        engine.dispose()


def _list(args: argparse.Namespace, now: datetime) -> int:
    from sqlalchemy import select

    from ..gate import gate_of
    from ..store import ChannelRow, reading

    engine = open_engine(args)
    try:
        with reading(engine) as session:
            rows = session.scalars(
                select(ChannelRow).order_by(ChannelRow.persona, ChannelRow.channel, ChannelRow.what)
            ).all()
            lines = []
            for row in rows:
                state = gate_of(session, row.persona, row.channel, row.what)  # type: ignore[arg-type]
                if state.state != "well" or state.closed(now):
                    why = state.closed(now) or f"tries again: {state.reason}"
                    lines.append(f"{row.channel} of @{row.persona} ({row.what}): {why}")
    finally:
        engine.dispose()
    print("\n".join(lines) if lines else "All channels are well.")
    return 0


def _handle(args: argparse.Namespace, name: str) -> str:
    """Return the handle that `name` means. While the personas file is wrong, the kill switch takes any."""
    try:
        definition = load_definition(args)
    except PersonaError:
        return name.lstrip("@")
    try:
        return definition.persona(name.lstrip("@")).handle
    except KeyError:
        known = ", ".join(persona.handle for persona in definition.personas)
        raise NoSuchPersona(name=name, known_text=known) from None


def _until(text: str) -> datetime | timedelta:
    from ..definition.values import duration

    try:
        value = duration(text)
    except ValueError:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is neither an instant nor a duration such as 2h") from None
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    assert isinstance(value, timedelta)
    return value
