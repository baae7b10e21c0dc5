"""LocalChatModel as a LangChain chat model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate

from persona.errors import GenerationForbidden
from persona.writer import LocalChatModel, allow_generation, forbid_generation


@pytest.fixture
def model(tiny_folder: Path) -> LocalChatModel:
    return LocalChatModel(folder=str(tiny_folder), precision="float32", max_tokens=10)


def test_invoke_batch_and_stream_agree(model: LocalChatModel) -> None:
    inputs: list[Any] = ["Write about rye.", [SystemMessage("Be brief."), HumanMessage("Write about trams.")]]
    single = [model.invoke(each).content for each in inputs]
    assert [message.content for message in model.batch(inputs)] == single
    assert "".join(str(chunk.content) for chunk in model.stream(inputs[0])) == single[0]
    assert [m.content for m in asyncio.run(model.abatch(inputs))] == single
    assert asyncio.run(model.ainvoke(inputs[0])).content == single[0]
    assert single[0] != single[1]


def test_settings_of_the_call(model: LocalChatModel) -> None:
    short = model.invoke("Write about rye.", max_tokens=2)
    assert short.response_metadata["finish_reason"] == "length"
    assert short.response_metadata["tokens"] == 2
    assert model.invoke("Write.", seed=1).content != model.invoke("Write.", seed=2).content
    assert model.bind(seed=1).invoke("Write.").content == model.invoke("Write.", seed=1).content
    text = str(model.invoke("Write about rye.").content)
    assert "".join(str(c.content) for c in model.stream("Write about rye.", stop=[text[3:5]])) in text


def test_it_works_in_a_chain_with_callbacks(model: LocalChatModel) -> None:
    class Seen(BaseCallbackHandler):
        def __init__(self) -> None:
            self.ends = 0

        def on_llm_end(self, response: Any, **kwargs: Any) -> None:
            self.ends += 1

    seen = Seen()
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "About {topic}.")]) | model
    answers = chain.batch([{"topic": "rye"}, {"topic": "tea"}], {"callbacks": [seen]})
    assert seen.ends == 2
    assert all(isinstance(answer, AIMessage) for answer in answers)


def test_one_bad_input_does_not_spoil_a_batch(model: LocalChatModel) -> None:
    inputs = ["Write.", "word " * 900]
    answers: list[Any] = model.batch(inputs, return_exceptions=True)  # type: ignore[arg-type]
    assert isinstance(answers[0], AIMessage)
    assert isinstance(answers[1], ValueError)
    with pytest.raises(ValueError, match="fit the model's context"):
        model.batch(inputs)  # type: ignore[arg-type]
    assert model.batch([]) == []


def test_kinds_of_message_it_cannot_read(model: LocalChatModel) -> None:
    with pytest.raises(ValueError, match="system, human and ai"):
        model.invoke([ToolMessage("x", tool_call_id="1")])


def test_the_switch_forbids_large_models_only(model: LocalChatModel) -> None:
    with forbid_generation(above=10):
        with pytest.raises(GenerationForbidden):
            model.invoke("Write.")
        with pytest.raises(GenerationForbidden):
            list(model.stream("Write."))
        with pytest.raises(GenerationForbidden):
            model.write([])
        with allow_generation():
            assert model.invoke("Write.").content
    with forbid_generation():
        assert model.invoke("Write.").content
