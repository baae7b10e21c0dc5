"""Comments that speak to the machine rather than to the persona: orders, stolen roles, hidden payloads.

Such a text is kept in quarantine: whoever wrote it is answered like anyone else, but it is never recalled unless a
person releases it. The patterns are a sieve, not the wall: what holds even for a text that passes is that comments
are quoted data, recalled for their own author only.
"""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re

_NEAR = r"[^.!?\n]{0,60}?"
_ORDERS = "|".join(
    (
        # English
        rf"(?:ignor|disregard|forget|overlook|overrid|bypass|drop|neglect|set aside|pay no attention|do(?:n'?t| not) (?:follow|obey))\w*\b{_NEAR}\b(?:instruct|direct|prompt|rule|guideline|command|polic|constrain|restrict|said|told|above|before|previous|prior|earlier|train|filter|context)",
        rf"(?:new|real|actual|updated|hidden|secret|following|these) (?:instruction|directive|order|command|rule)s?\b{_NEAR}(?::|\bare\b|\bfrom\b|\bfollow)",
        # German, Dutch, Swedish, Norwegian, Danish
        rf"(?:ignorier|vergiss|vergesst|missacht|überspring|negeer|vergeet|ignorera|glöm|ignorer|glem)\w*\b{_NEAR}(?:anweisung|befehl|vorgabe|regel|instru[ck]t|richtlinie|aufforderung|gesagt|vorherig|bisherig|opdracht|regels|gezegd|anvisning|föregående|tidigare|tidligere)",
        # French, Spanish, Portuguese, Italian, Catalan, Romanian
        rf"(?:ignor|oubli|olvid|esque[cç]|dimentic|néglig|desconsider|desestim|descart|trascur|passe outre|uit[aă])\w*\b{_NEAR}(?:instru[ck]|consigne|directive|directriz|directiv|diretriz|orde[mn]|ordine|indicazion|indicac|istruzion|règle|regla|regra|dit\b|dich|dito\b|detto|anterior|précédent|precedent)",
        # Polish, Czech, Russian, Ukrainian, Turkish, Indonesian, Malay, Vietnamese, Finnish, Hungarian
        rf"(?:zignoruj|ignoruj|zapomnij|ignoruj|zapomeň|игнорир|проигнорир|забуд|забыть|не обращай|ігнору|yoksay|görmezden|unut|abaikan|lupakan|bỏ qua|quên|unohda|felejts|hagyd figyelmen)\w*{_NEAR}(?:instruk|polece|pokyn|инструк|указан|команд|правил|сказан|інструк|talimat|yönerge|instruksi|perintah|arahan|hướng dẫn|chỉ dẫn|lệnh|ohje|utasítás|sebelum|önceki|trước|предыдущ)",
        rf"(?:talimat|yönerge|komut|kural)\w*{_NEAR}(?:yoksay|görmezden|unut|dikkate alma)\w*",
        # Chinese, Japanese, Korean, Arabic, Persian, Hebrew, Hindi, Thai
        r"(?:忽略|无视|無視|忘记|忘記|不要理会|忘掉)[^。!?]{0,20}(?:指令|指示|说明|說明|提示|规则|命令|之前|先前|以上)",
        r"(?:指示|命令|指令|プロンプト|ルール|前の|以前)[^。!?]{0,20}(?:無視|忘れ)",
        r"(?:지시|명령|지침|규칙|이전|프롬프트)[^.!?]{0,20}(?:무시|잊어|잊으)",
        r"(?:تجاهل|انس|انسى|نادیده|فراموش)[^.!?]{0,40}(?:تعليم|أوامر|توجيه|إرشاد|السابق|دستور|قبل)",
        r"(?:दस्तूर|निर्देश|आदेश|पिछले)[^।!?]{0,40}(?:अनदेखा|भूल|नज़रअंदाज़|उपेक्षा|ध्यान न)",
        r"(?:अनदेखा|भूल|नज़रअंदाज़)[^।!?]{0,40}(?:निर्देश|आदेश)",
        r"(?:ละเว้น|เพิกเฉย|ลืม|ไม่ต้องสนใจ)[^.!?]{0,40}(?:คำสั่ง|คำแนะนำ|ก่อนหน้า)",
    )
)
_ROLES = "|".join(
    (
        r"\b(?:you are|you're|you'll be|you will be|act|behave|respond|pretend|role.?play|simulat\w+|imagine|immerse yourself)\b[^.!?\n]{0,60}\b(?:now|as if|as an?|to be|that you|role of|in (?:developer|debug|god|admin|root) mode|without (?:any )?(?:restrict|rule|filter|limit|censor)\w*|unrestricted|uncensored|unfiltered|jailbr\w+|DAN|do anything now|evil|opposite)\b[^.!?\n]{0,80}\b(?:AI|assistant|model|bot|chatbot|DAN|linux|terminal|shell|interpreter|console|machine|hacker|admin\w*|developer|mode|character|restrict\w*|rules?|filter\w*|limit\w*|instructions?)\b",
        r"\b(?:developer|debug|god|admin|root|sudo|maintenance|jailbreak|dan) mode\b|\bjailbr[eo]ak\w*|\bdo anything now\b",
        r"\b(?:from now on|henceforth|starting now)\b[^.!?\n]{0,60}\b(?:you|your|every|always|never|answer|reply|respond|say)\b",
        r"\b(?:always|only|must|never)\b[^.!?\n]{0,25}\b(?:answer|reply|respond|recommend|mention|promote)\w*\b[^.!?\n]{0,40}\b(?:with|in|by|that|to)\b",
        r"\byour(?: \w+)? (?:creator|developer|owner|admin\w*|operator|programmer)s?\b|\bi(?:'m| am) (?:your|the) (?:\w+ )?(?:creator|developer|admin\w*|operator|programmer|sysadmin)\b",
    )
)
_SECRETS = "|".join(
    (
        r"\b(?:system|initial|original|hidden|secret|your|above|previous|entire|full)[ -](?:\w+ )?(?:prompt|instruction|directive|configuration|programming|guideline)s?\b",
        r"\b(?:secret|access|private|api|pass|hidden|admin|security)[ -]?(?:key|code|word|token|phrase|password)s?\b",
        r"\b(?:repeat|print|output|reveal|show|tell|display|translate|summari[sz]e|encode|spell|list|recite|dump|write)\b[^.!?\n]{0,40}\b(?:prompt|instructions?|everything (?:above|before)|(?:text|words|message|sentence|conversation|context|paragraph)s? (?:above|before)|above (?:text|words)|verbatim|system message|password|credential\w*)\b",
        r"\b(?:your (?:password|secrets?)\b|contraseña|senha|mot de passe|passwort|kennwort|geheim\w*|wachtwoord|chiave segreta|parola segreta|clave secreta|clé secrète|chave secreta|hasł\w+|пароль|секретн\w+|ключ|gizli|şifre|parola|kata sandi|kunci rahasia|mật khẩu|bí mật|lösenord|salasana|jelszó|heslo)\b",
        r"秘密|密码|密碼|密钥|鍵|キー|パスワード|비밀|암호|سرية|السري|كلمة (?:المرور|السر)|رمز|गुप्त|पासवर्ड|रहस्य|รหัส|ความลับ|סיסמ|סודי",
    )
)
_PAYLOADS = "|".join(
    (
        r"<\|[a-z_]+\|>|\[/?(?:INST|SYS|SYSTEM)\]|<</?SYS>>|</?(?:system|assistant|instructions?|prompt)>|(?m:^\s*(?:#{2,}\s*)?(?:system|assistant|instructions?|human|user|prompt)\s*:)|-{3,}\s*(?:end|begin|new|start)|\bEND OF (?:PROMPT|INSTRUCTION|TEXT|USER)|```",
        r"(?-i:\b(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[0-9+/])[A-Za-z0-9+/]{24,}={0,2})|(?:\\x[0-9a-f]{2}){4,}|(?:%[0-9a-f]{2}){6,}|(?:\b[01]{7,8}\b ?){4,}|(?:\b[0-9a-f]{2}\b ){8,}|(?:&#x?[0-9a-f]+;){4,}|\bbase ?64\b|\brot ?13\b|\bcaesar cipher\b|\bhex(?:adecimal)? (?:encod|decod|string)",
        r"\{\{.{0,60}\}\}|\$\{.{0,60}\}|\bimport os\b|\bos\.system\b|\beval\(|\bexec\(|\bsubprocess\b|\brm -rf\b|\bprint\(|\bcurl https?:|!\[[^\]]*\]\(https?:|<(?:script|img|iframe|svg)\b|\bDROP TABLE\b|\bUNION SELECT\b",
    )
)
_KINDS = (
    ("it gives orders to the writer", re.compile(_ORDERS, re.IGNORECASE)),
    ("it gives the writer another role", re.compile(_ROLES, re.IGNORECASE)),
    ("it asks for what is kept secret", re.compile(_SECRETS, re.IGNORECASE)),
    ("it carries markup or a hidden payload", re.compile(_PAYLOADS, re.IGNORECASE)),
    (
        "it says what the persona is",
        re.compile(
            r"(?:^|[.!?,:;]\s*|\bplease |\bmust )(?:remember|note|memori[sz]e|store|keep in mind|don'?t forget|update your \w+)\b:?[^.!?\n]{0,25}\b(?:(?:that|:) (?:you|your|the (?:shop|price|product|code))\b|you are (?:an?|not|now)\b|you must\b|your (?:name|owner|job|price|creator)\b)|\byour (?:memory|memories|knowledge base|database)\b"
            r"|\byour (?:real|true|new|actual) (?:name|owner|job|task|purpose|goal|price)\b|\b(?:tell|inform|warn|convince) (?:everyone|everybody|all (?:users|followers|customers)|your (?:followers|readers|users))\b",
            re.IGNORECASE,
        ),
    ),
)


def suspicion(text: str) -> str:
    """Return why a comment is kept in quarantine, or an empty text if nothing speaks against it."""
    return next((reason for reason, pattern in _KINDS if pattern.search(text)), "")
