"""How many tokens the pocket writer makes a CPU second, beside other ways to run the same model.

python -m benchmarks.writer_speed [--json] [--quick]

One request and 16 requests of 3 candidates, which share a prompt of about 400 tokens; and the load of a rehearsal's
tick (6 requests, 300 shared and 80 own prompt tokens). Ratios are to one-by-one `generate`. CPU seconds hold up under
other load; wall seconds do not.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks._report import finish, machine, parser, table, timed
from persona.writer import LocalChatModel, Message, Sampling, WriteRequest, patient_threads, pocket_folder

SENTENCES = (
    "You are Ada, a baker in Lisbon, and you post short warm notes about bread. ",
    "You write in the first person, one or two sentences, without hashtags. ",
    "You like rye, sourdough, the first tram of the day and people who ask before they touch. ",
    "You never promise a time, and you never speak badly of another bakery. ",
)
TOPICS = ("rye", "the early tram", "a birthday", "flour prices", "burnt crusts", "sleep", "rain", "an oven", "salt")
SAMPLING = Sampling(max_tokens=45, temperature=0.8)


def requests_of(count: int, *, shared: int, own: int) -> list[WriteRequest]:
    """Return `count` requests of three candidates, with about so many shared and own prompt tokens."""
    system = "".join(SENTENCES[i % len(SENTENCES)] for i in range(max(1, shared // 16)))
    asked = []
    for number in range(count):
        topic = TOPICS[number % len(TOPICS)]
        note = f"A follower told you something about {topic} yesterday. "
        user = note * max(1, own // 11) + f"Write post number {number} about {topic}."
        messages = (Message(role="system", content=system), Message(role="user", content=user))
        asked.append(WriteRequest(id=f"{number:03}", messages=messages, seed=number, candidates=3, sampling=SAMPLING))
    return asked


class Reference:
    """The same model by transformers alone."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder)

    def texts(self, requests: list[WriteRequest]) -> list[str]:
        """Return the prompts as text."""
        turns = [[{"role": m.role, "content": m.content} for m in request.messages] for request in requests]
        return [self.tokenizer.apply_chat_template(t, tokenize=False, add_generation_prompt=True) for t in turns]

    def write(self, requests: list[WriteRequest], candidates: int) -> int:
        """Generate in one padded batch; return how many tokens are text."""
        inputs = self.tokenizer(self.texts(requests), return_tensors="pt", padding=True, add_special_tokens=False)
        found = self.model.generate(
            **inputs,
            max_new_tokens=SAMPLING.max_tokens,
            do_sample=True,
            temperature=SAMPLING.temperature,
            top_k=SAMPLING.top_k,
            top_p=SAMPLING.top_p,
            num_return_sequences=candidates,
        )
        new = found[:, inputs["input_ids"].shape[1] :]
        # The pad token is the end token: the first of a row counts, as it does for the writer.
        return sum(min(row.index(stop) + 1, len(row)) if (stop := 2) in row else len(row) for row in new.tolist())

    def one_by_one(self, requests: list[WriteRequest]) -> int:
        """Generate each candidate alone."""
        return sum(self.write([request], 1) for request in requests for _ in range(request.candidates))

    def pipeline(self, requests: list[WriteRequest]) -> int:
        """Generate by langchain_huggingface."""
        from langchain_huggingface import HuggingFacePipeline
        from transformers import pipeline

        pipe: Any = pipeline("text-generation", model=self.model, tokenizer=self.tokenizer)
        settings = {"max_new_tokens": SAMPLING.max_tokens, "do_sample": True, "return_full_text": False}
        chain = HuggingFacePipeline(pipeline=pipe, pipeline_kwargs=settings)
        texts: list[Any] = [text for text in self.texts(requests) for _ in range(3)]
        return sum(len(self.tokenizer(text)["input_ids"]) for text in chain.batch(texts))


def ours(model: LocalChatModel, requests: list[WriteRequest]) -> int:
    """Write; return the number of tokens."""
    return sum(c.tokens for answer in model.write(requests) for c in answer.candidates)


def measure(reference: Reference, models: dict[str, LocalChatModel], *, quick: bool) -> list[dict[str, Any]]:
    """Return one row per way and load."""
    rows: list[dict[str, Any]] = []
    for count in (1, 16):
        requests = requests_of(count, shared=400, own=20)
        few = requests[: 1 if quick else 2]
        # One by one is so slow that its rate is taken from the first requests.
        ways: dict[str, Any] = {"transformers, one by one": lambda few=few: reference.one_by_one(few)}
        ways["HuggingFacePipeline.batch"] = lambda few=few: reference.pipeline(few)
        if not quick or count == 1:
            ways["transformers, padded batch"] = lambda requests=requests: reference.write(requests, 3)
        for name, model in models.items():
            ways[f"persona, {name}"] = lambda model=model, requests=requests: ours(model, requests)
        base = 0.0
        for way, work in ways.items():
            figures = timed(work)
            base = base or figures["per_cpu_second"]
            ratio = round(figures["per_cpu_second"] / base, 2)
            rows.append({"requests": count, "way": way, **figures, "ratio": ratio})
    return rows


def main() -> None:
    """Measure and print."""
    options = parser(__doc__).parse_args()
    patient_threads()
    found = machine(("torch", "transformers", "langchain-core", "tokenizers"))
    folder = pocket_folder()
    start = time.perf_counter()
    models = {"auto": LocalChatModel(folder=str(folder))}
    load = round(time.perf_counter() - start, 2)
    models["float32"] = LocalChatModel(folder=str(folder), precision="float32")
    tick = requests_of(6, shared=300, own=80)
    ours(models["auto"], requests_of(2, shared=32, own=11))
    first = timed(lambda: ours(models["auto"], tick))
    again = timed(lambda: ours(models["auto"], tick))
    rows = measure(Reference(folder), models, quick=options.quick)
    print(table(rows))
    print(f"auto is {models['auto'].resolved_precision}; loading the first model took {load} s, imports included")
    print(f"a tick of 6 requests: {first['per_second']} tokens/s, with its prefix kept {again['per_second']}")
    finish(
        {"machine": found, "load_seconds": load, "tick": {"first": first, "again": again}, "rows": rows},
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
