"""A sentence-embedding model of BERT's kind in a form that can be trained: by masked words, and by pairs.

Masked words: Devlin et al. 2019 (arXiv:1810.04805): 15 % of the tokens are to be found again, of which four in five
are hidden, one in ten is another word, one in ten stays. Pairs: Henderson et al. 2017 (arXiv:1705.00652) and Reimers
and Gurevych 2019 (arXiv:1908.10084): of all texts of a batch a query's own shall be the nearest; mean pooling, unit
length, cosine times 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import normalize

from ..writer.folder import ModelFolder
from .model import CannotTrain
from .quiet import quiet

MOST_TOKENS = 128
_SCALE = 20.0
_BATCH = 64
_BESIDE = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "config.json",
    "1_Pooling/config.json",
)


@dataclass(frozen=True, kw_only=True)
class Masked:
    """A batch of token rows; `hidden` holds (row, place, right token) of what shall be found again."""

    rows: tuple[tuple[int, ...], ...]
    hidden: tuple[tuple[int, int, int], ...]

    @property
    def count(self) -> int:
        """How many tokens shall be found again."""
        return len(self.hidden)

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return sum(len(row) for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """A batch of token rows of queries, and of the texts that belong to them, in the same order."""

    queries: tuple[tuple[int, ...], ...]
    texts: tuple[tuple[int, ...], ...]

    @property
    def count(self) -> int:
        """How many queries shall find their text."""
        return len(self.queries)

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return sum(len(row) for row in (*self.queries, *self.texts))


class Sentences:
    """The model with its tokenizer. `head` guesses hidden words; it is new, and never saved."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        """Load the model in `folder`. Raises ModelNotFound, ModelNotTrusted and CannotTrain."""
        from transformers import BertConfig, BertForMaskedLM

        self.source = ModelFolder.open(folder)
        if self.source.config.get("model_type") != "bert":
            cause = f"an embedding model of type {self.source.config.get('model_type')} is not of BERT's kind"
            raise CannotTrain(file_text=str(folder), cause_text=cause)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._tensors: dict[str, Tensor] = self.source.tensors()
        torch.manual_seed(seed)
        with quiet():
            model: Any = BertForMaskedLM(BertConfig.from_dict(self.source.config))
        known = {name: value.float() for name, value in self._tensors.items() if name in model.bert.state_dict()}
        missing = set(model.bert.state_dict()) - set(known) - {"embeddings.position_ids"}
        if missing:
            raise CannotTrain(file_text=str(folder), cause_text=f"it lacks {sorted(missing)[0]}")
        model.bert.load_state_dict(known, strict=False)
        # Without dropout a step depends on its batch alone, and a run that was stopped goes on with the same numbers.
        self._model = model.to(self.device).eval()
        self.body, self.head = model.bert, model.cls
        tokenizer = self.source.tokenizer()
        tokenizer.no_padding()
        tokenizer.enable_truncation(min(MOST_TOKENS, self.source.context))
        self.tokenizer: Any = tokenizer
        self.mask = tokenizer.token_to_id("[MASK]")
        self.special = frozenset(
            id for id, token in tokenizer.get_added_tokens_decoder().items() if token.special and id != self.mask
        )
        self.words: int = self.source.config["vocab_size"]

    @property
    def count(self) -> int:
        """How many numbers the body has."""
        return sum(p.numel() for p in self.body.parameters())

    def tokens(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token rows of texts, with their first and last special tokens."""
        return [tuple(encoding.ids) for encoding in self.tokenizer.encode_batch(list(texts))]

    def states(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return the last states [rows, longest, width] and the mask [rows, longest] of what is no padding."""
        longest = max(len(row) for row in rows)
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=self.device)
        return self.body(input_ids=ids, attention_mask=mask).last_hidden_state, mask

    def pooled(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Return unit vectors [rows, width]: the mean of the states."""
        states, mask = self.states(rows)
        keep = mask.unsqueeze(-1).to(states.dtype)
        return normalize((states * keep).sum(1) / keep.sum(1), dim=1)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, shape (len(texts), width)."""
        rows = self.tokens(texts)
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        vectors = np.zeros((len(rows), self.source.config["hidden_size"]), dtype=np.float32)
        with torch.inference_mode():
            for at in range(0, len(order), _BATCH):
                places = order[at : at + _BATCH]
                vectors[places] = self.pooled([rows[i] for i in places]).cpu().numpy()
        return vectors

    def save(self, out: Path) -> None:
        """Write a folder with the same files and tensor names as the one it came from."""
        out.mkdir(parents=True, exist_ok=True)
        trained = self.body.state_dict()
        tensors = {
            name: (trained[name].float().cpu() if name in trained else value).contiguous()
            for name, value in self._tensors.items()
        }
        save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
        for name in _BESIDE:
            if (file := self.source.path / name).is_file():
                (out / name).parent.mkdir(exist_ok=True)
                (out / name).write_bytes(file.read_bytes())
        if not (out / "tokenizer.json").is_file():
            self.tokenizer.save(str(out / "tokenizer.json"))


class WordLearner:
    """Learns to find hidden words again; with `head_only` only the new head learns, so that it spoils nothing."""

    def __init__(self, sentences: Sentences, *, head_only: bool) -> None:
        self._sentences, self._head_only = sentences, head_only
        body = [] if head_only else list(sentences.body.parameters())
        # The head's last projection is the body's word embedding; only its transform and bias are its own.
        shared = {id(p) for p in sentences.body.parameters()}
        head = [p for p in sentences.head.parameters() if id(p) not in shared]
        self.parameters: list[Tensor] = [*body, *head]

    def run(self, item: Masked) -> tuple[Tensor, Tensor]:
        """Return logits [hidden, words] and the right tokens [hidden]."""
        # Also the embedding, by which the head guesses, is the body's.
        self._sentences.body.requires_grad_(not self._head_only)
        states, _ = self._sentences.states(item.rows)
        rows, places, right = (torch.tensor(each, device=states.device) for each in zip(*item.hidden, strict=True))
        return self._sentences.head(states[rows, places]), right


class PairLearner:
    """Learns to put a query nearest to its own text among all texts of a batch."""

    def __init__(self, sentences: Sentences) -> None:
        self._sentences = sentences
        self.parameters: list[Tensor] = list(sentences.body.parameters())

    def run(self, item: Pairs) -> tuple[Tensor, Tensor]:
        """Return 20 times the cosines [queries, texts] and the place of each query's text."""
        self._sentences.body.requires_grad_(True)
        queries, texts = self._sentences.pooled(item.queries), self._sentences.pooled(item.texts)
        return _SCALE * queries @ texts.T, torch.arange(len(item.queries), device=queries.device)
