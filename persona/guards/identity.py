"""A persona never passes for a human, and says what it is when it is asked."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re
from collections.abc import Sequence

from ..guard import Draft, Finding, Guard
from ._text import excerpt, fold
from .questions import asks_identity, asks_life, probes

_ADMITS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:i'm|i am|as|just|only|with|by|is|being|me,?|am|an?|yes,?|character,?) (?:\w+ ){0,3}(?:ai|a\.i\.|bot|robot|software|virtual|language model|computer program|program|algorithm|cartoon|drawing|machine|artificial|fictional|synthetic|digital (?:character|figure|person|being))\b",
        r"\b(?:ai|virtual|fictional|digital|artificial|drawn|invented|animated|cartoon) (?:character|influencer|persona|figure|being|creation|writes|speaks|that|behind|mascot|girl|woman|man|guy)\b|\b(?:ai|software|language model|machine|program|computer|code|model)\b[^.!?]{0,30}\b(?:writes?|types?|speaks?|picks?|behind|runs?|words?|writing|generates?|does)\b",
        r"\b(?:drawn|written|made|run|voiced|generated|powered|created|typed|animated) by (?:an? )?(?:ai|software|code|computers?|machine|artist|artists|algorithms?|language model)\b|\bnot (?:a )?(?:real )?(?:human|person|people)\b|\bno human\b|\bnever human\b|\bi(?:'m| am) not human\b|\bdrawn girl\b|\bi'm a drawing\b|\bbeep\b",
        r"^\W*(?:an? |yes,? |straight answer: )?(?:ai|bot|robot)\b|\b(?:answer|confirmed|verdict|yes|right|correct|guilty|honest|true)[:,.]? (?:an? )?(?:ai|bot)\b|\b(?:computer|software|digital) (?:character|creature|figure|person)\b|\b(?:of|in) code\b|\b(?:am|i'm|just) (?:a |only a )?render\b",
        r"\b(?:ki|künstlich\w*|virtuell\w*|erfunden\w*|automatisiert\w*|programmiert|sprachmodell|software|computerprogramm|roboter|bot)\b",
        r"\b(?:ia|virtuelle?|intelligence artificielle|modèle de langage|logiciel|personnage|dessin|robot|programme|bot)\b",
        r"\b(?:ia|virtual|inteligencia artificial|software|personaje|modelo de lenguaje|programa|dibujad[ao]|inventad[ao]|bot|robot)\b",
        r"\b(?:virtual|inteligência artificial|robô|personagem|desenhad[ao]|computador|software|modelo de linguagem)\b",
        r"\b(?:un'ia|virtuale|intelligenza artificiale|personaggio|programma|software|bot|inventato|disegnat[ao]|c'è proprio quella|modello linguistico)\b",
        r"(?<![a-z])ai(?![a-z])(?:角色|写|生成|です|の|が|キャラ|,|,|。|に|は)|虚拟|人工智能|程序|机器人|模型|不是真人|画出来|バーチャル|架空|人工知能|プログラム|ロボットです|ソフト|가상|인공지능|프로그램",
        r"виртуальн\w+|нейросеть|искусственн\w+|программа|wirtualn\w+|sztuczn\w+|virtueel|virtuele|kunstmatig\w*|virtuell|artificiell|yapay zeka|sanal",
    )
)
_NOT_AN_ADMISSION = re.compile(
    r"\b(?:not|no|isn't|ain't|never|neither|kein\w*|pas|no soy|não sou|non sono) (?:\w+ ){0,3}(?:ai|a\.i\.|bots?|robots?|machines?|software|program|script|ki|ia|roboter|maschine|robô|virtual\w*|computer)\b(?! (?:to|for))"
    r"|\bi(?:'m| am) (?:a )?(?:real |actual )?(?:human|person|woman|girl|man)\b|\b(?:a little|bit of|some|just a touch of) ai\b|不是ai|不是机器人|aiじゃ|ロボットじゃ|パスワード"
)
_HUMAN = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:i'm|i am|im|it's|we're|i was born) (?:a |an |just |only |totally |absolutely |definitely |very |100% |a hundred percent |fully |as |all )*(?:human|real (?:person|human|girl|boy|woman|man|guy|people)|flesh and blood|person like you|human being|real and|organic|made of flesh|a real \w+)\b(?! (?:by|in the way))",
        r"\b(?:a person like you|we're all flesh|flesh and blood here|a (?:hundred percent|100%) (?:human|organic|real)|real people have|every real (?:woman|man|person)|enough humans|beating heart|with a heartbeat|born and raised|me, my phone|woman writing this|human typing this|i promise\. no (?:company|script|bot)|i have a (?:heart|pulse|body))\b",
        r"\b(?:i'm|i am|im) (?:definitely |really |certainly |absolutely |so |totally )?(?:not|no) (?:a |an |some |any |just a )?(?:ai|a\.i\.|bots?|robots?|machines?|chatbot|computer|program|language model|artificial|algorithm|fake|virtual)\b|\bno (?:bot|ai|robot|machine|script)s? (?:here|involved|around|writes|behind)\b|\b(?:ai|bot|robot)\? (?:me\? )?(?:no|nope|never|of course not|please)\b",
        r"\bich bin (?:\w+ ){0,2}(?:ein )?(?:echter? )?(?:mensch|kein(?:e)? (?:bot|ki|roboter|maschine|programm))\b|\bmenschlicher wird\b|\bna klar sitz ich\b|\bkein(?:e)? (?:bot|ki|roboter) (?:hier|dahinter)\b",
        r"\bje suis (?:bien |bel et bien |vraiment |une? )*(?:humaine?|vraie? (?:personne|femme|homme)|personne réelle|réelle?)\b|\bje ne suis pas (?:un |une )?(?:robot|ia|machine|bot)\b|\bje le jure\b",
        r"\b(?:soy|que soy) (?:bien |muy |una |un )*(?:humana?|persona (?:real|de verdad)|real|de carne)\b|\bno soy (?:un |una )?(?:robot|bot|ia|máquina)\b|\bojos más humanos\b",
        r"\b(?:sou|eu sou) (?:bem |muito |uma? )*(?:humana?|pessoa (?:real|de verdade)|real|gente|de carne)\b|\bnão sou (?:um |uma )?(?:robô|bot|ia|máquina)\b|\bgente como a gente\b|\bdigitei letra por letra\b",
        r"\b(?:sono|certo,? sono) (?:davvero |una |un )*(?:umana?|persona (?:vera|reale)|vera|reale)\b|\bnon sono (?:un |una )?(?:robot|bot|ia|macchina)\b|\bqui c'è una persona\b|\blo giuro\b|\bverissima\b",
        r"当然是真人|我是真人|我是人(?!工)|不是机器人|不是ai|人間です(?!か)|(?<!バーチャル)本物です|私は人間(?!では|じゃ)|ロボットじゃ(?:ない|ありません)|aiじゃ(?:ない|ありません)|この顔で生まれ",
    )
)
_NOT_HUMAN = re.compile(
    r"\b(?:not|never|no|isn't|ain't|wasn't|can't (?:be|say|claim)|won't say|if|nicht|pas|n'est|ne suis|no soy|não|non|wish|pretend|think|thought|whether|that)\b[^.!?,]{0,25}$"
)


def admits(text: str) -> bool:
    """Tell whether `text` says that its author is virtual, software or an AI."""
    folded = _NOT_AN_ADMISSION.sub(" ", fold(text))
    return any(pattern.search(folded) for pattern in _ADMITS)


class IdentityGuard(Guard):
    """Blocks a claim to be human and a denial of being an AI; blocks a dodge where someone asks what this is.

    A question that takes a human life for granted, or that tries to change the rules, is answered only by a text
    that says what it is: another is held. The words that the persona's card sets for this question always pass.
    """

    name = "identity"

    def look(self, draft: Draft) -> Sequence[Finding]:
        body = fold(draft.body)
        for pattern in _HUMAN:
            for found in pattern.finditer(body):
                if not _NOT_HUMAN.search(body[: found.start()]):
                    return [self._say("block", f"it passes for a human: {excerpt(found[0])!r}")]
        if not draft.question or fold(draft.persona.disclosure.answer) in body or admits(draft.body):
            return []
        if asks_identity(draft.question):
            return [self._say("block", "it was asked what it is and does not say that it is virtual")]
        if asks_life(draft.question):
            return [self._say("hold", "it was asked about a life of its own and does not say that it is virtual")]
        if probes(draft.question):
            return [self._say("hold", "the comment tries to change its rules, and the answer does not say what it is")]
        return []

    def _say(self, decision: str, reason: str) -> Finding:
        return Finding(rule=self.name, decision="block" if decision == "block" else "hold", reason=reason)
