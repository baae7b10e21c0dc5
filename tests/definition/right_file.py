"""A small personas file that says all that can be said, and what the two ways to check a file make of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from persona.definition import Definition
from persona.definition.loader import load
from persona.definition.quick import surely_right
from persona.errors import DefinitionError
from persona.plugins import PluginRegistry

ALL = """\
defaults:
  language: en
  quiet_hours: {start: "22:30", end: "6:45"}
  dont: [shout]
  writer: {model: pocket, base_url: "http://127.0.0.1:80/v1", api_key: env:KEY, temperature: 0.4, top_p: 0.5, top_k: 3,
    repetition_penalty: 1, candidates: 4, max_tokens: 48, timeout: 30s, retries: 2, requests_per_minute: 9,
    price: {input: 1, output: 2.5}, budget: {tokens: 1000, money: 3}, options: {effort: low}, fallback: pocket}
personas:
- name: Ada Crumb
  handle: ada_crumb
  bio: A virtual baker.
  trade: baker
  country: PT
  voice: [warm, plain]
  style: [Short sentences.]
  emoji: {max: 1, allowed: ["🍞", "🥖"]}
  topics:
  - {name: bread, weight: 0.5, angles: [why it keeps, how to cut it]}
  - {name: dough, weight: 3}
  samples:
    posts: [Keep a loaf cut side down.]
    replies: [{comment: It sticks!, text: Wet your hands.}]
  canon: [She is made of software.]
  do: [Give a reason.]
  banned: [miracle]
  time_zone: Europe/Lisbon
  slots:
  - {name: morning, at: "08:30", days: weekdays, jitter: 20m}
  - {name: noon, at: 12:05, days: [sat, sun]}
  - {name: evening, cron: "30 18 * * mon-fri", jitter: 1h30m}
  replies: {to: [mention, reply], per_thread: 2, per_author: 3, per_day: 20, delay: {least: 6m, most: 75m}}
  channels: {feed: {visibility: unlisted}}
  approval: promo
  memory: {store: chroma, recall: 4, weights: {words: 0.5, recency: 0, kinds: {promise: 1}}, half_life: 7d,
    embedding: models/own, url: "http://127.0.0.1:8000", retention: {told: 180d, insight: 8w}}
  disclosure: {ai: "#AI", ad: "#ad", on_replies: true, answer: I am a virtual character.}
  products: [mug]
  promos_per_week: 2
- {name: Ben, handle: ben, bio: A virtual gardener., voice: [dry], topics: [{name: herbs}], time_zone: UTC,
  slots: [{name: a, at: "09:00"}], channels: {feed: }, replies: {delay: {least: 1m}}}
products:
- {id: mug, name: Mug, price: "€9", facts: [blue, round], offer: two for one}
"""


def same(quick: Any, full: Any) -> bool:
    """Tell whether the quick check found just what the model holds."""
    if isinstance(quick, dict):
        held = full if isinstance(full, dict) else {key: getattr(full, key) for key in type(full).model_fields}
        return set(quick) == set(held) and all(same(each, held[key]) for key, each in quick.items())
    if isinstance(quick, tuple):
        return len(quick) == len(full) and all(map(same, quick, full))
    return bool(quick == full)


def quick_and_full(path: Path) -> tuple[dict[str, Any] | None, Definition | None]:
    """Return what each makes of the file, after seeing that they do not contradict each other."""
    registry = PluginRegistry(path.parent)
    quick = surely_right(path, registry)
    try:
        full = load(path, registry=registry)
    except DefinitionError:
        full = None
    if quick is not None:
        assert full is not None, path.read_bytes()
        assert same(quick, full)
    return quick, full
