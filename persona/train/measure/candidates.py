"""Writing candidates for every brief with a local model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...compose.brief import Brief, brief_messages
from ...compose.polish import clean
from ...digest import seed_of
from ...writer.contract import Sampling, Writer, WriteRequest
from ..corpus import Example

_SENTENCES, _CHARS = 6, 700
_TOKENS, _STEP, _MOST = 20, 18, 4


@dataclass(frozen=True, kw_only=True)
class Written:
    """One candidate as it would be handed on: `text` is polished, `logprob` the model's own mean for what it wrote."""

    text: str
    logprob: float | None


Candidates = Mapping[str, Sequence[Written]]


def write_candidates(writer: Writer, examples: Sequence[Example], *, count: int, seed: int) -> dict[str, list[Written]]:
    """Return `count` candidates for each example, by its key; all of a persona are one batch.

    The first n of them are the same whatever `count` is. What an ill request leaves is an empty text.
    """
    found: dict[str, list[Written]] = {}
    for own in _by_persona(examples):
        requests = [_request(example, count, seed) for example in own]
        for example, answer in zip(own, writer.write(requests), strict=True):
            found[example.key] = [
                Written(text=polished(candidate.text), logprob=candidate.logprob) for candidate in answer.candidates
            ] or [Written(text="", logprob=None)] * count
    return found


def polished(text: str) -> str:
    """Return the whole sentences of what a model wrote, up to six, or all of it if none is whole.

    Openers such as "Sure, here is a post:", hashtags, wrapping quotation marks and an unfinished end go, as they do in
    the engine. Nothing is cut to the length that was asked for.
    """
    return clean(text, sentences=_SENTENCES, chars=_CHARS) or text.strip()


def sampling_of(brief: Brief) -> Sampling:
    """Return the default settings of a persona's writer, with room for the sentences that are asked for."""
    return Sampling(max_tokens=_TOKENS + _STEP * min(brief.sentences, _MOST), stop=("\n\n",))


def _request(example: Example, count: int, seed: int) -> WriteRequest:
    brief = example.brief
    return WriteRequest(
        # Batches are split in the order of ids: texts of like length then share one.
        id=f"{min(brief.sentences, _MOST)}:{example.place:03}",
        messages=brief_messages(brief),
        seed=seed_of("measure", seed, example.key),
        candidates=count,
        sampling=sampling_of(brief),
    )


def _by_persona(examples: Sequence[Example]) -> list[list[Example]]:
    groups: dict[tuple[str, str], list[Example]] = {}
    for example in examples:
        groups.setdefault((example.source, example.handle), []).append(example)
    return list(groups.values())
