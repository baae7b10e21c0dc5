"""All guards over one draft."""

from __future__ import annotations

from collections.abc import Sequence

from ..guard import Draft, Finding, Guard, Verdict
from .banned import BannedGuard
from .broken import BrokenGuard
from .claims import ClaimsGuard
from .duplicate import DuplicateGuard, Embed
from .emoji import EmojiGuard
from .experience import ExperienceGuard
from .facts import FactsGuard
from .identity import IdentityGuard
from .labels import LabelsGuard
from .length import LengthGuard


def builtin_guards(embed: Embed | None = None, product_names: Sequence[str] = ()) -> tuple[Guard, ...]:
    """Return the built-in guards, in the order in which their findings are listed.

    `embed` gives unit vectors for the search of paraphrases, and makes a review as slow as it is; `product_names`
    are the catalogue's names, which call for the ad label wherever they stand.
    """
    return (
        LengthGuard(),
        LabelsGuard(product_names),
        IdentityGuard(),
        DuplicateGuard(embed),
        BannedGuard(),
        FactsGuard(),
        ClaimsGuard(),
        ExperienceGuard(),
        BrokenGuard(),
        EmojiGuard(),
    )


_DEFAULT = builtin_guards()


def review(draft: Draft, guards: Sequence[Guard] | None = None) -> Verdict:
    """Return the joint verdict of `guards` (the built-in ones by default) on `draft`.

    A guard that raises counts as a hold that names the error: what cannot be checked is not published.
    """
    findings: list[Finding] = []
    for guard in _DEFAULT if guards is None else guards:
        try:
            findings.extend(guard.look(draft))
        except Exception as error:
            reason = f"the guard failed ({type(error).__name__}: {error})"
            findings.append(Finding(rule=getattr(guard, "name", type(guard).__name__), decision="hold", reason=reason))
    return Verdict(findings=tuple(findings))
