"""Performance: how an own post was taken, a day after it went out."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from .memory import Record, record_id
from .plan import Subject
from .store import InboxRow, OutboxRow, PostRow, get_setting, put_setting

AFTER = timedelta(days=1)
_SETTING = "measured"


def measure_posts(session: Session, now: datetime) -> list[Record]:
    """Return a record for each own post that became a day old since the last call, in the order they went out."""
    done = (get_setting(session, _SETTING) or {}).get("post", 0)
    rows = session.execute(
        select(PostRow, OutboxRow)
        .join(OutboxRow, OutboxRow.id == PostRow.outbox_id)
        .where(PostRow.id > done, PostRow.at <= now - AFTER)
        .order_by(PostRow.id)
    ).all()
    if rows:
        put_setting(session, _SETTING, {"post": rows[-1][0].id})
    return [_measured(session, post, row, now) for post, row in rows if post.kind == "post"]


def _measured(session: Session, post: PostRow, row: OutboxRow, now: datetime) -> Record:
    subject = Subject.from_json(row.subject)
    about = or_(InboxRow.about_id == post.remote_id, InboxRow.thread_id == post.remote_id)
    where = (InboxRow.persona == post.persona, InboxRow.channel == post.channel, InboxRow.kind != "follow", about)
    comments = session.scalar(select(func.count()).select_from(InboxRow).where(*where)) or 0
    people = session.scalar(select(func.count(func.distinct(InboxRow.author))).where(*where)) or 0
    text = (
        f"The post of {post.at.day} {post.at:%B} about “{subject.angle or subject.topic}” got "
        f"{_many(post.likes, 'like')} and {_many(comments, 'reply', 'replies')} "
        f"by {_many(people, 'person', 'people')} within a day."
    )
    own = record_id(persona=post.persona, kind="post", author=post.persona, text=row.body, source=row.key)
    return Record(
        id=record_id(persona=post.persona, kind="performance", author=post.persona, text=text, source=row.key),
        persona=post.persona,
        kind="performance",
        text=text,
        at=now,
        author=post.persona,
        source=row.key,
        channel=post.channel,
        importance=0.3,
        trust=0.9,
        extra={
            "topic": subject.topic,
            "angle": subject.angle,
            "likes": str(post.likes),
            "replies": str(comments),
            "people": str(people),
        },
        rests_on=(own,),
    )


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
