"""The page: feed, profiles, the queue of held drafts, and why each post exists."""

from .app import create_app
from .server import serve

__all__ = ["create_app", "serve"]
