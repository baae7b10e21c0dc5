"""`persona train`: fine-tune a writer, or the embedding model, on own texts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..errors import NothingHereYet, PersonaError

if TYPE_CHECKING:
    from ..definition import Definition
    from ..train.cleaning import Cleaned
    from ..train.fit import Progress

_SHOWN = 12
_NOT_KEPT = 1


class NothingToTrainOn(PersonaError, ValueError):
    """Nothing says what to train on. Name a file with --data, or a persona with --persona."""

    exit_code = 2


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what `train` takes."""
    parser.description = (
        "Fine-tune a writer on own texts, for `writer: {model: FOLDER}`; or, with --embedding, the embedding model. "
        "Bad lines are reported and left out. It may be stopped at any time; the same command goes on."
    )
    parser.epilog = (
        f"{parser.epilog}\n\nWhere this project's data is kept stands before the word: persona --data FOLDER train ..."
    )
    parser.add_argument("--data", dest="posts", metavar="POSTS", help=".jsonl, .csv or .txt: one text a line")
    parser.add_argument("--persona", metavar="NAME", help="whose texts: alone, its samples and approved posts")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the result and its report go")
    parser.add_argument("--base", metavar="MODEL", help="pocket (the default), a folder, or a hub name")
    parser.add_argument("--revision", metavar="COMMIT", help="of a hub name")
    parser.add_argument("--embedding", action="store_true", help="train the embedding model on texts or on pairs")
    parser.add_argument("--method", choices=("lora", "full"), default="lora", help="an adapter, or all weights (lora)")
    parser.add_argument("--epochs", type=_positive, help="how often each text is learnt (3; embedding: 2)")
    parser.add_argument("--rate", type=_positive, help="highest learning rate (lora 2e-4, full 3e-5, embedding 2e-5)")
    parser.add_argument("--rank", type=int, choices=range(1, 257), default=8, metavar="N", help="of the adapter (8)")
    parser.add_argument("--seed", type=int, default=7, help="of all draws (7)")
    parser.add_argument("--watts", type=_positive, default=10.0, help="of a busy core, where no meter can be read (10)")
    parser.add_argument("--check", action="store_true", help="only say what would be left out; train nothing")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with an unfinished training, or fail")
    again.add_argument("--fresh", action="store_true", help="throw an earlier result or unfinished training away")


def run(args: argparse.Namespace) -> int:
    """Train. Returns 1 where the embedding model did not improve, 130 or 143 where a signal stopped it."""
    from ..writer.threads import patient_threads

    patient_threads()
    if not args.posts and not args.persona:
        raise NothingToTrainOn()
    definition = _definition(args)
    cleaned = _cleaned(args, definition)
    _tell_lines(cleaned)
    if args.check:
        return 0
    from ._open import stop_on_signals

    with stop_on_signals() as (stop, got), _bar(sys.stdout) as tell:
        if args.embedding:
            code, said = _embedding(args, cleaned, tell, stop.is_set)
        else:
            code, said = _writer(args, definition, cleaned, tell, stop.is_set)
    print(said)
    return 128 + got[0] if got and code is None else code or 0


