"""How many useful tokens a CPU second brings, beside other ways to run the same model.

python -m benchmarks.writer_speed [--json] [--quick]

Texts of 12 to 60 tokens are written at once, with prompts that share a beginning or not. A token is useful if it is
wanted: not after the text's end, not beyond the length asked for. No way may keep anything of a prompt from before.
Serial ways are measured on the first few texts. CPU seconds hold up under other load; wall seconds do not.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from benchmarks._engines import (
    Continuous,
    CTranslate2,
    DynamicInt8,
    Engine,
    LlamaCpp,
    Padded,
    Persona,
    Pipeline,
    PipelineBatch,
    Transformers,
)
from benchmarks._loads import END, Load, Loads
from benchmarks._report import finish, machine, parser, table, timed
from persona.train.quiet import quiet
from persona.writer import LocalModel, patient_threads
from persona.writer.folder import ModelFolder
from persona.writer.pocket import base_folder, pocket_folder

PACKAGES = ("torch", "transformers", "langchain-huggingface", "ctranslate2", "llama-cpp-python", "tokenizers")
BASES = (Pipeline.name, Transformers.name)
FEW = 3
ENOUGH = 2.0
"""A load that takes fewer CPU seconds is written up to three times, and the best time counts."""

PRECISIONS: tuple[Literal["float32", "bfloat16", "int8"], ...] = ("float32", "bfloat16", "int8")
CASTS = 8
GREEDY = 8

LOAD = """
import sys, time
from pathlib import Path
start, busy = time.perf_counter(), time.process_time()
from persona.writer import LocalModel
LocalModel(Path(sys.argv[1]), device="cpu")
print(time.perf_counter() - start, time.process_time() - busy)
"""


def loads_of(loads: Loads, *, quick: bool) -> list[Load]:
    """Return what is written."""
    found = [
        loads.load("1 text, prompt 100", 1, prefix=64, shared=True, wanted=(60, 60)),
        loads.load("16 texts, 512 shared", 16, prefix=512, shared=True),
    ]
    if quick:
        return found
    return [
        *found,
        loads.load("1 text, prompt 550", 1, prefix=512, shared=True, wanted=(60, 60)),
        loads.load("16 texts, 512 each", 16, prefix=512, shared=False),
        loads.load("16 texts, 3000 shared", 16, prefix=3000, shared=True),
        loads.load("64 texts, 512 shared", 64, prefix=512, shared=True),
        loads.load("64 texts, 512 each", 64, prefix=512, shared=False),
    ]


def engines_of(loads: Loads, *, quick: bool) -> list[Engine]:
    """Return the ways to measure, the basis of the ratios first."""
    ours: list[Engine] = [Persona(loads, "float32"), Persona(loads, "int8"), Persona(loads, "int8", native=True)]
    if not quick:
        ours.insert(1, Persona(loads, "bfloat16"))
    others: list[Engine] = [CTranslate2(loads), LlamaCpp(loads)]
    if quick:
        return [Pipeline(loads), *others, *ours]
    slow: list[Engine] = [Transformers(loads), Pipeline(loads), PipelineBatch(loads), DynamicInt8(loads)]
    slow += [Padded(loads), Continuous(loads)]
    return [*slow, *others, *ours]


def measured(engine: Engine, load: Load) -> dict[str, float]:
    """Write a load, several times if it is short; return the best."""
    if engine.serial or isinstance(engine, PipelineBatch):
        load = load.first(1 if "3000" in load.name else FEW)
    best: dict[str, float] = {}
    spent = 0.0
    for _ in range(3):
        engine.forget()
        found = timed(partial(engine.write, load))
        if not best or found["per_cpu_second"] > best["per_cpu_second"]:
            best = found
        spent += found["cpu_seconds"]
        if spent > ENOUGH:
            break
    return best


def decoding(engine: Engine, loads: Loads) -> float:
    """Return the tokens per CPU second of one text after its prompt was read."""
    found = []
    for wanted in (10, 58):
        load = loads.load("", 1, prefix=32, shared=True, wanted=(wanted, wanted), own=12)
        times = [timed(partial(engine.write, load)) for _ in range(3)]
        found.append(min(times, key=_cpu))
    few, many = found
    return (many["units"] - few["units"]) / max(many["cpu_seconds"] - few["cpu_seconds"], 1e-9)


def _cpu(found: dict[str, float]) -> float:
    return found["cpu_seconds"]


def read_bandwidth() -> float:
    """Return the bytes a CPU second reads from memory, from the sum of a large array."""
    import torch

    block = torch.ones(2**27)
    times = []
    for _ in range(4):
        start = time.process_time()
        block.sum()
        times.append(time.process_time() - start)
    return block.nbytes / min(times)


def loading(folder: Path) -> dict[str, float]:
    """Return what loading the model takes in a fresh process, imports included: the best of three."""
    command = [sys.executable, "-c", LOAD, str(folder)]
    found = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(3)]
    seconds, busy = (min(float(each[at]) for each in found) for at in (0, 1))
    return {"seconds": round(seconds, 2), "cpu_seconds": round(busy, 2)}


def losses(folder: Path, data: Path) -> list[dict[str, Any]]:
    """Return the loss on reference texts in each format, nats a token, and how much more it is than in float32."""
    import torch

    from persona.train.corpus import examples_of, read_casts
    from persona.train.pack import Packer
    from persona.train.select import held_out

    rows: list[dict[str, Any]] = []
    casts = [cast for cast in read_casts(data) if held_out(cast)][:CASTS]
    exact = 0.0
    for precision in PRECISIONS:
        model = LocalModel(folder, device="cpu", precision=precision)
        decoder: Any = model.decoder
        packer = Packer(decoder._tokenizer, decoder._template, end=END)
        total, count = 0.0, 0
        with torch.inference_mode():
            for cast in casts:
                for example in examples_of(cast):
                    head, rest, answer = packer.tokens(example)
                    before = decoder.prefixes.get(tuple(head))
                    found = decoder._model.logprobs(before, [*rest, *answer])
                    total -= float(found[-len(answer) :].sum())
                    count += len(answer)
        loss = total / count
        exact = exact or loss
        rows.append(
            {"format": model.precision, "loss": round(loss, 4), "more": f"{loss / exact - 1:+.2%}", "tokens": count}
        )
    return rows


def identical(folder: Path, loads: Loads, *, prefix: int = 256) -> str:
    """Return how many of some texts persona writes greedily in float32, all at once, as `generate` does one by one."""
    import torch
    from transformers import AutoModelForCausalLM

    load = loads.load("greedy", GREEDY, prefix=prefix, shared=True, wanted=(40, 40))
    requests = [replace(each, sampling=replace(each.sampling, temperature=0.0)) for each in load.requests()]
    ours = LocalModel(folder, device="cpu", precision="float32").write(requests)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    same = 0
    for each, answer in zip(load.texts, ours, strict=True):
        prompt = torch.tensor([[*each.shared, *each.own]])
        found = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=40, do_sample=False)
        text = loads.tokenizer.decode(found[0, prompt.shape[1] :].tolist(), skip_special_tokens=True)
        same += text.strip() == answer.candidates[0].text
    return f"{same} of {len(ours)}"


def measure(loads: Loads, folder: Path, *, quick: bool) -> tuple[list[dict[str, Any]], dict[str, float], list[str]]:
    """Return one row per load and way, the rate of each way for one text alone, and what was left out."""
    rows: list[dict[str, Any]] = []
    alone: dict[str, float] = {}
    left_out = []
    work = loads_of(loads, quick=quick)
    for engine in engines_of(loads, quick=quick):
        if missing := engine.missing():
            left_out.append(f"{engine.name}: {missing}")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            try:
                engine.open(folder, Path(scratch))
                engine.write(loads.load("", 2, prefix=32, shared=True, wanted=(4, 4)))
                alone[engine.name] = decoding(engine, loads)
                for load in work:
                    rows.append({"load": load.name, "way": engine.name, **measured(engine, load)})
            except Exception as error:
                left_out.append(f"{engine.name}: {type(error).__name__}: {error}")
            engine.close()
    return rows, alone, left_out


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows by load, with their ratio to the serial loop and to the best of the other ways."""
    found = []
    for name in dict.fromkeys(row["load"] for row in rows):
        group = [row for row in rows if row["load"] == name]
        rates = {row["way"]: row["per_cpu_second"] for row in group}
        base = next((rates[way] for way in BASES if way in rates), 0.0)
        best = max((rate for way, rate in rates.items() if not way.startswith("persona")), default=0.0)
        for row in group:
            found.append(
                {
                    "load": name,
                    "way": row["way"],
                    "tokens": row["units"],
                    "cpu_seconds": row["cpu_seconds"],
                    "tokens_per_cpu_second": row["per_cpu_second"],
                    "x_serial": round(row["per_cpu_second"] / base, 2) if base else "",
                    "x_best_other": round(row["per_cpu_second"] / best, 2) if best else "",
                }
            )
    return found


