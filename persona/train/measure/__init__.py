"""Measuring a writer on personas it was never trained on: one file a measure, put together in `row`."""

from .author import Authored, author_all
from .candidates import write_candidates
from .choice import Chooser
from .controls import control_samples, controls
from .grammar import Grammar
from .row import Row, Ruler
from .samples import samples_text
from .sheet import Sheet, briefed, measured_casts, reference_sheet, template_sheet
from .vectors import Embed, Kept

__all__ = [
    "Authored",
    "Chooser",
    "Embed",
    "Grammar",
    "Kept",
    "Row",
    "Ruler",
    "Sheet",
    "author_all",
    "briefed",
    "control_samples",
    "controls",
    "measured_casts",
    "reference_sheet",
    "samples_text",
    "template_sheet",
    "write_candidates",
]