def _writer(
    args: argparse.Namespace,
    definition: Definition | None,
    cleaned: Cleaned,
    tell: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> tuple[int | None, str]:
    from ..train.lessons import Teacher
    from ..train.user import Wish, train_writer

    wish = Wish(
        out=Path(args.out),
        base=args.base or "pocket",
        revision=args.revision,
        method=args.method,
        epochs=args.epochs or Wish.epochs,
        rate=args.rate or 0.0,
        rank=args.rank,
        seed=args.seed,
        watts=args.watts,
        fresh=args.fresh,
        resume=args.resume,
    )
    teacher = Teacher(definition.personas if definition else ())
    outcome = train_writer(cleaned, teacher, wish, say=print, tell=tell, stop=stop)
    if not outcome.report:
        return None, _stopped(outcome.progress)
    loss, seconds = outcome.report["loss"], outcome.report["cost"]["seconds"]
    return 0, (
        f"Loss on texts that were not trained on: {loss['before']} before, {loss['after']} after; {seconds:.0f} s. "
        f"{outcome.progress.ended.capitalize()}.\n"
        f"Read {Path(args.out) / 'report.md'}; to use it, write  writer: {{model: {args.out}, reads: briefs}}"
    )


def _embedding(
    args: argparse.Namespace, cleaned: Cleaned, tell: Callable[[Progress], None], stop: Callable[[], bool]
) -> tuple[int | None, str]:
    from ..train.embedding import EmbeddingWish, train_embedding

    wish = EmbeddingWish(
        out=Path(args.out),
        base=args.base or "",
        epochs=args.epochs or EmbeddingWish.epochs,
        rate=args.rate or 0.0,
        seed=args.seed,
        watts=args.watts,
        fresh=args.fresh,
        resume=args.resume,
    )
    fitted = train_embedding(cleaned, wish, say=print, tell=tell, stop=stop)
    if not fitted.report:
        return None, _stopped(fitted.progress)
    recall = fitted.report["recall"]
    shares = ", ".join(
        f"@{k} {recall['before'][f'at_{k}']} % before and {recall['after'][f'at_{k}']} % after" for k in (1, 10)
    )
    kept = f"The model is in {args.out}." if fitted.kept else f"It is not better and was not kept: see {args.out}."
    return 0 if fitted.kept else _NOT_KEPT, f"Recall on {recall['queries']} held-out queries: {shares}. {kept}"


def _definition(args: argparse.Namespace) -> Definition | None:
    if not args.persona and not Path(args.file).is_file():
        return None
    from ._open import load_definition

    return load_definition(args)[0]


def _cleaned(args: argparse.Namespace, definition: Definition | None) -> Cleaned:
    from dataclasses import replace

    from ..train.cleaning import clean
    from ..train.foreign import Foreign, foreign_of
    from ..train.own import own_texts
    from ..train.posts import read_posts

    engine = None
    try:
        from ._context import open_engine

        engine = open_engine(args)
    except NothingHereYet:
        pass
    try:
        foreign = foreign_of(engine) if engine is not None else Foreign()
        persona = None
        if args.persona and definition:
            from ._say import NoSuchPersona

            try:
                persona = definition.persona(args.persona)
            except KeyError:
                known = ", ".join(p.handle for p in definition.personas)
                raise NoSuchPersona(name=args.persona, known_text=known) from None
        if not args.posts:
            assert persona is not None
            return clean(own_texts(persona, engine, foreign), foreign)
        read = read_posts(Path(args.posts))
        if persona is not None:
            posts = tuple(replace(post, persona=post.persona or persona.handle) for post in read.posts)
            read = replace(read, posts=posts)
        return clean(read, foreign)
    finally:
        if engine is not None:
            engine.dispose()


def _tell_lines(cleaned: Cleaned) -> None:
    print(f"{cleaned.place}: {cleaned.lines} lines, {len(cleaned.posts)} kept ({cleaned.encoding}).")
    for title, rows in (("left out", cleaned.left_out), ("note", cleaned.notes)):
        for each in rows[:_SHOWN]:
            detail = f" ({each.detail})" if each.detail else ""
            print(f"  line {each.line} {title}: {each.reason}{detail}")
        if len(rows) > _SHOWN:
            print(f"  and {len(rows) - _SHOWN} more; report.json will hold all")


def _stopped(progress: Progress) -> str:
    return f"Stopped at step {progress.step} of {progress.steps}. The same command goes on from there."


@contextmanager
def _bar(out: TextIO) -> Iterator[Callable[[Progress], None]]:
    """Give a function that shows where a training stands: a bar in a terminal, else a line every tenth of the way."""
    if not out.isatty():
        last = [-1]

        def line(progress: Progress) -> None:
            tenth = 10 * progress.step // max(progress.steps, 1)
            if tenth != last[0] or progress.ended:
                last[0] = tenth
                out.write(f"step {progress.step} of {progress.steps}  {_losses(progress)}\n")
                out.flush()

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[losses]}"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with bar:
        task = bar.add_task("training", total=None, losses="")

        def show(progress: Progress) -> None:
            bar.update(task, total=progress.steps, completed=progress.step, losses=_losses(progress))

        yield show


def _losses(progress: Progress) -> str:
    if not progress.curve:
        return ""
    step, train, valid = progress.curve[-1]
    return f"loss {valid:.3f}" if step == 0 else f"loss {valid:.3f} (training {train:.3f}) at step {step}"


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value