def limits(alone: dict[str, float], bandwidth: float, numbers: int) -> list[dict[str, Any]]:
    """Return how near one text alone comes to reading all weights once a token; llama.cpp's file is smaller."""
    from persona.writer.pocket import packaged_file

    sizes = {"float32": 4.0, "bfloat16": 2.0, "int8": 1.0, "Q4_1": packaged_file().stat().st_size / numbers}
    rows = []
    for name, rate in alone.items():
        size = next((bytes_ for format_, bytes_ in sizes.items() if format_ in name), 4.0)
        share = rate * numbers * size / bandwidth
        rows.append(
            {"one text, after its prompt": name, "tokens_per_cpu_second": round(rate, 1), "share": f"{share:.0%}"}
        )
    return rows


def main() -> None:
    """Measure and print."""
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, help="a corpus of personas, for the loss on its texts in each format")
    options = arguments.parse_args()
    patient_threads()
    found = machine(PACKAGES)
    folder = base_folder()
    loaded = loading(folder)
    logging.disable(logging.WARNING)
    with quiet():
        model = ModelFolder.open(folder)
        loads = Loads(model)
        numbers = sum(tensor.numel() for tensor in model.tensors().values())
        bandwidth = read_bandwidth()
        rows, alone, left_out = measure(loads, folder, quick=options.quick)
        same = identical(folder, loads)
        rows, shares = compared(rows), limits(alone, bandwidth, numbers)
        loss = losses(pocket_folder(), options.data) if options.data else []
    print(table(rows))
    print()
    print(table(shares))
    print(f"share: of {bandwidth / 1e9:.1f} GB read from memory in a CPU second, with every weight read once a token")
    print(f"loading from the cache in a fresh process, imports included: {loaded['seconds']} s")
    print(f"texts written greedily at once in float32 that are those of generate, token by token: {same}")
    if loss:
        print(f"loss of the pocket writer on texts of {CASTS} held-out personas, nats a token:")
        print(table(loss))
    for line in left_out:
        print(f"left out: {line}")
    report = {
        "machine": found,
        "loading": loaded,
        "bandwidth": bandwidth,
        "rows": rows,
        "alone": shares,
        "loss": loss,
        "same": same,
    }
    finish({**report, "left_out": left_out}, as_json=options.json)


if __name__ == "__main__":
    main()
