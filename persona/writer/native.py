"""A forward pass in int8 by compiled C, where the machine has a C compiler.

By torch a decoding step is some fifty small operations a layer, and for few rows their calls take more time than their
work. `native.c` does a whole step for all rows in one call, with weights in the order in which they are read. Prompts
go the same way, a part of their tokens at a time. It needs a compiler once, and a processor with AVX-512 VNNI.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from .int8 import MIDDLE, quantised
from .structs import Batch, Layer, Model, Shelf, Weight
from .weights import LlamaWeights

_LANES, _COLUMNS = 16, 64
_WIDEST, _LARGEST_HEAD, _MOST_QUERIES = 16384, 256, 512
_UNIT = 16
"""The most rows with one prefix that meet its keys in one go."""
_PART = 256
"""How many tokens of prompts go through all layers together: what is computed between then stays in the caches."""
_FEW = 16
"""So few rows are written by one thread: waiting for a second one costs more than it brings."""


def fits(weights: LlamaWeights) -> bool:
    """Return whether `native.c` can run this model."""
    widths = (weights.width, weights.inner, weights.heads * weights.head_size)
    even = all(width % _LANES == 0 and width <= _WIDEST for width in (*widths, weights.head_size))
    return even and weights.head_size <= _LARGEST_HEAD and weights.group * _UNIT <= _MOST_QUERIES


@dataclass(frozen=True, kw_only=True, eq=False)
class Text:
    """Keys [layers, key heads, head size, slots] and values [layers, key heads, tokens, head size] of some tokens."""

    keys: Tensor
    values: Tensor
    tokens: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes

    def shelf(self, count: int) -> Shelf:
        """Return the first `count` tokens as C sees them."""
        keys, values = self.keys, self.values
        strides = (keys.stride(0), keys.stride(1), values.stride(0), values.stride(1))
        return Shelf(keys.data_ptr(), values.data_ptr(), *strides, keys.shape[3], count)


_NOTHING = Shelf()


class NativeForward:
    """The weights, and the three ways to run them, as `LlamaForward`."""

    def __init__(self, weights: LlamaWeights, functions: Any) -> None:
        self.weights, self._functions = weights, functions
        self.parameters, self.token_bytes = weights.parameters, weights.token_bytes
        self._kept: list[Tensor] = []
        self._layers = (Layer * weights.count)()
        for number, made in enumerate(self._layers):
            layer = weights.layer(number)
            for name in ("qkv", "out", "gate_up", "down"):
                setattr(made, name, self._weight(getattr(layer, name)))
            made.attention_norm, made.mlp_norm = self._place(layer.attention_norm), self._place(layer.mlp_norm)
        self._model = Model(
            layers=ctypes.addressof(self._layers),
            head=self._weight(weights.head),
            embeddings=self._place(weights.embeddings),
            norm=self._place(weights.norm),
            turns=self._place(torch.view_as_real(weights.turns)),
            eps=weights.eps,
            count=weights.count,
            width=weights.width,
            inner=weights.inner,
            heads=weights.heads,
            key_heads=weights.key_heads,
            size=weights.head_size,
        )

    def _place(self, tensor: Tensor) -> int:
        """Return where the numbers of `tensor` stand, and see to it that they stay there."""
        tensor = tensor.contiguous()
        self._kept.append(tensor)
        return tensor.data_ptr()

    def _weight(self, matrix: Tensor) -> Weight:
        whole, scale = quantised(matrix)
        extra = -len(whole) % _COLUMNS
        whole, scale = functional.pad(whole, (0, 0, 0, extra)), functional.pad(scale, (0, extra))
        blocks = whole.view(-1, _COLUMNS, whole.shape[1] // 4, 4).transpose(1, 2)
        sums = whole.sum(1, dtype=torch.int32) * MIDDLE
        return Weight(self._place(blocks), self._place(sums), self._place(scale), whole.shape[1], len(matrix))

    def text(self, room: int, *shape: int) -> tuple[Tensor, Tensor]:
        """Return room for keys and values of so many tokens: [*shape, layers, key heads, ...]."""
        weights = self.weights
        shape = (*shape, weights.count, weights.key_heads)
        keys = torch.zeros(*shape, weights.head_size, -(-room // _LANES) * _LANES)
        return keys, torch.empty(*shape, room, weights.head_size)

    def prefix(self, tokens: Sequence[int]) -> Text:
        """Return the keys and values of `tokens`, for all rows that begin with them."""
        [(text, _)] = self._read([(None, tokens)], wanted="none")
        return text

    def start(self, prompts: Sequence[tuple[Text | None, Sequence[int]]], room: int) -> tuple[NativeSession, Tensor]:
        """Run each prompt's own tokens (at least one) after its prefix; return a batch with `room` for new tokens.

        Also returns the logits of each prompt's next token.
        """
        found = self._read(prompts, wanted="ends")
        session = NativeSession(self, [prefix for prefix, _ in prompts], [text for text, _ in found], room)
        return session, torch.cat([logits for _, logits in found])

    def logprobs(self, prefix: Text | None, tokens: Sequence[int]) -> Tensor:
        """Return the log-probability of each of `tokens` but the first, given those before it."""
        [(_, logits)] = self._read([(prefix, tokens)], wanted="all")
        following = torch.tensor(tokens[1:]).unsqueeze(1)
        return logits[:-1].log_softmax(1).gather(1, following).squeeze(1)

    def _read(
        self, prompts: Sequence[tuple[Text | None, Sequence[int]]], *, wanted: Literal["none", "ends", "all"]
    ) -> list[tuple[Text, Tensor]]:
        """Return, for each prompt, its own keys and values, and the logits after the `wanted` of its tokens."""
        texts = [Text(**_named(self.text(len(own))), tokens=tuple(own)) for _, own in prompts]
        rows = [(number, at) for number, (_, own) in enumerate(prompts) for at in range(len(own))]
        found: list[list[Tensor]] = [[] for _ in prompts]
        for start in range(0, len(rows), _PART):
            part = rows[start : start + _PART]
            asked = [
                place
                for place, (number, at) in enumerate(part)
                if wanted == "all" or (wanted == "ends" and at + 1 == len(prompts[number][1]))
            ]
            shelves: list[Shelf] = []
            for number, at in part:
                prefix = prompts[number][0]
                shelves += (_seen(prefix), _NOTHING, texts[number].shelf(at + 1))
            before = [len(p.tokens) if (p := prompts[number][0]) else 0 for number, _ in part]
            logits = self.run(
                _Rows(self.weights, shelves, [prompts[number][0] for number, _ in part], asked),
                tokens=torch.tensor([prompts[number][1][at] for number, at in part]),
                positions=torch.tensor([b + at for b, (_, at) in zip(before, part, strict=True)], dtype=torch.int32),
            )
            for place, row in zip(asked, logits, strict=True):
                found[part[place][0]].append(row)
        width = self._model.head.outputs
        return [(t, torch.stack(f) if f else torch.empty(0, width)) for t, f in zip(texts, found, strict=True)]

    def run(self, rows: _Rows, *, tokens: Tensor, positions: Tensor) -> Tensor:
        """Add a token to each row's text; return the logits of the rows that are wanted."""
        logits = torch.empty(rows.struct.wanted_count, self._model.head.outputs)
        struct = rows.struct
        struct.tokens, struct.positions, struct.logits = tokens.data_ptr(), positions.data_ptr(), logits.data_ptr()
        struct.threads = 1 if struct.rows <= _FEW else torch.get_num_threads()
        units = (ctypes.c_int32 * (struct.wanted_count + 1))()
        self._functions.run(ctypes.byref(self._model), ctypes.byref(struct), units)
        return logits


