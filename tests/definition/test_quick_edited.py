"""However a right file is edited, the quick check never takes what the loader refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.definition.right_file import ALL, quick_and_full


class Raw(str):
    """A scalar that is written without quotes."""

    __slots__ = ()


RAW = [
    *("~", "no", "true", "0", "-1", "1", "21", "010", "0x1F", "1e3", "0.5", "-.inf", ".nan", "9" * 18, "1e999"),
    *("[]", "{}", "[1]", "{a: b}", "&a b", "*a", "!!str a", "<<", "8:30", "24:00", "20m", "367d", "13h", "'", "\t", ""),
]
WORDS = """x ada_crumb Ada ADA_CRUMB ﬁ 🍞 env:KEY PT pt mug chroma feed auto mon daily weekdays
08:30 8:3 ٠٨:٣٠ 22:30 6:45 20m 13h 0s 76m Europe/Lisbon Mars/Base ../UTC GMT0"""
TEXTS = [
    *("", " ", "a\n", "en\n", "08:30\n", "20m\n", "env:K\n", "Europe/Lisbon\n", "\u202e", "\u200b", "https://a:b@c.d"),
    *("x" * 41, "x" * 81, "x" * 2001, "0123456789abcdef" * 2, "9" * 19 + "s"),
    *("* * * * *", "30 18 31 2 *", "0 0"),
    *WORDS.split(),
]
KEYS = ["name", "handle", "feed", "loud", "<<", "timezone", "at", "cron", "slots", "defaults", "token", "0", "a b", ""]


def written(value: Any) -> str:
    """Return YAML for `value`, on one line."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def near(value: Any) -> list[Any]:
    """Return values that are a little too much, or not quite."""
    if isinstance(value, str):
        return [value + "\n", " " + value, value * 9, value * 999, value.upper(), value[:1], value[1:], Raw(value)]
    if isinstance(value, bool | int | float):
        return [value - 1, value + 1, -value, value * 10, value * 1000, value / 3, value + 0.5, str(value), bool(value)]
    if isinstance(value, list):
        return [[], value[1:], value * 2, value[0] if value else None]
    return [{}, list(value or [0]), None]


@st.composite
def edited_trees(draw: st.DrawFn) -> str:
    """The file with some values replaced, taken out, put elsewhere, or joined by keys that do not belong."""
    # Its unquoted times are quoted: PyYAML's own rules make numbers of them.
    tree = yaml.safe_load(ALL.replace("12:05", '"12:05"'))
    for _ in range(draw(st.integers(0, 2))):
        everywhere = list(places(tree))
        holder, key = draw(st.sampled_from(everywhere))
        new = st.one_of(
            st.sampled_from(near(holder[key])),
            st.sampled_from(RAW).map(Raw),
            st.sampled_from(TEXTS),
            st.text(max_size=5),
            st.integers(-2, 200),
            st.floats(-1, 3),
            st.sampled_from(everywhere).map(lambda place: place[0][place[1]]),
        )
        what = draw(st.sampled_from(["replace", "replace", "replace", "remove", "insert"]))
        if what == "remove":
            del holder[key]
        elif what == "replace":
            holder[key] = deepcopy(draw(new))
        elif isinstance(holder, list):
            holder.append(deepcopy(draw(new)))
        else:
            holder[draw(st.sampled_from(KEYS))] = deepcopy(draw(new))
    return written(tree)


@st.composite
def edited_texts(draw: st.DrawFn) -> str:
    """The file with some places of its text overwritten, as a slip of the hand would."""
    text = ALL
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.sampled_from([start, start + 1, start + 2, text.find("\n", start) + 1]))
        new = draw(
            st.sampled_from(["", " ", "  ", "\n", ":", ": ", "-", "- ", "'", '"', "#", "{", "]", ",", "0", *RAW])
        )
        text = text[:start] + new + text[max(start, end) :]
    return text


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(edited_trees(), edited_texts()))
def test_it_never_takes_what_the_loader_refuses(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "edited.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    quick_and_full(path)
