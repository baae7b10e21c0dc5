"""Fine-tuning a writer on a user's texts: from cleaned posts to a folder that `writer: {model: FOLDER}` opens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..compose.brief import SAMPLES
from ..digest import digest
from ..errors import BadTrainingData
from .base import Base, open_base
from .cleaning import LEAST_TEXTS, Cleaned
from .curve import draw_curve
from .extra import needs
from .fit import Fit, Progress
from .joined import join
from .lessons import Split, Teacher, split
from .meter import WATTS, Meter
from .model import Trainable
from .pack import Pack, Packer
from .place import Place
from .posts import LeftOut, Post
from .recipe import Recipe
from .report import writer_report
from .samples import chosen, counts, write_samples

_ROOM = 1200
_PACKS = 24
"""A small collection is cut into so many packs at least, that an epoch has steps enough to learn by."""
_LOOKS = 12
_RATES = {"lora": 2e-4, "full": 3e-5}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a user wants of a training. `rate` 0 is the method's own; `precision` "auto" is what is quick here."""

    out: Path
    base: str = "pocket"
    revision: str | None = None
    method: Literal["lora", "full"] = "lora"
    epochs: float = 3.0
    rate: float = 0.0
    rank: int = 8
    seed: int = 7
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    watts: float = WATTS
    fresh: bool = False
    resume: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a training. `report` is empty while it is unfinished."""

    progress: Progress
    report: dict[str, Any]


def train_writer(
    cleaned: Cleaned,
    teacher: Teacher,
    wish: Wish,
    *,
    say: Callable[[str], None] = lambda text: None,
    tell: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train, and leave model or adapter with its report in `wish.out`; when stopped, the same call goes on.

    The same texts, base, settings and machine give the same weights, also after a stop or a kill. Raises
    BadTrainingData, ExtraMissing, FolderTaken, NothingToResume, CannotTrain, ModelNotFound and ModelNotTrusted; then
    nothing has been written.
    """
    needs("matplotlib", "the picture of the loss curve")
    if wish.method == "lora":
        needs("peft", "training adapters")
    base = open_base(wish.base, wish.revision, tell=say)
    recipe = _recipe(wish)
    key = digest("writer", recipe.as_json(), base.key, [vars(post) for post in cleaned.posts])
    place = Place(wish.out, key, fresh=wish.fresh, resume=wish.resume)
    say(f"Loading {wish.base} ...")
    model = Trainable(base.folder, recipe)
    tokenizer, template, end = model.packing()
    packer = Packer(tokenizer, template, end=end, most=min(model.context, _ROOM))
    cleaned, size = _fitting(cleaned, teacher, packer)
    packer.most = min(packer.most, size)
    parts = split(cleaned.posts)
    material = _Material(teacher, packer, parts)
    first = material.epoch(0)
    if not first:
        raise BadTrainingData(place_text=cleaned.place, cause_text="no text is left to train on")
    model.check(max(first, key=lambda pack: (len(pack.spans), -pack.size)))
    steps = max(round(recipe.epochs * len(first) / recipe.batch), 1)
    recipe = replace(recipe, look_every=max(steps // _LOOKS, 1))
    say(f"{len(parts.train)} texts, {sum(pack.size for pack in first):,} tokens an epoch, {steps} steps")
    with place:
        meter = Meter(place.work / "cost.json", watts=wish.watts)

        def told(progress: Progress) -> None:
            meter.look()
            tell(progress)

        fit = Fit(model, recipe, place.work / "fit", key=key)
        before = fit.loss(material.test)
        progress = fit.fit(material.epoch, material.valid, tell=told, stop=stop, save_every=max(steps // 20, 10))
        if not progress.ended:
            return Outcome(progress=progress, report={})
        after = fit.loss(material.test)
        say("Writing samples ...")
        made = place.work / "made"
        _save(model, base, made)
        report = {
            **_facts(wish, base, recipe, model, cleaned, parts, progress),
            "loss": {"before": _round(before), "after": _round(after), "texts": len(parts.test), "apart": parts.apart},
            "samples": _samples(wish, base, made, place.work, teacher, parts),
            "cost": meter.look().as_json(wish.watts),
        }
        draw_curve([(f"{wish.method} on {wish.base}", progress)], place.work / "curve.png")
        curve = (place.work / "curve.png").read_bytes()
        report = place.finish(made, report, {"report.md": writer_report(report).encode(), "curve.png": curve})
    return Outcome(progress=progress, report=report)


class _Material:
    def __init__(self, teacher: Teacher, packer: Packer, parts: Split) -> None:
        self._teacher, self._packer, self._parts = teacher, packer, parts
        self.valid = self._fixed(parts.valid)
        self.test = self._fixed(parts.test)

    def epoch(self, number: int) -> list[Pack]:
        return self._packer.packs(self._teacher.lessons(self._parts.train, number))

    def _fixed(self, posts: tuple[Post, ...]) -> list[Pack]:
        return self._packer.packs(self._teacher.lessons(posts, 0, shown=self._parts.train))


def _recipe(wish: Wish) -> Recipe:
    precision = wish.precision
    if precision == "auto":
        import torch

        from ..writer.precision import quick_bfloat16

        precision = "bfloat16" if torch.cuda.is_available() or quick_bfloat16() else "float32"
    return Recipe(
        method=wish.method,
        rank=wish.rank,
        alpha=2 * wish.rank,
        rate=wish.rate or _RATES[wish.method],
        epochs=wish.epochs,
        batch=1,
        pack=_ROOM,
        seed=wish.seed,
        precision=precision,
    )


def _fitting(cleaned: Cleaned, teacher: Teacher, packer: Packer) -> tuple[Cleaned, int]:
    """Return the cleaned texts without those that do not fit the model's context, and how large a pack should be."""
    kept, left_out, sizes, owns = [], list(cleaned.left_out), [], []
    for post in cleaned.posts:
        [lesson] = teacher.lessons([post], 0)
        head, rest, answer = packer.tokens(lesson)
        length = len(head) + len(rest) + len(answer)
        if length > packer.most:
            detail = f"{length} tokens with its prompt, and {packer.most} fit"
            left_out.append(LeftOut(line=post.line, reason="too long", detail=detail))
        else:
            kept.append(post)
            sizes.append(length)
            owns.append(len(answer))
    if len(kept) < LEAST_TEXTS:
        cause = f"only {len(kept)} texts fit the model's context, and {LEAST_TEXTS} are needed"
        raise BadTrainingData(place_text=cleaned.place, cause_text=cause)
    left_out.sort(key=lambda each: each.line)
    # A card may show the longest texts beside the longest one.
    longest = max(sizes) + sum(sorted(owns)[-SAMPLES:])
    return replace(cleaned, posts=tuple(kept), left_out=tuple(left_out)), max(longest, sum(sizes) // _PACKS)


def _save(model: Trainable, base: Base, made: Path) -> None:
    model.save(made, base=base.name, revision=base.revision)
    if model.recipe.method == "lora" and base.adapter is not None:
        join(base.adapter, made)


def _samples(wish: Wish, base: Base, made: Path, work: Path, teacher: Teacher, parts: Split) -> dict[str, Any]:
    from ..writer.adapter import is_adapter
    from ..writer.pocket import adapted

    lessons = chosen(teacher.lessons(parts.test, 0, shown=parts.train))
    result = adapted(made, cache=work / "merged", base=base.below) if is_adapter(made) else made
    before, after = (write_samples(folder, lessons, wish.seed) for folder in (base.folder, result))
    return {
        "counts": {"before": counts(before, lessons), "after": counts(after, lessons)},
        "references": counts([lesson.text for lesson in lessons], lessons),
        "texts": [
            {"asked": lesson.messages[-1].content, "reference": lesson.text, "before": old, "after": new}
            for lesson, old, new in zip(lessons, before, after, strict=True)
        ],
    }


def _facts(
    wish: Wish, base: Base, recipe: Recipe, model: Trainable, cleaned: Cleaned, parts: Split, progress: Progress
) -> dict[str, Any]:
    return {
        "kind": "writer",
        "reads": "briefs",
        "base": {"given": wish.base, "name": base.name, "revision": base.revision, "licence": base.licence},
        "recipe": recipe.as_json(),
        "numbers_trained": model.count,
        "device": str(model.device),
        "data": {
            **cleaned.as_json(),
            "split": {"train": len(parts.train), "valid": len(parts.valid), "test": len(parts.test)},
        },
        "progress": progress.as_json(),
    }


def _round(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
