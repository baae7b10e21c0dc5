"""From persona, cue and recalled records to the messages that a chat model gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..cue import Cue
from ..definition import Persona, Product
from ..memory import Recalled
from ..writer.contract import Message, Sampling
from .asked import brief_for
from .brief import brief_messages

_SAMPLES = 4
_MEMORY_CHARS = 140


def messages_for(
    cue: Cue, recalled: Sequence[Recalled], product: Product | None, points: tuple[str, ...] = ()
) -> tuple[Message, ...]:
    """Return system prompt, samples in the persona's voice, and the request itself; `points` is what an answer says.

    Everything before the last message is the same for all of a persona's texts of one kind, so that a local model
    can keep its work on it. What a stranger wrote stands in quotation marks, in the last message only.
    """
    if is_plain(cue.persona):
        return brief_messages(brief_for(cue, recalled, product, points))
    head = Message(role="system", content=_system(cue.persona))
    ask = _ask_post(cue, recalled, product) if cue.kind == "post" else _ask_reply(cue, recalled)
    return (head, *_samples(cue), Message(role="user", content=ask))


def is_plain(persona: Persona) -> bool:
    """Tell whether the persona's writer reads briefs: the pocket writer was trained on them, others may say so.

    A larger model gets the whole persona: rules of conduct, canon and samples as turns of a chat.
    """
    writer = persona.writer
    return writer.reads == "briefs" or (writer.reads is None and writer.model == "pocket")


def fallen_back(cue: Cue) -> Cue:
    """Return the cue as the persona's fall-back writer is asked about it; the same one where there is none."""
    own = cue.persona.writer
    if own.fallback is None:
        return cue
    writer = own.model_copy(update={"model": own.fallback.model, "reads": own.fallback.reads})
    return replace(cue, persona=cue.persona.model_copy(update={"writer": writer}))


def sampling_for(cue: Cue) -> Sampling:
    """Return how to draw this cue's text; a reply is kept shorter than a post."""
    own = cue.persona.writer
    short = cue.kind == "reply"
    return Sampling(
        max_tokens=min(own.max_tokens, 40) if short else own.max_tokens,
        temperature=own.temperature,
        top_p=own.top_p,
        top_k=own.top_k,
        repetition_penalty=own.repetition_penalty,
        stop=("\n\n",),
    )


def _system(persona: Persona) -> str:
    lines = [f"You are {persona.name}. {persona.bio}", f"Your voice is {', '.join(persona.voice)}."]
    lines += [*persona.style[:3], *persona.do[:2]]
    if persona.canon:
        lines.append("True about you: " + " ".join(persona.canon[:3]))
    lines.append("You write one to three short, plain sentences. You never use hashtags.")
    return " ".join(lines)


def _samples(cue: Cue) -> list[Message]:
    turns: list[Message] = []
    if cue.kind == "reply":
        for sample in cue.persona.samples.replies[:_SAMPLES]:
            turns.append(Message(role="user", content=f'A follower wrote: "{sample.comment}" Write a short reply.'))
            turns.append(Message(role="assistant", content=sample.text))
        return turns
    for number, text in enumerate(cue.persona.samples.posts[:_SAMPLES]):
        topic = _nearest_topic(cue.persona, text, number)
        turns.append(Message(role="user", content=f"Write a short post about {topic}."))
        turns.append(Message(role="assistant", content=text))
    return turns


def _nearest_topic(persona: Persona, text: str, number: int) -> str:
    words = set(text.lower().split())
    best = max(persona.topics, key=lambda t: (len(words & set(t.name.lower().split())), t is persona.topics[0]))
    if words & set(best.name.lower().split()):
        return best.name
    return persona.topics[number % len(persona.topics)].name


def _memory_lines(recalled: Sequence[Recalled]) -> str:
    lines = [_cut(r.record.text, _MEMORY_CHARS) for r in recalled if r.record.kind in ("post", "reply", "promise")][:2]
    return "".join(f'You said before: "{line}" ' for line in lines)


def _ask_post(cue: Cue, recalled: Sequence[Recalled], product: Product | None) -> str:
    subject = cue.subject
    if subject.mode == "promo" and product:
        facts = "; ".join(product.facts)
        return f"{product.name}: {facts}. Write one short sentence on why that helps. No numbers, no price."
    if subject.mode == "callback" and subject.quote:
        return f'A follower wrote: "{_cut(subject.quote.text, 200)}" Write a short post that answers it.'
    if subject.mode == "promise" and subject.quote:
        return f"Write a short post about {subject.topic}."
    told = f" Say: {subject.say}." if subject.say else ""
    noticed = f"You noticed: {subject.insight.text} " if subject.insight else ""
    return f"{noticed}{_memory_lines(recalled)}Write a short new post about {subject.topic}: {subject.angle}.{told}"


def _ask_reply(cue: Cue, recalled: Sequence[Recalled]) -> str:
    assert cue.heard is not None
    about = f'Your post was: "{_cut(cue.heard.about, 200)}" ' if cue.heard.about else ""
    return f'{about}A follower wrote: "{_cut(cue.heard.text, 300)}" Write a short reply.'


def _cut(text: str, most: int) -> str:
    text = " ".join(text.replace('"', "'").split())
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + "…"
