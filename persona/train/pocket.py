"""The recipe of the pocket writer: from the packaged base model to the adapter that the project ships.

python -m persona.train.pocket --voices FOLDER [--plain FOLDER] --out FOLDER [--work FOLDER] [--epochs N] [--rank N] ...

Two corpora are mixed. `--plain` (training/plain) is the bulk: short texts that do exactly what their brief asks.
`--voices` are personas with more wit than so small a model can follow; of these the plainest share is kept, by the
untrained model's own loss, and their answers to "are you human" and support texts are left out, since they breed tics.
One persona in six of either corpus is never trained on. The run may be stopped at any time; the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..digest import seed_of
from ..writer.pocket import base_folder
from ..writer.threads import patient_threads
from .corpus import Cast, Example, examples_of, read_casts
from .fit import Fit, Progress
from .model import Trainable
from .pack import Pack, Packer
from .recipe import Recipe
from .select import held_out, plainest, scored

VOICE_TASKS = ("post", "promo", "callback", "reply", "answer")
_VALID_CASTS = 3


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What is trained on in each epoch, and what is looked at in between."""

    plain: tuple[Cast, ...]
    voices: tuple[Cast, ...]
    kept: frozenset[str]
    valid: tuple[Cast, ...]

    def examples(self, epoch: int) -> list[Example]:
        """Return the examples of one epoch, those of a card side by side; cards show other samples each epoch."""
        found: list[Example] = []
        for cast in self.plain:
            found += (_perhaps_unplanned(example, epoch) for example in examples_of(cast, epoch))
        for cast in self.voices:
            found += [example for example in examples_of(cast, epoch) if example.key in self.kept]
        comments = [example for example in found if example.brief.task == "comment"]
        comments.sort(key=lambda example: seed_of("comments", epoch, example.key))
        return [example for example in found if example.brief.task != "comment"] + comments


def _perhaps_unplanned(example: Example, epoch: int) -> Example:
    """Return one reply or comment in five without its points: a text may also be asked for without a plan."""
    if example.brief.task in ("reply", "comment") and seed_of("unplanned", epoch, example.key) % 5 == 0:
        return replace(example, brief=replace(example.brief, points=()))
    return example


def mixture(
    plain: Sequence[Cast], voices: Sequence[Cast], loss: dict[str, float], *, share: float, limit: int = 0
) -> Mixture:
    """Return the mixture; `limit` keeps only so many personas of each corpus, for a small run."""
    learnt = [cast for cast in voices if not held_out(cast)]
    kept = plainest([e for cast in learnt for e in examples_of(cast, samples=False)], loss, share, VOICE_TASKS)
    valid = [cast for corpus in (plain, voices) for cast in [c for c in corpus if held_out(c)][:_VALID_CASTS]]
    return Mixture(
        plain=tuple([cast for cast in plain if not held_out(cast)][: limit or None]),
        voices=tuple(learnt[: limit or None]),
        kept=frozenset(kept),
        valid=tuple(valid),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and write the adapter with a report beside it."""
    options = _options(argv)
    patient_threads()
    recipe = Recipe(
        method=options.method,
        rank=options.rank,
        alpha=2 * options.rank,
        rate=options.rate,
        epochs=options.epochs,
        seed=options.seed,
        precision=options.precision,
    )
    options.work.mkdir(parents=True, exist_ok=True)
    model = Trainable(base_folder(), recipe)
    tokenizer, template, end = model.packing()
    packer = Packer(tokenizer, template, end=end, most=recipe.pack)
    plain, voices = read_casts(options.plain), read_casts(options.voices)
    loss = scored(model, packer, [cast for cast in voices if not held_out(cast)], options.work / "scores.jsonl")
    mixed = mixture(plain, voices, loss, share=options.share, limit=options.limit)
    print(f"{model.count:,} numbers are trained; {len(mixed.examples(0)):,} texts an epoch", flush=True)

    def epochs(epoch: int) -> list[Pack]:
        return packer.packs(mixed.examples(epoch))

    valid = packer.packs([example for cast in mixed.valid for example in examples_of(cast)])
    fit = Fit(model, recipe, options.work / recipe.name)
    state = fit.fit(epochs, valid, tell=_tell)
    model.save(options.out, base="pocket")
    report = {
        "recipe": recipe.as_json(),
        "data": {
            "plain_personas": len(mixed.plain),
            "voice_personas": len(mixed.voices),
            "texts_an_epoch": len(mixed.examples(0)),
            "voice_share": options.share,
        },
        "progress": state.as_json(),
        "numbers_trained": model.count,
        "device": str(model.device),
    }
    (options.out / "training.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"{state.ended}; written to {options.out}", flush=True)
    return 0


def _tell(state: Progress) -> None:
    last = state.curve[-1] if state.curve else (0, float("nan"), float("nan"))
    if state.step % 10 == 0 or state.ended:
        rate = state.tokens / max(state.seconds, 1e-9)
        print(
            f"step {state.step}/{state.steps}, {state.tokens:,} tokens, {rate:.0f} tokens/s; "
            f"at step {last[0]}: training {last[1]:.3f}, validation {last[2]:.3f}",
            flush=True,
        )


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="persona.train.pocket", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--voices", type=Path, required=True, help="folder of .jsonl personas, the witty corpus")
    parser.add_argument(
        "--plain", type=Path, default=Path("training/plain"), help="folder of .jsonl personas, the bulk"
    )
    parser.add_argument("--out", type=Path, required=True, help="where the adapter goes")
    parser.add_argument("--work", type=Path, default=Path("~/.cache/persona/training").expanduser())
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--rank", type=int, default=Recipe.rank)
    parser.add_argument("--rate", type=float, default=Recipe.rate)
    parser.add_argument("--epochs", type=float, default=1.4)
    parser.add_argument("--share", type=float, default=0.4, help="of the witty corpus, by plainness")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--limit", type=int, default=0, help="only so many personas of each corpus: a small run")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
