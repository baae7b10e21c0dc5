"""`persona rehearse` and `persona demo`: a week on the simulated network."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PersonaError
from ._open import load_definition, open_for, stop_on_signals

if TYPE_CHECKING:
    from ..parts import Parts
    from ..rehearsal import Rehearsal


class OtherSeed(PersonaError, ValueError):
    """The rehearsal in {folder_text} was begun with seed {begun}. Go on with that seed, or start anew with --fresh."""

    exit_code = 2


class NotARehearsal(PersonaError, ValueError):
    """The folder {folder_text} holds files but no rehearsal, so it is not emptied. Name another one with --data."""

    exit_code = 2


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    parser.add_argument("--days", type=_positive, default=7, help="how many simulated days (7)")
    parser.add_argument("--until", type=_instant, help="a simulated instant to stop at, such as 2026-03-05T12:00")
    parser.add_argument("--seed", type=int, default=7, help="the seed of everything that is drawn (7)")
    parser.add_argument("--speed", type=float, help="simulated seconds per real second; as fast as it can by default")
    parser.add_argument("--audience", type=_positive, default=150, help="how many simulated followers (150)")
    parser.add_argument("--comments", type=Path, help="a JSON Lines file of labelled comments to draw from as well")
    parser.add_argument("--writer", help="a model that writes for all personas instead of their own")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on where the last run stopped (the default)")
    again.add_argument("--fresh", action="store_true", help="throw the last rehearsal away and start anew")
    if command == "demo":
        parser.add_argument("--no-serve", action="store_true", help="end after the summary, also in a terminal")


def run(args: argparse.Namespace) -> int:
    from ..log import configure_logging
    from ..store import Owner

    configure_logging(args.log_level or "warning")
    folder = Path(args.data) / "rehearsal"
    definition, registry = load_definition(args)
    with Owner(folder):
        code = _rehearse(args, folder, definition, registry)
    if args.command == "demo" and code == 0:
        return _show(args)
    return code


def _rehearse(args: argparse.Namespace, folder: Path, definition: object, registry: object) -> int:
    from ..definition import Definition
    from ..plugins import PluginRegistry

    assert isinstance(definition, Definition)
    assert isinstance(registry, PluginRegistry)
    if args.fresh:
        _empty(folder)
    print(f"{len(definition.personas)} personas, seed {args.seed}, data in {folder}")
    print("Loading memory and writer (the first run also unpacks the model) ...", flush=True)
    began = time.perf_counter()
    with stop_on_signals() as (stop, got):
        parts, rehearsal = _open(args, folder, definition, registry)
        try:
            until = args.until or rehearsal.start + timedelta(days=args.days)
            done = _run_with_progress(rehearsal, until, stop.is_set, args.speed)
            _print_summary(parts, rehearsal, time.perf_counter() - began)
        finally:
            rehearsal.network.close()
            parts.close()
    if not done:
        print("Stopped. The same command goes on from here.")
        return 128 + (got[0] if got else 2)
    return 0


def _open(args: argparse.Namespace, folder: Path, definition: object, registry: object) -> tuple[Parts, Rehearsal]:
    from ..audience import Audience, CommentBank
    from ..clock import VirtualClock
    from ..definition import Definition
    from ..parts import STAND_IN
    from ..plugins import PluginRegistry
    from ..rehearsal import START, Rehearsal
    from ..runner import Runner
    from ..store import get_setting, reading

    assert isinstance(definition, Definition)
    assert isinstance(registry, PluginRegistry)
    clock = VirtualClock(START)
    parts = open_for(
        args, folder=folder, clock=clock, seed=args.seed, rehearsal=True, definition=definition, registry=registry
    )
    with reading(parts.store) as session:
        state = get_setting(session, "rehearsal")
    if state and state["seed"] != args.seed:
        parts.close()
        raise OtherSeed(folder_text=str(folder), begun=state["seed"])
    for name in sorted(parts.stood_in):
        print(f"The channel {name} is not used in a rehearsal; the simulated network stands in for it.")
    network = registry.network(STAND_IN).open(folder)
    audience = Audience(
        network,
        seed=args.seed,
        size=args.audience,
        # The audience has no persona of its own, but is not to use up the budget of one.
        writer=parts.open_writer(parts.personas[0].model_copy(update={"handle": "audience"})),
        comments=CommentBank.load(args.comments) if args.comments else CommentBank.load(),
        personas=parts.personas,
        products=definition.products,
    )
    runner = Runner(parts)
    return parts, Rehearsal(runner, network=network, audience=audience, clock=clock)


def _run_with_progress(rehearsal: Rehearsal, until: datetime, stop: object, speed: float | None) -> bool:
    from ..summary import add_seconds
    from ._progress import progress_for

    assert callable(stop)
    with progress_for(sys.stdout) as show:
        try:
            return rehearsal.run(until, on_progress=show, stop=stop, speed=speed)
        finally:
            add_seconds(rehearsal.parts, rehearsal.runner.engine.spent)


def _print_summary(parts: Parts, rehearsal: Rehearsal, seconds: float) -> None:
    from ..summary import summarise
    from ._progress import print_summary

    print_summary(summarise(parts))
    engine = rehearsal.runner.engine.seconds
    parts_of_time = {**engine, "audience": rehearsal.seconds["audience"]}
    spent = ", ".join(f"{name} {value:.0f} s" for name, value in parts_of_time.items())
    print(f"{seconds:.0f} s in all ({spent})")


def _show(args: argparse.Namespace) -> int:
    program = Path(sys.argv[0])
    if args.no_serve or not sys.stdout.isatty():
        print(f"Open the page with: {program} serve" + ("" if args.data == ".persona" else f" --data {args.data}"))
        return 0
    from . import main

    return main(["--file", str(args.file), "--data", str(args.data), "serve"])


def _empty(folder: Path) -> None:
    """Delete a rehearsal's files. The lock stays: it is held."""
    present = [path for path in folder.iterdir() if path.name != "owner.lock"]
    if present and not (folder / "persona.db").exists():
        raise NotARehearsal(folder_text=str(folder))
    for path in present:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _instant(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an instant such as 2026-03-05T12:00") from None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
