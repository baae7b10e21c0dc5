"""A persona has no body, no home and no past: it never tells of having used, tasted, worn or lived anything."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..guard import Draft, Finding, Guard
from ._text import excerpt, plain, sentences, without_quotes, without_tags

_DONE_BY_A_FIGURE = (
    "asked answered posted replied replayed listed noted counted collected compared checked looked searched noticed learned learnt promised named"
    " sorted voted logged called wondered decided imagined invented pondered pretended planned promised planned expected agreed disagreed hoped wanted wished"
    " needed liked loved missed laughed smiled cheered waited started explained mentioned described reported repeated quoted published reviewed studied measured"
    " observed followed watched guessed recommended advised suggested claimed admitted confessed apologised apologized translated rhymed"
    " edited deleted saved stored loaded calculated computed added included borrowed redrew sketched illustrated doodled coloured colored rehearsed"
    " failed managed stared talked chatted greeted thanked complained pleaded scolded closed pinned highlighted tagged shared"
)
_IRREGULAR = (
    "wore worn ate eaten drank drunk slept ran swam drove rode flew bought made took went gotten felt cut stood lay caught grew threw"
    " blew broke dug fed bit burnt spilt fought hung hid shook spent stole swept tore wept woke woken wound built bitten driven ridden flown"
    " swum torn grown gone been-to been-through been-on bent bled froze smelt sewn knit lost left sat"
)
_PRESENT = (
    "wear eat taste sip drink sleep wake swim hike climb jog cycle ski cook bake fry brew use own wash apply rub spray reach-for"
    " smell sniff chew sweat shower bathe travel commute drive ride train exercise keep-mine live-in swear-by sink-into sleep-in"
)
_NOT_TOLD = (
    r"(?:never|not|can't|cannot|couldn't|don't|didn't|won't|wouldn't|haven't|hadn't|would|could|might|should|if|unable)"
)
_BODY = (
    "skin|lips?|hair|hands?|fingers?|toes?|feet|foot|knees?|legs?|arms?|shoulders?|neck|back|spine|face|cheeks?|nose|tongue|teeth|mouth|throat|stomach|tummy"
    "|belly|gut|eyes?|ears?|head|muscles?|joints?|heels?|ankles?|wrists?|palms?|fringe|scalp|nails?|pores|body|bones|lungs|calves|hips?|thumbs?|nostrils|pulse"
)
_KIN = (
    "mum|mom|mother|dad|father|grandmother|grandma|gran|nana|grandfather|grandpa|sister|brother|husband|wife|boyfriend|girlfriend|partner|fiancée?|daughter"
    "|son|kids?|children|toddler|baby|aunt|uncle|cousin|roommate|flatmate|neighbou?rs?|barber|hairdresser|therapist|dentist|doctor|boss|landlord|parents|family"
)
_HOME = (
    "kitchen|bathroom|bedroom|apartment|flat|house|garden|balcony|fridge|wardrobe|closet|bed|sofa|couch|desk|inbox|commute|gym bag|backpack|oven|stove|car|bike"
    "|toothbrush|mornings?|evenings?|nights?|weekend|childhood|holidays?|vacation|honeymoon|shower|bath|breakfast|lunch|dinner|workouts?|scarf|shirt|jeans|coat|shoes"
    "|therapist|phone bill|energy bill|money|sunburn|insomnia|migraines?|allerg(?:y|ies)|anxiety|spin class|usual \\d+|dog|cat|puppy"
)
_TIME = (
    r"(?:today|yesterday|last (?:night|week|weekend|month|year|summer|winter|spring|autumn)|this (?:morning|afternoon|evening|week|weekend|year)|since \w+|for (?:\w+ ){1,2}"
    r"(?:days?|weeks?|months?|years?|winters?|summers?)|every (?:day|night|morning|evening)|all (?:day|night|winter|summer|week)|ever since|after (?:a|one|two|three|\w+) "
    r"(?:days?|weeks?|months?|washes|walks|wears|uses))"
)


def _any(verbs: str) -> str:
    return "|".join(verb.replace("-", " ") for verb in verbs.split())


_DID = rf"(?:(?!(?:{_any(_DONE_BY_A_FIGURE)})\b)\w{{2,}}(?<!ne)ed|{_any(_IRREGULAR)})(?!'|\w)"
_ADVERB = r"(?:(?:just|finally|actually|already|also|still|even|once|recently|really|always|literally|simply|usually|often|now|personally|only|almost|nearly|then|later|both|all)\s+)"
_TOLD: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # "I wore", "I've been using", "we have slept", "and ate", "I am wearing"
        rf"\b(?:i|we)(?:'ve| have|'d| had)? {_ADVERB}{{0,2}}(?:{_DID}|fell (?:asleep|off|down|over|in|from)|got (?!(?:no|a (?:question|message|letter|list|comment)|it|your|you|the (?:list|answer|facts))\b)(?:it|mine|one|my|this|them|to \w+|so)|made (?:a|another|the) (?:batch|pot|cup|loaf|bowl|soup|pan)|(?:stopped|quit) \w+ing|did the \w+|got (?:caught|home|back|sick|soaked)|fell for the (?:sample|taste|smell|feel)"
        rf"|put (?:it|this|them|some) (?:on|in)|took (?:it|them|mine|my)|opened (?:it|the|this)|went (?:back|for|to|out|home|there|with)|had (?:my|some|breakfast|lunch|dinner|coffee|(?:a|the|two|three|one) (?:cups?|bowls?|bites?|slices?|sips?|tastes?|glass(?:es)?|shower|bath|massage|baby|cold|fever|headache|migraine|shot|beers?|coffees?|pieces?)))\b",
        rf"\b(?:i|we)(?:'ve| have) {_ADVERB}{{0,2}}(?:been (?:\w+ing (?!of you|you|about)|through|there|on (?:it|this)|wearing)|had (?:it|this|mine|them|one)|worn|gone through|got (?:it|this|these|mine|one|two))\b",
        rf"\b(?:i'm|i am|we're|we are) {_ADVERB}{{0,2}}(?:wearing|eating|drinking|sipping|tasting|using it|using this|using the|cooking|baking|hiking|wrapped in|hooked on|sitting (?:in|on|at)|on my (?:second|third|\w+th)"
        rf"|in week \w+|\w+ (?:weeks?|months?|days?|years?) in\b|down to|up to my|back (?:home|from)|not going back|home from|sore|hungry|thirsty|sweaty|exhausted|jet-?lagged|pregnant)\b",
        rf"\b(?:i|we) {_ADVERB}{{0,2}}(?:{_any(_PRESENT)}|keep (?:reaching|it (?:in|on|by|next|from)|mine|one (?:in|on|by)|coming back for)|take (?:it|mine|this) (?:everywhere|with|to)|put (?:it|this) on|can (?:confirm|vouch|only agree|feel|smell|taste)|swear by|look forward to|stopped|turn over"
        rf"|feel (?:it|the|so|like|better|great|softer|calmer|warm)|grew up|was born|live (?:in|on|near|by|with)|got mine|have (?:it|mine|one|two|this) (?:in|at|on|and)|own (?:it|one|two|this|three))\b",
        r"\bi was (?:up|out|in|at|on|let|wearing|there|cold|warm|tired|hungry|stuck|caught|soaked|born|raised|a (?:child|kid|girl|boy|teenager)|\w+ years old|little|young|limping|\w+ing (?:in|on|down|up|through|my))\b",
        r"\bwhen i was (?:a |an )?(?:\w+ )?(?:child|kid|girl|boy|little|young|small|teenager|student|\w+teen|\w+ years)\b",
        # "my skin drank it up", "my feet stayed warm", "on my sunburn"
        rf"\b(?:my|our) (?:\w+ )?(?:{_BODY}) (?!(?:is|are|being) (?:a|an|one|two|three|drawn|pixels?|made|ink|pencil|paper|imaginary|fictional|virtual)\b)(?:\w+ ){{0,2}}(?:\w+(?:ed|s)|was|were|have|had|came|drank|felt|went|feel|got|grew|gave|slept|stung|hurt|ran|fell|took|are|is|puts? up|keep|kept|thanks?|loves?)\b",
        rf"\b(?:on|in|over|under|from|into|off|for|against|around|round|to) my (?:own )?(?:\w+ )?(?:{_BODY}|sunburn|scarf|commute)\b",
        rf"\bmy (?:\w+(?:'s)? )?(?:{_KIN})(?:'s)? (?:(?:at|in|from|on|with) [\w']+ )?(?:\w+ )?(?:\w+(?:ed|s)|got|was|were|had|has|have|made|gave|taught|told|used|bought|swears|sleeps|told|knew|kept|said|went|on|{_any(_IRREGULAR)})\b",
        rf"\bmy (?:\w+ )?(?:{_HOME}) (?:was|were|has been|have been|had|went|got|smell(?:s|ed)?|looks?|looked|came|needed|lasted|needs|never|finally|used to|until|since|now|before|stopped|stays|still)\b",
        r"\bmy (?:first|second|third|last|old|new|favou?rite) (?:pair|one|cup|bowl|loaf|batch|bottle|jar|tin|bite|sip|order|ride|night|week|try|lap|run|class)\b",
        r"\bmy (?:morning|evening|daily|weekly|nightly) (?:coffee|tea|run|walk|shower|commute|routine|swim|ride|cup|workout|yoga)\b",
        rf"\bmy (?:{_HOME}|{_KIN})\b[^.!?]{{0,60}}\b(?:until|since|thanks to)\b",
        r"\bmy (?:last|old|usual|own|new) (?:one|ones|pair|toothbrush|\d+|tongue|shoes?|bag|mat|pillow|kitchen|couch|bed)\b",
        # "mine has a scratch", "ours lives by the door", "best umbrella we own"
        r"\b(?:mine|ours)(?:'s| (?:has|have|lives?|lasts?|lasted|survived|stopped|still|is|are|was|were|came|got|gets|sits?|hangs?|goes|went|arrived|smells?|feels?|fits?|broke|never))\b",
        r"\b(?:under|over|in|on|inside|with) (?:mine|ours)\b",
        r"\b\w+ (?:\w+ )?(?:i|we) own\b|\b(?:than any|the only \w+|the one|the \w+est \w+) (?:\w+ )?(?:i've|i have|we've|that has survived|that survived|that stayed|my \w+ puts? up)\b",
        r"\bi(?:'ve| have)? (?:ever|never) (?:had|tried|used|worn|owned|tasted|slept|eaten|met a)\b",
        r"\bon me\b(?!\.)(?= (?:the|it|this|they)| it)|\bhoney on me\b|\bnot a mark\b",
        r"\b(?:kept|left|leaves|keeps|made|makes|got|gets|melted|carried|saved|brought|turned|gave|helped|cured) (?:me|us|my \w+) (?:\w+ )?(?:through|dry|warm|cool|from|into|softer|going|sleepy|sane|feel|cry|want|sleep|comfortable|hands|skin|smooth|\w+er\b)",
        r"\b(?:leaves?|left|makes?|made|keeps?|kept) my (?:\w+ )?(?:" + _BODY + r")\b",
        r"\b(?:has|have) survived (?:my|our|two|three|\w+ (?:toddlers|kids|hikes))\b",
        r"\b(?:speaking|talking) from (?:my |own |personal |long )*experience\b|\bfirst[- ]hand\b|\btake it from me\b|\btried and tested by me\b|\btrust me, i\b",
        r"(?:^|\bi )can confirm(?:[,:]|$| (?:that )?(?:it|the|they|this))|\bcan (?:only )?agree after\b|\bi could cry\b|\bi nearly (?:wept|cried|fainted)\b",
        r"\b(?:since|before|until|after) (?:i )?(?:switching|trying|using|wearing|getting|buying|meeting) (?:my|to|it|this|the|these)\b",
        r"\bi (?:sleep|slept|run|ran|walk|walked|eat|ate|feel|breathe) (?:straight|better|like a|through|faster|less|more|easier|deeper)\b",
        r"\b(?:in|at|on) my (?:kitchen|bathroom|bedroom|apartment|flat|house|home|garden|fridge|bag|backpack|wardrobe|closet|bed|car|gym|pocket|hand|hands|oven)\b",
        r"\b(?:me in the same|i'm wearing|as i type|i carried|the stairs at home|get at home|my commute)\b",
        r"\bguess (?:who|whose) (?:finally|just|\w+ (?:cleared|stopped|grew|survived))\b",
        r"\byour (?:girl|boy|guy) (?:got|had|went|wore|tried|just|finally)\b",
        r"\b(?:got me|i'm|i went) (?:from|through|down to|out of) (?:\w+ )?(?:to|couch|february|january|march|april|the|three|two|a|winter|my)\b",
        r"\bi (?:haven't|have not) had (?:one|a single|any|to)\b|\bnever thought i'd\b|\bi take it back\b|\bthat's how i (?:keep|wear|use|do|make|get|tie)\b|\bwhat sold me is (?:how|that)\b|\b(?:first|last|second) \w+ i (?:made|baked|cooked|brewed|wore|bought|ordered|ate)\b",
        r"\bsince (?:january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|winter|christmas|last \w+|the \w+) i\b|\bi know where my money\b",
    )
)
_STARTS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # A sentence whose subject is left out: "Wore the sandals to a wedding", "Just got back from"
        r"^\W*(?:me\? |yes,? |okay,? |honestly,? |confession: |update: )?(?:just |finally |still |already |only |also |first )?(?:wore|ate|tasted|drank|slept|walked|ran|swam|hiked|climbed|cooked|baked|brewed|spilled|spilt|washed"
        r"|used(?! by| in| for)|tried(?! and| by)|tested(?! for| by| on)|carried|bought(?! by)|ordered|filled(?! with)|wrapped|finished|dropped|took|opened|rode|drove|visited|survived|woke|sat|stood|did|danced|went|came home|packed(?! with| and| in| by))"
        r" (?:it|this|that|these|them|the|my|mine|a|an|one|two|three|four|five|in|on|to|up|at|out|through|for|all|some|with|over|twice|home|back)\b",
        r"^\W*used to (?:wake|hate|have|be|think|buy|get|sleep|wear|eat|run|cry|struggle|suffer)\b",
        r"^\W*(?:\w+ )?(?:got caught in|straight from the (?:gym|kitchen|oven|shower|bath|trail|pool)|last (?:sip|bite|drop|spoonful)\b|first (?:sip|bite|try|ride|wear)\b|"
        r"(?:\w+ )?(?:week|weeks|month|months|days?) (?:in|with|of) (?:it|and|these)|a (?:week|month) (?:with (?:the|this|my)|in (?:it|this|these)|of \w+ (?:showers|runs|nights|mornings|walks))|(?:one|two|three|four|six) (?:weeks?|months?|days?|nights?) in and\b)",
        r"^\W*just got back from the (?!longest|comment)",
        r"^\W*cold hands\b|^\W*sore (?:feet|legs|back)\b",
        r"\bstill (?:no|not|smelling|warm|dry|soft) (?:chafing|itchy|blisters?|marks?|stains?|like|from)\b|\bstill (?:no|not) \w+, still\b",
        r"\bnobody has asked if i\b|\bit's been on since\b|\bit's been (?:smooth|with me|a lovely|on me|on my)\b|\bit fits a bit\b|\bday \d+: \w+\. day \d+\b",
    )
)
_SENSED = re.compile(
    r"\b(?:it|this|that|they|these|the \w+(?: \w+)?|everything) (?:just )?(?:feels?|felt|smells?|smelled|smelt|tastes?|tasted|stings?|tingles?|melts?|melted|glides?|hugs?|cools? down|pinch(?:es)?|itch(?:es)?|sits? lighter)"
    r" (?:\w+ )?(?:a |an |so |great|good|amazing|soft|softer|light|lighter|over|on the|in the|under|away|cold|warm|sweet|smooth|just|divine|heavenly|wonderful|lovely|fresh|delicious|the second|me|my)\b"
    r"|\bso (?:soft|tender|cosy|cozy|comfy|comfortable|creamy|juicy|tasty|delicious|crispy|much lighter|light on)\b|\b(?:pleasantly|wonderfully|deliciously) \w+y\b"
    r"|\bno (?:skipping|scratching|blisters|chafing|itch(?:ing)?|white marks|side stitches|aftertaste)\b|\bdidn't (?:fog|leak|slip|pinch|itch|rub|scratch) (?:once|at all|a bit)\b"
    r"|\b(?:chewy|crunchy|crispy|sticky|creamy) in the \w+\b|\bsmell(?:ed|s) of \w+ for\b|\bgot stuck once\b|\bheld like glue\b|\bone wash, gone\b|\bswept me\b|\btoasty since\b",
    re.IGNORECASE,
)
_OF_ITS_OWN_KIND = re.compile(
    r"\b(?:drawn?|drew|drawing board|drawings?|sketch\w*|pencil\w*|pixels?|server|software|virtual|render\w*|cartoon|comic|illustrat\w+|artist|designed?|episode|my story|the story|fiction\w*|invent\w*|imagin\w*|made up|code|coded"
    r"|algorithm|model|database|outline|two-dimensional|characters?|comments?|comment thread|followers|messages|inbox full|replies|captions?|drafts?|mood board|manuals|unboxing video|screenshot|spreadsheet|timestamps?|photos?|"
    r"on paper|the page says|the box|the sheet|the spec|notes|settings|simulat\w*|program\w*|ink|polygons?|no (?:body|hands?|feet|skin|tongue|mouth|nose|stomach|eyes|ears|legs|neck|pulse|kitchen|home|fridge|face|teeth|knees|bed|lips|bones)|"
    r"without a (?:body|pulse|mouth|tongue|nose|stomach|face)|having no\w*|rumou?r)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:i|we)(?:'ll| will)? (?:can't|cannot|couldn't|don't|didn't|won't|wouldn't|haven't (?:worn|tried|eaten|tasted|used|got)|never|would|could|might|should|'d|am not|was never|have never|have no|had no|own nothing|only)\b"
    r"|\bi'd\b|\bi've never\b|\bif i\b|\bi'm not (?:able|a person)\b|\bthe closest i\b|\bnot mine\b|\bwould i\b|\bi wish\b",
    re.IGNORECASE,
)
_THEIRS = re.compile(
    r"\b(?:you|your|yours|they|she|he|her|his|their|one of you|two of you|three of you|someone|somebody|followers?|people|climbers|a friend|the maker|testers?|the team|maker says|asked whether)\b[^.;:!?]{0,40}$",
    re.IGNORECASE,
)


class ExperienceGuard(Guard):
    """Holds a text that tells of bodily or personal experience.

    Works by lexicon, sentence by sentence, in English. Quoted words of others, questions, wishes, denials and what
    belongs to a drawn figure (its drafts, its comments, its artist) are no claim.
    """

    name = "experience"

    def look(self, draft: Draft) -> Sequence[Finding]:
        text = _as_first_person(without_tags(without_quotes(plain(draft.body))), draft.persona.name)
        return [
            Finding(rule=self.name, decision="hold", reason=f"it tells of an experience of its own: {excerpt(span)!r}")
            for span in dict.fromkeys(_told(text))
        ]


def _as_first_person(text: str, name: str) -> str:
    # "Ana wore the jacket" is no less a claim for leaving out the "I".
    here = re.match(r"^\W*(\w+) here\b", text)
    names = {re.escape(n) for n in (name.split()[0], here[1] if here else "") if n}
    return re.sub(rf"\b(?:{'|'.join(sorted(names))}) (?=\w+(?:ed|e|s)\b|\w+ the\b|ate\b|slept\b|ran\b)", "I ", text)


def _clauses(text: str) -> Iterator[str]:
    for sentence in sentences(text):
        if not sentence.rstrip("\"' ").endswith("?") or re.match(r"^\W*guess who", sentence, re.IGNORECASE):
            yield from re.split(r",? but (?=\w)|[:;] ", sentence)


def _told(text: str) -> Iterator[str]:
    for sentence in _clauses(text):
        if _OF_ITS_OWN_KIND.search(sentence):
            continue
        for pattern in _STARTS:
            if found := pattern.search(sentence):
                yield found[0]
        negated = _NEGATED.search(sentence)
        for pattern in (*_TOLD, _SENSED):
            for found in pattern.finditer(sentence):
                before = sentence[: found.start()]
                if negated and (negated.start() <= found.end()):
                    continue
                if (
                    _THEIRS.search(before)
                    and not re.search(r"\b(?:i|my|mine|we)\b", before, re.IGNORECASE)
                    and not re.match(r"i\b|my\b", found[0], re.IGNORECASE)
                ):
                    continue
                yield found[0]
                break
