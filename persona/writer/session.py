"""A batch in mid-text: each row's new tokens, each request's own prompt, and shared prefixes, attended to in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from .attention import Part, attend_apart, with_own
from .prefix import Prefix, groups_of, with_prefixes

if TYPE_CHECKING:
    from .llama import LlamaForward

_BLOCK, _LONG = 32, 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Prompts:
    """The keys and values of some prompts' own tokens: [layers, prompts, key heads, tokens, head size], padded.

    `numbers` says which prompts of the batch they are. `mask` hides the padding: [prompts, 1, 1, tokens].
    """

    numbers: tuple[int, ...]
    keys: Tensor
    values: Tensor
    mask: Tensor

    @cached_property
    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of each layer."""
        return list(zip(self.keys.unbind(0), self.values.unbind(0), strict=True))

    def pick(self, new: dict[int, int]) -> Prompts | None:
        """Return the prompts that have a new number, or None if none has."""
        kept = [place for place, number in enumerate(self.numbers) if number in new]
        if not kept:
            return None
        index = torch.tensor(kept, device=self.keys.device)
        whole = len(kept) == len(self.numbers)
        return Prompts(
            numbers=tuple(new[self.numbers[place]] for place in kept),
            keys=self.keys if whole else self.keys[:, index],
            values=self.values if whole else self.values[:, index],
            mask=self.mask[index],
        )


def prompts_of(kept: Tensor, lengths: Sequence[int], key_heads: int) -> list[Prompts]:
    """Return prompts from a flat list of keys and values, [layers, tokens, 2 × key heads, head size].

    The libraries sum in another order when more than some hundred keys are padded further. So short prompts are padded
    to the longest short one, and longer ones stand with those of the same padded length only: a prompt's numbers do
    not depend on the others'.
    """
    alike: dict[int, list[int]] = {}
    for number, length in enumerate(lengths):
        alike.setdefault(0 if length <= _LONG else -(-length // _LONG) * _LONG, []).append(number)
    starts = torch.tensor(lengths).cumsum(0) - torch.tensor(lengths)
    found = []
    for size, numbers in sorted(alike.items()):
        own = torch.tensor([lengths[number] for number in numbers]).unsqueeze(1)
        slots = torch.arange(size or -(-int(own.max()) // _BLOCK) * _BLOCK).unsqueeze(0)
        hidden = slots >= own
        places = (slots + starts[numbers].unsqueeze(1)).masked_fill_(hidden, 0).to(kept.device)
        both = kept[:, places].transpose(2, 3)
        keys, values = both[:, :, :key_heads], both[:, :, key_heads:]
        mask = torch.zeros(hidden.shape).masked_fill_(hidden, float("-inf"))[:, None, None].to(kept.device)
        found.append(Prompts(numbers=tuple(numbers), keys=keys.contiguous(), values=values.contiguous(), mask=mask))
    return found


class Session:
    """A batch of rows. Those of one prompt stand together, and so do the prompts with the same prefix.

    A row's numbers do not depend on the other rows: all rows are equally many tokens into their texts, so none of
    their own keys are padded.
    """

    def __init__(
        self,
        *,
        model: LlamaForward,
        prefixes: Sequence[Prefix | None],
        lengths: Sequence[int],
        own: list[Prompts],
        room: int,
    ) -> None:
        self._model, self._own, self._room = model, own, room
        self._prefixes = list(prefixes)
        self._before = [(len(p.tokens) if p else 0) + n for p, n in zip(prefixes, lengths, strict=True)]
        self._prompts = list(range(len(prefixes)))
        self._count = 0
        self._new: Tensor | None = None
        self._arrange()

    def pick(self, rows: Sequence[int]) -> None:
        """Keep these rows, in ascending order; a row named several times is copied."""
        self._prompts = [self._prompts[row] for row in rows]
        if self._new is not None:
            old, index = self._new, torch.tensor(rows, device=self._model.device)
            self._new = self._room_for(len(rows))
            self._new[:, :, :, : self._count] = old[:, index, :, : self._count]
        new = {number: place for place, number in enumerate(sorted(set(self._prompts)))}
        if len(new) < len(self._prefixes):
            self._own = [picked for block in self._own if (picked := block.pick(new)) is not None]
            self._prefixes = [self._prefixes[number] for number in new]
            self._before = [self._before[number] for number in new]
            self._prompts = [new[number] for number in self._prompts]
        self._arrange()

    def _arrange(self) -> None:
        """Work out where each row's queries stand among those that ask the prompts: every prompt of a block gets as
        many places as the one with the most rows, and free places repeat a row.
        """
        device = self._model.device
        rows_of: dict[int, list[int]] = {}
        for row, prompt in enumerate(self._prompts):
            rows_of.setdefault(prompt, []).append(row)
        cells = [0] * len(self._prompts)
        grids, at = [], 0
        for block in self._own:
            width = max(len(rows_of[number]) for number in block.numbers)
            grid = [(rows_of[n] * width)[place] for n in block.numbers for place in range(width)]
            for place in reversed(range(len(grid))):
                cells[grid[place]] = at + place
            grids.append(torch.tensor(grid, device=device))
            at += len(grid)
        self._straight = len(grids) == 1 and grids[0].tolist() == list(range(len(cells)))
        self._grids, self._cells = grids, torch.tensor(cells, device=device)
        self._groups = groups_of([self._prefixes[number] for number in self._prompts])
        self._positions = torch.tensor([self._before[number] for number in self._prompts], device=device)

    def _room_for(self, rows: int) -> Tensor:
        model = self._model
        shape = (len(model.layers), rows, 2 * model.key_heads, self._room, model.head_size)
        return torch.empty(shape, device=model.device)

    def step(self, tokens: Tensor) -> Tensor:
        """Add one token to each row; return the logits of the next."""
        model = self._model
        rows = len(tokens)
        if self._new is None:
            self._new = self._room_for(rows)
        hidden = functional.embedding(tokens, model.embeddings)
        self._run(hidden, model.turns(self._positions + self._count), self._new)
        self._count += 1
        return model.logits(hidden)

    def _run(self, hidden: Tensor, turns: Tensor, new: Tensor) -> None:
        """Change `hidden` to what it is after all layers."""
        model, seen = self._model, self._count + 1
        slots = new[:, :, :, self._count].unbind(0)
        keys = new[:, :, : model.key_heads, :seen].unbind(0)
        values = new[:, :, model.key_heads :, :seen].unbind(0)
        for index, layer in enumerate(model.layers):
            flat = model.qkv(layer, hidden, turns)
            slots[index].copy_(flat[:, model.heads :])
            query = flat[:, : model.heads].reshape(-1, model.group, model.key_heads, model.head_size)
            mixed = with_own(query, keys[index], values[index], self._shared(query, index))
            model.finish(layer, hidden, mixed)

    def _shared(self, query: Tensor, layer: int) -> list[Part]:
        """Return the attention over what rows share: the prompts' own tokens, and the prefixes."""
        parts = []
        for block, grid in zip(self._own, self._grids, strict=True):
            asked = query if self._straight else query[grid]
            asked = asked.reshape(len(block.numbers), -1, *query.shape[2:])
            mixed, weight = attend_apart(asked, *block.layers[layer], block.mask)
            parts.append((mixed.reshape(-1, *query.shape[1:]), weight.reshape(-1, *query.shape[1:-1])))
        if self._straight:
            [own] = parts
        else:
            own = (
                torch.cat([part[0] for part in parts])[self._cells],
                torch.cat([part[1] for part in parts])[self._cells],
            )
        shared = with_prefixes(query, self._groups, layer)
        return [own] if shared is None else [own, shared]
