"""Everything a run needs, opened once: store, memory, writers, channels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine as Store
from sqlalchemy.orm import Session

from .brakes import Brakes
from .calling import Calls, DirectCalls
from .channel import Channel, Limits, Seat
from .clock import Clock
from .definition import Definition, Persona, Product
from .memory import Memory, Record, record_id
from .recalling import Recalling
from .store import open_store, writing
from .writer import Writer

log = logging.getLogger(__name__)

OpenWriter = Callable[[Persona], Writer]
OpenChannel = Callable[[type[Channel], Seat], Channel]
Resolve = Callable[[Mapping[str, Any], str], Mapping[str, Any]]
STAND_IN = "feed"
"""the network that stands in for every live channel in a rehearsal"""
_ALIKE = 0.6
"""A new canon line at this cosine of one that has left is what became of it."""


@dataclass(kw_only=True)
class Parts:
    """The opened parts of one data folder. `seed` is mixed into every draw."""

    definition: Definition
    folder: Path
    clock: Clock
    seed: int
    store: Store
    memory: Memory
    open_writer: OpenWriter
    channels: Mapping[tuple[str, str], Channel]
    """by (handle, channel name)"""
    open_channel: OpenChannel = lambda kind, seat: kind(seat)
    """makes a channel of its class and its seat"""
    stood_in: Mapping[str, Limits] = field(default_factory=dict)
    """live channels that a rehearsal leaves alone, and what they would have accepted"""
    calls: Calls = field(default_factory=DirectCalls)
    patience: float = 1.0
    """seconds that a tick waits for calls on their way; what takes longer is taken up by a later tick"""
    brakes: Brakes = field(default_factory=Brakes)
    owner: str = ""
    """who has rows in `sending` in hand; see `persona.store.lease`"""
    is_dead: Callable[[str], bool] = lambda owner: True
    """tells of another owner whether it surely sends nothing any more"""
    may_post: Callable[[Session], str] = lambda session: ""
    """returns why this process is not the owner any more, or an empty text; asked within the transaction of a claim"""
    live: bool = False
    """In a live run a part that fails is done without; a rehearsal ends, for it could not be repeated."""
    index: Recalling = field(init=False)
    _writers: dict[str, Writer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.index = Recalling(self.memory, soft=self.live)

    @property
    def personas(self) -> tuple[Persona, ...]:
        """All personas, by handle."""
        return tuple(sorted(self.definition.personas, key=lambda persona: persona.handle))

    def channels_of(self, handle: str) -> list[Channel]:
        """Return the persona's channels, by name."""
        return [channel for (owner, _), channel in sorted(self.channels.items()) if owner == handle]

    def products_of(self, persona: Persona) -> list[Product]:
        """Return the products the persona may speak of."""
        return [product for product in self.definition.products if product.id in persona.products]

    def writer_of(self, persona: Persona) -> Writer:
        """Return the persona's writer, opened at its first use."""
        key = persona.handle
        if key not in self._writers:
            self._writers[key] = self.open_writer(persona)
        return self._writers[key]

    def adopt(self, definition: Definition, *, registry: Any, resolve: Resolve) -> None:
        """Take another definition into use, in a live run. A channel whose account is the same stays open.

        Raises what opening a new channel raises; then all is as it was. What a memory was opened with (recall weights,
        half-lives) is taken up at the next start.
        """
        before = {persona.handle: persona for persona in self.definition.personas}
        channels: dict[tuple[str, str], Channel] = {}
        opened: list[Channel] = []
        try:
            for persona in sorted(definition.personas, key=lambda p: p.handle):
                for name, raw in sorted(persona.channels.items()):
                    old = before.get(persona.handle)
                    same = old is not None and _account(old, name) == _account(persona, name)
                    if same and (persona.handle, name) in self.channels:
                        channels[persona.handle, name] = self.channels[persona.handle, name]
                        continue
                    settings = resolve(raw, f"channels.{name}")
                    seat = _seat(persona, settings or raw, self.folder, self.clock)
                    channel = self.open_channel(registry.channel(name), seat)
                    channels[persona.handle, name] = channel
                    opened.append(channel)
        except Exception:
            for channel in opened:
                channel.close()
            raise
        left = [each for account, each in self.channels.items() if channels.get(account) is not each]
        self.definition, self.channels = definition, channels
        for persona in definition.personas:
            if persona.handle in before and before[persona.handle].writer != persona.writer:
                self._writers.pop(persona.handle, None)
        for channel in left:
            channel.close()

    def close(self) -> None:
        """Close channels, memory and store."""
        self.calls.close()
        self.index.close()
        for _, channel in sorted(self.channels.items()):
            channel.close()
        self.memory.close()
        self.store.dispose()


