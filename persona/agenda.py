"""The agenda: slots become rows, due slots and events to answer become rows of the outbox."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from .channel import Event
from .compose.exact import product_spoken_of
from .compose.moves import PUBLIC, asks_who, kind_of
from .crash import here
from .definition import Persona
from .digest import digest, rng_of
from .memory import Record
from .parts import Parts
from .plan import Answer, Answered, Subject, choose_subject, consider, slots_between
from .store import InboxRow, OutboxRow, PostRow, SlotRow, append, get_setting, put_setting, reading, writing

HORIZON = timedelta(hours=48)
LEAD = timedelta(hours=4)
"""A text is written up to this long before it is due, together with others: a batch costs a fraction of its parts."""
_REMEMBERED = 200
"""So many of its last texts say what a persona writes about next."""
LATEST = timedelta(days=7)
"""No grace is longer."""


def plan_slots(parts: Parts, now: datetime) -> None:
    """Write the slots of the next 48 hours that are missing. Those before the folder's first tick are not made."""
    with reading(parts.store) as session:
        planned = get_setting(session, "planned") or {}
    start = datetime.fromisoformat(planned["from"]) if planned else now
    done = datetime.fromisoformat(planned["until"]) if planned else now
    changed = planned.get("definition") != _rules(parts)
    if done - now > HORIZON / 2 and not changed:
        return
    here("plan.read")
    with writing(parts.store) as session:
        recent = SlotRow.local_date >= (now - LATEST - timedelta(days=3)).date()
        known = {
            tuple(row)
            for row in session.execute(select(SlotRow.persona, SlotRow.name, SlotRow.local_date).where(recent))
        }
        for persona in parts.personas:
            for slot in slots_between(
                persona, max(start, now - persona.delivery.grace), now + HORIZON, seed=parts.seed
            ):
                key = (slot.persona, slot.name, slot.local_date)
                if key not in known:
                    session.add(
                        SlotRow(persona=key[0], name=key[1], local_date=key[2], due_at=slot.due_at, state="planned")
                    )
        put_setting(
            session,
            "planned",
            {"from": start.isoformat(), "until": (now + HORIZON).isoformat(), "definition": _rules(parts)},
        )
        here("plan.written")
    here("plan.committed")


def _rules(parts: Parts) -> str:
    return digest(
        [
            (p.handle, p.time_zone, p.model_dump_json(include={"slots", "quiet_hours", "holidays"}))
            for p in parts.personas
        ]
    )


def take_slots(parts: Parts, now: datetime) -> None:
    """Put the slots that fall due within the lead into the outbox, each with its subject and key."""
    due = (SlotRow.state == "planned", SlotRow.due_at <= now + LEAD)
    query = select(SlotRow).where(*due).order_by(SlotRow.due_at, SlotRow.persona, SlotRow.name)
    with reading(parts.store) as session:
        if session.execute(select(SlotRow.id).where(*due).limit(1)).first() is None:
            return
    here("slots.read")
    known = {persona.handle: persona for persona in parts.personas}
    pasts: dict[str, _Past] = {}
    with writing(parts.store) as session:
        unsure = _restored(session)
        for slot in session.scalars(query).all():
            persona = known.get(slot.persona)
            if persona is None:
                slot.state, slot.note = "skipped", "the persona is no longer in the file"
            elif slot.local_date in persona.holidays:
                slot.state, slot.note = "skipped", "it is a holiday"
            elif unsure and slot.due_at <= unsure:
                slot.state, slot.note = "skipped", "the folder was restored: it may be out already"
            elif now - slot.due_at > persona.delivery.grace:
                slot.state, slot.note = "skipped", "it was overdue when it was found"
                append(
                    session, at=now, persona=slot.persona, kind="skipped", slot=slot.name, due=slot.due_at.isoformat()
                )
            else:
                slot.state = "taken"
                if persona.handle not in pasts:
                    pasts[persona.handle] = _Past(parts, session, persona.handle)
                _take_slot(parts, session, persona, slot, now, pasts[persona.handle])
        here("slots.written")
    here("slots.committed")


def _restored(session: Session) -> datetime | None:
    """Return until when things may have happened that a restored folder does not know."""
    restored = get_setting(session, "restored")
    return datetime.fromisoformat(restored["until"]) if restored else None


class _Past:
    """What a persona's subjects are chosen by, read once for all slots that are taken at a time."""

    def __init__(self, parts: Parts, session: Session, handle: str) -> None:
        self.promises = parts.memory.list(handle, kind="promise", limit=60)
        self.told = parts.memory.list(handle, kind="told", limit=60)
        self.insights = parts.memory.list(handle, kind="insight", limit=60)
        found = session.execute(
            select(OutboxRow.due_at, OutboxRow.id, OutboxRow.slot_id, OutboxRow.subject)
            .where(OutboxRow.persona == handle, OutboxRow.kind == "post")
            .order_by(OutboxRow.due_at.desc(), OutboxRow.id.desc())
            .limit(_REMEMBERED)
        )
        self._rows = [(due_at, row, slot, Subject.from_json(subject)) for due_at, row, slot, subject in found]

    def add(self, row: OutboxRow, subject: Subject) -> None:
        """Take up a row that was added since."""
        self._rows.append((row.due_at, row.id, row.slot_id, subject))
        self._rows.sort(key=lambda each: each[:2], reverse=True)
        del self._rows[_REMEMBERED:]

    def history(self) -> list[tuple[datetime, Subject]]:
        """Return the subjects of own posts, newest first, one for each slot."""
        seen: dict[int | None, tuple[datetime, Subject]] = {}
        for due_at, _, slot, subject in self._rows:
            seen.setdefault(slot, (due_at, subject))
        return list(seen.values())


