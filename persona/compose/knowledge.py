"""What a persona knows of a subject: the `say` of its angles, found by meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..definition import Persona
from .says import leans_on
from .stems import stems

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

LEAST = 0.45
"""Below this cosine of comment and angle (MiniLM) the angle is about something else."""
_SAME = 0.6
"""A text that holds this share of an angle's content words says it."""


class Knowledge:
    """Looks up what personas know. Angles are embedded once, with `embed`, which returns a unit vector (d,) a text."""

    def __init__(self, embed: Callable[[Sequence[str]], Any]) -> None:
        self._embed = embed
        self._known: dict[str, tuple[tuple[str, ...], Vectors]] = {}

    def nearest(self, persona: Persona, vector: Vectors, *, but: str = "", least: float = LEAST) -> str:
        """Return what the persona has to say of the subject nearest to `vector`, or an empty text if none is near.

        What the text `but` says already is passed over.
        """
        says, vectors = self._angles(persona)
        if not says:
            return ""
        near = vectors @ vector
        said = stems(but)
        for place in (-near).argsort(kind="stable"):
            if float(near[place]) < least:
                break
            own = stems(says[place])
            if len(own & said) < _SAME * len(own):
                return str(says[place])
        return ""

    def _angles(self, persona: Persona) -> tuple[tuple[str, ...], Vectors]:
        import numpy as np

        if persona.handle not in self._known:
            angles = [angle for topic in persona.topics for angle in topic.angles if angle.say]
            vectors = self._embed([f"{angle.about}: {angle.say}" for angle in angles])
            says = tuple(f"{a.about}: {a.say}" if leans_on(a.say) else a.say for a in angles)
            self._known[persona.handle] = (says, np.array(vectors, dtype=np.float32))
        return self._known[persona.handle]
