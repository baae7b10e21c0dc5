"""Loss a token on the reference texts: how well a model would have written them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..corpus import Example
from ..model import Trainable
from ..pack import Packer
from ..recipe import Recipe
from ..select import losses


def reference_loss(folder: Path, examples: Sequence[Example]) -> tuple[float, int]:
    """Return the loss of all answers with their end, in nats, and how many tokens these are, in bfloat16.

    Examples of one persona must stand together. Raises ModelNotFound or ModelNotTrusted.
    """
    recipe = Recipe(method="full", precision="bfloat16")
    model = Trainable(folder, recipe)
    tokenizer, template, end = model.packing()
    packs = Packer(tokenizer, template, end=end, most=recipe.pack).packs(examples)
    found = losses(model, packs).values()
    return sum(loss * count for loss, count in found), sum(count for _, count in found)
