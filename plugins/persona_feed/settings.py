"""What a persona can say of its account on the simulated network."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class FeedSettings(BaseModel):
    """`channels: {feed: {…}}` in a personas file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    visibility: Literal["public", "unlisted"] = "public"
    """`unlisted` keeps the posts out of the public timeline of the network's Mastodon API."""
