"""Chroma in a server of its own, reached by its address. Vectors are passed in; its own embedding is never used."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from persona.errors import ChromaServerAway
from persona.store import get_setting, put_setting

_SETTING = "index_space"
_TIMEOUT = 30.0


class ServerPlace:
    """The collections of one data folder on a Chroma server. `space` keeps those of several folders apart.

    What was deleted there stays in the server's files until it is vacuumed there.
    """

    def __init__(self, url: str, space: str) -> None:
        self.url = url
        self._space = f"persona-{space}"

    def name(self, shard: int) -> str:
        """Return the name of a collection of this data folder."""
        return f"{self._space}-{shard}"

    def ours(self, name: str) -> bool:
        """Tell whether a collection belongs to this data folder."""
        return name.startswith(f"{self._space}-")

    def open(self) -> Any:
        """Return a client. Raises ChromaServerAway."""
        import chromadb
        from chromadb.config import Settings

        parts = urlsplit(self.url)
        ssl = parts.scheme == "https"
        try:
            client = chromadb.HttpClient(
                host=parts.hostname or "localhost",
                port=parts.port or (443 if ssl else 8000),
                ssl=ssl,
                settings=Settings(anonymized_telemetry=False),
            )
        except Exception as error:
            raise ChromaServerAway(url_text=self.url, cause_text=f"{type(error).__name__}: {error}") from error
        # Without a limit, which Chroma does not set, a server that hangs would hold up the tick for good.
        for session in _sessions(client):
            session.timeout = _TIMEOUT
        return client

    def let_go(self, client: Any) -> None:
        """Close the client and its connections, which its own `close` leaves open."""
        sessions = _sessions(client)
        try:
            client.close()
        finally:
            for session in sessions:
                session.close()

    def destroy(self, client: Any) -> None:
        """Delete the folder's collections."""
        for name in [c.name for c in all_collections(client) if self.ours(c.name)]:
            client.delete_collection(name)

    def seal(self) -> None:
        """Do nothing: the server looks after its files."""

    def leave(self) -> None:
        """Do nothing: nothing is held between calls."""

    def size(self) -> int:
        """Return 0: its files are not here."""
        return 0


def _sessions(client: Any) -> list[Any]:
    """Return the HTTP sessions of a client: its own, and that of the client for tenants which it makes beside."""
    servers = [getattr(each, "_server", None) for each in (client, getattr(client, "_admin_client", None))]
    return [session for server in servers if (session := getattr(server, "_session", None)) is not None]


def space_of(engine: Engine) -> str:
    """Return the name by which a data folder's collections are told from those of others: drawn once, then kept."""
    with Session(engine) as session, session.begin():
        kept = get_setting(session, _SETTING)
        if kept is None:
            kept = {"space": secrets.token_hex(6)}
            put_setting(session, _SETTING, kept)
    return str(kept["space"])


def all_collections(client: Any) -> list[Any]:
    """Return every collection; a server gives them by pages."""
    found: list[Any] = []
    while page := list(client.list_collections(limit=100, offset=len(found))):
        found += page
    return found
