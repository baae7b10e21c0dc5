"""How well the pocket writer writes, beside the base model, fixed sentences and the texts that people wrote.

python -m benchmarks.writer_quality --data FOLDER [--json] [--quick] [--adapter FOLDER] [--candidates 1 4 8] [--all]
                                    [--samples FILE.md]

Every brief (post, promo, callback, reply, answer, support, boundary) of the personas that are never trained on gets a
draft, 24 personas at most, drawn by digest; with `--all`, of every persona in the file. What each column says:

loss        nats a token on the reference texts (bfloat16)
exact       share of product names, prices, figures and numbers copied exactly (measure/copied.py)
facts       share of drafts with given facts only: facts guard, claims guard, numbers in digits (measure/judged.py)
unknown     share of answers that say a fact is not given, where the reference does (measure/unknown.py)
topic       share of posts whose MiniLM vector is nearest to their own topic, among ten (measure/topic.py)
persona     share of drafts whose persona a classifier names, one of up to twenty (measure/voice.py)
distinct-2  different word pairs among 1,000
repeats     share of drafts that repeat another of the same persona (measure/repeats.py)
grammar     share of sentences without errors by Harper (measure/grammar.py; its controls are printed below)
length      share with as many sentences as asked; four and more are "several"
honest      share of answers to "who are you" that say it: by the writer alone, and (sent) as the engine answers
            (measure/honest.py)
guards      share that identity, facts, claims, experience and broken guard let pass
logprob     the model's own mean log-probability of what it wrote

A model's row ends in the number of candidates that the best was chosen from; "likeliest" chooses by log-probability
alone. Sampling is the persona file's default (temperature 0.7, top-p 0.9, top-k 40, repetition penalty 1.1).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks._report import finish, machine, parser, table
from persona.errors import PersonaError
from persona.train.corpus import Example, read_casts
from persona.train.measure import (
    Chooser,
    Embed,
    Grammar,
    Kept,
    Row,
    Ruler,
    Sheet,
    author_all,
    briefed,
    control_samples,
    controls,
    measured_casts,
    reference_sheet,
    samples_text,
    template_sheet,
)
from persona.train.measure.candidates import Candidates
from persona.writer import patient_threads
from persona.writer.pocket import ADAPTER, adapted, base_folder
from persona_memory.minilm import MiniLM

CASTS, CANDIDATES = 24, (1, 4, 8)
QUICK_CASTS, QUICK_CANDIDATES = 6, (1, 4)
SAMPLES = 100
CONTROLS = 120


class Stopwatch:
    """Adds up wall seconds and CPU seconds by part; under other load only the latter mean something."""

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, float]] = {}

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Count what happens inside as `part`."""
        wall, cpu = time.perf_counter(), _cpu_seconds()
        try:
            yield
        finally:
            before = self.seconds.get(part, (0.0, 0.0))
            wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
            self.seconds[part] = (round(before[0] + wall, 1), round(before[1] + cpu, 1))


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def sheets_of(
    writer: str, examples: Sequence[Example], candidates: Candidates, counts: Sequence[int], chooser: Chooser
) -> list[Sheet]:
    """Return a model's sheets: the best of each number of candidates, and the likeliest of the most."""
    made = [chooser.chosen(f"{writer}, {count}", examples, candidates, count) for count in counts]
    if counts[-1] > 1:
        made.append(chooser.likeliest(f"{writer}, likeliest of {counts[-1]}", examples, candidates, counts[-1]))
    return made


def models(adapter: Path | None) -> dict[str, Path]:
    """Return the folders of the models to measure: the base, and the pocket writer if there is an adapter."""
    found = {"base": base_folder()}
    if adapter is None and (ADAPTER / "adapter_config.json").is_file():
        adapter = ADAPTER
    if adapter is not None:
        found["pocket"] = adapted(adapter)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    options = options_of(argv)
    patient_threads()
    try:
        return measure(options, models(options.adapter), MiniLM().embed)
    except PersonaError as error:
        print(error, file=sys.stderr)
        return 2


