"""Simulated followers: they read, like, follow and comment on a simulated network."""

from .audience import Audience
from .bank import CommentBank, Intent, Line
from .rates import Rates

__all__ = ["Audience", "CommentBank", "Intent", "Line", "Rates"]
