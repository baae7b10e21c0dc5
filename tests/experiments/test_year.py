"""Through the spring and autumn changes of the zones that have one then, each local slot is there once."""

from __future__ import annotations

import json

import pytest

from experiments import year


def test_each_local_slot_is_there_exactly_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert year.main(["--quick", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["slots"] > 3000
    assert (report["lost"], report["doubled"], report["strange"], report["wrong_instant"]) == (0, 0, 0, 0)
    assert report["cron_trigger_lost"] > 0