def _take_slot(parts: Parts, session: Session, persona: Persona, slot: SlotRow, now: datetime, past: _Past) -> None:
    name = f"{slot.name}:{slot.local_date}"

    def takes_up(record: Record) -> bool:
        return kind_of(record.text, parts.memory.embed([record.text])[0]) in PUBLIC

    subject = choose_subject(
        persona,
        now=now,
        history=past.history(),
        promises=past.promises,
        told=past.told,
        insights=past.insights,
        products=parts.products_of(persona),
        random=rng_of("subject", parts.seed, persona.handle, name),
        takes_up=takes_up,
    )
    rows = [
        OutboxRow(
            key=digest("outbox", persona.handle, "slot", name, channel.name),
            persona=persona.handle,
            channel=channel.name,
            kind="post",
            slot_id=slot.id,
            due_at=slot.due_at,
            state="planned",
            subject=subject.as_json(),
        )
        for channel in parts.channels_of(persona.handle)
    ]
    session.add_all(rows)
    session.flush()
    for row in rows:
        past.add(row, subject)


def take_events(parts: Parts, now: datetime) -> None:
    """Decide on every new event: an answer goes into the outbox, or the inbox keeps why there is none."""
    with reading(parts.store) as session:
        new = session.scalars(select(InboxRow).where(InboxRow.state == "new").order_by(InboxRow.at, InboxRow.id)).all()
    if not new:
        return
    here("events.read")
    known = {persona.handle: persona for persona in parts.personas}
    with writing(parts.store) as session:
        unsure = _restored(session)
        for row in new:
            event = session.merge(row, load=True)
            persona = known.get(event.persona)
            if persona is None:
                event.state, event.note = "passed", "the persona is no longer in the file"
                continue
            if unsure and event.at <= unsure:
                event.state, event.note = "passed", "the folder was restored: it may have been answered already"
                continue
            answer = _consider(parts, session, persona, event, now)
            if answer.due_at is None:
                event.state, event.note = "passed", answer.reason
                continue
            event.state = "taken"
            session.add(
                OutboxRow(
                    key=digest("outbox", persona.handle, "event", event.remote_id, event.channel),
                    persona=persona.handle,
                    channel=event.channel,
                    kind="reply",
                    inbox_id=event.id,
                    due_at=max(answer.due_at, now),
                    state="planned",
                    subject=_reply_subject(parts, session, persona, event).as_json(),
                    in_reply_to=event.post_id,
                )
            )
            session.flush()
        here("events.written")
    here("events.committed")


def _reply_subject(parts: Parts, session: Session, persona: Persona, event: InboxRow) -> Subject:
    about = post_text(session, event)
    topic = ""
    row = session.execute(
        select(OutboxRow.subject)
        .join(PostRow, PostRow.outbox_id == OutboxRow.id)
        .where(PostRow.channel == event.channel, PostRow.remote_id.in_([event.thread_id or "", event.about_id or ""]))
        .order_by(PostRow.id)
    ).scalar()
    if row:
        topic = row.get("topic", "")
    if asks_who(event.text, parts.memory.embed([event.text])[0]):
        return Subject(mode="identity", topic=topic)
    product = product_spoken_of(persona, parts.products_of(persona), about, event.text)
    if product:
        return Subject(mode="answer", topic=topic or product.name, product=product.id)
    return Subject(mode="chat", topic=topic)


def post_text(session: Session, event: InboxRow) -> str:
    """Return the own post that an event is about, or an empty text."""
    found = session.execute(
        select(PostRow.text).where(PostRow.channel == event.channel, PostRow.remote_id == event.about_id)
    ).scalar()
    return found or ""


def _consider(parts: Parts, session: Session, persona: Persona, event: InboxRow, now: datetime) -> Answer:
    """Ask the reply policy twice: what has been answered counts for the day on which the answer would go out."""

    def ask(answered: Answered) -> Answer:
        random = rng_of("reply", parts.seed, persona.handle, event.channel, event.remote_id)
        return consider(persona, _event(event), answered, random)

    first = ask(Answered(thread=0, author=0, day=0))
    if first.due_at is None:
        return first
    return ask(_answered(session, persona, event, max(first.due_at, now)))


def _answered(session: Session, persona: Persona, event: InboxRow, due: datetime) -> Answered:
    zone = ZoneInfo(persona.time_zone)
    day = due.astimezone(zone).date()
    start = datetime.combine(day, time(0), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    taken = (InboxRow.persona == persona.handle, InboxRow.state == "taken")

    def count(*where: ColumnElement[bool]) -> int:
        answers = select(func.count()).select_from(InboxRow).join(OutboxRow, OutboxRow.inbox_id == InboxRow.id)
        return session.scalar(answers.where(*taken, *where)) or 0

    today = (OutboxRow.due_at >= start, OutboxRow.due_at < end)
    thread = event.thread_id or event.about_id
    # A network that names no thread still says what was answered.
    same = func.coalesce(InboxRow.thread_id, InboxRow.about_id) == thread
    return Answered(
        thread=count(InboxRow.channel == event.channel, same) if thread else 0,
        author=count(*today, InboxRow.author == event.author),
        day=count(*today),
    )


def _event(row: InboxRow) -> Event:
    return Event(id=row.remote_id, kind=row.kind, author=row.author, at=row.at, text=row.text)  # type: ignore[arg-type]
