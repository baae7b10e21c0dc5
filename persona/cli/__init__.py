"""The command line. A command's module is imported when that command is given, so that help and check start fast.

A command's module has `add_arguments(parser, command)` and `run(args) -> int`. `args` holds, besides its own
arguments, the texts `command`, `file`, `data` and `log_level`; these options may stand anywhere on the
line. Exit codes: 0 done, 1 failed, 2 wrong usage or a wrong personas file, 130 stopped by Ctrl-C, 141 nobody reads
the output any more; others stand with the errors in `persona.errors`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence
    from typing import Any

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("_check", "write a first personas.yaml here"),
    "check": ("_check", "read the personas file and say what is wrong"),
    "schema": ("_check", "print the JSON Schema of the personas file, for editors"),
    "plugins": ("_check", "list channels, networks and memories, and their state"),
    "demo": ("_rehearse", "rehearse a week, then show it in the browser"),
    "rehearse": ("_rehearse", "run on the simulated network under a virtual clock"),
    "run": ("_run", "run live, on schedule, until Ctrl-C"),
    "serve": ("_serve", "serve the page: feed, queue, memory, why"),
    "say": ("_say", "draft one post; nothing is sent"),
    "reply": ("_say", "draft one answer to a comment; nothing is sent"),
    "queue": ("_queue", "list held drafts; approve, reject or edit them"),
    "outbox": ("_outbox", "list what waits or came to nothing; retry or drop it"),
    "pause": ("_pause", "post nothing, for one persona or for all"),
    "resume": ("_pause", "post again"),
    "channel": ("_pause", "list channels that are not well; resume them"),
    "memory": ("_memory", "search, list, forget, reindex or examine what is remembered"),
    "why": ("_why", "say how a post came to be"),
    "log": ("_log", "print what happened, or its digest"),
    "train": ("_train", "fine-tune a writer or the embedding model on own texts"),
    "backup": ("_backup", "copy the data to a folder, also while it is in use"),
    "restore": ("_backup", "bring a backup back"),
    "doctor": ("_doctor", "examine this machine and this project"),
}
_OPTIONS = {"-f": "file", "--file": "file", "--data": "data", "--log-level": "log_level"}
# After these commands the option is their own.
_OWN_OPTIONS = {"train": ("--data",)}
_LEVELS = ("debug", "info", "warning", "error")
_GLOBAL_HELP = """\
options of every command:
  -f, --file FILE    the personas file (personas.yaml)
  --data FOLDER      where this project's data is kept (.persona)
  --log-level LEVEL  debug, info, warning or error (warning)
  -h, --help         say how it is used
  --version          print the version"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. Never raises for what a user can do wrong."""
    try:
        code = _main(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        import os

        # The interpreter flushes once more on its way out; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:
        from ..errors import PersonaError

        if not isinstance(error, PersonaError):
            raise
        print(error, file=sys.stderr)
        return error.exit_code


def help_text() -> str:
    """Return what `persona --help` prints. Made by hand: argparse alone would double its time."""
    rows = "\n".join(f"  {name:<10} {about}" for name, (_, about) in COMMANDS.items())
    return f"""\
usage: persona COMMAND [options]

Runs virtual influencers from a YAML file, rehearsed on a simulated network, then live.

commands:
{rows}

{_GLOBAL_HELP}

`persona COMMAND --help` tells more about one."""


def _main(argv: list[str]) -> int:
    options, rest = _split(argv)
    if not rest or rest[0] in ("-h", "--help", "help"):
        if len(rest) > 1 and rest[0] == "help":
            return _main([rest[1], "--help"])
        print(help_text())
        return 0
    if rest[0] == "--version":
        from .. import __version__

        print(f"persona {__version__}")
        return 0
    command = rest[0]
    if command not in COMMANDS:
        return _usage(_unknown(command))
    if options.get("log_level", "warning") not in _LEVELS:
        return _usage(f"--log-level must be one of {', '.join(_LEVELS)}")
    args, module_run = _parse(command, rest[1:], options)
    if "log_level" in options:
        from ..log import configure_logging

        configure_logging(args.log_level)
    return module_run(args)


def parser_of(command: str) -> ArgumentParser:
    """Return the parser of one command, its own arguments only. Imports the command's module."""
    import argparse
    from importlib import import_module

    parser = argparse.ArgumentParser(
        prog=f"persona {command}",
        description=COMMANDS[command][1].capitalize() + ".",
        epilog=_GLOBAL_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    import_module(f".{COMMANDS[command][0]}", __name__).add_arguments(parser, command)
    return parser


def _parse(command: str, rest: list[str], options: dict[str, str]) -> tuple[Namespace, Callable[[Namespace], int]]:
    args: Any
    if command == "check" and set(rest) <= {"--fresh"}:
        # Its usual lines are read by hand: argparse would be a tenth of its time.
        from importlib import import_module
        from types import SimpleNamespace

        import_module(f".{COMMANDS[command][0]}", __name__)
        args = SimpleNamespace(fresh="--fresh" in rest)
    else:
        args = parser_of(command).parse_args(rest)
    args.command = command
    args.file = options.get("file", "personas.yaml")
    args.data = options.get("data", ".persona")
    args.log_level = options.get("log_level", "")
    return args, sys.modules[f"{__name__}.{COMMANDS[command][0]}"].run


def _split(argv: list[str]) -> tuple[dict[str, str], list[str]]:
    """Take the options of every command out of the line, wherever they stand before a `--`.

    An option that a command has itself under the same name is left to it, once the command has been named.
    """
    options: dict[str, str] = {}
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            return options, [*rest, word, *words]
        name, equals, value = word.partition("=")
        if word[:2] == "-f" and len(word) > 2:
            options["file"] = word[2:]
        elif name in _OPTIONS and name not in _OWN_OPTIONS.get(rest[0] if rest else "", ()):
            given = value if equals else next(words, None)
            if given is None:
                print(f"persona: {name} needs a value. See `persona --help`.", file=sys.stderr)
                raise SystemExit(2)
            options[_OPTIONS[name]] = given
        else:
            rest.append(word)
    return options, rest


def _unknown(command: str) -> str:
    from difflib import get_close_matches

    if command.startswith("-"):
        return f"there is no option {command[:40]!r}"
    near = get_close_matches(command[:40], COMMANDS, n=1, cutoff=0.5)
    return f"there is no command {command[:40]!r}" + (f". Did you mean {near[0]!r}?" if near else "")


def _usage(message: str) -> int:
    print(
        f"persona: {message.rstrip('.')}{'' if message.endswith('?') else '.'} See `persona --help`.", file=sys.stderr
    )
    return 2
