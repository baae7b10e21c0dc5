"""Named points between two commits, where an experiment may kill the process.

A point costs one comparison. Nothing happens there unless a program installs a killer; persona itself never does, and
reads no environment variable for it.
"""

from __future__ import annotations

from collections.abc import Callable

Killer = Callable[[str], None]

POINTS = (
    "tick.begin",
    "plan.read",
    "plan.written",
    "plan.committed",
    "listen.begin",
    "listen.polled",
    "listen.kept",
    "listen.written",
    "listen.committed",
    "listen.failed",
    "listen.after-failed",
    "reflect.written",
    "reflect.committed",
    "slots.read",
    "slots.written",
    "slots.committed",
    "events.read",
    "events.written",
    "events.committed",
    "drafting.read",
    "drafting.drafted",
    "drafting.kept",
    "drafting.written",
    "drafting.committed",
    "delivery.read",
    "delivery.held",
    "delivery.claimed",
    "delivery.after-claim",
    "delivery.looked",
    "delivery.after-send",
    "delivery.refused",
    "delivery.uncertain",
    "delivery.sent",
    "delivery.remembered",
    "delivery.after-keep",
    "delivery.waiting",
    "delivery.after-wait",
    "delivery.unsure",
    "delivery.after-unsure",
    "delivery.blind",
    "delivery.after-blind",
    "delivery.parked",
    "tick.delivered",
    "tick.end",
)
"""Every name that `here` is called with, in the order of a tick; those with an `after-`, `committed` and the ends of a
tick have nothing uncommitted before them."""

_killer: Killer | None = None


def here(name: str) -> None:
    """Pass the point `name`. Does nothing unless a killer is installed."""
    if _killer is not None:
        _killer(name)


def install(killer: Killer | None) -> None:
    """Call `killer` with the name of every point that is passed from now on; None takes it away."""
    global _killer
    _killer = killer
