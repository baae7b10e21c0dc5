"""What sort of comment it is: a small linear classifier on sentence vectors, trained by `persona.train.intents`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = Path(__file__).parent / "intents.json"
KINDS = ("chat", "complaint", "hostile", "praise", "question", "wish")
FEW = 3


def marks(text: str) -> tuple[float, float]:
    """Return the two features beside the vector: a question mark, and whether there are only a few words."""
    return (float("?" in text), float(len(text.split()) <= FEW))


def intent_of(text: str, vector: NDArray[np.float32]) -> str:
    """Return one of KINDS for a text and its MiniLM unit vector, (384,); `chat` for vectors of another model."""
    import numpy as np

    kinds, weights, bias = _model()
    features = np.concatenate([vector, np.array(marks(text), dtype=np.float32)])
    if features.shape[0] != weights.shape[1]:
        return "question" if "?" in text else "chat"
    return str(kinds[int((weights @ features + bias).argmax())])


@cache
def _model() -> tuple[tuple[str, ...], Any, Any]:
    import numpy as np

    found = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(found["kinds"]), np.array(found["weights"]), np.array(found["bias"])
