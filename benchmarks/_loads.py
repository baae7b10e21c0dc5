"""The loads of the speed measurement: how many texts, with which prompts, and how long."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from persona.writer import Message, Sampling, WriteRequest
from persona.writer.folder import ModelFolder
from persona.writer.prompt import Template

TEMPERATURE, TOP_P, TOP_K = 0.8, 0.9, 40
END = "<|im_end|>"

_SENTENCES = (
    "You are {name}, a baker in {town}, and you write long stories about bread. ",
    "You write in the first person, in many sentences, without hashtags. ",
    "You like {grain}, sourdough, the first tram of the day and people who ask before they touch. ",
    "You never promise a time, and you never speak badly of another bakery in {town}. ",
    "Your oven is older than the street, and {name} is what everybody calls it. ",
)
_NAMES = ("Ada", "Bela", "Chidi", "Dora", "Emre", "Fatou", "Goro", "Hanne", "Ivo", "Jule", "Kofi", "Lena")
_TOWNS = ("Lisbon", "Tromso", "Kyoto", "Accra", "Lima", "Graz", "Cork", "Pune")
_GRAINS = ("rye", "spelt", "barley", "emmer", "oats", "buckwheat", "maize")
_TOPICS = ("rye", "the early tram", "a birthday", "flour prices", "burnt crusts", "sleep", "rain", "an oven", "salt")


@dataclass(frozen=True, kw_only=True)
class Prompted:
    """One text to write: its prompt in every form that an engine takes, and how many tokens it shall have at most."""

    messages: tuple[Message, ...]
    text: str
    shared: tuple[int, ...]
    own: tuple[int, ...]
    wanted: int


@dataclass(frozen=True, kw_only=True)
class Load:
    """Texts that are wanted at once. `shared` says whether they have one system prompt."""

    name: str
    texts: tuple[Prompted, ...]
    shared: bool

    def first(self, count: int) -> Load:
        """Return the load of its first `count` texts, for engines so slow that a part must do."""
        return Load(name=self.name, texts=self.texts[:count], shared=self.shared)

    def requests(self, candidates: int = 1) -> list[WriteRequest]:
        """Return the load as requests to a writer."""
        return [
            WriteRequest(
                id=f"{number:03}",
                messages=each.messages,
                seed=number,
                candidates=candidates,
                sampling=Sampling(
                    max_tokens=each.wanted, temperature=TEMPERATURE, top_p=TOP_P, top_k=TOP_K, repetition_penalty=1.0
                ),
            )
            for number, each in enumerate(self.texts)
        ]


class Loads:
    """Makes loads for one model's tokenizer and template."""

    def __init__(self, folder: ModelFolder) -> None:
        self.tokenizer: Any = folder.tokenizer()
        self._template = Template(folder.template, self.tokenizer, tokens=folder.named_tokens())

    def load(
        self, name: str, count: int, *, prefix: int, shared: bool, wanted: tuple[int, int] = (12, 60), own: int = 40
    ) -> Load:
        """Return `count` texts of `wanted` tokens each (drawn evenly), with about so many tokens of system prompt."""
        rng = random.Random(count * 10_000 + prefix)
        texts = []
        for number in range(count):
            system = self._system(0 if shared else number, prefix)
            topic = _TOPICS[number % len(_TOPICS)]
            note = f"A follower told you something long about {topic} yesterday. "
            user = note * max(1, own // 12) + f"Write story number {number} about {topic}, with every detail."
            messages = (Message(role="system", content=system), Message(role="user", content=user))
            prompt = self._template.prompt(messages, room=10**6)
            texts.append(
                Prompted(
                    messages=messages,
                    text=self._template.text(messages, prompt=True),
                    shared=prompt.prefix,
                    own=prompt.own,
                    wanted=rng.randint(*wanted),
                )
            )
        return Load(name=name, texts=tuple(texts), shared=shared)

    def _system(self, number: int, tokens: int) -> str:
        rng = random.Random(number)
        words = {"name": _NAMES[number % len(_NAMES)], "town": rng.choice(_TOWNS), "grain": rng.choice(_GRAINS)}
        text = f"Note {number}. "
        turn = 0
        while len(self.tokenizer.encode(text).ids) < tokens:
            text += _SENTENCES[turn % len(_SENTENCES)].format(**words)
            turn += 1
        return text

    def useful(self, found: Sequence[Sequence[int]], load: Load) -> int:
        """Return how many tokens are text that was wanted: up to the end token, and not more than asked for."""
        end = self.tokenizer.token_to_id(END)
        total = 0
        for tokens, each in zip(found, load.texts, strict=True):
            own = list(tokens)[: each.wanted]
            total += own.index(end) + 1 if end in own else len(own)
        return total
