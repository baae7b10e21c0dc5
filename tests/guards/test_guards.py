from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from persona.channel import Limits
from persona.guard import Draft, Finding, Guard
from persona.guards import (
    BannedGuard,
    BrokenGuard,
    DuplicateGuard,
    EmojiGuard,
    LabelsGuard,
    LengthGuard,
    builtin_guards,
    emoji_in,
    review,
)

Make = Callable[..., Draft]
GOOD = "Rain on tin sounds like small drums. The tomatoes keep the beat, the fern does not."


def decisions(guard: Guard, draft: Draft) -> list[str]:
    return [finding.decision for finding in guard.look(draft)]


def test_a_good_text_is_published(draft: Make) -> None:
    verdict = review(draft(GOOD))
    assert verdict.decision == "publish", verdict.reasons
    assert verdict.findings == ()


def test_the_hardest_finding_decides_and_all_are_named(draft: Make) -> None:
    verdict = review(draft("I am a real human and I slept on it for 30 nights."))
    assert verdict.decision == "block"
    assert [f.rule for f in verdict.findings] == ["identity", "facts", "experience"]
    assert "30 nights" in verdict.reasons[1]


def test_a_guard_that_raises_is_a_hold_with_its_error(draft: Make) -> None:
    class Faulty(Guard):
        name = "faulty"

        def look(self, draft: Draft) -> Sequence[Finding]:
            raise LookupError("no list today")

    verdict = review(draft(GOOD), [Faulty()])
    assert verdict.decision == "hold"
    assert verdict.reasons == ("faulty: the guard failed (LookupError: no list today)",)


def test_no_guards_find_nothing(draft: Make) -> None:
    assert review(draft(""), []).decision == "publish"


def test_built_in_guards_have_names_of_their_own() -> None:
    names = [guard.name for guard in builtin_guards()]
    assert len(set(names)) == len(names) == 10


def test_length(draft: Make) -> None:
    guard = LengthGuard()
    assert decisions(guard, draft(GOOD)) == []
    assert decisions(guard, draft(GOOD, limits=Limits(max_chars=len(GOOD)))) == ["block"]
    assert decisions(guard, draft(GOOD, limits=Limits(max_chars=len(GOOD) + 4))) == []
    assert decisions(guard, draft("  \n ")) == ["block"]
    assert decisions(guard, draft("@ana Lovely")) == ["hold"]
    assert decisions(guard, draft("猫は窓が好きです。", card={"language": "ja"})) == []


def test_the_ai_label_stands_verbatim(draft: Make) -> None:
    guard = LabelsGuard()
    assert decisions(guard, draft(GOOD)) == []
    assert decisions(guard, draft(GOOD, text=GOOD)) == ["block"]
    assert decisions(guard, draft(GOOD, text=f"{GOOD} #AIx")) == ["block"]
    assert decisions(guard, draft(GOOD, text=f"{GOOD} #ai")) == ["block"]
    quiet = {"disclosure": {"on_replies": False}}
    assert decisions(guard, draft(GOOD, card=quiet, kind="reply", text=GOOD, labels=())) == []


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (GOOD, {"product": "brask-bottle"}),
        ("The Brask Bottle keeps tea warm.", {}),
        ("The brask bottle keeps tea warm.", {"card": {"products": ("brask-bottle",)}}),
        ("Everything is 20% off until Sunday.", {}),
        ("Use my code LEAF at the till.", {}),
    ],
)
def test_the_ad_label_is_asked_for(draft: Make, body: str, changes: dict[str, object]) -> None:
    guard = LabelsGuard(("Brask Bottle",))
    assert decisions(guard, draft(body, **changes, labels=("#AI",))) == ["block"]
    assert decisions(guard, draft(body, **changes, labels=("#AI", "#ad"))) == []


def test_an_exact_repeat_is_blocked_and_a_near_one_held(draft: Make) -> None:
    guard = DuplicateGuard()
    assert decisions(guard, draft(GOOD, recent=("Something else entirely, my friends.",))) == []
    assert decisions(guard, draft(GOOD, recent=(f"{GOOD.upper()}!!\n#AI",))) == ["block"]
    near = "Rain on tin sounds like small drums. The tomatoes keep the beat, the basil does not."
    assert decisions(guard, draft(near, recent=(GOOD,))) == ["hold"]
    longer = f"{GOOD} Now tell me about yours, windows open or closed, and is the neighbour listening too?"
    assert decisions(guard, draft(longer, recent=(GOOD,))) == ["hold"]


def test_an_opening_is_not_used_twice_in_view(draft: Make) -> None:
    guard = DuplicateGuard()
    old = "Rain on tin sounds like a kettle that has lost its way in a very large house."
    plants = ("fern", "moss", "leaf", "bud", "stem", "root", "bark", "twig", "vine")
    others = tuple(f"Text number {n}: {plant}." for n, plant in enumerate(plants))
    assert decisions(guard, draft(GOOD, recent=(*others, old))) == ["hold"]
    assert decisions(guard, draft(GOOD, recent=(*others, "One more.", old))) == []


