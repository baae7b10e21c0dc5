"""What every channel must do. Subclass `ChannelSuite` in a test module and give it your channel:

class TestLoud(ChannelSuite):
    def open(self, seat: Seat) -> Channel:
        return LoudChannel(seat)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from persona._entry_points import imported
from persona.channel import Channel, Outgoing, Seat
from persona.clock import VirtualClock
from persona.errors import ChannelError

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class ChannelSuite(ABC):
    """The conformance suite of the channel contract."""

    @abstractmethod
    def open(self, seat: Seat) -> Channel:
        """Open the channel under test on `seat`; called again with the same folder, it is the same account."""

    def seat(self, folder: Path) -> Seat:
        """Return the seat the tests open the channel with; override it to add settings."""
        return Seat(
            persona="ana",
            handle="ana",
            name="Ana",
            bio="A virtual character.",
            settings={},
            folder=folder,
            clock=VirtualClock(START),
        )

    def test_it_has_a_name_and_sane_limits(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        assert channel.name == channel.name.strip().lower() != ""
        assert channel.limits.max_chars > 0
        assert channel.promise.kind == "at_most_once" or channel.promise.window > timedelta(0)
        channel.close()

    def test_a_settings_model_that_is_named_is_there_and_needs_no_key(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        channel.close()
        if not isinstance(channel.settings_model, str):
            pytest.skip("it does not name its settings model")
        assert imported(channel.settings_model).model_validate({}) is not None

    def test_send_names_the_post(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        first = channel.send(Outgoing(key="k1", text="one"))
        second = channel.send(Outgoing(key="k2", text="two"))
        assert first.id
        assert first.id != second.id
        channel.close()

    def test_two_posts_with_one_text_are_two(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        assert channel.send(Outgoing(key="a", text="same")).id != channel.send(Outgoing(key="b", text="same")).id
        channel.close()

    def test_an_idempotent_channel_gives_the_first_post_back(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        if channel.promise.kind != "idempotent":
            channel.close()
            pytest.skip("it does not promise to be idempotent")
        first = channel.send(Outgoing(key="k", text="one"))
        assert channel.send(Outgoing(key="k", text="one")) == first
        channel.close()

    def test_a_readback_channel_finds_what_it_sent(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        if channel.promise.kind != "readback":
            channel.close()
            pytest.skip("it does not promise to read back")
        assert channel.find("k") is None
        sent = channel.send(Outgoing(key="k", text="one"))
        found = channel.find("k")
        assert found is not None
        assert found.id == sent.id
        channel.close()

    def test_the_limit_is_in_code_points(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        assert channel.send(Outgoing(key="fits", text="é" * channel.limits.max_chars)).id
        with pytest.raises(ChannelError):
            channel.send(Outgoing(key="long", text="é" * (channel.limits.max_chars + 1)))
        channel.close()

    def test_any_text_goes_through_unharmed(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        for n, text in enumerate(("<script>alert(1)</script>", "'; drop table posts; --", "日本 🐢 \n %s {x}")):
            assert channel.send(Outgoing(key=f"k{n}", text=text)).id
        channel.close()

    def test_poll_is_repeatable_ordered_and_ends_before_until(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        until = START + timedelta(hours=1)
        first, second = channel.poll(None, until), channel.poll(None, until)
        assert list(first.events) == list(second.events)
        assert first.cursor == second.cursor
        assert [e.at for e in first.events] == sorted(e.at for e in first.events)
        assert all(e.at < until for e in first.events)
        assert not channel.poll(first.cursor, until).events
        channel.close()

    def test_close_twice_does_nothing(self, tmp_path: Path) -> None:
        channel = self.open(self.seat(tmp_path))
        channel.close()
        channel.close()
