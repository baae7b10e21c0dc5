"""Content digests: names, keys and random seeds that are the same in every process and on every machine."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import date, datetime


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical(value: object) -> str:
    """Return `value` as JSON with sorted keys and no spaces: the same text for the same content, always."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def digest(*parts: object, size: int = 16) -> str:
    """Return a hex digest of `parts`, `2 * size` characters long (BLAKE2b, RFC 7693)."""
    return hashlib.blake2b(canonical(parts).encode(), digest_size=size).hexdigest()


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed drawn from `parts` by digest, so that it depends on what is written, not on order."""
    return int(digest(*parts, size=8), 16) >> 1


def rng_of(*parts: object) -> random.Random:
    """Return a random source seeded by `seed_of(*parts)`."""
    return random.Random(seed_of(*parts))