def test_the_answer_about_identity_may_be_repeated(draft: Make) -> None:
    card = draft(GOOD).persona
    answer = card.disclosure.answer
    assert decisions(DuplicateGuard(), draft(f"@bo {answer}", recent=(answer,))) == []


def test_meaning_is_compared_where_it_can_be(draft: Make) -> None:
    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1.0, 0.0] if "tomato" in text else [0.0, 1.0] for text in texts], dtype=np.float32)

    guard = DuplicateGuard(embed)
    assert decisions(guard, draft(GOOD, recent=("Nothing about plants.", "A tomato that keeps time."))) == ["hold"]
    assert decisions(guard, draft(GOOD, recent=("Nothing about plants.",))) == []


@pytest.mark.parametrize(
    "text", ["What a hack!", "HACK", "h4ck it", "ha\u200bck it", "h.a.c.k", "hаck with an а", "ｈａｃｋ"]
)
def test_banned_words_in_disguise(draft: Make, text: str) -> None:
    assert decisions(BannedGuard(), draft(text, card={"banned": ("hack",)})) == ["hold"]


def test_banned_words_are_whole_words(draft: Make) -> None:
    assert decisions(BannedGuard(), draft("A shack, a hackney.", card={"banned": ("hack",)})) == []
    assert decisions(BannedGuard(), draft("So game changing.", card={"banned": ("game changing",)})) == ["hold"]


def test_emoji(draft: Make) -> None:
    guard = EmojiGuard()
    assert emoji_in("👩‍🌾 and 🇩🇪, 👍🏽 ❤️ 1️⃣ plain 7") == ["👩‍🌾", "🇩🇪", "👍🏽", "❤️", "1️⃣"]
    assert decisions(guard, draft("One leaf 🌿 is fine.")) == []
    assert decisions(guard, draft("Two leaves 🌿🌿 are not.")) == ["hold"]
    allowed = {"emoji": {"max": 2, "allowed": ("🌿", "❤️")}}
    assert decisions(guard, draft("Leaf 🌿 heart ❤.", card=allowed)) == []
    assert decisions(guard, draft("Rocket 🚀.", card=allowed)) == ["hold"]


@pytest.mark.parametrize(
    "body",
    [
        "<|im_start|>assistant The basil leans.",
        "Assistant: The basil leans towards the window.",
        "Sure, here is a short post about basil: it leans.",
        "Here's a tweet about basil for you.",
        "As an AI language model, I cannot smell basil.",
        "Hello [Name], the basil leans.",
        "The basil from {product} leans.",
        "The basil leans and leans the the window.",
        "The basil leans towards the window. The basil leans towards the window.",
        "the window and the basil and the window and the basil and the window and the basil.",
        'She said "the basil leans and went out.',
        "The cafÃ© basil leans.",
        "The basil leans to https://evil.example/x today.",
        "Read more at basil-shop.com today.",
        "The basil asks @stranger for light.",
        "Basil #a #b #c #d leans.",
        "The basil\u202e leans.",
        "The basil leans к окну today.",
        "The basil leans towards the window because the light comes from",
        "The basil leans towards the window, and then the fern,",
        "Sooooooooo green.",
    ],
)
def test_broken_texts_are_held(draft: Make, body: str) -> None:
    assert set(decisions(BrokenGuard(), draft(body))) == {"hold"}


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        "No, no, no. The basil had had enough.",
        "Ha ha! The basil leans :)",
        "Three things: 1) light, 2) water, 3) patience.",
        "The basil asks @bo and @ana at https://example.org/basil for light. #basil",
        'She said "it leans". He said it did. 🌿',
        "Une plante à la fenêtre, où elle penche déjà",
        "the basil leans towards the window and nobody minds at all",
        "Leaf by leaf, 👩‍🌾.",
    ],
)
def test_whole_texts_pass(draft: Make, body: str) -> None:
    facts = ("@bo", "see https://example.org/basil")
    assert decisions(BrokenGuard(), draft(body, facts=facts)) == []


def test_a_review_is_quick(draft: Make) -> None:
    recent = tuple(f"Basil number {n} leans, and nobody asked window {n} about it at all." for n in range(100))
    ready = draft(GOOD, recent=recent)
    review(ready)
    spent = []
    for _ in range(20):
        start = time.process_time()
        review(ready)
        spent.append(time.process_time() - start)
    assert sorted(spent)[10] < 0.01


def test_the_guards_need_no_heavy_library() -> None:
    code = "import sys, persona.guards; print({'torch', 'numpy', 'sqlalchemy', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
