"""persona runs virtual influencers: a few lines of YAML each, rehearsed on a simulated network, then live."""

from .channel import Channel, Event, Limits, Outgoing, Poll, Promise, Seat, Sent, Standing
from .clock import Clock, SystemClock, VirtualClock
from .errors import ChannelError, PersonaError, SendUncertain

__all__ = [
    "Channel",
    "ChannelError",
    "Clock",
    "Event",
    "Limits",
    "Outgoing",
    "PersonaError",
    "Poll",
    "Promise",
    "Seat",
    "SendUncertain",
    "Sent",
    "Standing",
    "SystemClock",
    "VirtualClock",
]

__version__ = "0.1.0"
