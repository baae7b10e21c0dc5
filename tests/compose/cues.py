"""A cue for the tests of composing."""

from __future__ import annotations

from persona.channel import Limits
from persona.cue import Cue, Heard
from persona.definition import Definition
from persona.plan import Subject
from persona.rehearsal import START


def cue_for(two: Definition, subject: Subject, heard: Heard | None = None) -> Cue:
    """Return a cue of @tamsin_specs: a reply if something was heard, else a post."""
    return Cue(
        key="k",
        persona=two.persona("tamsin_specs"),
        kind="reply" if heard else "post",
        due_at=START,
        subject=subject,
        channel="feed",
        limits=Limits(),
        heard=heard,
    )
