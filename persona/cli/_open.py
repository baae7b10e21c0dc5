"""Opening the parts for a command: definition, plugins, writer, network, audience."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..channel import Channel, Seat
from ..clock import Clock
from ..definition import Definition, Persona
from ..definition.loader import load
from ..parts import OpenWriter, Parts, open_parts
from ..plugins import PluginRegistry
from ..writer import Writer
from ..writer.threads import patient_threads


def load_definition(args: argparse.Namespace) -> tuple[Definition, PluginRegistry]:
    """Load the file that `--file` names, with the plugins of its folder."""
    # Before torch is loaded by whoever comes first; see there why.
    patient_threads()
    file = Path(args.file)
    registry = PluginRegistry(file.resolve().parent)
    return load(file, registry=registry), registry


def writer_opener(
    override: str | None = None, *, root: Path | None = None, folder: Path | None = None, clock: Clock | None = None
) -> OpenWriter:
    """Return a function that opens a persona's writer; `override` names a model that writes for all.

    A model is loaded once, whoever asks for it. Paths in the file start at `root`, that of `override` where the
    command runs. What a budget allows is counted in `folder`, by the days of `clock`.
    """
    from ..writer.budget import Account
    from ..writer.choose import open_writer
    from ..writer.ledger import FILE, Ledger

    cache: dict[str, Writer] = {}
    ledger = Ledger(folder / FILE) if folder else None

    def opener(persona: Persona) -> Writer:
        settings = persona.writer
        if override:
            settings = settings.model_copy(update={"model": override, "revision": None, "fallback": None})
        account = None
        if ledger and clock:
            account = Account(ledger=ledger, persona=persona.handle, time_zone=persona.time_zone, clock=clock)
        return open_writer(settings, cache=cache, root=None if override else root, account=account)

    return opener


def open_for(
    args: argparse.Namespace,
    *,
    folder: Path,
    clock: Clock,
    seed: int,
    rehearsal: bool,
    definition: Definition,
    registry: PluginRegistry,
) -> Parts:
    """Open all parts on `folder`."""
    from ..definition.secrets import resolve_secrets

    return open_parts(
        definition,
        registry=registry,
        folder=folder,
        clock=clock,
        seed=seed,
        open_writer=writer_opener(
            getattr(args, "writer", None), root=Path(args.file).absolute().parent, folder=folder, clock=clock
        ),
        rehearsal=rehearsal,
        resolve=resolve_secrets,
        open_channel=_opener(Path(args.file).absolute().parent),
    )


def _opener(project: Path) -> Callable[[type[Channel], Seat], Channel]:
    """Return what opens a channel: the simulated network's in this process, any other in one of its own."""
    from ..guarded_channel import GuardedChannel

    def opener(kind: type[Channel], seat: Seat) -> Channel:
        return kind(seat) if kind.simulated else GuardedChannel(kind, seat, project=project)

    return opener


@contextmanager
def stop_on_signals() -> Iterator[tuple[threading.Event, list[int]]]:
    """Turn Ctrl-C and SIGTERM into an event: what is under way is finished. A second signal cuts it off."""
    stop = threading.Event()
    got: list[int] = []

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        got.append(number)
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop, got
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def pause_on_signal(folder: Path) -> Iterator[None]:
    """Let SIGUSR1 pause everyone, or end that pause: it makes or removes the file PAUSE in `folder`."""
    from ..pause import toggle

    before = signal.signal(signal.SIGUSR1, lambda _number, _frame: print_paused(toggle(folder)))
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def print_paused(is_paused: bool) -> None:
    """Say what a signal has done."""
    print("Paused: nothing is posted." if is_paused else "Posting again.", flush=True)
