"""The simulated social network and the channel to it.

All names are loaded when they are first asked for: checking a personas file needs the channel only, and must not pay
for the network's SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .channel import FeedChannel
    from .network import FeedNetwork
    from .settings import FeedSettings

__all__ = ["FeedChannel", "FeedNetwork", "FeedSettings"]


def __getattr__(name: str) -> object:
    if name == "FeedChannel":
        from .channel import FeedChannel

        return FeedChannel
    if name == "FeedSettings":
        from .settings import FeedSettings

        return FeedSettings
    if name == "FeedNetwork":
        from .network import FeedNetwork

        return FeedNetwork
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
