"""The training loop: items in, better weights out; it goes on where it was stopped."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..digest import seed_of
from ..errors import BadTrainingData
from .recipe import Recipe

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"


class Item(Protocol):
    """What goes through the model at once: a pack of texts, a batch of pairs."""

    @property
    def count(self) -> int:
        """How many predictions are scored."""

    @property
    def size(self) -> int:
        """How many tokens it holds."""


ItemT = TypeVar("ItemT", bound=Item)
ItemT_contra = TypeVar("ItemT_contra", bound=Item, contravariant=True)


class Learner(Protocol[ItemT_contra]):
    """A model that can be trained."""

    @property
    def parameters(self) -> Sequence[Tensor]:
        """What is trained, in an order that never changes."""

    def run(self, item: ItemT_contra) -> tuple[Tensor, Tensor]:
        """Return logits [predictions, classes] and the right classes [predictions]."""


@dataclass(kw_only=True)
class Progress:
    """Where a run stands. `curve` holds (step, training loss since the last look, validation loss).

    `ended` says why it is over; it is empty while the run goes on and when it was stopped from outside.
    """

    step: int = 0
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    best: float = math.inf
    best_step: int = 0
    curve: list[tuple[int, float, float]] = field(default_factory=list)
    ended: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data; what is no number there becomes None."""
        curve = [[step, _or_none(train), _or_none(valid)] for step, train, valid in self.curve]
        return {**vars(self), "best": _or_none(self.best), "curve": curve}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Progress:
        """Return what `as_json` gave."""
        curve = [(step, _or_nan(train), _or_nan(valid)) for step, train, valid in found["curve"]]
        best = math.inf if found["best"] is None else found["best"]
        return cls(**{**found, "best": best, "curve": curve})


