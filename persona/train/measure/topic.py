"""Topic adherence: is a post nearest to its own topic, among ten?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...digest import rng_of, seed_of
from ..corpus import Cast, Example
from .vectors import Embed

OTHERS = 9
TASKS = ("post", "callback")


@dataclass(frozen=True, kw_only=True)
class TopicTest:
    """For each post the topics that it is held against, its own first. The same ones for every writer."""

    topics: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, casts: Sequence[Cast], examples: Sequence[Example]) -> TopicTest:
        """Draw nine other topics for each post, from the posts of all `casts`, by digest of the post's key."""
        pool = sorted({str(item["topic"]) for cast in casts for item in cast.items if item["task"] in TASKS})
        topics = {}
        for example in examples:
            if example.brief.task in TASKS and example.brief.topic:
                others = [topic for topic in pool if topic != example.brief.topic]
                drawn = rng_of("topics", example.key).sample(others, min(OTHERS, len(others)))
                topics[example.key] = (example.brief.topic, *drawn)
        return cls(topics=topics)

    def hits(self, texts: Mapping[str, str], embed: Embed) -> list[bool]:
        """Tell of each post whether its vector's cosine is largest to its own topic."""
        keys = sorted(self.topics, key=lambda key: seed_of(key))
        posts = embed([texts[key] for key in keys])
        found = []
        for key, post in zip(keys, posts, strict=True):
            cosines = embed(self.topics[key]) @ post
            found.append(bool(len(cosines) > 1 and cosines[0] > cosines[1:].max()))
        return found
