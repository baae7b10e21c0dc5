"""The loss over the steps, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from .extra import needs
from .fit import Progress


def draw_curve(curves: Sequence[tuple[str, Progress]], file: Path) -> None:
    """Write a PNG with the training and the validation loss of each named run, side by side; a dot marks the best.

    The same numbers give the same bytes. Raises ExtraMissing without matplotlib.
    """
    needs("matplotlib", "the picture of the loss curve")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(curves), 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (name, progress) in enumerate(curves):
        axes = figure.add_subplot(1, len(curves), place + 1)
        train = [(step, loss) for step, loss, _ in progress.curve if math.isfinite(loss)]
        valid = [(step, loss) for step, _, loss in progress.curve if math.isfinite(loss)]
        if train:
            axes.plot(*zip(*train, strict=True), color="#9aa5b1", label="training")
        if valid:
            axes.plot(*zip(*valid, strict=True), color="#1f5fa8", label="validation")
        if math.isfinite(progress.best):
            axes.plot([progress.best_step], [progress.best], "o", color="#1f5fa8")
        axes.set_title(name)
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats a token)")
        if train or valid:
            axes.legend(frameon=False)
    temporary = file.with_suffix(".tmp")
    # Matplotlib would write its version into the file.
    figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})
    temporary.replace(file)