class _Rows:
    """Rows as C sees them, with room for what is computed between."""

    def __init__(
        self, weights: LlamaWeights, shelves: list[Shelf], prefixes: Sequence[Text | None], wanted: Sequence[int]
    ) -> None:
        """`shelves` are three for each row; `prefixes` say which rows have the same prefix."""
        count = len(prefixes)
        self.shelves = (Shelf * len(shelves))(*shelves)
        edges = [0]
        for row in range(1, count):
            if row - edges[-1] == _UNIT or prefixes[row] is not prefixes[row - 1]:
                edges.append(row)
        edges.append(count)
        self._units, self._wanted = (ctypes.c_int32 * len(edges))(*edges), (ctypes.c_int32 * len(wanted))(*wanted)
        wide = weights.heads * weights.head_size
        flat = max(2 * weights.inner, wide + 2 * weights.key_heads * weights.head_size, weights.width)
        widths = {"hidden": weights.width, "query": wide, "flat": flat, "mixed": wide, "factor": 1}
        self._rooms = {name: torch.empty(count, width) for name, width in widths.items()}
        self._rooms["whole"] = torch.empty(count, max(weights.width, wide, weights.inner), dtype=torch.uint8)
        self.struct = Batch(
            shelves=ctypes.addressof(self.shelves),
            units=ctypes.addressof(self._units),
            wanted=ctypes.addressof(self._wanted),
            rows=count,
            unit_count=len(edges) - 1,
            wanted_count=len(wanted),
            **{name: room.data_ptr() for name, room in self._rooms.items()},
        )


