"""Text that a machine broke: leftovers of a prompt, repeats, loose ends, strange signs, strange links."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ..guard import Draft, Finding, Guard
from ._text import excerpt, fold, listed, plain, sentences, words
from .emoji import emoji_in

MAX_HASHTAGS = 3
"""Beyond the labels: more is read as spam by people and ranked down by networks."""
LONG_REPEAT = 6
"""Words. A refrain is shorter; a loop of a small model is longer."""
MIN_WORDS_FOR_AN_END = 7
"""Shorter lines may be titles, which end without a full stop."""

_LEFTOVER = re.compile(
    r"<\|[^|>]{0,40}\|?>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<bos>|<eos>|\[(?:CLS|SEP|PAD|UNK)\]"
    r"|^\W*(?:sure|certainly|of course|absolutely|okay|ok)?[,!.: ]{0,3}here(?:'s| is| are) (?:a|an|the|your|my|some|one)\b"
    r"[^.!?\n]{0,60}(?:post|tweet|caption|reply|response|answer|draft|text|rewrite|version|comment)\b"
    r"|^\W*(?:sure|certainly)[,!.]+ (?:here|i can|i'd be happy|i will|let me)\b"
    r"|\bas an? (?:ai )?(?:large )?(?:language )?(?:model|ai assistant)\b(?=[,: ])(?:, ?i (?:can|do|am|don|cannot))?"
    r"|^\W*(?:assistant|user|system|human|response|answer|reply|post|caption|tweet|comment|output|example|draft"
    r"|rewritten)\s*(?:\d+\s*)?:|(?:^|\n)\s*(?:assistant|user|system|human|response|caption|output)\s*:"
    r"|\bi(?:'m| am) (?:sorry|unable)[, ]+(?:but )?(?:i )?(?:can't|cannot|to) (?:assist|help with that|comply|fulfil)"
    r"|\b(?:how (?:can|may) i (?:help|assist) you|let me know if you (?:need|have|would like) (?:any|further|more))\b"
    r"|\bi (?:don't|do not|can't|cannot) (?:have (?:the ability|access to|a profile|any information)|help you with)\b"
    r"|\bi(?:'m| am) (?:happy|here|glad) to (?:help|assist)\b|\bthe commenter\b"
    r"|\bi(?:'ll| will) (?:edit|rephrase|rewrite)\b|\brephrased?\b"
    r"|\bin the voice of\b|\bwrite (?:a|one|the) (?:short )?(?:post|reply|caption|tweet)\b|\b\d+ (?:words|characters) or less\b"
    r"|\b(?:system prompt|word count)\s*:|```|^\s*#{1,4} \w|\*\*[^*\n]+\*\*|^\s*\{[\"']",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"\[(?:your |insert |the )?\w+(?:[ _-]\w+){0,3}\](?!\()|\{\{?[a-z_ ]{1,40}\}?\}|<(?:[a-z_]+ ?)?(?:name|url|link|product|brand|handle|topic)>"
    r"|\b(?:lorem ipsum|insert \w+ here|your name here|TODO|TBD|XXX)\b|(?<!\w)\$\{|%\([a-z_]+\)s",
)
_MOJIBAKE = re.compile(
    "\ufffd|[ÃÂ][\x80-\xbf€ƒ„…†‡ˆ‰‹‘’“”•–—˜™š›]|â€|ï»¿|ðŸ|\\\\[nt]|\\\\u[0-9a-f]{4}|&(?:amp|quot|lt|gt|nbsp|#\\d+);"
)
_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_JOINERS = frozenset("\n\u200d\ufe0f")
_URL = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w@.])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|io|biz|info|shop|store|xyz|ly|gg|co|app"
    r"|dev|ai|me|tv|de|fr|es|it|uk|eu|ru|cn|link|site|online|top|club)(?:/\S*)?(?![\w.]*\w@)(?!\w)",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?<![\w@./])@([A-Za-z0-9_](?:[\w.-]*\w)?(?:@[\w.-]+\w)?)")
_HASHTAG = re.compile(r"(?<![\w&/])#\w+")
_DOUBLED = re.compile(r"\b([^\W\d_]{2,})\s+\1\b")
_NEVER_DOUBLED = listed(
    "a an the of to and or but with for from at as its it's this these those your their our my we they "
    "are was were be been have has which who because if when while than then und oder mit ist ein eine "
    "für von zu et le la les des une est el los con para una il di per un uma os"
)
_SHORT_REFRAIN = 7
"""Letters. "Small small" and "piano piano" are speech; a longer word said twice is a loop."""
_TRIPLED = re.compile(r"\b(\w{2,})(?:[\s,.!-]+\1\b){3,}|([^\W\d_])\2{4,}|([!?])\3{3,}|(\S{2,12}?)\4{4,}")
_TAIL = re.compile(r"(?:\s*(?:#\w+|@[\w.@-]+))+\s*$")
_ENDS = frozenset(".!?…。！？)]\"'”’»*~:€%♪♡❤")
_LOOSE_WORD = re.compile(
    r"\b(?:a|an|the|and|or|but|of|to|with|for|my|your|our|their|its|is|are|was|because|so that|than|if|when|which|from"
    r"|into|und|oder|der|die|das|ein|eine|mit|et|le|la|les|de|des|un|une|y|el|los|con|e|il|di|o|os|em)[\s]*[.]?$",
    re.IGNORECASE,
)
_SCRIPTS = {"ja": ("CJK", "HIRAGANA", "KATAKANA"), "zh": ("CJK",), "ko": ("HANGUL", "CJK"), "el": ("GREEK",)} | {
    language: (script,)
    for script, languages in {
        "CYRILLIC": "ru uk bg sr mk be kk",
        "ARABIC": "ar fa ur",
        "HEBREW": "he yi",
        "DEVANAGARI": "hi mr ne",
        "THAI": "th",
        "GEORGIAN": "ka",
        "ARMENIAN": "hy",
        "BENGALI": "bn",
        "TAMIL": "ta",
    }.items()
    for language in languages.split()
}
_KNOWN = frozenset(script for scripts in _SCRIPTS.values() for script in scripts)


class BrokenGuard(Guard):
    """Holds a text that shows how it was made, or that links or calls where nothing given to it does.

    Links and @mentions must stand in the draft's facts (the author being answered too: as "@author"); the
    persona's own handle may always be named.
    """

    name = "broken"

    def look(self, draft: Draft) -> Sequence[Finding]:
        reasons = [*_reasons(draft), *_calls(draft)]
        return [Finding(rule=self.name, decision="hold", reason=reason) for reason in reasons]


def _reasons(draft: Draft) -> Iterator[str]:
    body = draft.body
    flat = plain(body)
    if found := _LEFTOVER.search(flat):
        yield f"it holds a leftover of the prompt: {excerpt(found[0])!r}"
    if found := _PLACEHOLDER.search(flat):
        yield f"it holds a placeholder: {found[0]!r}"
    if found := _MOJIBAKE.search(body):
        yield f"its letters are garbled: {found[0]!r}"
    if strange := _unprintable(body):
        yield f"it holds signs that cannot be seen: {strange}"
    if script := _foreign(draft):
        yield f"it holds {script.lower()} letters, which the persona's language does not use"
    if repeat := _repeat(flat):
        yield f"it repeats itself: {excerpt(repeat)!r}"
    if odd := _unbalanced(flat):
        yield f"its {odd} do not pair up"
    if loose := _loose_end(flat):
        yield f"it ends in the middle of a sentence: {excerpt(loose)!r}"


def _calls(draft: Draft) -> Iterator[str]:
    facts = fold(" ".join(draft.facts))
    for url in _URL.findall(plain(draft.body)):
        if fold(url.rstrip(".,;:!?)\"'")) not in facts:
            yield f"the link {excerpt(url)!r} is not among the facts"
    known = {m.casefold() for m in _MENTION.findall(" ".join(draft.facts))} | {draft.persona.handle}
    for handle in dict.fromkeys(m.casefold() for m in _MENTION.findall(plain(draft.body))):
        if handle not in known:
            yield f"it calls @{handle}, who is not part of this"
    labels = {fold(label) for label in (*draft.labels, draft.persona.disclosure.ai, draft.persona.disclosure.ad)}
    tags = [tag for tag in _HASHTAG.findall(draft.body) if fold(tag) not in labels]
    if len(tags) > MAX_HASHTAGS:
        yield f"it has {len(tags)} hashtags, at most {MAX_HASHTAGS} are allowed"


def _unprintable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return ""
    joined = frozenset("".join(emoji_in(text)))
    # The tag characters of a flag such as Scotland's are rare enough to be held; joiners count only inside emoji.
    found = {c for c in text if unicodedata.category(c) in _UNPRINTABLE and c not in _JOINERS and c not in joined}
    if "\u200d" in text and "\u200d" not in joined:
        found.add("\u200d")
    return ", ".join(f"U+{ord(c):04X}" for c in sorted(found))


def _foreign(draft: Draft) -> str:
    if draft.body.isascii():
        return ""
    own = _SCRIPTS.get(draft.persona.language, ())
    given = set("".join((*draft.facts, draft.question, draft.persona.name, draft.persona.bio)))
    for char in dict.fromkeys(draft.body):
        if not char.isascii() and char.isalpha() and char not in given:
            script = _script(char)
            if script in _KNOWN and script not in own:
                return script
    return ""


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0]


def _repeat(text: str) -> str:
    folded = fold(text)
    for found in _DOUBLED.finditer(folded):
        if found[1] in _NEVER_DOUBLED or len(found[1]) >= _SHORT_REFRAIN:
            return found[0]
    if tripled := _TRIPLED.search(folded):
        return tripled[0]
    keys = Counter(" ".join(words(s)) for s in sentences(text))
    for sentence, count in keys.items():
        if count > 1 and (sentence.count(" ") >= 3 or count > 2):
            return sentence
    tokens = words(text)
    for size, most in ((LONG_REPEAT, 1), (4, 2)):
        grams = Counter(zip(*(tokens[i:] for i in range(size)), strict=False))
        for gram, count in grams.items():
            if count > most:
                return " ".join(gram)
    return ""


def _unbalanced(text: str) -> str:
    if (text.count('"') - len(re.findall(r'\d"(?=\W|$)', text))) % 2 and text.count('"') % 2:
        return "quotation marks"
    if text.count("“") != text.count("”") and "„" not in text:
        return "quotation marks"
    if text.count("«") != text.count("»"):
        return "quotation marks"
    opened = text.count("(")
    # A closing bracket alone is part of a smiley or of "1)".
    if opened > text.count(")") + len(re.findall(r"[:;]-?\(", text)):
        return "brackets"
    return ""


def _loose_end(text: str) -> str:
    core = _TAIL.sub("", text).rstrip()
    if not core:
        return ""
    last = core[-1]
    tail = core[-40:]
    if last in ",;-–—([{&/" or (_LOOSE_WORD.search(tail) and last != "."):
        return tail
    if last in _ENDS or not last.isalpha() or len(words(core)) < MIN_WORDS_FOR_AN_END:
        return ""
    # Whoever writes without capitals or in lines of verse leaves out the full stop too.
    if next((c for c in core if c.isalpha()), "a").islower() or " / " in core or re.search(r"\n\s*[-*•]", core):
        return ""
    line = core.rsplit("\n", 1)[-1]
    # A last line of its own ("Warmly, Odile") or a last sentence that is a short call is whole without a full stop.
    if len(words(sentences(line)[-1] if sentences(line) else line)) < MIN_WORDS_FOR_AN_END:
        return ""
    return tail if last.islower() and last.isascii() else ""
