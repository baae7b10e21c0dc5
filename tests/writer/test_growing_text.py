"""Text that grows token by token, and where it stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models

from persona.writer.folder import ModelFolder
from persona.writer.growing import GrowingText, cut, decoded

TEXTS = ("Rye bread, twice.", "Ein Café in Tromsø: 🍞🥐 und 日本語.", "  spaces   stay ", "👩‍🍳", "\u00e9\u0301")


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_at_every_token_what_all_of_them_decode_to(tiny_folder: Path, text: str) -> None:
    tokenizer: Any = ModelFolder.open(tiny_folder).tokenizer()
    tokens = tokenizer.encode(text, add_special_tokens=False).ids
    growing = GrowingText(tokenizer)
    for count, token in enumerate(tokens, 1):
        growing.add(token)
        assert growing.text == decoded(tokenizer, tokens[:count])
    assert growing.text == text
    assert growing.fresh().text == ""


def test_it_follows_decoders_that_look_at_the_token_before() -> None:
    words = {"[UNK]": 0, "▁a": 1, "▁tram": 2, "s": 3}
    tokenizer: Any = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.decoder = decoders.Metaspace()
    growing = GrowingText(tokenizer)
    seen = []
    for token in (1, 2, 3, 1):
        growing.add(token)
        seen.append(growing.text)
    assert seen == ["a", "a tram", "a trams", "a trams a"]


def test_it_decodes_few_tokens_at_a_time(tiny_folder: Path) -> None:
    inner: Any = ModelFolder.open(tiny_folder).tokenizer()
    lengths = []

    class Counting:
        def decode(self, tokens: list[int], *, skip_special_tokens: bool) -> str:
            lengths.append(len(tokens))
            return str(inner.decode(tokens, skip_special_tokens=skip_special_tokens))

    growing = GrowingText(Counting())
    for token in inner.encode("bread and trams " * 30, add_special_tokens=False).ids:
        growing.add(token)
    assert growing.text == "bread and trams " * 30
    assert max(lengths) <= 2


def test_where_a_text_stops() -> None:
    assert cut("one two three", ("two", "three")) == "one "
    assert cut("one two", ("", "four")) is None
    assert cut("one two", ()) is None
    assert cut("ab" * 50 + "stop", ("stop",), start=101) == "ab" * 50
    # What was broken before may be shorter once it is whole.
    assert cut("x🍞y", ("🍞",), start=4) == "x"
