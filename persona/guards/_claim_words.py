"""The words by which a claim about a product is known, kind by kind."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re

from ._text import listed

NUMBER = r"\d+|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?|a dozen|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen"

DISCLAIMER = re.compile(
    r"\b(?:can't|cannot|couldn't|won't|wouldn't|(?<!if you )don't|doesn't|isn't|aren't|didn't|never|no figure|not mine|not medicine|nothing more"
    r"|not on (?:the|my)|no \w+ (?:promises?|notes?|claims?)|would know|may know|will know|should say|ask (?:the|a|your)|isn't in my notes"
    r"|isn't mentioned|i'd ask|can tell you|please see|doctor|pharmacist|says? nothing|about health)\b",
    re.IGNORECASE,
)
HEALTH = re.compile(
    r"\b(?:cur(?:es?|ed|ing)|heal(?:s|ed|ing)?|remed(?:y|ies)|detox\w*|immun\w+|anti-?(?:ageing|aging|inflammatory|bacterial)|medicinal"
    r"|therapeutic|clinically|diagnos\w+|treats? (?!you|your|it)|prevents? \w+|reliev\w+|sooth\w+ (?:pain|skin|nerves)"
    r"|(?:ease|reduce|lower|fight|calm|stop|end|banish|sooth)(?:e?s|ing)? (?:your |the |any )?(?:\w+ )?(?:pain|stress|anxiety|panic|nerves?|inflammation|aches?"
    r"|blood pressure|cholesterol|acne|wrinkles?|lines|snoring|migraines?|headaches?|cramps?|tension)"
    r"|(?:calms|eases|soothes|clears|whitens|smooths|firms|plumps|boosts|strengthens|regrows|balances|repairs|rejuvenates|energi[sz]es)"
    r" (?:your |the |away )?(?:\w+ )?(?:panic|skin|lines|teeth|hair|mood|energy|metabolism|digestion|gut|muscles?|joints?|back|mind|nerves|hormones|immune)"
    r"|(?:good|great|kind|gentle|best thing|ideal|healthy|better) (?:for|to|on) (?:your |the |a |bad |sore |sensitive |people with )?(?:\w+ )?"
    r"(?:gut|heart|skin|backs?|knees?|joints?|teeth|gums|throats?|eyes|liver|digestion|sleep|posture|nerves|circulation|blood|brain|lungs|stomach|bones"
    r"|health|immune|allerg\w+|asthma\w*|eczema|hair|muscles?|feet|pain|anxiety|hangovers?)"
    r"|good for people with|sleep(?:s|ing)? (?:better|deeper|sounder|longer|like)|fall(?:s)? asleep (?:faster|sooner)|makes? you (?:sleepy|healthier|slimmer|calmer"
    r"|younger|stronger|smarter)|(?:hair|nails) grow\w*|grow back|(?:whiter|younger|healthier|clearer|firmer|slimmer|smoother) (?:skin|teeth|after|in|within|smile)"
    r"|(?:look|looks|feel|feels) (?:whiter|younger|healthier|slimmer|firmer)|spots? (?:dry|disappear|vanish|fade)|wrinkles?|weight loss|lose (?:weight|kilos)|burns? fat"
    r"|(?:sore|back|neck|knee|joint|muscle) (?:throat|pain|ache|strain)|off your (?:knees|back|joints|spine)|heart (?:trouble|attack|disease|problems)"
    r"|you'll (?:sleep|feel better)|hypoallergenic|dermatolog\w+|concentration|focus better)\b",
    re.IGNORECASE,
)
AWARD = re.compile(
    r"\b(?:awards?|award-winning|medals?|prizes?|trophy|(?:named|voted|crowned|chosen|elected)\b[^.!?]{0,40}\b(?:of the year|best|number one|favou?rite)"
    r"|of the year|won (?:the|a|an|two|three|gold|silver|best|first|this)|winn(?:er|ing) of|test winner|testsieger|michelin)\b",
    re.IGNORECASE,
)
REVIEW = re.compile(
    r"\b(?:rated|ratings?|(?:five|four|\d(?:[.,]\d)?)[- ]stars?|stars? (?:on average|from)|(?:\w+|\d+) out of (?:ten|five|\d+)|trusted by|loved by|recommended by|approved by"
    r"|(?:dentists?|doctors?|experts?|professionals?|pros|chefs?|vets?|teachers?|schools?|conservatories|athletes|customers|buyers|everyone|guests|users)"
    r" (?:\w+ )?(?:recommends?|loves?|swears?|agree|would pick|raves?|prefers?|choose|gave)|best-?sell\w+|reviewers?|testimonials?|\d[\d,.]* (?:happy )?(?:customers|buyers|users|households|families))\b",
    re.IGNORECASE,
)
COMPARISON = re.compile(
    r"\bthan (?:any(?:thing)?|every|all|the (?:\w+ ones?|others?|rest|competition|usual|big|expensive|leading|average)|other|most (?!of\b|people\b)\w+|its rivals?|a (?:\w+ )?(?:lab|spa|hotel|gym))\b"
    r"|\b(?:of|like) (?:any )?other \w+s\b|\bin (?:its|their) class\b|\b(?:number one|no\. ?1|unbeatable|unrivalled|unmatched|second to none)\b"
    r"|\bthe (?:world's )?(?:best|safest|lightest|softest|warmest|quietest|strongest|fastest|cheapest|finest|toughest|thinnest|sharpest|smartest|cosiest|coziest|purest"
    r"|freshest|healthiest|brightest|longest-lasting|most \w+(?<!of)) (?!things?\b|of (?:your|my|the (?:day|week|morning|year)))[\w'-]+"
    r"|\bharder to \w+ than\b|\btwice as \w+ as\b",
    re.IGNORECASE,
)
SCARCITY = re.compile(
    r"\b(?:selling (?:out )?fast|(?:almost|nearly) (?:gone|sold out)|sells? out|hardly any|barely any|(?:only|just) (?:a )?(?:few|handful|couple|\w+(?: \w+)?) (?:\w+ )?"
    r"(?:left|remain(?:ing)?|still in stock|in stock)|a (?:few|handful)(?: \w+)? left|last (?:chance|ones?|pieces?|few|pair)|while (?:stocks?|supplies) last|before (?:it's|they're|they are) gone"
    r"|limited (?:edition|stock|time|run|quantity)|hurry|running (?:out|low)|won't last|no more (?:are )?(?:coming|will)|back in stock|in stock again|never (?:come|be) back|once they're gone)\b"
    r"|\b(?:" + NUMBER + r") (?:\w+ ){0,2}(?:is |are )?(?:still )?left(?! (?:hand|over|side|foot))\b",
    re.IGNORECASE,
)
GUARANTEE = re.compile(
    r"\b(?:for life|lifetime|life-long|lifelong|as long as you live|money back|refund\w*|guarant\w+|warrant(?:y|ies)|risk[- ]free|never (?:leaks?|breaks?|fades?|rusts?|fails?"
    r"|wears?|tears?|fogs?|loses?)|lasts? forever|forever|no questions asked|free returns?|unbreakable|indestructible|always works?|any time you)\b",
    re.IGNORECASE,
)
FREE = re.compile(
    r"\b(?:free (?:shipping|delivery|postage|returns?|gifts?|refills?|sample\w*|trial|of charge)|for free|(?:is|are|stays?|rides?|travels?|goes?|comes?) (?:\w+ )?free"
    r"|costs? nothing|nothing to pay|on the house|at no (?:extra )?cost|half (?:the )?price|giveaway|everything included|any day of the week|off (?:each|both|everything|all)|each time you \w+|comes off both|all year round)\b",
    re.IGNORECASE,
)
ORIGIN = re.compile(
    r"\b(?:in|from|near|of|by) (?:the |a (?:small |family )?\w+ (?:in|near) )?(?P<place>[A-Z][\w'’-]+(?: (?:& )?[A-Z][\w'’-]+)*)"
    r"|\b(?P<makers>Swiss|German|Italian|French|Spanish|Portuguese|Danish|Swedish|Norwegian|Finnish|Japanese|British|English|Scottish|Irish|American"
    r"|Turkish|Greek|Dutch|Belgian|Austrian|Czech|Polish|Indian|Chinese|Korean|European|Mediterranean|Scandinavian|Nordic|Alpine)[- ]"
    r"(?:made|built|grown|woven|oak|wool|leather|steel|linen|cotton|silk|craft\w*|quality|design\w*|engineering|mill|farm|family|\w+ers)"
    r"|\b(?P<local>(?:locally|regionally|family|home)[- ](?:made|grown|sourced|owned|run)|(?:small|family|little) (?:mill|farm|grove|workshop|factory|vineyard|dairy|bakery|studio))\b"
)
MATERIALS = listed(
    "oak walnut beech birch teak bamboo cork willow mahogany cedar plastic steel iron aluminium aluminum "
    "titanium brass copper ceramic porcelain marble leather suede cotton linen merino cashmere alpaca "
    "mohair silk satin velvet denim polyester nylon latex silicone organic recycled biodegradable "
    "compostable vegan vegetarian sustainable sustainably handmade fairtrade waterproof windproof "
    "fireproof shatterproof scratchproof wireless wirelessly bluetooth rechargeable solar dishwasher "
    "microwave hypoallergenic unscented scented touchscreen wifi carbon stainless unbleached undyed "
    "lambswool sheepskin fleece crystal bleed fluent refillable machine-washable screen camera display "
    "speaker"
)
FEATURES = re.compile(
    r"\b(?:(?:painted|knitted|sewn|woven|stitched|thrown|sanded|dyed|printed|made) by hand|hand[- ](?:painted|knitted|sewn|woven|made|dyed)|(?:sugar|gluten|lactose|alcohol|plastic|cruelty|bpa|scent|fragrance)[- ]free"
    r"|real down|solid \w+|fresh (?:blooms|flowers)|through any|(?:on|fits|for|works with|with) any \w+|works on any|completely \w+free|fully \w+proof|never (?:leaks?|breaks?|fades?|stains?|rusts?|slips?|fogs?)|without a cable"
    r"|free of charge|year[- ]round|non-?toxic|carbon[- ]neutral|climate[- ]neutral|zero waste|child[- ]?proof|bleed through|part of the subscription|heat out|cold out|without (?:it )?smelling)",
    re.IGNORECASE,
)
LASTING = re.compile(
    r"\b(?<!if you )(?:don't|doesn't|won't|never|can't|cannot|will not|do not) (?:ever )?(?:leak|bleed|break|fade|rust|slip|fog|stain|tear|scratch|shrink|crack|wear out|run out|pill|smell|fray)s?\b"
    r"|\bguaranteed not to\b",
    re.IGNORECASE,
)
