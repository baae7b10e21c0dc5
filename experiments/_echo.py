"""The command line with a double for the model: everything else is real. Run as `python -m experiments._echo ...`."""

from __future__ import annotations

import sys

from persona.cli import _open, main
from persona.definition import Persona
from persona.parts import OpenWriter
from persona.testing.models import EchoChatModel
from persona.writer import Writer
from persona.writer.chat import ChatModelWriter


def _echo(override: str | None = None, **_: object) -> OpenWriter:
    writer: Writer = ChatModelWriter(EchoChatModel(), name="echo")

    def opener(persona: Persona) -> Writer:
        return writer

    return opener


if __name__ == "__main__":
    _open.writer_opener = _echo
    sys.exit(main(sys.argv[1:]))
