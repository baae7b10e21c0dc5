"""persona runs virtual influencers: a few lines of YAML each, rehearsed on a simulated network, then live."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .channel import Channel, Event, Limits, Outgoing, Poll, Promise, Rate, Seat, Sent, Standing
    from .clock import Clock, SystemClock, VirtualClock
    from .errors import ChannelError, ChannelRefused, PersonaError, PostRefused, SendUncertain
    from .retry import retry_after

__all__ = [
    "Channel",
    "ChannelError",
    "ChannelRefused",
    "Clock",
    "Event",
    "Limits",
    "Outgoing",
    "PersonaError",
    "Poll",
    "PostRefused",
    "Promise",
    "Rate",
    "Seat",
    "SendUncertain",
    "Sent",
    "Standing",
    "SystemClock",
    "VirtualClock",
    "retry_after",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: `persona --help` needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import channel, clock, errors, retry

    for module in (channel, clock, errors, retry):
        if hasattr(module, name):
            globals()[name] = getattr(module, name)
            break
    return globals()[name]
