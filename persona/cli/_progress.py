"""What a rehearsal shows while it runs, and its summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from ..rehearsal import Progress as Standing
    from ..summary import PersonaSummary

_EVERY = timedelta(hours=6)


@contextmanager
def progress_for(out: TextIO) -> Iterator[Callable[[Standing], None]]:
    """Give a function that shows where a rehearsal stands: a bar in a terminal, else a line every six hours."""
    if not out.isatty():
        yield _lines(out)
        return
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"), TimeElapsedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with bar:
        task = bar.add_task("day 1", total=1.0, counts="")

        def show(standing: Standing) -> None:
            bar.update(task, completed=standing.share, description=_day(standing), counts=_counts(standing))

        yield show


def _lines(out: TextIO) -> Callable[[Standing], None]:
    last: list[Standing] = []

    def show(standing: Standing) -> None:
        first_post = standing.posts > 0 and (not last or last[-1].posts == 0)
        if not last or first_post or standing.at - last[-1].at >= _EVERY or standing.share >= 1:
            out.write(f"{_day(standing)} {standing.at:%a %H:%M} UTC  {_counts(standing)}\n")
            out.flush()
            last.append(standing)

    return show


def _day(standing: Standing) -> str:
    days = max((standing.until - standing.start).days, 1)
    return f"day {min((standing.at - standing.start).days + 1, days)} of {days}"


def _counts(standing: Standing) -> str:
    return f"posts {standing.posts}, replies {standing.replies}, held {standing.held}"


def print_summary(lines: Sequence[PersonaSummary]) -> None:
    """Print one row per persona."""
    table = Table(title="What came of it")
    table.add_column("persona", no_wrap=True)
    for name in ("posts", "replies", "followers", "likes"):
        table.add_column(name, justify="right")
    table.add_column("held, and why")
    table.add_column("memory", justify="right")
    table.add_column("seconds", justify="right")
    for line in lines:
        why = ", ".join(f"{rule} {count}" for rule, count in line.held.items())
        table.add_row(
            f"@{line.handle}",
            str(line.posts),
            str(line.replies),
            str(line.followers),
            str(line.likes),
            f"{line.waiting}: {why}" if line.waiting else "0",
            str(line.memory),
            f"{line.seconds:.0f}",
        )
    # A log file has no width of its own; 80 columns would cut the handles.
    console = Console()
    (console if console.is_terminal else Console(width=120)).print(table)
