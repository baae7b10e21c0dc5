"""The loop: it stops, dies and goes on with the same numbers, and keeps its best weights."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from persona.errors import BadTrainingData
from persona.train.fit import BEST, CHECKPOINT, Fit, Progress, standing
from persona.train.recipe import Recipe


@dataclass(frozen=True)
class Points:
    """Inputs [n, 3] with the class each belongs to."""

    inputs: Tensor
    targets: Tensor

    @property
    def count(self) -> int:
        return len(self.targets)

    @property
    def size(self) -> int:
        return len(self.targets)


class Line:
    """The smallest model that can learn: logits = inputs @ weight."""

    def __init__(self) -> None:
        self.parameters = [torch.zeros(3, 4, requires_grad=True)]

    def run(self, item: Points) -> tuple[Tensor, Tensor]:
        return item.inputs @ self.parameters[0], item.targets


def points(seed: int) -> list[Points]:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    items = []
    for _ in range(6):
        inputs = torch.randn(8, 3, generator=generator)
        items.append(Points(inputs, (inputs @ truth).argmax(1)))
    return items


def recipe(**changes: Any) -> Recipe:
    settings = {"method": "full", "rate": 0.05, "epochs": 10, "batch": 2, "look_every": 4, "precision": "float32"}
    return Recipe(**{**settings, **changes})


def epochs(number: int) -> Sequence[Points]:
    return points(10 + number)


def whole(folder: Path, **changes: Any) -> tuple[Line, Progress]:
    model = Line()
    return model, Fit(model, recipe(**changes), folder).fit(epochs, points(5), save_every=3)


def test_it_learns_and_keeps_its_best_weights(tmp_path: Path) -> None:
    model, progress = whole(tmp_path)
    assert (progress.step, progress.steps, progress.ended) == (30, 30, "done")
    assert progress.curve[0][0] == 0
    assert progress.best < 0.7 * progress.curve[0][2]
    best = load_file(tmp_path / BEST)["w0"]
    assert torch.equal(model.parameters[0].detach(), best)
    assert Fit(model, recipe(), tmp_path).loss(points(5)) == pytest.approx(progress.best)
    assert progress.tokens == 30 * 16


@pytest.mark.parametrize("at", [1, 4, 7, 29])
def test_stopped_and_called_again_it_ends_with_the_same_weights(tmp_path: Path, at: int) -> None:
    wanted, full = whole(tmp_path / "whole")
    steps = 0

    def stop() -> bool:
        nonlocal steps
        steps += 1
        return steps > at

    first = Fit(Line(), recipe(), tmp_path / "cut").fit(epochs, points(5), stop=stop, save_every=3)
    assert (first.step, first.ended) == (at, "")
    model, again = whole(tmp_path / "cut")
    assert torch.equal(model.parameters[0], wanted.parameters[0])
    assert again.curve == full.curve or str(again.curve) == str(full.curve)
    assert again.tokens == full.tokens


_CHILD = """
import sys, time
from pathlib import Path
from tests.train.test_train_fit import Fit, Line, epochs, points, recipe

Fit(Line(), recipe(), Path(sys.argv[1])).fit(epochs, points(5), save_every=3, tell=lambda progress: time.sleep(0.2))
"""


def test_killed_it_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    wanted, _ = whole(tmp_path / "whole")
    folder = tmp_path / "killed"
    with subprocess.Popen([sys.executable, "-c", _CHILD, str(folder)], cwd=Path(__file__).parents[2]) as child:
        until = time.monotonic() + 120
        while not (folder / CHECKPOINT).is_file():
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(0.3)
        child.kill()
        assert child.wait() == -signal.SIGKILL
    found = standing(folder)
    assert found is not None
    assert 0 < found["step"] < 30
    model, progress = whole(folder)
    assert progress.step == 30
    assert torch.equal(model.parameters[0], wanted.parameters[0])


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    wanted, _ = whole(tmp_path)
    told: list[int] = []
    model = Line()
    progress = Fit(model, recipe(), tmp_path).fit(epochs, points(5), tell=lambda p: told.append(p.step))
    assert (told, progress.ended) == ([30], "done")
    assert torch.equal(model.parameters[0], wanted.parameters[0])


@pytest.mark.parametrize("changes", [{"seed": 8}, {"rate": 0.02}, {"epochs": 5}])
def test_a_checkpoint_of_another_recipe_is_not_gone_on_with(tmp_path: Path, changes: dict[str, Any]) -> None:
    whole(tmp_path / "both")
    model, progress = whole(tmp_path / "both", **changes)
    wanted, alone = whole(tmp_path / "alone", **changes)
    assert torch.equal(model.parameters[0], wanted.parameters[0])
    assert progress.best == alone.best


def test_a_checkpoint_of_other_data_is_not_gone_on_with(tmp_path: Path) -> None:
    Fit(Line(), recipe(), tmp_path, key="one").fit(epochs, points(5))
    fit = Fit(Line(), recipe(), tmp_path, key="two")
    steps: list[int] = []
    fit.fit(epochs, points(5), tell=lambda progress: steps.append(progress.step))
    assert steps[:2] == [1, 2]


def test_it_stops_early_and_gives_the_best_weights_back(tmp_path: Path) -> None:
    def wrong(number: int) -> Sequence[Points]:
        return [Points(item.inputs, (item.targets + 1) % 4) for item in epochs(number)]

    model = Line()
    fit = Fit(model, recipe(rate=0.5, epochs=100, patience=2), tmp_path)
    progress = fit.fit(wrong, points(5), save_every=1000)
    assert progress.ended == "stopped early: no better validation loss since step 0"
    assert progress.step == 8
    # Nothing was learnt that held: the weights before the first step are the best.
    assert not model.parameters[0].any()
    found = standing(tmp_path)
    assert found is not None
    assert found["ended"] == progress.ended


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    def broken(number: int) -> Sequence[Points]:
        items = points(10)
        return [*items[:3], Points(torch.full((8, 3), math.nan), items[3].targets)]

    model = Line()
    progress = Fit(model, recipe(batch=1, epochs=20), tmp_path).fit(broken, points(5))
    assert "take a lower rate" in progress.ended
    assert torch.isfinite(model.parameters[0]).all()
    assert math.isfinite(Fit(model, recipe(), tmp_path).loss(points(5)))
    json.dumps(progress.as_json(), allow_nan=False)


def test_progress_is_plain_data_and_comes_back() -> None:
    progress = Progress(step=3, curve=[(0, math.nan, 2.5), (3, 2.0, 1.5)], best=math.inf)
    data = json.loads(json.dumps(progress.as_json(), allow_nan=False))
    back = Progress.from_json(data)
    assert back.curve[1] == (3, 2.0, 1.5)
    assert math.isnan(back.curve[0][1])
    assert back.best == math.inf


def test_gradients_left_by_another_run_do_not_count(tmp_path: Path) -> None:
    wanted, _ = whole(tmp_path / "one")
    model = Line()
    model.parameters[0].grad = torch.ones(3, 4)
    Fit(model, recipe(), tmp_path / "two").fit(epochs, points(5))
    assert torch.equal(model.parameters[0], wanted.parameters[0])


def test_without_validation_the_last_weights_stay(tmp_path: Path) -> None:
    model = Line()
    progress = Fit(model, recipe(), tmp_path).fit(epochs, [])
    assert (progress.ended, progress.curve) == ("done", [])
    assert model.parameters[0].any()
    assert not (tmp_path / BEST).exists()


def test_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTrainingData, match="no text is left"):
        Fit(Line(), recipe(), tmp_path).fit(lambda number: [], [])
