"""The embedding model: what is hidden, what is paired, what is found, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from persona.errors import BadTrainingData
from persona.train.batches import halves, masked, paired
from persona.train.cleaning import Cleaned, clean
from persona.train.embedding import EmbeddingWish, Fitted, train_embedding
from persona.train.model import CannotTrain
from persona.train.posts import Post, Read
from persona.train.recall import Recall, recall
from persona.train.sentences import PairLearner, Sentences, WordLearner
from persona_memory.bert import Encoder
from tests.train.train_parts import NOUNS, VERBS, post_text


def cleaned(*, pairs: bool) -> Cleaned:
    """A hundred texts; as pairs, each with a query that shares its noun and verb, but not their places."""
    posts = [
        Post(line=i, text=post_text(i), comment=f"{VERBS[i // 10]} {NOUNS[i % 10]} of {i}?" if pairs else "")
        for i in range(100)
    ]
    return clean(Read(place="x", encoding="utf-8", posts=tuple(posts)))


@pytest.fixture
def sentences(bert: Path) -> Sentences:
    return Sentences(bert, seed=7)


def test_vectors_are_those_of_the_memory(bert: Path, sentences: Sentences) -> None:
    texts = [post_text(i) for i in range(9)]
    encoder = Encoder(bert)
    for text, ours in zip(texts, sentences.embed(texts), strict=True):
        ids = torch.tensor([sentences.tokens([text])[0]])
        theirs = encoder(ids, torch.ones_like(ids)).numpy()[0]
        assert np.allclose(ours, theirs, atol=1e-5)


def test_what_is_saved_is_read_by_the_memory(bert: Path, sentences: Sentences, tmp_path: Path) -> None:
    with torch.no_grad():
        for parameter in sentences.body.parameters():
            parameter.mul_(1.1)
    sentences.save(tmp_path / "out")
    saved = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert saved == {path.relative_to(bert) for path in bert.rglob("*") if path.is_file()}
    ids = torch.tensor([sentences.tokens([post_text(1)])[0]])
    theirs = Encoder(tmp_path / "out")(ids, torch.ones_like(ids)).numpy()[0]
    assert np.allclose(sentences.embed([post_text(1)])[0], theirs, atol=1e-5)


def test_the_words_hidden_follow_from_seed_and_epoch(sentences: Sentences) -> None:
    texts = [post_text(i) for i in range(40)]
    batches = masked(sentences, texts, seed=7, epoch=0)
    assert batches == masked(sentences, texts, seed=7, epoch=0)
    assert batches != masked(sentences, texts, seed=7, epoch=1)
    assert batches != masked(sentences, texts, seed=8, epoch=0)
    rows = sorted(sentences.tokens(texts), key=len)
    shown = [row for batch in batches for row in batch.rows]
    drawn = [
        (shown[16 * n + row][place], right) for n, batch in enumerate(batches) for row, place, right in batch.hidden
    ]
    assert 0.1 < len(drawn) / sum(len(row) - 2 for row in rows) < 0.2
    assert 0.65 < sum(new == sentences.mask for new, _ in drawn) / len(drawn) < 0.95
    for n, batch in enumerate(batches):
        for row, place, right in batch.hidden:
            assert rows[16 * n + row][place] == right
            assert right not in sentences.special


def test_the_new_head_learns_alone(sentences: Sentences) -> None:
    learner = WordLearner(sentences, head_only=True)
    # The last projection is the word embedding and belongs to the body.
    assert all(parameter.shape[0] != sentences.words or parameter.dim() == 1 for parameter in learner.parameters)
    batch = masked(sentences, [post_text(i) for i in range(8)], seed=1, epoch=0)[0]
    logits, right = learner.run(batch)
    assert logits.shape == (batch.count, sentences.words)
    torch.autograd.backward(cross_entropy(logits, right))
    assert all(parameter.grad is not None for parameter in learner.parameters)
    body = WordLearner(sentences, head_only=False)
    assert all(parameter.grad is None for parameter in sentences.body.parameters())
    assert len(body.parameters) == len(learner.parameters) + len(list(sentences.body.parameters()))


def test_no_batch_holds_a_text_or_a_query_twice(sentences: Sentences) -> None:
    pairs = [(f"the {NOUNS[i % 10]} ?", post_text(i // 2)) for i in range(60)]
    batches = paired(sentences, pairs, seed=1, epoch=0, size=8)
    assert sum(batch.count for batch in batches) >= 55
    for batch in batches:
        assert 1 < batch.count <= 8
        assert len(set(batch.queries)) == len(set(batch.texts)) == batch.count
    logits, right = PairLearner(sentences).run(batches[0])
    assert logits.shape == (batches[0].count, batches[0].count)
    assert right.tolist() == list(range(batches[0].count))


def test_halves_belong_together() -> None:
    texts = [
        "A loaf rests for an hour. Then it is cut. Not before!",
        "Too short. No.",
        "One sentence and no more of it.",
    ]
    assert halves(texts) == [("A loaf rests for an hour.", "Then it is cut. Not before!")]


def test_recall_counts_ties_against_a_model() -> None:
    pairs = [(f"query {i} of many", f"text {i} of many") for i in range(20)]

    def blind(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), 2), dtype=np.float32)

    def sighted(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(40, dtype=np.float32)[[int(text.split()[1]) for text in texts]]

    assert recall(blind, pairs).at_10 == 0
    found = recall(sighted, [*pairs, ("query 3 of many", "text 4 of many")], ["text 30 of them", "Text 5, of many!"])
    assert (found.at_1, found.at_10, len(found.ranks)) == (100, 100, 20)


def test_better_is_better_in_one_share_and_worse_in_none() -> None:
    def share(one: float, ten: float) -> Recall:
        return Recall(at_1=one, at_10=ten, ranks=())

    assert share(50, 80).better_than(share(40, 80))
    assert share(40, 81).better_than(share(40, 80))
    assert not share(40, 80).better_than(share(40, 80))
    assert not share(60, 79).better_than(share(40, 80))


def fit(bert: Path, out: Path, *, pairs: bool, **wish: Any) -> Fitted:
    settings: dict[str, Any] = {"out": out, "base": str(bert), "epochs": 8.0, "rate": 3e-3}
    return train_embedding(cleaned(pairs=pairs), EmbeddingWish(**{**settings, **wish}))


def test_pairs_that_teach_are_kept(bert: Path, tmp_path: Path) -> None:
    fitted = fit(bert, tmp_path / "out", pairs=True)
    assert fitted.kept
    before, after = fitted.report["recall"]["before"], fitted.report["recall"]["after"]
    assert after["at_1"] > before["at_1"]
    assert {"model.safetensors", "report.json", "report.md", "curve.png", "1_Pooling"} <= set(fitted.report["files"])
    assert f"| @1 | {before['at_1']:.2f} % | {after['at_1']:.2f} % |" in (tmp_path / "out" / "report.md").read_text()
    assert Encoder(tmp_path / "out").dimensions == 48
    again = fit(bert, tmp_path / "again", pairs=True)
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (
        tmp_path / "out" / "model.safetensors"
    ).read_bytes()
    assert again.report["recall"] == fitted.report["recall"]


def test_what_does_not_help_is_not_kept(bert: Path, tmp_path: Path) -> None:
    fitted = fit(bert, tmp_path / "out", pairs=True, epochs=0.3, rate=1e-9)
    assert not fitted.kept
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.json", "report.md"]
    assert "NOT kept" in (tmp_path / "out" / "report.md").read_text()


def test_texts_are_learnt_by_their_words_then_by_their_halves(bert: Path, tmp_path: Path) -> None:
    fitted = fit(bert, tmp_path / "out", pairs=False, epochs=2.0)
    assert [recipe["name"] for recipe in fitted.report["recipe"]] == ["new head", "masked words", "halves"]
    curves = [progress["curve"] for progress in fitted.report["progress"]]
    assert all(curve[-1][2] < curve[0][2] for curve in curves[:2])
    split = fitted.report["data"]["split"]
    assert (split["texts"], split["held-out pairs"]) == (80, 10)


def test_stopped_it_goes_on_to_the_same_model(bert: Path, tmp_path: Path) -> None:
    whole = fit(bert, tmp_path / "whole", pairs=False, epochs=2.0)
    for after in (3, 12):
        asked = [0]

        def stop(after: int = after, asked: list[int] = asked) -> bool:
            asked[0] += 1
            return asked[0] > after

        wish = EmbeddingWish(out=tmp_path / "out", base=str(bert), epochs=2.0, rate=3e-3)
        assert not train_embedding(cleaned(pairs=False), wish, stop=stop).report
        assert [path.name for path in (tmp_path / "out").iterdir()] == [".training"]
    rest = fit(bert, tmp_path / "out", pairs=False, epochs=2.0)
    assert rest.report["recall"] == whole.report["recall"]
    assert [p["curve"] for p in rest.report["progress"]] == [p["curve"] for p in whole.report["progress"]]


def test_what_cannot_be_measured_or_trained_is_refused(bert: Path, llama: Path, tmp_path: Path) -> None:
    few = Cleaned(
        place="x", encoding="utf-8", lines=6, left_out=(), notes=(), languages={},
        posts=tuple(Post(line=i, text=post_text(i), comment=f"what of {i}") for i in range(6)),
    )  # fmt: skip
    wish = EmbeddingWish(out=tmp_path / "out", base=str(bert))
    with pytest.raises(BadTrainingData, match="too few pairs"):
        train_embedding(few, wish)
    mixed = cleaned(pairs=True)
    posts = (Post(line=1, text=post_text(1)), *mixed.posts[2:])
    with pytest.raises(BadTrainingData, match="98 of 99 lines have a `query`"):
        train_embedding(Cleaned(**{**vars(mixed), "posts": posts}), wish)
    with pytest.raises(CannotTrain, match="of type llama is not of BERT's kind"):
        train_embedding(mixed, EmbeddingWish(out=tmp_path / "out", base=str(llama)))
    assert not (tmp_path / "out").exists()


def test_the_report_is_json_without_texts(bert: Path, tmp_path: Path) -> None:
    fit(bert, tmp_path / "out", pairs=True, epochs=0.5)
    text = (tmp_path / "out" / "report.json").read_text()
    assert json.loads(text)["kind"] == "embedding"
    assert post_text(5) not in text
