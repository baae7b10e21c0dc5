"""What sort of comment it is: a small linear classifier on sentence vectors, trained by `persona.train.intents`."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal[
    "question",
    "wish",
    "thanks",
    "success",
    "failure",
    "plan",
    "doubt",
    "rude",
    "sad",
    "news",
    "story",
    "joke",
    "tag",
    "short",
    "identity",
    "open",
]
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "open")
"""What the classifier tells apart; `open` is what it leaves open."""
FILE = Path(__file__).parent / "intents.json"
FEW = 3
BUCKETS = 1024
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[?!]")


def features_of(text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the features of a text, (d + 2 + BUCKETS,): its unit vector, a question mark, few words, and its words.

    Words and pairs of words are hashed into buckets (Weinberger et al. 2009) and scaled to unit length.
    """
    import numpy as np

    words = ["^", *_WORD.findall(text.casefold().replace("’", "'")), "$"]
    hashed = np.zeros(BUCKETS, dtype=np.float32)
    for piece in (*words[1:-1], *(f"{one} {two}" for one, two in pairwise(words))):
        hashed[crc32(piece.encode()) % BUCKETS] = 1
    hashed /= max(float(np.linalg.norm(hashed)), 1.0)
    marks = (float("?" in text), float(len(text.split()) <= FEW))
    return np.concatenate([vector, np.array(marks, dtype=np.float32), hashed])


def intent_of(text: str, vector: NDArray[np.float32]) -> tuple[Kind, float]:
    """Return one of KINDS for a text and its MiniLM unit vector, (384,), and its probability.

    For the vector of another model it is `open`, with probability 0.
    """
    import numpy as np

    kinds, weights, bias = _model()
    features = features_of(text, vector)
    if features.shape[0] != weights.shape[1]:
        return "open", 0.0
    logits = weights @ features + bias
    chances = np.exp(logits - logits.max())
    best = int(chances.argmax())
    return kinds[best], float(chances[best] / chances.sum())


@cache
def _model() -> tuple[tuple[Kind, ...], Any, Any]:
    import numpy as np

    found = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(found["kinds"]), np.array(found["weights"], dtype=np.float32), np.array(found["bias"])
