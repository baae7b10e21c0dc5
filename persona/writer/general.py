"""The forward pass of any causal model that transformers knows: slower than `LlamaForward`, and right for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TokensOnly:
    """A prefix that keeps no keys and values: it is run again with each batch."""

    tokens: tuple[int, ...]
    nbytes: int = 0


class TransformersForward:
    """One padded batch over a transformers model, in float32."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        from transformers import AutoModelForCausalLM

        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, trust_remote_code=False, use_safetensors=True, local_files_only=True
        )
        self.model = model.to(device).eval()
        self.parameters: int = sum(p.numel() for p in self.model.parameters())

    def prefix(self, tokens: Sequence[int]) -> TokensOnly:
        """Return the tokens themselves."""
        return TokensOnly(tokens=tuple(tokens))

    def start(
        self, prompts: Sequence[tuple[TokensOnly | None, Sequence[int]]], room: int
    ) -> tuple[PaddedSession, Tensor]:
        """Run the prompts, padded on the left; return the batch and the logits of each next token."""
        whole = [[*(prefix.tokens if prefix else ()), *own] for prefix, own in prompts]
        longest = max(len(tokens) for tokens in whole)
        device = self.model.device
        tokens = torch.tensor([[0] * (longest - len(row)) + row for row in whole], device=device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in whole], device=device)
        session = PaddedSession(self.model, mask)
        return session, session.run(tokens, (mask.cumsum(1) - 1).clamp(min=0))


class PaddedSession:
    """A batch of rows in mid-text."""

    def __init__(self, model: Any, mask: Tensor) -> None:
        self._model, self._mask = model, mask
        self._cache: Any = None
        # What transformers up to 5.2x call `past_key_values`, later ones call `cache`, model by model.
        known = signature(model.forward).parameters
        self._name = "cache" if "cache" in known else "past_key_values"

    def run(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Run [rows, tokens]; return the logits after the last."""
        answer = self._model(
            input_ids=tokens,
            attention_mask=self._mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **{self._name: self._cache},
        )
        found = getattr(answer, self._name, None)
        self._cache = answer.past_key_values if found is None else found
        return answer.logits[:, -1].float()  # type: ignore[no-any-return]

    def pick(self, rows: Sequence[int]) -> None:
        """Keep these rows; a row named several times is copied."""
        index = torch.tensor(rows, dtype=torch.long, device=self._mask.device)
        self._mask = self._mask[index]
        self._cache.batch_select_indices(index)

    def step(self, tokens: Tensor) -> Tensor:
        """Add one token to each row; return the logits of the next."""
        positions = self._mask.sum(1, keepdim=True)
        self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], 1)
        return self.run(tokens.unsqueeze(1), positions)
