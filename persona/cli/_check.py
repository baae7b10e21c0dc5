"""`persona init`, `check`, `schema` and `plugins`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping
    from typing import Any

STARTER = """\
# yaml-language-server: $schema=personas.schema.json
# Your first virtual influencer. `persona check` reads this file, `persona rehearse` runs it on a simulated network.
personas:
  - name: Ada Crumb
    handle: ada_crumb
    bio: A virtual baker, drawn and written by software, who answers questions about bread.
    voice: [warm, plain, curious]            # how it sounds, in single words
    topics:                                  # what it writes about; an angle is `an idea for a post: what to say of it`
      - name: everyday bread
        angles:
          - why bread keeps better cut side down: the crust covers the crumb, so it dries out more slowly
          - how to freeze bread: slice it first, then each slice goes straight from the freezer to the toaster
    samples:
      posts: [Keep a loaf cut side down on the board. The crust does the work of a bag and stays crisp.]
      replies: [{comment: My dough is too sticky!, text: Wet your hands and wait ten minutes before you add flour.}]
    time_zone: Europe/Lisbon                 # slots are in this local time
    slots:
      - {name: morning, at: "08:30", jitter: 20m}
    channels: {feed: {}}                     # where to post; `persona plugins` lists what there is
"""


def add_arguments(parser: ArgumentParser, command: str) -> None:
    if command == "init":
        parser.add_argument("folder", nargs="?", default=".", help="where to write it (here)")
    elif command == "check":
        parser.add_argument(
            "--fresh", action="store_true", help="read again even if nothing changed since it was right"
        )


def run(args: Namespace) -> int:
    commands = {"init": _init, "check": _check, "schema": _schema, "plugins": _plugins}
    return commands[args.command](args)


def _check(args: Namespace) -> int:
    from . import _stamp

    text = None if args.fresh else _stamp.recall(args.file)
    if text is None:
        text = _checked(args.file)
        _stamp.keep(args.file, text)
    print(text)
    return 0


def _checked(file: str) -> str:
    """Return a line on each persona. Raises DefinitionError if the file is wrong."""
    import os

    from ..definition.quick import surely_right
    from ..plugins import PluginRegistry

    registry = PluginRegistry(os.path.dirname(file))
    definition = surely_right(file, registry)
    if definition is None:
        from pathlib import Path

        from ..definition.loader import load

        definition = load(Path(file), registry=registry).model_dump()
    return "\n".join(_line(persona) for persona in definition["personas"])


def _line(persona: Mapping[str, Any]) -> str:
    slots = f"{len(persona['slots'])} slot" + ("s" if len(persona["slots"]) != 1 else "")
    channels = ", ".join(persona["channels"])
    return f"{persona['handle']:<20} {persona['name']}: {slots} in {persona['time_zone']}, on {channels}"


def _schema(args: Namespace) -> int:
    from ..definition.json_schema import text

    print(text(), end="")
    return 0


def _plugins(args: Namespace) -> int:
    from pathlib import Path

    from ..plugins import PluginRegistry

    rows = [("NAME", "KIND", "SOURCE", "VERSION", "STATUS")]
    for each in PluginRegistry(Path(args.file).parent).descriptions():
        status = f"{each.status}: {each.cause}" if each.cause else each.status
        rows.append((each.name, each.kind, each.source, each.version or "-", status))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print(*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4], sep="  ")
    return 0


def _init(args: Namespace) -> int:
    from pathlib import Path

    from ..definition.json_schema import text
    from ..errors import WouldOverwrite

    folder = Path(args.folder)
    file = folder / args.file
    if file.exists():
        raise WouldOverwrite(file_text=str(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(STARTER, encoding="utf-8")
    (file.parent / "personas.schema.json").write_text(text(), encoding="utf-8")
    ignore = file.parent / ".gitignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    if ".persona/" not in lines:
        ignore.write_text("\n".join([*lines, ".persona/", ""]), encoding="utf-8")
    print(f"Wrote {file}. Next: persona check, then persona rehearse --days 7")
    return 0
