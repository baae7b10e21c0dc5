"""What the simulated network refuses. A docstring is the message; it names the cure."""

from __future__ import annotations

from persona.errors import PersonaError


class NetworkVersionUnknown(PersonaError, RuntimeError):
    """{file_text} has schema version {found}, not {known}. Rehearse into another folder with --data."""

    exit_code = 3


class UnknownAccount(PersonaError, LookupError):
    """No account {handle} is on the network. Register it first."""


class UnknownStatus(PersonaError, LookupError):
    """No status {status_id} is on the network. Send the text without `in_reply_to`, or drop it."""
