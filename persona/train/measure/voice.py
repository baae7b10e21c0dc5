"""Persona identification: can a classifier that knows the reference texts tell who wrote a draft?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...digest import seed_of
from ..corpus import Example
from ..extra import needs
from .vectors import Embed

PERSONAS = 20
FOLDS = 5
STRENGTH = 20.0


class VoiceTest:
    """Logistic regression on sentence vectors beside TF-IDF of character 2- to 4-grams, trained on reference texts.

    It knows at most 20 personas. A draft is judged by the classifier that has seen neither the reference text of the
    same brief nor those of the rest of its fold (of five); the samples that the writer was shown are in none. Chance
    is one in `len(handles)`.
    """

    def __init__(self, examples: Sequence[Example], embed: Embed) -> None:
        """Train. Raises ExtraMissing without scikit-learn."""
        needs("sklearn", "telling personas apart")
        self._embed = embed
        self.handles = list(dict.fromkeys(example.handle for example in examples))[:PERSONAS]
        self._examples = [example for example in examples if example.handle in set(self.handles)]
        self._fold = _folds(self._examples)
        self._models = [self._trained(fold) for fold in range(FOLDS)] if len(self.handles) > 1 else []

    def hits(self, texts: Mapping[str, str]) -> list[bool]:
        """Tell of each draft whether its persona was named, in the order of the examples."""
        found: dict[str, bool] = {}
        for fold, model in enumerate(self._models):
            own = [example for example in self._examples if self._fold[example.key] == fold]
            if own:
                named = model.named([texts[example.key] for example in own])
                found |= {example.key: name == example.handle for example, name in zip(own, named, strict=True)}
        return [found[example.key] for example in self._examples if example.key in found]

    def _trained(self, fold: int) -> _Model:
        seen = [example for example in self._examples if self._fold[example.key] != fold]
        return _Model([example.text for example in seen], [example.handle for example in seen], self._embed)


class _Model:
    def __init__(self, texts: Sequence[str], handles: Sequence[str], embed: Embed) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        self._embed = embed
        self._grams: Any = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True, lowercase=False
        )
        self._grams.fit(texts)
        self._model: Any = LogisticRegression(C=STRENGTH, max_iter=300)
        self._model.fit(self._features(texts), handles)

    def named(self, texts: Sequence[str]) -> list[str]:
        return [str(name) for name in self._model.predict(self._features(texts))]

    def _features(self, texts: Sequence[str]) -> Any:
        from scipy.sparse import csr_matrix, hstack

        # Both halves have rows of length one, so that neither outweighs the other.
        return hstack([self._grams.transform(texts), csr_matrix(np.asarray(self._embed(texts)))]).tocsr()


def _folds(examples: Sequence[Example]) -> dict[str, int]:
    """Deal each persona's examples to the folds in turn, in an order drawn by digest."""
    folds: dict[str, int] = {}
    for handle in dict.fromkeys(example.handle for example in examples):
        own = sorted((e.key for e in examples if e.handle == handle), key=lambda key: (seed_of("fold", key), key))
        folds |= {key: place % FOLDS for place, key in enumerate(own)}
    return folds