class NativeSession:
    """A batch of rows in mid-text, as `Session`; rows that leave it cost nothing."""

    def __init__(self, forward: NativeForward, prefixes: list[Text | None], prompts: list[Text], room: int) -> None:
        self._forward, self._prefixes, self._prompts, self._room = forward, prefixes, prompts, room
        self._of = list(range(len(prompts)))
        self._places: list[int] = []
        self._own: tuple[Tensor, Tensor] | None = None
        self._count = 0
        self._rows: _Rows | None = None

    def pick(self, rows: Sequence[int]) -> None:
        """Keep these rows, in ascending order; a row named several times is copied."""
        self._of = [self._of[row] for row in rows]
        if self._own is not None:
            self._places = [self._places[row] for row in rows]
            if len(set(self._places)) < len(self._places):
                self._own = (self._own[0][self._places], self._own[1][self._places])
                self._places = list(range(len(rows)))
        self._rows = None

    def step(self, tokens: Tensor) -> Tensor:
        """Add one token to each row; return the logits of the next."""
        self._count += 1
        if self._rows is None:
            self._rows = self._arranged()
        else:
            for shelf in self._rows.shelves[2::3]:
                shelf.count = self._count
        return self._forward.run(self._rows, tokens=tokens.contiguous(), positions=self._before + self._count)

    def _arranged(self) -> _Rows:
        if self._own is None:
            self._own = self._forward.text(self._room, len(self._of))
            self._places = list(range(len(self._of)))
        shelves: list[Shelf] = []
        before = []
        for number, place in zip(self._of, self._places, strict=True):
            prefix, prompt = self._prefixes[number], self._prompts[number]
            own = Text(keys=self._own[0][place], values=self._own[1][place])
            shelves += (_seen(prefix), prompt.shelf(len(prompt.tokens)), own.shelf(self._count))
            before.append((len(prefix.tokens) if prefix else 0) + len(prompt.tokens) - 1)
        self._before = torch.tensor(before, dtype=torch.int32)
        prefixes = [self._prefixes[number] for number in self._of]
        return _Rows(self._forward.weights, shelves, prefixes, range(len(self._of)))


def _seen(prefix: Text | None) -> Shelf:
    return _NOTHING if prefix is None else prefix.shelf(len(prefix.tokens))


def _named(both: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    return {"keys": both[0], "values": both[1]}