class Fit(Generic[ItemT]):
    """One training run in a folder of its own, which holds its checkpoint while it runs.

    `fit` may be called again after any kind of stop: it reads the checkpoint, skips what is done and goes on with the
    same numbers. Weights are kept in float32 beside those that the model computes with. `key` names what the run is
    (recipe, base model, data); a checkpoint with another key is not gone on with.
    """

    def __init__(self, model: Learner[ItemT], recipe: Recipe, folder: Path, *, key: str = "") -> None:
        self.model, self.recipe, self.folder = model, recipe, folder
        self.key = key or recipe.name
        self.progress = Progress()
        masters = [torch.nn.Parameter(p.detach().float().clone()) for p in model.parameters]
        self._optimizer = torch.optim.AdamW(masters, lr=recipe.rate, weight_decay=recipe.decay, betas=(0.9, 0.98))
        self._bound = masters
        self._recent: list[float] = []

    def fit(
        self,
        epochs: Callable[[int], Sequence[ItemT]],
        valid: Sequence[ItemT],
        *,
        tell: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
        save_every: int = 25,
    ) -> Progress:
        """Train, look at the validation loss, keep the best weights, and leave them in the model.

        `epochs` returns the items of epoch 0, 1, ...: the same ones each time it is asked. `stop` is asked before each
        step; when it says so, a checkpoint is written and the run is left unended. The weights before the first step
        count among the best: a run that only made things worse gives them back. Raises BadTrainingData.
        """
        first = epochs(0)
        if not first:
            raise BadTrainingData(place_text=str(self.folder), cause_text="no text is left to train on")
        self.progress.steps = max(round(self.recipe.epochs * len(first) / self.recipe.batch), 1)
        self._resume()
        for parameter in self.model.parameters:
            # Another run of the same process may have left some.
            parameter.grad = None
        state = self.progress
        began, cpu = time.perf_counter() - state.seconds, time.process_time() - state.cpu_seconds
        if state.step == 0 and valid and not state.curve:
            self._look(valid)
        for batch in self._batches(epochs, first, state.step):
            if state.ended:
                break
            if stop():
                self._save()
                tell(state)
                return state
            loss, tokens = self._step(batch)
            self._recent.append(loss)
            state.step += 1
            state.tokens += tokens
            last = state.step == state.steps
            if not math.isfinite(loss):
                state.ended = f"stopped at step {state.step}: the loss is no number any more; take a lower rate"
            elif valid and (state.step % self.recipe.look_every == 0 or last):
                self._look(valid)
            state.seconds, state.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
            if state.step % save_every == 0 or last or state.ended:
                self._save()
            tell(state)
        state.ended = state.ended or "done"
        if valid and (self.folder / BEST).is_file():
            self._load_masters(load_file(self.folder / BEST))
        tell(state)
        return state

    def loss(self, items: Sequence[ItemT]) -> float:
        """Return the mean loss a prediction, in nats, over `items`."""
        total, count = 0.0, 0
        with torch.inference_mode():
            for item in items:
                logits, targets = self.model.run(item)
                total += float(cross_entropy(logits, targets, reduction="sum"))
                count += len(targets)
        return total / max(count, 1)

    def _batches(
        self, epochs: Callable[[int], Sequence[ItemT]], first: Sequence[ItemT], start: int
    ) -> Iterator[list[ItemT]]:
        step, epoch = 0, 0
        while step < self.progress.steps:
            items = list(first if epoch == 0 else epochs(epoch)) or list(first)
            order = torch.randperm(len(items), generator=_generator(self.recipe.seed, epoch)).tolist()
            for at in range(0, len(order), self.recipe.batch):
                if step == self.progress.steps:
                    return
                step += 1
                if step > start:
                    yield [items[i] for i in order[at : at + self.recipe.batch]]
            epoch += 1

    def _step(self, batch: Sequence[ItemT]) -> tuple[float, int]:
        count = max(sum(item.count for item in batch), 1)
        total = 0.0
        for item in batch:
            logits, targets = self.model.run(item)
            loss = cross_entropy(logits, targets, reduction="sum") / count
            torch.autograd.backward(loss)
            total += float(loss.detach())
        for bound, parameter in zip(self._bound, self.model.parameters, strict=True):
            bound.grad = parameter.grad.float() if parameter.grad is not None else None
            parameter.grad = None
        if math.isfinite(total):
            torch.nn.utils.clip_grad_norm_(self._bound, self.recipe.clip)
            for group in self._optimizer.param_groups:
                group["lr"] = self.recipe.rate * _schedule(self.progress.step, self.progress.steps, self.recipe.warmup)
            self._optimizer.step()
            self._hand_over()
        return total, sum(item.size for item in batch)

    def _hand_over(self) -> None:
        with torch.no_grad():
            for bound, parameter in zip(self._bound, self.model.parameters, strict=True):
                parameter.copy_(bound)

    def _look(self, valid: Sequence[ItemT]) -> None:
        state, recent = self.progress, self._recent
        loss = self.loss(valid)
        state.curve.append((state.step, sum(recent) / len(recent) if recent else math.nan, loss))
        self._recent = []
        if loss < state.best:
            state.best, state.best_step = loss, state.step
            self._write(BEST, self._named())
        elif state.step - state.best_step >= self.recipe.patience * self.recipe.look_every:
            state.ended = f"stopped early: no better validation loss since step {state.best_step}"

    def _named(self) -> dict[str, Tensor]:
        return {f"w{i}": bound.detach() for i, bound in enumerate(self._bound)}

    def _load_masters(self, tensors: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for i, bound in enumerate(self._bound):
                bound.copy_(tensors[f"w{i}"])
        self._hand_over()

    def _save(self) -> None:
        tensors = self._named()
        for i, bound in enumerate(self._bound):
            # A parameter that no item has used yet has no moments.
            if found := self._optimizer.state.get(bound):
                tensors |= {f"m{i}": found["exp_avg"], f"v{i}": found["exp_avg_sq"], f"s{i}": found["step"]}
        state = {**self.progress.as_json(), "recipe": self.key, "recent": self._recent}
        self._write(CHECKPOINT, tensors, metadata={"progress": json.dumps(state)})

    def _write(self, name: str, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
        # One file, renamed into place: weights and where they stand never part, and none is ever half written.
        temporary = self.folder / f"{name}.tmp"
        save_file(tensors, temporary, metadata=metadata)
        temporary.replace(self.folder / name)

    def _resume(self) -> None:
        from safetensors import safe_open

        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / CHECKPOINT
        if found := standing(self.folder):
            if found.pop("recipe") == self.key and found["steps"] == self.progress.steps:
                with safe_open(file, framework="pt") as stream:
                    names = stream.keys()
                    tensors = {name: stream.get_tensor(name) for name in names}
                self._load_masters(tensors)
                for i, bound in enumerate(self._bound):
                    if f"m{i}" in tensors:
                        moments = {"exp_avg": tensors[f"m{i}"], "exp_avg_sq": tensors[f"v{i}"]}
                        moved = {name: value.to(bound.device) for name, value in moments.items()}
                        self._optimizer.state[bound] = {**moved, "step": tensors[f"s{i}"]}
                self._recent = found.pop("recent", [])
                self.progress = Progress.from_json(found)
                return
            file.unlink()
        # Left by another run, or by this one before its first checkpoint.
        (self.folder / BEST).unlink(missing_ok=True)


def standing(folder: Path) -> dict[str, Any] | None:
    """Return where the run in `folder` stands, with its key as `recipe`, or None if it has no checkpoint."""
    from safetensors import safe_open

    file = folder / CHECKPOINT
    if not file.is_file():
        return None
    with safe_open(file, framework="pt") as stream:
        found: dict[str, Any] = json.loads(stream.metadata()["progress"])
    return found


def _schedule(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate at `step`: a straight rise, then half a cosine down."""
    rise = max(round(steps * warmup), 1)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of("epoch", seed, epoch) % 2**63)


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
