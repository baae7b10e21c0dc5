"""What keeps a ready text from going out: a changed catalogue, a word of the day, a lost label, lateness, a pause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from persona import fresh, outbox, pause
from persona.approval import Approvals
from persona.definition import Definition
from persona.delivery import deliver_due
from persona.errors import WrongState
from persona.parts import Parts
from persona.store import writing
from persona.testing import RecordingChannel, make_seat
from tests.engine.outbox_rows import HANDLE, deliver_for, ready, row, states, with_channels

OpenTwo = Callable[..., Parts]


def parts_with(open_two: OpenTwo, definition: Definition, **delivery: Any) -> Parts:
    how = definition.personas[0].delivery.model_copy(update=delivery)
    personas = tuple(persona.model_copy(update={"delivery": how}) for persona in definition.personas)
    parts = open_two(definition=definition.model_copy(update={"personas": personas}))
    return with_channels(parts, RecordingChannel(make_seat(handle=HANDLE)))


def sent(parts: Parts) -> list[str]:
    channel = parts.channels[HANDLE, "recording"]
    assert isinstance(channel, RecordingChannel)
    return [post.text for post in channel.sent]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"price": "€999"}, "the price of"),
        ({"offer": "two for one"}, "the offer of"),
        ({"facts": ("It is new.",)}, "the facts about"),
        (None, "has left the catalogue"),
    ],
)
def test_a_product_that_changed_since_holds_the_text(
    open_two: OpenTwo, two: Definition, change: dict[str, Any] | None, said: str
) -> None:
    parts = parts_with(open_two, two)
    product = two.products[0]
    about = fresh.products_in(two, "", f"Look at the {product.name.upper()} here.")
    assert list(about) == [product.id]
    changed, same = (ready(parts, 1, channel="recording", products=each)[0] for each in (about, {}))
    rest = two.products[1:]
    now = (product.model_copy(update=change), *rest) if change else rest
    parts.definition = parts.definition.model_copy(update={"products": now})
    deliver_for(parts, timedelta(0))
    assert [row(parts, changed).state, row(parts, same).state] == ["held", "sent"]
    assert said in row(parts, changed).reasons[0]
    # A person who approves it waives just that.
    Approvals(parts.store).approve(str(changed), "ines", parts.clock.now())
    deliver_for(parts, timedelta(0))
    assert row(parts, changed).state == "sent"


def test_a_word_of_the_day_and_a_lost_label_hold(open_two: OpenTwo, two: Definition) -> None:
    parts = parts_with(open_two, two, crisis=("flood", "wild fire"))
    ready(parts, 1, channel="recording", body="A F-L-O-O-D of light", text="A F-L-O-O-D of light #AI")
    ready(parts, 1, channel="recording", body="Floodlights", text="Floodlights #AI")
    ready(parts, 1, channel="recording", body="bare", text="bare #AIR")
    deliver_for(parts, timedelta(0))
    assert states(parts) == ["held", "sent", "held"]
    assert "'flood'" in row(parts, 1).reasons[0]
    assert "label #AI is missing" in row(parts, 3).reasons[0]


def test_a_look_that_fails_lets_nothing_out(
    open_two: OpenTwo, two: Definition, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = parts_with(open_two, two, crisis=("flood",))
    monkeypatch.setattr("persona.fresh.holds_word", lambda word, text: 1 / 0)
    ready(parts, 2, channel="recording")
    deliver_for(parts, timedelta(0))
    assert states(parts) == ["held", "held"]
    assert "ZeroDivisionError" in row(parts, 1).reasons[0]
    assert sent(parts) == []


@pytest.mark.parametrize(("late", "state"), [("post", "sent"), ("drop", "expired"), ("ask", "held")])
def test_what_is_too_late_is_posted_dropped_or_asked_for(
    open_two: OpenTwo, two: Definition, late: str, state: str
) -> None:
    parts = parts_with(open_two, two, late=late, grace=timedelta(hours=1))
    now = parts.clock.now()
    ready(parts, 1, channel="recording", due=now - timedelta(minutes=61))
    ready(parts, 1, channel="recording", due=now - timedelta(minutes=59))
    ready(parts, 1, channel="recording", due=now - timedelta(hours=3), kind="reply")
    ready(parts, 1, channel="recording", due=now - timedelta(hours=9), approved_at=now)
    deliver_for(parts, timedelta(0))
    assert states(parts) == [state, "sent", "sent", "sent"]
    if late == "ask":
        Approvals(parts.store).approve("1", "ines", now)
        deliver_for(parts, timedelta(0))
        assert states(parts)[0] == "sent"


@pytest.mark.parametrize("by", ["store", "store-all", "file", "file-all", "signal"])
def test_a_pause_acts_at_once_and_ends(open_two: OpenTwo, two: Definition, by: str) -> None:
    parts = parts_with(open_two, two)
    now = parts.clock.now()
    ready(parts, 1, channel="recording")
    handle = HANDLE if by == "store" else pause.ALL
    if by.startswith("store"):
        with writing(parts.store) as session:
            pause.pause(session, now, handle=handle, by="ines")
    elif by == "signal":
        assert pause.toggle(parts.folder)
    else:
        (parts.folder / "PAUSE").write_text(f"@{HANDLE}\nsomeone_else\n" if by == "file" else "")
    assert deliver_due(parts, now) == 0
    [waiting] = outbox.listed(parts.store, parts.folder, now)
    assert waiting.waits_for.startswith("paused by")
    if by.startswith("store"):
        with writing(parts.store) as session:
            assert pause.resume(session, now, handle=handle, by="ines")
            assert not pause.resume(session, now, handle=handle, by="ines")
    elif by == "signal":
        assert not pause.toggle(parts.folder)
    else:
        (parts.folder / "PAUSE").unlink()
    assert deliver_due(parts, now) == 1


def test_a_pause_has_an_end_and_is_of_one(open_two: OpenTwo, two: Definition) -> None:
    parts = parts_with(open_two, two)
    now = parts.clock.now()
    ready(parts, 1, channel="recording")
    with writing(parts.store) as session:
        pause.pause(session, now, handle="tova_slow", by="ines")
        pause.pause(session, now, handle=HANDLE, until=now + timedelta(minutes=5), by="ines")
    assert deliver_for(parts, timedelta(minutes=4)) == 0
    assert deliver_for(parts, timedelta(minutes=2)) == 1


def test_a_pause_while_a_pass_is_under_way_stops_the_rest(open_two: OpenTwo, two: Definition) -> None:
    parts = parts_with(open_two, two)
    channel = parts.channels[HANDLE, "recording"]
    assert isinstance(channel, RecordingChannel)
    send = channel.send

    def pausing(post: Any) -> Any:
        (parts.folder / "PAUSE").touch()
        return send(post)

    channel.send = pausing  # type: ignore[method-assign]
    ready(parts, 5, channel="recording")
    deliver_for(parts, timedelta(0))
    assert states(parts) == ["sent", "ready", "ready", "ready", "ready"]


def test_the_dead_can_be_retried_or_dropped(open_two: OpenTwo, two: Definition) -> None:
    parts = parts_with(open_two, two)
    now = parts.clock.now()
    old = now - timedelta(days=2)
    for state in ("failed", "unknown", "expired", "sent", "sending"):
        ready(parts, 1, channel="recording", state=state, due=old, attempts=7, sending_at=old, tried_at=old,
              next_try_at=now + timedelta(days=1), reasons=["channel: it was down"])  # fmt: skip
    assert [each.state for each in outbox.listed(parts.store, parts.folder, now, states=outbox.DEAD)] == [
        "failed",
        "unknown",
        "expired",
    ]
    outbox.decide(parts.store, "1", "retry", by="ines", now=now)
    outbox.decide(parts.store, "3", "retry", by="ines", now=now)
    outbox.decide(parts.store, "2", "drop", by="ines", now=now)
    for ref, state in (("4", "sent"), ("5", "sending")):
        with pytest.raises(WrongState, match=state):
            outbox.decide(parts.store, ref, "drop", by="ines", now=now)
    deliver_for(parts, timedelta(0))
    assert states(parts)[:3] == ["sent", "rejected", "sent"]
