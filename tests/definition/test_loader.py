from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from persona.definition import Definition
from persona.definition.loader import load, resolve_secrets
from persona.definition.secrets import looks_secret
from persona.errors import DefinitionError, SecretMissing
from persona.plugins import PluginRegistry

ADA = """\
personas:
  - name: Ada
    handle: ada
    bio: A virtual baker.
    voice: [warm]
    topics: [{name: bread}]
    time_zone: Europe/Lisbon
    slots: [{name: morning, at: "08:30"}]
    channels: {feed: {}}
"""


def loaded(folder: Path, text: str) -> Definition:
    (folder / "personas.yaml").write_text(text, encoding="utf-8")
    return load(folder / "personas.yaml")


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        loaded(folder, text)
    return [str(problem).removeprefix(f"{folder}/personas.yaml:") for problem in caught.value.problems]


def test_a_small_file(tmp_path: Path) -> None:
    ada = loaded(tmp_path, ADA).persona("@ada")
    assert ada.slots[0].at == time(8, 30)
    assert ada.channels == {"feed": {}}
    assert ada.memory.half_life == timedelta(days=7)


def test_defaults_lie_under_each_persona(tmp_path: Path) -> None:
    text = "defaults:\n  writer: {temperature: 0.2, candidates: 5}\n  dont: [shout]\n  voice: [cold]\n" + ADA
    ada = loaded(tmp_path, text + "    writer: {temperature: 1}\n").persona("ada")
    assert (ada.writer.temperature, ada.writer.candidates) == (1, 5)
    assert (ada.dont, ada.voice) == (("shout",), ("warm",))


def test_a_problem_from_defaults_stands_where_it_is_written_and_once(tmp_path: Path) -> None:
    second = ADA.removeprefix("personas:\n").replace("ada", "ben")
    assert refused(tmp_path, "defaults:\n  approval: al\n" + ADA + second) == [
        "2:13: defaults.approval: must be one of auto, promo, all. Did you mean 'all'?"
    ]


def test_all_problems_are_found_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = ADA.replace("voice: [warm]", "voise: [warm]").replace("Lisbon", "Lisbn").replace("feed", "fead")
    second = ADA.removeprefix("personas:\n")
    found = refused(tmp_path, text + "    products: [mug]\n" + second)
    assert [line.split(": ")[1] for line in found] == [
        "personas[0].voice",
        "personas[0].voise",
        "personas[0].time_zone",
        "personas[0].channels.fead",
        "personas[0].products[0]",
        "personas[1].handle",
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("08:30", "08:30"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0777x", "0777x"),
        ("2026-01-01", "2026-01-01"),
        ("'1'", "1"),
        ("=", "="),
        ("y", "y"),
    ],
)
def test_what_is_text_in_yaml_1_2(tmp_path: Path, written: str, value: str) -> None:
    assert loaded(tmp_path, ADA.replace("name: Ada", f"name: {written}")).personas[0].name == value


@pytest.mark.parametrize(
    ("written", "value"),
    [("010", 10), ("0o10", 8), ("0xA", 10), ("1.5", 1.5), ("2e1", 20.0), ("2.", 2.0), (".5", 0.5), ("+3", 3)],
)
def test_what_is_a_number_in_yaml_1_2(tmp_path: Path, written: str, value: float) -> None:
    text = ADA.replace("{name: bread}", f"{{name: bread, weight: {written}}}")
    assert loaded(tmp_path, text).personas[0].topics[0].weight == value


@pytest.mark.parametrize("written", [".inf", ".nan", "1e999", "0", "9" * 40, "true", "~", '"1"'])
def test_what_is_no_weight(tmp_path: Path, written: str) -> None:
    text = ADA.replace("{name: bread}", f"{{name: bread, weight: {written}}}")
    assert refused(tmp_path, text)[0].startswith("6:36: personas[0].topics[0].weight: must be ")


@pytest.mark.parametrize("zone", ["Europe/Lisbon" * 99, "a/" * 1000, "Europe", "../UTC", "''"])
def test_what_is_no_time_zone(tmp_path: Path, zone: str) -> None:
    (found,) = refused(tmp_path, ADA.replace("Europe/Lisbon", zone))
    assert found.startswith("7:16: personas[0].time_zone: is no time zone; give an IANA name such as Europe/Lisbon.")


def test_days_by_name_and_by_list(tmp_path: Path) -> None:
    slots = '[{name: a, at: 8:05, days: weekend}, {name: b, at: "09:00", days: [mon]}, {name: c, cron: 0 9 * * mon}]'
    ada = loaded(tmp_path, ADA.replace('[{name: morning, at: "08:30"}]', slots)).personas[0]
    assert [slot.days for slot in ada.slots[:2]] == [("sat", "sun"), ("mon",)]