def open_parts(
    definition: Definition,
    *,
    registry: Any,
    folder: Path,
    clock: Clock,
    seed: int,
    open_writer: OpenWriter,
    rehearsal: bool,
    memory: Memory | None = None,
    resolve: Resolve = lambda settings, path: settings,
    open_channel: OpenChannel = lambda kind, seat: kind(seat),
) -> Parts:
    """Open all parts on `folder`.

    In a rehearsal only channels that say they are simulated are opened; for any other, the network stands in, so
    that nothing leaves the machine. `open_channel` makes a channel of its class and its seat.
    """
    store = open_store(folder)
    channels: dict[tuple[str, str], Channel] = {}
    stood_in: dict[str, Limits] = {}
    for persona in sorted(definition.personas, key=lambda p: p.handle):
        for name, raw in sorted(persona.channels.items()):
            kind = registry.channel(name)
            if rehearsal and not kind.simulated:
                stood_in[name] = kind.limits
                name, raw, kind = STAND_IN, {}, registry.channel(STAND_IN)
            if (persona.handle, name) in channels:
                continue
            settings = {} if rehearsal else resolve(raw, f"channels.{name}")
            seat = _seat(persona, settings or raw, folder, clock)
            channels[persona.handle, name] = open_channel(kind, seat)
    stores = {persona.memory.store for persona in definition.personas}
    if memory is None:
        if len(stores) > 1:
            raise ValueError(f"all personas of one data folder share one memory store, not {sorted(stores)}")
        memory = registry.memory(stores.pop()).open(engine=store, folder=folder, personas=definition.personas)
    return Parts(
        definition=definition,
        folder=folder,
        clock=clock,
        seed=seed,
        store=store,
        memory=memory,
        open_writer=open_writer,
        channels=channels,
        open_channel=open_channel,
        stood_in=stood_in,
        live=not rehearsal,
    )


def _account(persona: Persona, channel: str) -> tuple[object, ...]:
    """Return what a channel of the persona was opened with."""
    settings = persona.channels.get(channel)
    return (settings, persona.name, persona.bio, persona.disclosure.ai)


def _seat(persona: Persona, settings: Mapping[str, Any], folder: Path, clock: Clock) -> Seat:
    return Seat(
        persona=persona.handle,
        handle=persona.handle,
        name=persona.name,
        bio=persona.bio,
        settings=settings,
        folder=folder,
        clock=clock,
        labels=(persona.disclosure.ai,),
    )


def learn_canon(parts: Parts, now: datetime) -> None:
    """Make memory's canon the file's canon.

    A line that has left the file ends, linked to the new line that says nearly the same, if there is one; a line that
    is back holds again.
    """
    wanted = {record.id: record for persona in parts.personas for record in canon_of(persona, now)}
    fresh, back = dict(wanted), []
    successors: dict[str, str] = {}
    for persona in parts.personas:
        known: Sequence[Record] = parts.memory.list(persona.handle, kind="canon", limit=1000, state="all")
        for record in known:
            fresh.pop(record.id, None)
        back += [record.id for record in known if record.id in wanted and record.valid_until is not None]
        left = [record for record in known if record.id not in wanted and record.valid_until is None]
        new = [record for record in fresh.values() if record.persona == persona.handle]
        successors |= _successors(parts.memory, left, new)
    if fresh or back or successors:
        with writing(parts.store) as session:
            parts.memory.remember(list(fresh.values()), session)
            parts.memory.restore(back, session)
            parts.memory.supersede(successors, now, session)
    parts.index.sync()


def _successors(memory: Memory, old: Sequence[Record], new: Sequence[Record]) -> dict[str, str]:
    """Map the id of each old record to that of the new one nearest in meaning, or to an empty text."""
    if not old or not new:
        return {record.id: "" for record in old}
    near = memory.embed([r.text for r in old]) @ memory.embed([r.text for r in new]).T
    return {
        record.id: new[int(row.argmax())].id if float(row.max()) >= _ALIKE else ""
        for record, row in zip(old, near, strict=True)
    }


def canon_of(persona: Persona, now: datetime) -> list[Record]:
    """Return the persona's canon facts as records."""
    return [
        Record(
            id=record_id(persona=persona.handle, kind="canon", author=persona.handle, text=text, source="canon"),
            persona=persona.handle,
            kind="canon",
            text=text,
            at=now,
            author=persona.handle,
            source="canon",
            importance=0.8,
            language=persona.language,
        )
        for text in persona.canon
    ]
