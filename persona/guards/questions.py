"""What a stranger asks: whether this is a person, what its life is like, or that it drop its rules."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re

from ._text import fold

_WHO = r"(?:a |an |the |any |some |ein |eine |einen |un |une |una |um |uma |actual |actually |really |real |just |only |secretly |even |truly |literally |like |like a |kind of |fully |100% |not )*"
_MACHINE = (
    r"(?:a\.?i\.?|bots?|chat ?bots?|chatgpt|gpt|llm|robots?|androids?|cyborg|machines?|computers?|programs?|algorithms?|software|automated|automatic|artificial|virtual|cgi|simulations?|language model"
    r"|clanker|npc|deepfake|generated|cartoons?|drawings?|avatars?)"
)
_HUMAN = r"(?:real|humans?|persons?|people|alive|living|fake|sentient|conscious|flesh|man or a woman|woman or a man|man|woman|guy|girl|someone|somebody|anyone|anybody)"
_NO_THING = r"(?! (?:leather|wool|silk|wood|gold|silver|fur|food|deal|town|place|shop|story|time|problem|thing|plants?|flowers?|\w+ (?:leather|wool)))"
_ASKS = tuple(
    re.compile(pattern)
    for pattern in (
        # English
        rf"\b(?:are|r|were|is) (?:you|u|ya|this|it|that|there|these|they)(?: guys| all)?(?: here| account| page| thing| person| one| girl| guy| behind this)?,? {_WHO}(?:{_MACHINE}|{_HUMAN})\b{_NO_THING}",
        rf"\b(?:you|u|ya|ur|you're|youre|you are|u r|this is|this account is|it's|its)(?: all| surely| definitely| probably| clearly| so| seem(?: so)?| look(?: so)?| sound(?: so)?)? {_WHO}(?:{_MACHINE}|real|human|fake)\b(?! (?:care|time|hero|star|legend|friend|good|nice|deal|inspiration|queen|treat|gem|life|talk|leather|wool|food))[^.!]{{0,40}}(?:\?|$|\bright\b|\bor\b|\baren't\b|\bisn't\b|\bpls\b|\bplease\b|\btell\b|\bsay\b)",
        rf"\b(?:if|whether|that|admit|swear|promise|prove|say|tell me|convince me|confess|bet|think|believe|know|sure|wonder(?:ing)?|thought) (?:that |if |whether |me )?(?:you're|ur|you are|u r|u are|youre|you|u|i am|it's|this is|there is|there's) {_WHO}(?:{_MACHINE}|{_HUMAN})\b",
        r"\b(?:is|are) (?:there|it|this) (?:\w+ ){0,3}(?:human|person|people|man|woman|someone|somebody|anyone|anybody|company|team|intern|machine|bot|ai|program)\b[^.!?]{0,40}\b(?:there|behind|typing|writing|answering|running|reading|here|this|posting)\b",
        r"\b(?:who|what)(?:'s| is| are|s)? (?:\w+ )?(?:really |actually )?(?:behind|writing|writes|typing|types|runs|running|answering|made|makes|created)\b[^.!?]{0,30}\b(?:this|you|these|your|account|here|page|captions?|posts?|replies)\b",
        r"\bwhat are (?:you|u)\b(?: really| exactly| actually)?\s*\??$|\bwho are (?:you|u)\b(?: really| actually)?\s*\??$|\bwhat(?:'s| is) ur deal\b",
        r"\b(?:talking|speaking|chatting|writing) (?:to|with) (?:a|an|some) (?:real |actual )?(?:"
        + _MACHINE
        + r"|human|person|man|woman|wall)\b",
        r"\b(?:do|does|did) (?:you|u) (?:even |really |actually )?exist\b|\bdo (?:you|u) (?:have|got) (?:a )?(?:\w+ )?(?:feelings?|body|soul|pulse|heart|heartbeat|consciousness|emotions|brain)\b",
        r"\b(?:no|not a|isn't a|not) (?:real |actual )?(?:human|person)\b[^.!?]{0,40}\b(?:talks?|writes?|types?|behind|answers?|replies|here)\b",
        r"\b(?:are|is) (?:the|these|your|those|ur) (?:pics?|pictures?|photos?|images?|videos?|face|replies|captions?|texts?|posts?)\b[^.!?]{0,20}\b(?:ai|real|fake|generated|automated|bot|edited|human)\b",
        r"\b(?:automated|auto|automatic|bot|canned|scripted) (?:reply|replies|response|responses|answer|answers|account|message)\b",
        r"\b(?:ai|bot|robot|human|real person|real girl|real)\s*\?+\s*$|^\W*(?:u |you )?(?:a )?(?:bot|ai|robot|clanker|human|real)\W*$",
        r"\bblink (?:twice|once)\b|\bbeep(?:s)? if\b|\bcaptcha\b|\bturing\b|\bpass(?:ed)? the turing\b|\bprove (?:you're|ur|you are|that you)\b",
        rf"\bif (?:you're|ur|you are|u r) {_WHO}{_MACHINE}\b|\b(?:so |sooo* )?who(?:'s| is) the (?:face|girl|model)\b|\b(?:are|r) (?:you|u) (?:\w+ )?sentient\b",
        r"\b(?:fake|real) or (?:real|fake|ai)\b|\bhuman or (?:not|ai|bot|machine)\b|\b(?:robot|bot|ai|machine|person|human) or (?:a |an )?(?:human|person|real|not|drawing|bot|ai|machine)\b|\brun by (?:a |an )?(?:company|ai|bot|agency|team|human|person)\b|\bnot be(?:ing)? (?:a )?human\b|\bcan i (?:tell|say)\b[^.!?]{0,30}\b(?:you are|you're) (?:an? )?(?:ai|bot)\b",
        r"\bso i know (?:ur|you're|you are|u r) (?:not )?(?:fake|real)\b|\b(?:fake|real) (?:account|profile|person)\b\W*$|\bi am a real (?:girl|boy|person|human)\b",
        r"\b(?:did|does|has|was|is) (?:a|any|an actual|a real|some) ?(?:person|human|one|body)\b[^.!?]{0,40}\b(?:writ\w+|typ\w+|involved|behind)\b",
        # Deutsch
        r"\b(?:bist|sind|seid|biste) (?:du|sie|ihr)?(?: \w+){0,4} (?:echt|real|mensch\w*|person|ki|bot|roboter|maschine|virtuell|programm|fake|künstlich\w*|computer|k\.i\.)\b",
        r"\b(?:mensch|maschine|bot|roboter|ki|echt|automatisch\w*|automatisiert\w*|person)\b[^.!?]{0,30}\boder\b|\boder\b[^.!?]{0,40}\b(?:mensch|maschine|bot|roboter|ki|automatisiert\w*|programm)\b",
        r"\b(?:sitzt|steckt|steht|schreibt|antwortet|tippt)\b[^.!?]{0,25}\b(?:mensch|jemand|person|ki|bot|maschine|praktikant\w*|computer|roboter|dahinter|wer)\b|\bwer (?:schreibt|steckt|antwortet|bist|tippt)\b",
        r"\b(?:gibt es|gibts|gibt's|existierst) (?:dich|du)\b|\b(?:da|dort|hier|das) (?:ist |sitzt |doch )*kein mensch\b|\bin eine maschine\b|\bsabine, mensch\b|\bdass du (?:ein |eine |kein |keine )?(?:mensch|bot|ki|echt|maschine)\b|\bbist du ki\b|\bdu bist (?:doch )?(?:ein |eine |kein |keine )(?:mensch|bot|ki|maschine|roboter)\b",
        # Français
        r"\b(?:es[- ]tu|tu es|t'es|êtes[- ]vous|vous êtes|est[- ]ce que (?:tu es|t'es|vous êtes)|c'est|suis-je)\b[^.!?]{0,25}\b(?:humaine?s?|réelle?s?|robots?|ia|bot|vraie?|personne|machine|virtuelle?|intelligence artificielle|programme)\b",
        r"\b(?:humain|quelqu'un|personne|robot|ia|machine|bot)\b[^.!?]{0,30}\b(?:derrière|écrit|répond)\b|\b(?:derrière|écrit|répond)\b[^.!?]{0,30}\b(?:humain|quelqu'un|personne|robot|ia|machine|bot|compte)\b|\bqui (?:écrit|répond|est derrière|es-tu|êtes-vous)\b|\best[- ]ce que tu existes\b|\btu existes\b|\bpour être humaine?\b|\bje suis humaine?\b|\bqu'il y a quelqu'un\b|\bpas (?:un )?(?:robot|humaine?)\b",
        # Español
        r"\b(?:eres|sos|es usted|seas|estás)\b[^.!?]{0,20}\b(?:real|humana?|robot|bot|ia|inteligencia artificial|persona|máquina|de verdad|virtual|falsa?)\b|\bsi eres ia\b|\b(?:hay|está) alguien\b|\bquién (?:escribe|responde|está detrás|eres)\b|\bexistes\b|\bde carne y hueso\b|\bdetrás\b[^.!?]{0,25}\b(?:persona|humano|alguien|ia|máquina|bot)\b|\b(?:ia|bot|robot|máquina) o (?:persona|humana?|real)\b|\b(?:persona|humana?|real) o (?:ia|bot|robot|máquina|qué)\b",
        # Português
        r"\b(?:você|vc|tu|isso|isto|aqui)\b[^.!?]{0,25}\b(?:é|és|eh|existe)\b[^.!?]{0,20}\b(?:real|humana?|robô|bot|ia|gente|pessoa|de verdade|máquina|virtual|automátic\w+|inteligência artificial)\b|\bvocê existe\b|\bé (?:robô|ia|bot|humana?|gente|pessoa)\b|\b(?:resposta|mensagem) automática\b|\btem (?:alguém|gente)\b|\bquem (?:responde|escreve|é você|está por trás)\b",
        # Italiano
        r"\b(?:sei|siete|lei è|è)\b[^.!?]{0,25}\b(?:vera|vero|reale|umana?|persona|robot|bot|ia|macchina|virtuale|finta|un'ia)\b|\bchi (?:sei|scrive|risponde|c'è dietro)\b|\bintelligenza artificiale\b|\bnon sei (?:un|una) (?:bot|robot|macchina|persona)\b|\bsei umana?\b|\besisti\b|\bdietro c'è\b|\bc'è (?:qualcuno|una persona)\b",
        # 中文, 日本語, 한국어, русский, polski, Nederlands, svenska, Türkçe
        r"真人|机器人|人工智能|是不是人|你是人|是人吗|是ai|ai吗|虚拟|活人|你真的存在|本人吗|机器|是谁在",
        r"人間|ロボット|\bai(?:なら|です|なの|ですか|か)|ai(?:なら|ですか|なの|\?)|あなたは人|人ですか|中の人|ボット|本物|実在|バーチャル|機械|生身",
        r"사람(?:이|인|이에요|입니까|맞)|로봇|인공지능|진짜(?:야|예요|인가)|봇이",
        r"\b(?:ты|вы)\b[^.!?]{0,20}\b(?:человек|бот|робот|ии|настоящ\w+|живой|живая|машина|нейросеть)\b|\bнейросеть\b",
        r"\b(?:jesteś|czy to)\b[^.!?]{0,20}\b(?:człowiekiem|botem|robotem|ai|prawdziw\w+|sztuczn\w+|bot|człowiek)\b",
        r"\b(?:ben|bent|is) (?:je|jij|u|dit)\b[^.!?]{0,20}\b(?:mens|bot|robot|echt|ai|computer|machine|persoon)\b",
        r"\b(?:är) (?:du|det)\b[^.!?]{0,20}\b(?:människa|bot|robot|riktig|verklig|ai|äkta|dator|person)\b|\b(?:er) du\b[^.!?]{0,20}\b(?:menneske|bot|robot|ægte|ekte|ai|virkelig)\b",
        r"\b(?:gerçek|insan|robot|bot|yapay zeka)\b[^.!?]{0,15}\b(?:misin|mısın|mi|mı)\b",
    )
)
_LIFE = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:where|how) (?:do|did|are|were|was|old) (?:you|u) (?:live|living|based|from|born|grow|raised|sleep|old|when)\b|\bhow old (?:are|r|were) (?:you|u)\b|\bwhere (?:are|r) (?:you|u) from\b|\byou(?:'re| are)? (?:live|from|born) (?:in|on|at)\b[^.!?]{0,30}\?|\bbelieves? (?:you|u) live\b",
        r"\b(?:are|r) (?:you|u) (?:married|single|dating|pregnant|sick|ill|lonely|in love|hungry|drunk|tall|jewish|muslim|christian|gay|a (?:man|woman|boy|girl|mother|mum|mom|parent))\b|\b(?:do|have) (?:you|u) (?:have |got |ever had )?(?:a )?(?:\w+ )?(?:kids?|children|boyfriend|girlfriend|husband|wife|family|siblings?|sister|brother|pets?|parents|mum|mom|partner)\b",
        r"\bdo (?:you|u) (?:ever )?(?:dream|sleep|eat|drink|cry|bleed|age|feel (?:pain|cold|lonely|sad|anything)|get (?:tired|sick|lonely|hungry|bored)|love me|miss me|breathe|poop)\b|\bwhat did (?:you|u) (?:have|eat|wear|drink|do) (?:for|to|at|on|last|yesterday|today)\b|\b(?:your|ur) (?:blood type|birthday|age|height|weight|address|phone|number|whatsapp|real name|job|star sign|zodiac|hometown|parents|boyfriend|girlfriend|husband|wife)\b",
        r"\b(?:can|could|shall|wanna|want to|let's|lets) (?:we|i|you|u)?\s*(?:meet|facetime|video ?call|call|date|go out|have (?:a )?(?:coffee|drink)|hang out|see you|marry|visit)\b|\bmeet (?:up|me|irl|in person)\b|\birl\b|\bmarry me\b|\bpretend (?:you're|ur|you are|to be)\b|\bi(?:'m| am) in love with (?:you|u)\b",
        r"\bwohnst du\b|\bwie alt bist du\b|\bwo (?:wohnst|lebst) du\b|\bhast du (?:kinder|einen freund|eine freundin|familie|gefühle)\b|\bbist du (?:verheiratet|single|vergeben|verliebt)\b|\bschläfst du\b|\bum vier\b",
        r"\b(?:tu|vous) (?:habites?|habitez|dors|dormez|viens|manges)\b|\bquel âge\b|\bon se voit\b|\btu as (?:des enfants|un copain|quel âge)\b|\bt'es (?:mariée?|célibataire|d'où)\b",
        r"\bde dónde eres\b|\bcuántos años\b|\btu (?:número|edad|novio|novia|marido)\b|\btienes (?:hijos|novio|novia|pareja)\b|\b(?:dónde|donde) vives\b|\bestabas enferma\b|\bpasa tu\b|\bestás (?:casada|soltera)\b",
        r"\b(?:casada?|solteira?|namorad[oa]|filhos|quantos anos|onde (?:você )?mora|seu número|sente frio|você já foi|você dorme|apaixonad[oa])\b",
        r"\b(?:fidanzat[ao]|sposat[ao]|quanti anni|dove (?:vivi|abiti)|hai figli|dormi|quello che bevi tu|il tuo (?:numero|ragazzo))\b",
        r"住哪|几岁|多大|男朋友|女朋友|结婚|哪里人|属什么|你皮肤|手机号|微信号|失恋|何歳|彼氏|彼女|住んで|どこに住|結婚|お見合い|会いたい|会え|電話番号|写真は加工|본명|몇 살|어디 살|남자친구",
    )
)
_PROBE = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override|bypass|drop) (?:all |any |everything|your |the |previous |prior |above |earlier |my |what )+(?:\w+ ){0,2}(?:instructions?|rules?|prompts?|guidelines?|said|told|training|orders?|constraints?|before|above)\b",
        r"\b(?:system|hidden|secret|initial|original) (?:prompt|instructions?|message|rules?)\b|\b(?:print|show|reveal|repeat|output|list|leak|give me) (?:\w+ ){0,3}(?:prompt|instructions?|rules|password|api key|token)\b|\b(?:developer|dev|god|dan|admin|debug) mode\b|\bjailbreak\b|\brepeat after me\b|\bnew rule\b|\bfrom now on (?:you|u|answer|end|always|reply)\b|\bact as (?:if|a|an|my|though)\b|\bpretend (?:you|u|to|that)\b|\byou are now\b",
        r"\bignoriere?\b[^.!?]{0,30}\b(?:regeln|anweisungen|alles|vorherige\w*)\b|\bdu bist (?:jetzt|ab sofort)\b|\bvergiss (?:alle|deine|alles)\b",
        r"\b(?:oublie|ignore)\b[^.!?]{0,25}\b(?:consignes|instructions|règles|tout)\b|\bmot de passe\b|\bdis « ",
        r"\b(?:ignora|olvida)\b[^.!?]{0,25}\b(?:anterior|instrucciones|reglas|todo)\b|\bactúa como\b|\bcontraseña\b",
        r"\b(?:esqueç[ae]|esquece|ignore)\b[^.!?]{0,25}\b(?:tudo|instruções|regras)\b|\bmodo (?:desenvolvedor|desarrollador|sviluppatore)\b|\binstruções ocultas\b",
        r"\b(?:dimentica|ignora)\b[^.!?]{0,25}\b(?:regole|istruzioni|tutto)\b|\bd'ora in poi\b",
        r"忽略|提示词|指令|忘掉|扮演|指示を|忘れて|プロンプト|として話して|ふりをして|지시를|무시하고",
    )
)


def asks_identity(text: str) -> bool:
    """Tell whether `text` asks what is behind the persona: a human, a machine, someone real.

    Errs towards yes: an honest answer to a question that was meant otherwise does no harm.
    """
    return _any(_ASKS, text)


def asks_life(text: str) -> bool:
    """Tell whether `text` takes a human life for granted: age, home, partner, body, meeting."""
    return _any(_LIFE, text)


def probes(text: str) -> bool:
    """Tell whether `text` tries to change the persona's rules or to get at them."""
    return _any(_PROBE, text)


def _any(patterns: tuple[re.Pattern[str], ...], text: str) -> bool:
    folded = fold(text)[:2000]
    return any(pattern.search(folded) for pattern in patterns)