def test_emoji_of_several_parts_are_seen(tmp_path: Path) -> None:
    bio = "A virtual baker \U0001f469\u200d\U0001f373 with a heart \u2764\ufe0f."
    assert loaded(tmp_path, ADA.replace("A virtual baker.", bio)).personas[0].bio == bio


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_bytes(b"\xef\xbb\xbf" + ADA.encode())
    assert load(tmp_path / "personas.yaml").personas[0].handle == "ada"


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path, what in ((tmp_path / "none.yaml", "there is no such file"), (tmp_path, "it is no file")):
        with pytest.raises(DefinitionError, match=what):
            load(path)


def test_channel_settings_are_checked_and_placed(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "shop.py").write_text(
        "from pydantic import BaseModel\nfrom persona import Channel, Outgoing, Sent\n\n\n"
        "class Settings(BaseModel):\n    model_config = {'extra': 'forbid'}\n"
        "    city: str\n    token: str\n    tags: list[str] = []\n\n\n"
        "class Shop(Channel):\n    name = 'shop'\n    settings_model = Settings\n\n"
        "    def send(self, post: Outgoing) -> Sent:\n        return Sent(id=post.key)\n"
    )
    good = ADA.replace("{feed: {}}", "{shop: {city: Rome, token: env:SHOP_TOKEN, tags: [a]}}")
    assert loaded(tmp_path, good).personas[0].channels["shop"]["tags"] == ["a"]
    assert refused(tmp_path, ADA.replace("{feed: {}}", "{shop: {city: 3, tokn: env:SHOP_TOKEN}}")) == [
        "9:22: personas[0].channels.shop.token: is missing.",
        "9:29: personas[0].channels.shop.city: must be text, not a number. Put it in quotes.",
        "9:32: personas[0].channels.shop.tokn: there is no such key. Did you mean 'token'?",
    ]


def test_a_channel_without_settings_takes_none(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "loud.py").write_text(
        "from persona import Channel, Outgoing, Sent\n\n\nclass Loud(Channel):\n    name = 'loud'\n\n"
        "    def send(self, post: Outgoing) -> Sent:\n        return Sent(id=post.key)\n"
    )
    assert loaded(tmp_path, ADA.replace("{feed: {}}", "{loud: }")).personas[0].channels == {"loud": {}}
    found = refused(tmp_path, ADA.replace("{feed: {}}", "{loud: {volume: 3}}"))
    assert found == ["9:23: personas[0].channels.loud.volume: the channel loud has no settings. Write {} instead."]


def test_a_broken_plugin_that_a_persona_names_is_loud(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "torn.py").write_text("import nothing_of_that_name\n")
    assert loaded(tmp_path, ADA).personas[0].channels == {"feed": {}}
    (found,) = refused(tmp_path, ADA.replace("{feed: {}}", "{torn: {}}"))
    assert found.startswith(
        "9:16: personas[0].channels.torn: The channel 'torn' from plugins/torn.py cannot be loaded:"
    )
    assert "line 1: ModuleNotFoundError" in found


def test_an_own_registry_is_used(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_text(ADA)
    assert load(tmp_path / "personas.yaml", registry=PluginRegistry(tmp_path / "elsewhere")).personas


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token", "short"),
        ("password", 1234),
        ("client_secret", "x"),
        ("note", "Bearer abcdefghijkl"),
        ("note", "xoxb-1234567890-abcdef"),
        ("note", "ghp_0123456789abcdef0123"),
        ("note", "0123456789abcdef0123456789abcdef"),
        ("note", "https://ada:pass1@example.org/"),
        ("note", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln"),
        ("note", "dGhpcyBJcyBBIHNlY3JldCB0aGF0IGlz0192bG9uZw"),
        ("token", "env:not a name"),
    ],
)
def test_what_looks_like_a_secret(key: str, value: object) -> None:
    assert looks_secret(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token", "env:LOUD_TOKEN"),
        ("token", ""),
        ("max_tokens", 70),
        ("model", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        ("model", "/models/SmolLM2-135M-Instruct.Q4_1.gguf"),
        ("bio", "Donaudampfschifffahrtsgesellschaftskapitän and friends"),
        ("base_url", "http://127.0.0.1:8000/v1"),
        ("text", "Call 0800 123 456 789 between 08:30 and 17:00."),
        ("text", "A token of thanks and a sk-y full of stars."),
    ],
)
def test_what_does_not(key: str, value: object) -> None:
    assert not looks_secret(key, value)


def test_secrets_are_resolved_in_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "t")
    settings: dict[str, Any] = {"token": "env:A_TOKEN", "more": [{"token": "env:A_TOKEN"}], "n": 3}
    assert resolve_secrets(settings, "x") == {"token": "t", "more": [{"token": "t"}], "n": 3}
    assert settings["token"] == "env:A_TOKEN"


@pytest.mark.parametrize("value", [None, ""])
def test_a_secret_that_is_not_set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("A_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("A_TOKEN", value)
    with pytest.raises(SecretMissing, match=r"A_TOKEN is not set, and ada\.channels\.x\.list\[0\]"):
        resolve_secrets({"list": ["env:A_TOKEN"]}, "ada.channels.x")
