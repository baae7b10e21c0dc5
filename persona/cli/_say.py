"""`persona say` and `persona reply`: one draft to look at; nothing is stored, nothing is sent."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..errors import NothingHereYet, PersonaError
from ._open import load_definition, writer_opener

if TYPE_CHECKING:
    from ..cue import Cue
    from ..definition import Definition, Persona
    from ..engine import Drafted
    from ..memory import Memory
    from ..plugins import PluginRegistry


class NoSuchPersona(PersonaError, LookupError):
    """No persona is named {name}. There are: {known_text}."""

    exit_code = 2


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    parser.add_argument("persona", help="handle or name")
    if command == "say":
        parser.add_argument("about", help="what to write about")
        parser.add_argument("--product", help="the id of a product to speak of")
    else:
        parser.add_argument("comment", help="what to answer")
        parser.add_argument("--author", default="someone", help="who wrote it (someone)")
        parser.add_argument("--post", default="", help="the post it stands under")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives another draft (0)")
    parser.add_argument("--writer", help="a model to write with instead of the persona's own")


def run(args: argparse.Namespace) -> int:
    definition, registry = load_definition(args)
    try:
        persona = definition.persona(args.persona)
    except KeyError:
        known = ", ".join(p.handle for p in definition.personas)
        raise NoSuchPersona(name=args.persona, known_text=known) from None
    drafted = _draft(args, definition, registry, persona)
    if drafted.error:
        print(f"No draft: {drafted.error}")
        return 1
    print(drafted.text)
    decision = drafted.verdict.decision
    if decision != "publish":
        print(f"\nIt would be held ({decision}):")
        for reason in drafted.verdict.reasons:
            print(f"  {reason}")
    return 0


def _draft(args: argparse.Namespace, definition: Definition, registry: PluginRegistry, persona: Persona) -> Drafted:
    from ..engine import Engine
    from ..parts import Parts, learn_canon
    from ..store import open_store
    from ._context import FolderClock, data_folder

    try:
        folder = data_folder(args)
    except NothingHereYet:
        folder = None
    with TemporaryDirectory() as scratch:
        # Without data there is a folder for the moment: a draft must not make one that stays.
        store = open_store(folder or Path(scratch))
        clock = FolderClock(store)
        now = clock.now()
        memory = registry.memory(persona.memory.store).open(
            engine=store, folder=folder or Path(scratch), personas=definition.personas
        )
        cue = _cue(args, definition, registry, persona, now, memory)
        parts = Parts(
            definition=definition,
            folder=folder or Path(scratch),
            clock=clock,
            seed=args.seed,
            store=store,
            memory=memory,
            open_writer=writer_opener(
                args.writer, root=Path(args.file).absolute().parent, folder=folder or Path(scratch), clock=clock
            ),
            channels={},
        )
        try:
            if folder is None:
                learn_canon(parts, now)
            return Engine(parts).draft([cue], now, {})[0]
        finally:
            parts.close()


def _cue(
    args: argparse.Namespace,
    definition: Definition,
    registry: PluginRegistry,
    persona: Persona,
    now: datetime,
    memory: Memory,
) -> Cue:
    from ..channel import Limits
    from ..compose.exact import product_spoken_of
    from ..compose.moves import asks_who
    from ..cue import Cue, Heard
    from ..digest import digest
    from ..plan import Subject
    from ..plan.subject import Mode

    names = sorted(persona.channels)
    most = min(registry.channel(name).limits.max_chars for name in names)
    own = [product for product in definition.products if product.id in persona.products]
    heard = None
    if args.command == "say":
        product = args.product or ""
        if product and product not in persona.products:
            raise NoSuchPersona(
                name=product, known_text=f"products of @{persona.handle}: {', '.join(persona.products)}"
            )
        subject = Subject(mode="promo" if product else "topic", topic=args.about, angle=args.about, product=product)
    else:
        heard = Heard(author=args.author, text=args.comment, at=now, source="cli", about=args.post)
        spoken = product_spoken_of(persona, own, args.post, args.comment)
        asks = asks_who(args.comment, memory.embed([args.comment])[0])
        mode: Mode = "identity" if asks else "answer" if spoken else "chat"
        subject = Subject(mode=mode, product=spoken.id if spoken and mode == "answer" else "")
    return Cue(
        key=digest("say", persona.handle, subject.text, args.seed),
        persona=persona,
        kind="post" if heard is None else "reply",
        due_at=now,
        subject=subject,
        channel=names[0],
        limits=Limits(max_chars=most),
        heard=heard,
    )
