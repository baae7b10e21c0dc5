"""Whom and what not to take in again: salted digests, so that the list names nobody."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..digest import digest
from ..store import TombstoneRow, get_setting, put_setting

SOMEONE = "someone"
"""Stands in other people's words where the name of a forgotten person stood."""
_SALT = "tombstone_salt"
_MENTION = re.compile(r"(?<!\w)@(\w(?:[\w.@-]*\w)?)")


class Tombstones:
    """The tombstones of a data folder, looked up through a session. The salt is the folder's own and random.

    A digest can be tried out by whoever has the folder and a name to try; it cannot be read backwards.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._salt = str((get_setting(session, _SALT) or {}).get("salt", ""))

    def __bool__(self) -> bool:
        """Tell whether anybody was ever forgotten here."""
        return bool(self._salt)

    def author(self, author: str, channel: str) -> bool:
        """Tell whether this person was forgotten on this channel."""
        return bool(self) and self._stands(author_digest(self._salt, author, channel))

    def event(self, event_id: str, channel: str) -> bool:
        """Tell whether this event was erased."""
        return bool(self) and self._stands(_event_digest(self._salt, event_id, channel))

    def without_names(self, text: str, channel: str) -> str:
        """Return `text` with every mention of a forgotten person replaced by @someone."""
        if not self or "@" not in text:
            return text
        return _MENTION.sub(lambda m: f"@{SOMEONE}" if self.author(m[1], channel) else m[0], text)

    def _stands(self, one: str) -> bool:
        found = select(TombstoneRow.digest).where(TombstoneRow.digest == one)
        return self._session.execute(found).first() is not None


def bury(session: Session, authors: Iterable[tuple[str, str]], events: Iterable[tuple[str, str]]) -> list[str]:
    """Set tombstones for (author, channel) and (event id, channel); return the authors' digests, sorted. Idempotent."""
    salt = str((get_setting(session, _SALT) or {}).get("salt", ""))
    if not salt:
        salt = secrets.token_hex(16)
        put_setting(session, _SALT, {"salt": salt})
    people = sorted({author_digest(salt, author, channel) for author, channel in authors})
    rows = dict.fromkeys(people, "author") | {_event_digest(salt, one, channel): "event" for one, channel in events}
    known = set(session.execute(select(TombstoneRow.digest)).scalars())
    session.add_all(TombstoneRow(digest=one, kind=kind) for one, kind in sorted(rows.items()) if one not in known)
    session.flush()
    return people


def lift(session: Session, author: str, channel: str) -> bool:
    """Take a person's tombstone away, so that what they say from now on is heard; False if there is none.

    The events that were erased keep theirs.
    """
    salt = str((get_setting(session, _SALT) or {}).get("salt", ""))
    where = TombstoneRow.digest == author_digest(salt, author, channel)
    found = session.scalar(select(TombstoneRow.digest).where(where)) is not None
    session.execute(delete(TombstoneRow).where(where))
    return found


def author_digest(salt: str, author: str, channel: str) -> str:
    """Return the digest under which a person is buried."""
    return digest("tombstone", salt, "author", author.casefold().lstrip("@"), channel)


def _event_digest(salt: str, event_id: str, channel: str) -> str:
    return digest("tombstone", salt, "event", event_id, channel)
