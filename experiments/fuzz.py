"""Hostile input to the readers: the personas file and the cleaner of comments.

`python -m experiments.fuzz [--seconds 600] [--seed 1] [--data FOLDER] [--quick] [--json]`
Files are a right file with bytes, lines and signs changed, moved, doubled and left out; comments are strings of every
plane with control, bidi, zero-width and tag signs. `--data` names a folder of further texts to start from. A reader
must answer with a result or with its own error, within its time; anything else is a fault, and is printed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from experiments._cli import finish, parser
from persona.definition.loader import load
from persona.errors import DefinitionError
from persona.text import clean_line, clean_text

LONGEST = 2000
SLOW = 5.0
"""CPU seconds for one input"""
SIGNS = (
    "\u200b",
    "\u202e",
    "\u2066",
    "\U000e0041",
    "\ufeff",
    "\x00",
    "\x1b",
    "\r",
    "\u2028",
    "a",
    "é",
    "漢",
    "😀",
    " ",
    "\n",
)
BITS = ("&a ", "*a", "<<: *a", "!!python/object:os.system", "{", "[", "}", ": ", "- ", "? ", "|", ">", "'", '"', "\t",
        "%", "@", "`", "~", "1e999", "0x1f", "2026-02-30", "---\n", "...\n", "#", "\x00", "\ud800")  # fmt: skip


def check_yaml(file: Path, data: bytes) -> str:
    """Read `data` as a personas file; return what came of it. Raises what the reader should not have raised."""
    file.write_bytes(data)
    refused: DefinitionError | None = None
    try:
        load(file)
    except DefinitionError as error:
        refused = error
    if refused is None:
        return "read"
    assert str(refused)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in refused.problems)
    return "refused"


def check_text(text: str) -> str:
    """Clean `text` as a comment and as a name. Raises AssertionError if it is not clean afterwards."""
    clean = clean_text(text)
    assert len(clean) <= LONGEST
    assert not any(sign in clean for sign in SIGNS[:7]), ascii(clean)
    assert clean_text(clean) == clean, ascii(text)
    line = clean_line(text)
    assert "\n" not in line
    clean.encode("utf-8")
    return "cleaned"


def mutated(text: str, seed: int) -> bytes:
    """Return `text` with a few things changed, the same for the same seed."""
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 6)):
        lines = text.split("\n")
        at, line = draw.randrange(len(text) + 1), draw.randrange(len(lines))
        kind = draw.randrange(6)
        if kind == 0:
            text = text[:at] + draw.choice(BITS) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + draw.randint(1, 20) :]
        elif kind == 2:
            lines.insert(draw.randrange(len(lines) + 1), lines[line])
            text = "\n".join(lines)
        elif kind == 3:
            lines[line] = " " * draw.randint(0, 9) + lines[line].strip()
            text = "\n".join(lines)
        elif kind == 4:
            text = text[:at] + draw.choice(SIGNS) * draw.choice((1, 3, 500)) + text[at:]
        else:
            text = text.replace(draw.choice(("name", "slots", "at", "bio", "true", "[")), draw.choice(BITS), 1)
    data = text.encode("utf-8", "surrogatepass")
    return data[: draw.randrange(len(data) + 1)] if draw.random() < 0.1 else data


def comment(draw: random.Random) -> str:
    """Return a hostile comment."""
    signs = [
        draw.choice(SIGNS) if draw.random() < 0.5 else chr(draw.randrange(0x110000))
        for _ in range(draw.randint(0, 300))
    ]
    return "".join(signs) * draw.choice((1, 1, 1, 50))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Feed both readers until the time is up, half of it each."""
    draw, counts, faults, slowest = random.Random(args.seed), Counter[str](), [], 0.0
    seeds = [args.file.read_text(encoding="utf-8")]
    if args.data:
        seeds += [path.read_text("utf-8", "replace") for path in sorted(args.data.rglob("*")) if path.is_file()]
    with tempfile.TemporaryDirectory(prefix="persona-fuzz-") as folder:
        for what, share in (("file", 0.5), ("comment", 1.0)):
            end = args.began + args.seconds * share
            while time.monotonic() < end:
                seed = draw.randrange(2**40)
                began = time.process_time()
                try:
                    if what == "file":
                        text = seeds[seed % len(seeds)][: 1 << 16]
                        found = check_yaml(Path(folder) / "personas.yaml", mutated(text, seed))
                    else:
                        text = comment(random.Random(seed))
                        if args.data and seed % 3 == 0:
                            text = draw.choice(seeds)[:5000] + text
                        found = check_text(text)
                    counts[f"{what} {found}"] += 1
                except Exception as error:
                    faults.append(f"{what} {seed}: {type(error).__name__}: {ascii(str(error))[:200]}")
                took = time.process_time() - began
                if took > SLOW:
                    faults.append(f"{what} {seed}: took {took:.1f} s")
                slowest = max(slowest, took)
    return {"inputs": sum(counts.values()), **counts, "faults": len(faults), "examples": faults[:5],
            "slowest_cpu_s": round(slowest, 3)}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=600.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--file", type=Path, default=Path(__file__).parents[1] / "personas.yaml")
    arguments.add_argument("--data", type=Path, help="a folder of texts to start from as well")
    args = arguments.parse_args(argv)
    args.seconds = 6.0 if args.quick else args.seconds
    args.began = time.monotonic()
    found = measure(args)
    return finish(found, args, ok=not found["faults"])


if __name__ == "__main__":
    sys.exit(main())
