"""Reviewing what a person wrote instead of a held draft, by the same guards."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Engine as Store

from .channel import Limits
from .compose import with_labels
from .compose.build import facts_for
from .cue import Cue, Heard
from .definition import Definition
from .drafting import recent_texts
from .guard import Draft, Finding, Verdict
from .guards.review import builtin_guards, review
from .plan import Subject
from .store import InboxRow, OutboxRow, reading

_DEFAULT_LIMIT = 500


def reviewer(store: Store, definition: Definition, limits: Mapping[str, int]) -> Callable[[OutboxRow, str], Verdict]:
    """Return a function that gives the verdict on a new body for an outbox row. `limits` are by channel."""
    guards = builtin_guards(product_names=[product.name for product in definition.products])

    def look(row: OutboxRow, body: str) -> Verdict:
        try:
            persona = definition.persona(row.persona)
        except KeyError:
            gone = "its persona is no longer in the file, so the guards cannot judge it"
            return Verdict(findings=(Finding(rule="persona", decision="hold", reason=gone),))
        limit = Limits(max_chars=limits.get(row.channel, _DEFAULT_LIMIT))
        with reading(store) as session:
            event = session.get(InboxRow, row.inbox_id) if row.inbox_id is not None else None
            recent = [text for text in recent_texts(session, row.persona) if text != row.body]
        heard = Heard(author=event.author, text=event.text, at=event.at, source="inbox") if event else None
        cue = Cue(
            key=row.key,
            persona=persona,
            kind="post" if row.kind == "post" else "reply",
            due_at=row.due_at,
            subject=Subject.from_json(row.subject),
            channel=row.channel,
            limits=limit,
            heard=heard,
        )
        labels = tuple(str(label) for label in row.labels)
        draft = Draft(
            persona=persona,
            kind=cue.kind,
            channel=row.channel,
            body=body,
            text=with_labels(body, labels, limit.max_chars),
            labels=labels,
            limits=limit,
            now=row.due_at,
            facts=facts_for(cue, (), definition.products),
            recent=tuple(recent),
            product=cue.subject.product or None,
            question=heard.text if heard else "",
        )
        return review(draft, guards)

    return look
