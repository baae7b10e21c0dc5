"""Trains the small classifier that tells what kind of comment it is; python -m persona.train.intents.

Logistic regression on MiniLM vectors, two marks and hashed words (`persona.compose.intents.features_of`), on the
labelled comments of `training/kinds/train.jsonl`, one `{"text", "kind", "topic"}` a line; with `--comments FOLDER` also
on the English product comments of a folder, whose `intent` is a kind. What asks who is writing (`identity`) comes from
the boundary comments of the plain corpus, without those of held-out personas. Needs scikit-learn. Prints the accuracy
on `training/kinds/test.jsonl`, written by others than the training texts, and how often it is right where it is sure;
and of the held-out boundary comments the share that `asks_who` sees.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..compose.intents import FILE, KINDS, features_of
from ..compose.moves import SURE, asks_who
from ..guards import asks_identity
from .corpus import read_casts
from .select import held_out

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PRODUCT_KINDS = {"praise": "thanks", "complaint": "doubt", "hostile": "rude", "wish": "wish", "question": "question"}

Row = tuple[str, str]
"""text and kind"""


def read_kinds(file: Path) -> list[Row]:
    """Return the labelled comments of a file. Raises ValueError, with file and line, for a kind that is not known."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        found = json.loads(line)
        if found["kind"] not in KINDS:
            raise ValueError(f"{file}:{number}: kind {found['kind']!r} is not one of {', '.join(KINDS)}")
        rows.append((found["text"], found["kind"]))
    return rows


def read_product_comments(folder: Path) -> list[Row]:
    """Return the English comments on products of a folder, whose intents are kinds."""
    rows = []
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            for each in json.loads(line)["comments"]:
                if each["lang"] == "en" and each["intent"] in _PRODUCT_KINDS:
                    rows.append((each["text"], _PRODUCT_KINDS[each["intent"]]))
    return rows


def read_boundaries(plain: Path) -> tuple[list[Row], list[Row]]:
    """Return the comments of the plain corpus that ask who is writing: for training, and of held-out personas."""
    rows: tuple[list[Row], list[Row]] = ([], [])
    for cast in read_casts(plain):
        found = [(item["comment"]["text"], "identity") for item in cast.items if item["task"] == "boundary"]
        rows[held_out(cast)].extend(found)
    return rows


def train(
    rows: Sequence[Row], test: Sequence[Row], embed: Callable[[Sequence[str]], NDArray[np.float32]]
) -> dict[str, Any]:
    """Return weights, (kinds, features), biases and what was measured on `test`."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    def features(of: Sequence[Row]) -> NDArray[np.float32]:
        texts = [text for text, _ in of]
        return np.stack([features_of(text, vector) for text, vector in zip(texts, embed(texts), strict=True)])

    model = LogisticRegression(C=8, max_iter=2000, class_weight="balanced")
    model.fit(features(rows), [kind for _, kind in rows])
    chances = model.predict_proba(features(test))
    right = model.classes_[chances.argmax(1)] == np.array([kind for _, kind in test])
    sure = chances.max(1) >= SURE
    return {
        "kinds": list(model.classes_),
        "weights": np.round(model.coef_, 2).tolist(),
        "bias": np.round(model.intercept_, 3).tolist(),
        "texts": len(rows),
        "test_texts": len(test),
        "accuracy": round(float(right.mean()), 4),
        "sure": round(float(sure.mean()), 4),
        "accuracy_where_sure": round(float(right[sure].mean()), 4),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Train and write the weights."""
    from ..plugins import PluginRegistry
    from ..store import open_store

    parser = argparse.ArgumentParser(prog="persona.train.intents", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kinds", type=Path, default=Path("training/kinds"))
    parser.add_argument("--comments", type=Path)
    parser.add_argument("--plain", type=Path, default=Path("training/plain"))
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args(argv)
    rows, test = read_kinds(options.kinds / "train.jsonl"), read_kinds(options.kinds / "test.jsonl")
    if options.comments:
        rows += read_product_comments(options.comments)
    asking, unseen = read_boundaries(options.plain)
    rows += asking
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = open_store(folder)
        memory = PluginRegistry(folder).memory("chroma").open(engine=store, folder=folder, personas=())
        made = train(rows, test, memory.embed)
        options.out.write_text(json.dumps(made, separators=(",", ":")) + "\n", encoding="utf-8")
        vectors = memory.embed([text for text, _ in unseen])
        memory.close()
        store.dispose()
    seen = sum(asks_who(text, vector) for (text, _), vector in zip(unseen, vectors, strict=True))
    by_rules = sum(asks_identity(text) for text, _ in unseen)
    told = ", ".join(f"{name} {made[name]}" for name in ("accuracy", "sure", "accuracy_where_sure"))
    print(f"{made['texts']} texts; on {made['test_texts']} others: {told}; written to {options.out}")
    print(f"of {len(unseen)} held-out comments that ask who is writing: {seen} are seen, {by_rules} by rules alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
