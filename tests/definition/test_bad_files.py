"""Files that must be refused: each at once, at the right place, with words that help."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from persona.definition.loader import load
from persona.errors import DefinitionError
from persona.plugins import PluginRegistry

FIXTURES = Path(__file__).parent.parent / "fixtures"
BAD = {
    "01_unknown_key": "7:5: personas[0].timezone: there is no such key. Did you mean 'time_zone'?",
    "02_unknown_top_key": "10:1: product: there is no such key. Did you mean 'products'?",
    "03_name_is_number": "2:11: personas[0].name: must be text, not a number. Put it in quotes.",
    "04_unknown_channel": "9:16: personas[0].channels.feeed: no channel plugin has this name. Did you mean 'feed'?",
    "05_channel_setting": "9:23: personas[0].channels.feed.colour: there is no such key.",
    "06_impossible_time": "8:33: personas[0].slots[0].at: must be a time of day such as 08:30",
    "07_at_and_cron": "8:48: personas[0].slots[0].cron: a slot has `at` or `cron`, not both.",
    "08_neither_at_nor_cron": "8:13: personas[0].slots[0]: a slot needs `at` or `cron`.",
    "09_bad_cron": "8:35: personas[0].slots[0].cron: is no cron expression",
    "10_cron_never": "8:35: personas[0].slots[0].cron:",
    "11_duplicate_handle": "11:13: personas[1].handle: another persona has this handle.",
    "12_duplicate_slot": "8:44: personas[0].slots[1].name: another slot has this name.",
    "13_duplicate_topic": "6:36: personas[0].topics[1].name: another topic has this name.",
    "14_duplicate_product": "12:10: products[1].id: another product has this id.",
    "15_unknown_product": "10:16: personas[0].products[0]: is no product of the catalogue. Did you mean 'mug'?",
    "16_unknown_time_zone": "7:16: personas[0].time_zone: is no time zone; give an IANA name such as Europe/Lisbon.",
    "17_secret_token": "9:37: personas[0].channels.feed.access_token: this looks like a secret. Write `env:NAME`",
    "18_secret_in_bio": "4:10: personas[0].bio: this looks like a secret. Write `env:NAME`",
    "19_api_key": "10:23: personas[0].writer.api_key: this looks like a secret. Write `env:NAME`",
    "20_defaults_unknown_zone": "1:23: defaults.time_zone: is no time zone",
    "21_defaults_deep": "3:18: defaults.writer.temperature: must be a number, not text.",
    "22_delay_swapped": "10:30: personas[0].replies.delay.least: is longer than `most`.",
    "23_unknown_memory": "10:21: personas[0].memory.store: no memory plugin has this name. Did you mean 'chroma'?",
    "24_tab": "4:1: found a tab character that violates indentation. Indent with spaces, not tabs",
    "25_colon_in_text": "4:17: mapping values are not allowed in this context. Put text that holds",
    "26_anchor": "5:12: personas[0].voice: anchors (&name) are not taken.",
    "27_merge_key": "10:5: personas[0].<<: merge keys (<<) are not taken.",
    "28_escaped_bidi": "4:10: personas[0].bio: holds U+202E, a character that cannot be seen.",
    "29_missing": "2:5: personas[0].slots: is missing.",
    "30_wrong_choice": "10:15: personas[0].approval: must be one of auto, promo, all. Did you mean 'promo'?",
    "31_unclosed": ": did not find expected",
    "32_list_wanted": "5:12: personas[0].voice: must be a list, not text.",
    "33_day": "8:54: personas[0].slots[0].days[1]: must be one of mon, tue, wed, thu, fri, sat, sun.",
    "34_duration": "8:50: personas[0].slots[0].jitter: must be a duration",
    "35_empty": "1:1: is empty. Make a first personas file with `persona init`.",
    "36_list_at_top": "1:1: must be a mapping that begins with `personas:`.",
}
HOSTILE = {
    "01_billion_laughs": ":2:8: b[0]: aliases (*name) are not taken.",
    "02_merge_key_bomb": ":2:10: L1.<<: merge keys (<<) are not taken.",
    "03_python_object": ":1:7: name: tags (!name) are not taken.",
    "04_duplicate_key": ":3:1: safety: the key is there twice; it is first on line 2.",
    "05_norway": ":2:1: country: there is no such key.",
    "06_deep_nest": ": nested deeper than 20 levels. Flatten it.",
    "07_recursive_alias": ":1:8: a[0]: aliases (*name) are not taken.",
    "08_bad_utf8": ":1:7: is not UTF-8.",
    "09_two_documents": ":2:1: a second document begins.",
    "10_bidi_and_zero_width": ":1:10: U+200B is a character that cannot be seen.",
    "11_secret_in_persona": ":4:19: channels[0].access_token: this looks like a secret. Write `env:NAME`",
    "12_huge_scalar": ":1:1: is larger than 64 KB.",
}


def refusal(path: Path) -> tuple[str, float]:
    start = time.perf_counter()
    with pytest.raises(DefinitionError) as caught:
        load(path)
    return str(caught.value), time.perf_counter() - start


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    PluginRegistry(FIXTURES).channel("feed")


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_file(name: str) -> None:
    text, seconds = refusal(FIXTURES / "bad_yaml" / f"{name}.yaml")
    assert BAD[name] in text
    assert seconds < 0.2


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_file(name: str) -> None:
    text, seconds = refusal(FIXTURES / "hostile_yaml" / f"{name}.yaml")
    assert HOSTILE[name] in text
    assert seconds < 0.2


def test_every_file_has_its_message() -> None:
    assert {path.stem for path in (FIXTURES / "bad_yaml").glob("*.yaml")} == set(BAD)
    assert {path.stem for path in (FIXTURES / "hostile_yaml").glob("*.yaml")} == set(HOSTILE)


@pytest.mark.parametrize("folder", ["bad_yaml", "hostile_yaml"])
def test_one_fault_gives_few_problems(folder: str) -> None:
    for path in sorted((FIXTURES / folder).glob("*.yaml")):
        assert len(refusal(path)[0].splitlines()) <= 9, path.name


def test_no_secret_is_repeated() -> None:
    for name, secret in {
        "bad_yaml/17_secret_token": "hunter22",
        "bad_yaml/18_secret_in_bio": "0123456789abcdef",
        "bad_yaml/19_api_key": "proj",
        "hostile_yaml/11_secret_in_persona": "FAKE",
    }.items():
        assert secret not in refusal(FIXTURES / f"{name}.yaml")[0]
