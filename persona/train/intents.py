"""Trains the small classifier that tells what kind of comment it is; python -m persona.train.intents --comments FOLDER.

Logistic regression on MiniLM vectors and two marks (a question mark, at most three words). Labels come from a folder of
labelled comments (`intent`) and from the plain corpus, whose replies stand in a fixed order of kinds and whose
comments have a mood. Needs scikit-learn. Prints the accuracy on personas and products left out, in five folds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..compose.intents import FILE, KINDS, marks
from ..digest import seed_of
from .corpus import read_casts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ORDER = ("question", "praise", "complaint", "wish", "chat")
_MOODS = {"praise": "praise", "question": "question", "wish": "wish", "story": "chat", "chat": "chat"}
_FOLDS = 5

Row = tuple[str, str, int]
"""text, kind, fold"""


def rows_of(comments: Path, plain: Path) -> list[Row]:
    """Return all labelled texts with the fold of their product or persona."""
    rows: list[Row] = []
    for file in sorted(comments.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            group = json.loads(line)
            fold = seed_of("fold", group["product"]["name"]) % _FOLDS
            for each in group["comments"]:
                if each["lang"] == "en" and each["intent"] in KINDS:
                    rows.append((each["text"], each["intent"], fold))
    for cast in read_casts(plain):
        fold = seed_of("fold", cast.handle) % _FOLDS
        replies = [item for item in cast.items if item["task"] == "reply"]
        if len(replies) == len(_ORDER):
            rows += [(r["comment"]["text"], kind, fold) for r, kind in zip(replies, _ORDER, strict=True)]
        rows += [(i["text"], _MOODS[i["mood"]], fold) for i in cast.items if i["task"] == "comment"]
    return rows


def train(rows: Sequence[Row], embed: Callable[[Sequence[str]], NDArray[np.float32]]) -> dict[str, Any]:
    """Return weights, [kinds, features], biases and the accuracy by cross-validation."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    texts, kinds = [text for text, _, _ in rows], np.array([kind for _, kind, _ in rows])
    folds = np.array([fold for _, _, fold in rows])
    features = np.hstack([embed(texts), np.array([marks(text) for text in texts], dtype=np.float32)])

    def fitted(where: Any) -> Any:
        model = LogisticRegression(C=20, max_iter=1000, class_weight="balanced")
        return model.fit(features[where], kinds[where])

    right = [fitted(folds != fold).predict(features[folds == fold]) == kinds[folds == fold] for fold in range(_FOLDS)]
    model = fitted(folds >= 0)
    return {
        "kinds": list(model.classes_),
        "weights": np.round(model.coef_, 3).tolist(),
        "bias": np.round(model.intercept_, 3).tolist(),
        "texts": len(rows),
        "accuracy": round(float(np.concatenate(right).mean()), 4),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Train and write the weights."""
    from ..plugins import PluginRegistry
    from ..store import open_store

    parser = argparse.ArgumentParser(prog="persona.train.intents", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--comments", type=Path, required=True)
    parser.add_argument("--plain", type=Path, default=Path("training/plain"))
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args(argv)
    rows = rows_of(options.comments, options.plain)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = open_store(folder)
        memory = PluginRegistry(folder).memory("chroma").open(engine=store, folder=folder, personas=())
        made = train(rows, memory.embed)
        memory.close()
        store.dispose()
    options.out.write_text(json.dumps(made, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{made['texts']} texts, accuracy in {_FOLDS} folds {made['accuracy']}; written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
