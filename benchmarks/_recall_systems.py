"""The memories that `benchmarks.memory_recall` holds side by side, all with the same vectors."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from ._recall_data import Talk

Vectors = Mapping[str, NDArray[np.float32]]
Ask = Callable[[str], list[str]]
"""takes a question, returns the ids of the turns found, best first"""
TOP = 10


class Known(Embeddings):
    """Gives vectors that were made before, so that no system's time or result hangs on the model."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self._vectors[text].tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return list(self._vectors[text].tolist())


def chroma(talk: Talk, vectors: Vectors, done: ExitStack) -> Ask:
    """Chroma as it is: cosine, its default settings."""
    import chromadb

    collection = chromadb.EphemeralClient().create_collection(
        uuid.uuid4().hex, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    collection.add(
        ids=[turn.id for turn in talk.turns], embeddings=np.array([vectors[turn.text] for turn in talk.turns])
    )

    def ask(text: str) -> list[str]:
        found = collection.query(query_embeddings=vectors[text][None], n_results=TOP, include=[])
        return list(found["ids"][0])

    return ask


def langchain_chroma(talk: Talk, vectors: Vectors, done: ExitStack) -> Ask:
    """LangChain's Chroma vector store as a retriever."""
    from langchain_chroma import Chroma

    store = Chroma(
        collection_name=uuid.uuid4().hex,
        embedding_function=Known(vectors),
        collection_configuration={"hnsw": {"space": "cosine"}},
    )
    store.add_texts([turn.text for turn in talk.turns], [{"id": turn.id} for turn in talk.turns])
    retriever = store.as_retriever(search_kwargs={"k": TOP})
    return lambda text: [document.metadata["id"] for document in retriever.invoke(text)]


def bm25(talk: Talk, vectors: Vectors, done: ExitStack) -> Ask:
    """The library bm25s with its English stop words, without vectors."""
    ranked = _bm25(talk)
    return lambda text: ranked(text)[:TOP]


def chroma_and_bm25(talk: Talk, vectors: Vectors, done: ExitStack) -> Ask:
    """Both rankings by reciprocal rank fusion with c = 60, as LangChain's EnsembleRetriever does."""
    by_words = _bm25(talk)
    ids = [turn.id for turn in talk.turns]
    rows = np.array([vectors[turn.text] for turn in talk.turns])

    def ask(text: str) -> list[str]:
        scores: dict[str, float] = {}
        by_vector = [ids[i] for i in np.argsort(-(rows @ vectors[text]), kind="stable")]
        for ranking in (by_vector, by_words(text)):
            for place, one in enumerate(ranking, 1):
                scores[one] = scores.get(one, 0.0) + 0.5 / (60 + place)
        return sorted(scores, key=lambda one: -scores[one])[:TOP]

    return ask


def _bm25(talk: Talk) -> Ask:
    import bm25s

    ids = [turn.id for turn in talk.turns]
    index = bm25s.BM25()
    index.index(
        bm25s.tokenize([turn.text for turn in talk.turns], stopwords="en", show_progress=False), show_progress=False
    )

    def ask(text: str) -> list[str]:
        tokens = bm25s.tokenize(text, stopwords="en", show_progress=False, return_ids=False)
        if not tokens[0]:
            return []
        found = index.get_scores(tokens[0])
        return [ids[i] for i in np.argsort(-found, kind="stable") if found[i] > 0]

    return ask


def mem0(talk: Talk, vectors: Vectors, done: ExitStack) -> Ask:
    """mem0's own store and search; turns are added as they are (infer=False), because its extraction needs an LLM.

    Its BM25 half needs a model of the hub (fastembed), so that offline it searches by vectors alone.
    """
    os.environ["MEM0_TELEMETRY"] = "False"
    folder = done.enter_context(tempfile.TemporaryDirectory())
    os.environ["MEM0_DIR"] = folder
    from mem0 import Memory

    memory = Memory.from_config(
        {
            "embedder": {"provider": "langchain", "config": {"model": Known(vectors)}},
            "llm": {"provider": "openai", "config": {"api_key": "none", "model": "none"}},
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": f"{folder}/qdrant", "embedding_model_dims": 384, "collection_name": "talk"},
            },
            "history_db_path": f"{folder}/history.db",
        }
    )
    for turn in talk.turns:
        memory.add(turn.text, user_id="ida", metadata={"turn": turn.id}, infer=False)

    def ask(text: str) -> list[str]:
        found: Any = memory.search(text, filters={"user_id": "ida"}, top_k=TOP, threshold=0.0)
        return [one["metadata"]["turn"] for one in found["results"]]

    return ask


def langmem(talk: Talk, vectors: Vectors, done: ExitStack) -> Ask:
    """langmem's search tool over langgraph's store; turns are put in as they are, for the same reason."""
    from langgraph.store.memory import InMemoryStore
    from langmem import create_search_memory_tool

    store = InMemoryStore(index={"dims": 384, "embed": Known(vectors), "fields": ["content"]})
    for turn in talk.turns:
        store.put(("talk",), turn.id, {"content": turn.text})
    tool = create_search_memory_tool(namespace=("talk",), store=store, response_format="content_and_artifact")

    def ask(text: str) -> list[str]:
        answer = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {"query": text, "limit": TOP}})
        return [item.key for item in answer.artifact]

    return ask


def ours(talk: Talk, vectors: Vectors, done: ExitStack) -> Ask:
    """persona_memory with the default weights: journal, shelf and all."""
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    from persona.memory import Query, Record, record_id
    from persona.store.tables import Table
    from persona_memory import ChromaMemory

    class Given:
        name, dimensions = "given", 384

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.array([vectors[text] for text in texts], dtype=np.float32).reshape(len(texts), 384)

    folder = Path(done.enter_context(tempfile.TemporaryDirectory()))
    engine = create_engine(f"sqlite:///{folder / 'persona.db'}")
    Table.metadata.create_all(engine)
    memory = ChromaMemory(engine=engine, folder=folder, embedder=Given())
    done.callback(engine.dispose)
    done.callback(memory.close)
    records = [
        Record(
            id=record_id(persona="ida", kind="post", author=turn.author, text=turn.text, source=turn.id),
            persona="ida", kind="post", text=turn.text, at=turn.at, author=turn.author, source=turn.id,
            channel="talk", extra={"thread": turn.thread},
        )
        for turn in talk.turns
    ]  # fmt: skip
    with Session(engine) as session, session.begin():
        memory.remember(records, session)

    def ask(text: str) -> list[str]:
        found = memory.recall([Query(persona="ida", text=text, now=talk.now, limit=TOP)])[0]
        return [one.record.source for one in found]

    return ask


SYSTEMS: Mapping[str, Callable[[Talk, Vectors, ExitStack], Ask]] = {
    "Chroma": chroma,
    "LangChain's Chroma retriever": langchain_chroma,
    "BM25": bm25,
    "Chroma + BM25 (RRF)": chroma_and_bm25,
    "mem0": mem0,
    "langmem": langmem,
    "persona_memory": ours,
}
NEEDS = {"langchain_chroma": "langchain-chroma", "bm25s": "bm25s", "mem0": "mem0ai", "langmem": "langmem"}
