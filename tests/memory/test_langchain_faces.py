"""The memory without the engine, and as LangChain sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from persona.testing.memory import HashEmbedder
from persona.testing.memory_suite import NOW, ask, note
from persona_memory import ChromaMemory
from persona_memory.langchain import MemoryRetriever, MemoryStore

ROOT = Path(__file__).parents[2]


def contents(found: list[Document]) -> list[str]:
    return [document.page_content for document in found]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[ChromaMemory]:
    memory = ChromaMemory.at(tmp_path / "notes", embedder=HashEmbedder())
    yield memory
    memory.close()


def test_it_opens_on_a_path_and_keeps(tmp_path: Path) -> None:
    memory = ChromaMemory.at(tmp_path / "new" / "folder", embedder=HashEmbedder())
    assert memory.keep([note("rye bread"), note("canal")]) == 2
    memory.close()
    memory.close()
    memory = ChromaMemory.at(tmp_path / "new" / "folder", embedder=HashEmbedder())
    assert memory.keep([note("rye bread")]) == 0
    assert memory.recall([ask("rye")])[0][0].record.text == "rye bread"
    memory.close()


def test_a_retriever_finds_and_chains(memory: ChromaMemory) -> None:
    told = note("My dog is called Pim", kind="told", author="kim", trust=0.6)
    memory.keep([told, note("The dog of Kim barked at my dough"), note("A canal walk")])
    retriever = MemoryRetriever(memory=memory, persona="ida", k=2, author="kim", now=lambda: NOW)
    (document,) = retriever.invoke("dog")
    assert (document.id, document.page_content) == (told.id, "My dog is called Pim")
    assert document.metadata["author"] == "kim"
    assert document.metadata["reason"].startswith("relevance 0.")
    assert (retriever | RunnableLambda(contents)).invoke("dog") == ["My dog is called Pim"]
    assert MemoryRetriever(memory=memory, persona="ida", tokens=1, now=lambda: NOW).invoke("dog") == []


def test_a_vector_store_adds_searches_and_deletes(memory: ChromaMemory) -> None:
    store = MemoryStore(memory, "ida", now=lambda: NOW)
    ids = store.add_documents(
        [
            Document(page_content="Rye bread is ready", metadata={"topic": "bread", "importance": 0.9}),
            Document(page_content="A walk by the canal", metadata={"author": "kim", "kind": "told"}),
        ]
    )
    assert len(set(ids)) == memory.count("ida") == 2
    (found, score), *_ = store.similarity_search_with_score("rye bread", k=2)
    assert (found.id, found.metadata["topic"], found.metadata["importance"]) == (ids[0], "bread", 0.9)
    assert 0 < score <= 1
    assert [d.id for d in store.similarity_search("walk", author="kim")] == [ids[1]]
    assert [d.id for d in store.as_retriever(search_kwargs={"k": 1}).invoke("rye bread")] == [ids[0]]
    assert store.delete([ids[0]]) is True
    assert store.delete([ids[0]]) is False
    assert [d.id for d in store.similarity_search("rye bread")] == [ids[1]]


def test_a_vector_store_is_made_of_texts(memory: ChromaMemory) -> None:
    at = NOW - timedelta(days=14)
    store = MemoryStore.from_texts(
        ["moss", "ink"], MemoryStore(memory, "ida").embeddings, [{"at": at}, {}], ids=["m", "i"], memory=memory,
        persona="ida", now=lambda: NOW,
    )  # fmt: skip
    assert [d.id for d in store.similarity_search("What was it two weeks ago?", k=1)] == ["m"]
    assert len(store.embeddings.embed_query("ink")) == 256


@pytest.mark.model
def test_the_example_in_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "memory.md").read_text(), re.DOTALL)
    told: dict[str, object] = {}
    exec(compile(block, "docs/memory.md", "exec"), told)
    assert told["texts"] == ["Kim is allergic to nuts.", "Kim is allergic to nuts."]
