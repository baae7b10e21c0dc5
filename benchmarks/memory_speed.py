"""How fast the memory embeds, indexes and recalls: `python -m benchmarks.memory_speed [--data comments.jsonl]`."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
PARTS = (
    ("Today I", "This morning we", "Who else", "My friend", "Never again will I", "At the market I", "Tomorrow we"),
    ("baked", "walked past", "painted", "bought", "fixed", "photographed", "cooked", "cycled to", "planted", "lost"),
    ("rye bread", "an old bicycle", "the frozen canal", "a linen coat", "tomato seeds", "a film camera", "a chair"),
    ("and it rained.", "before breakfast.", "with cold hands.", "for the third time!", "and told nobody.", ""),
)


def timed(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def strings(value: object) -> Iterator[str]:
    """Yield every text under a key `text`, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def texts_of(data: Path | None, count: int) -> list[str]:
    rng = random.Random(11)
    if data is None:
        made = {" ".join(rng.choice(part) for part in PARTS) for _ in range(count * 4)}
    else:
        made = {text for line in data.read_text(encoding="utf-8").splitlines() for text in strings(json.loads(line))}
    texts = sorted(made)
    rng.shuffle(texts)
    return texts[:count]


def measure(texts: list[str], folder: Path) -> dict[str, float]:
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    from persona.memory import Query, Record, record_id
    from persona.store.tables import Table
    from persona_memory import ChromaMemory, MiniLM

    result: dict[str, float] = {"records": len(texts)}
    model = MiniLM()
    result["import_torch_s"] = timed(lambda: __import__("torch"))
    result["first_embedding_s"] = timed(lambda: model.embed(["bread"]))
    one = texts[:96]
    alone = timed(lambda: [model.embed([text]) for text in one])
    batched = timed(lambda: [model.embed(one[i : i + 32]) for i in range(0, len(one), 32)])
    result |= {"embed_alone_per_s": len(one) / alone, "embed_batch32_per_s": len(one) / batched}
    result["embed_batch_ratio"] = alone / batched

    engine = create_engine(f"sqlite:///{folder / 'persona.db'}")
    Table.metadata.create_all(engine)
    memory = ChromaMemory(engine=engine, folder=folder, embedder=model)
    rng = random.Random(5)
    records = []
    for i, text in enumerate(texts):
        told = rng.random() < 0.5
        author = f"a{i % 40}" if told else "ida"
        records.append(
            Record(
                id=record_id(persona="ida", kind="told" if told else "post", author=author, text=text, source=str(i)),
                persona="ida", kind="told" if told else "post", text=text, author=author, source=str(i),
                at=NOW - timedelta(minutes=rng.randrange(10080)), trust=0.6 if told else 1.0,
            )
        )  # fmt: skip
    with Session(engine) as session, session.begin():
        spent = timed(lambda: memory.remember(records, session))
    result["remember_ms_per_record"] = spent * 1e3 / len(records)
    memory._index.strangers([])  # opens Chroma, so that its import is not counted as syncing
    result["sync_ms_per_record"] = timed(memory.sync) * 1e3 / len(records)
    memory.close()
    result["open_and_check_ms"] = timed(memory.sync) * 1e3
    queries = [Query(persona="ida", text=f"what about {text}", now=NOW) for text in rng.choices(texts, k=64)]
    memory.recall(queries[:1])
    result["recall_one_ms"] = timed(lambda: [memory.recall([query]) for query in queries[:32]]) * 1e3 / 32
    result["recall_batch16_ms"] = (
        timed(lambda: [memory.recall(queries[i : i + 16]) for i in range(0, 64, 16)]) * 1e3 / 4
    )
    vectors = dict(zip([q.text for q in queries], memory.embed([q.text for q in queries]), strict=True))
    import numpy as np

    memory.embed = lambda texts: np.array([vectors[text] for text in texts])  # type: ignore[method-assign]
    result["search_one_ms"] = timed(lambda: [memory.recall([query]) for query in queries[:32]]) * 1e3 / 32
    result["search_batch16_ms"] = (
        timed(lambda: [memory.recall(queries[i : i + 16]) for i in range(0, 64, 16)]) * 1e3 / 4
    )
    memory.close()
    engine.dispose()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    parser.add_argument("--quick", action="store_true", help="200 records instead of 1,000")
    parser.add_argument("--data", type=Path, help="JSON lines whose `text` values are remembered")
    parser.add_argument("--records", type=int, help="how many records")
    options = parser.parse_args()
    texts = texts_of(options.data, options.records or (200 if options.quick else 1000))
    with tempfile.TemporaryDirectory() as folder:
        result = measure(texts, Path(folder))
    for name, value in result.items():
        print(f"{name:24} {value:10.2f}")
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in result.items()}))


if __name__ == "__main__":
    main()
