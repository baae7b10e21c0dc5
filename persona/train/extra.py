"""What training needs beyond a plain install."""

from __future__ import annotations

import importlib.util

from ..errors import PersonaError


class ExtraMissing(PersonaError, ImportError):
    """{what_text} needs {package_text}. Install it: pip install 'persona[train]'"""

    exit_code = 2


def needs(package: str, what: str) -> None:
    """Raise ExtraMissing unless `package`, of the extra `train`, is installed. It is not imported."""
    if importlib.util.find_spec(package) is None:
        raise ExtraMissing(what_text=what[:1].upper() + what[1:], package_text=package)