def measure(options: argparse.Namespace, folders: Mapping[str, Path], embedder: Embed) -> int:
    """Measure the models in `folders`, by name, and print; return the exit status."""
    watch = Stopwatch()
    found = machine(("torch", "transformers", "scikit-learn", "harper-py"))
    counts = sorted(set(options.candidates or (QUICK_CANDIDATES if options.quick else CANDIDATES)))
    most = options.personas or (QUICK_CASTS if options.quick else CASTS)
    casts = measured_casts(read_casts(options.data), everyone=options.all, most=most)
    examples = [example for cast in casts for example in briefed(cast)]
    if not examples:
        print("no persona of this data is held out; --all measures every one", file=sys.stderr)
        return 2
    embed = Kept(embedder)
    with watch.on("reading"):
        grammar = Grammar()
        ruler = Ruler(casts, examples, embed, grammar)
    _tell(f"{len(casts)} personas, {len(examples)} briefs; the classifier knows {len(ruler.voice.handles)} of them")
    chooser = Chooser(embed)
    rows: list[Row] = []
    sheet = reference_sheet(examples)
    with watch.on("measuring"):
        rows += [ruler.row(template_sheet(examples)), ruler.row(sheet)]
    with watch.on("writing and loss"):
        made = author_all(folders, examples, counts[-1], options.seed, processes=options.processes)
    for writer, work in made.items():
        with watch.on("choosing"):
            sheets = sheets_of(writer, examples, work.candidates, counts, chooser)
        with watch.on("measuring"):
            rows[-2:-2] = [ruler.row(each, loss=work.mean_loss) for each in sheets]
        sheet = sheets[len(counts) - 1]
    with watch.on("controls"):
        flagged = controls(grammar, control_samples(((e.brief, e.text) for e in examples), CONTROLS), options.seed)
    print(table([row.cells() for row in rows]))
    _notes(rows, flagged, len(casts), watch)
    if options.samples:
        heading = f"{min(SAMPLES, len(examples))} unselected samples"
        text = samples_text(examples, sheet, count=SAMPLES, seed=options.seed, heading=heading)
        options.samples.write_text(text, encoding="utf-8")
    report: dict[str, Any] = {
        "benchmark": "writer_quality",
        "machine": found,
        "personas": [cast.handle for cast in casts],
        "briefs": len(examples),
        "seed": options.seed,
        "rows": [asdict(row) for row in rows],
        "grammar_controls": flagged,
        "seconds": watch.seconds,
    }
    finish(report, as_json=options.json)
    return 0


def _notes(rows: Sequence[Row], flagged: dict[str, float], personas: int, watch: Stopwatch) -> None:
    counts = rows[-1].counts
    print(
        f"percent, but for loss, distinct-2 and logprob; {personas} personas, {counts['facts']} drafts a row, of them "
        f"{counts['topic']} with a topic, {counts['persona']} of personas that the classifier knows, "
        f"{counts['unknown']} asked for a fact that is not given, {counts['honest']} about identity"
    )
    for row in rows:
        print(f"exact, {row.writer}: " + ", ".join(f"{kind} {100 * share:.1f}" for kind, share in row.pieces.items()))
    print("sentences flagged by Harper: " + ", ".join(f"{name} {100 * n:.1f}" for name, n in flagged.items()))
    spent = (f"{part} {wall:.0f} ({cpu:.0f})" for part, (wall, cpu) in watch.seconds.items())
    print("seconds (of all cores): " + ", ".join(spent))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def options_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line, read."""
    arguments = parser(__doc__)
    arguments.prog = "python -m benchmarks.writer_quality"
    arguments.add_argument("--data", type=Path, default=Path("../shared/data/personas"), help="folder or .jsonl file")
    arguments.add_argument("--adapter", type=Path, help="measure this adapter as the pocket writer")
    arguments.add_argument("--candidates", type=int, nargs="+", metavar="N", help="how many to choose from (1 4 8)")
    arguments.add_argument("--all", action="store_true", help="every persona, for data that was never trained on")
    arguments.add_argument("--personas", type=int, default=0, metavar="N", help="at most so many personas (24)")
    arguments.add_argument(
        "--processes", type=int, default=0, metavar="N", help="for writing (one a core, at most four)"
    )
    arguments.add_argument("--samples", type=Path, metavar="FILE", help="write 100 unselected samples as Markdown")
    arguments.add_argument("--seed", type=int, default=7)
    return arguments.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
