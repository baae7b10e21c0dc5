"""The simulated social network and the channel to it.

Both names are loaded when they are first asked for: checking a personas file needs the channel's settings only,
and must not pay for the network's SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .channel import FeedChannel, FeedSettings
    from .network import FeedNetwork

__all__ = ["FeedChannel", "FeedNetwork", "FeedSettings"]


def __getattr__(name: str) -> object:
    if name in ("FeedChannel", "FeedSettings"):
        from . import channel

        return getattr(channel, name)
    if name == "FeedNetwork":
        from .network import FeedNetwork

        return FeedNetwork
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
