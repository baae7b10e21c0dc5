"""Pictures for accounts that have none: drawn from the handle, the same always."""

from __future__ import annotations

from html import escape

from ..digest import rng_of


def avatar(handle: str, *, vivid: bool) -> str:
    """Return an SVG picture for `handle`; `vivid` for personas, plainer for everyone else."""
    rng = rng_of("avatar", handle)
    hue = rng.randrange(360)
    other = (hue + rng.choice((40, 70, 150, 200, 290))) % 360
    # A handle may be any text on a foreign network: only its first letter or digit is drawn, and escaped.
    letter = escape(next((c for c in handle if c.isalnum()), "?").upper())
    if not vivid:
        return _svg(
            f'<rect width="96" height="96" fill="hsl({hue} 26% 62%)"/>'
            f'<circle cx="{rng.randrange(10, 86)}" cy="{rng.randrange(60, 96)}" r="{rng.randrange(34, 52)}" '
            f'fill="hsl({other} 30% 54%)" opacity=".55"/>' + _letter(letter, 42)
        )
    shapes = "".join(
        f'<circle cx="{rng.randrange(96)}" cy="{rng.randrange(96)}" r="{rng.randrange(16, 44)}" '
        f'fill="hsl({(other + 24 * n) % 360} 78% {rng.randrange(52, 68)}%)" opacity=".6"/>'
        for n in range(4)
    )
    turn = rng.randrange(360)
    return _svg(
        f'<defs><linearGradient id="g" gradientTransform="rotate({turn} .5 .5)">'
        f'<stop stop-color="hsl({hue} 72% 46%)"/><stop offset="1" stop-color="hsl({other} 76% 40%)"/>'
        f'</linearGradient></defs><rect width="96" height="96" fill="url(#g)"/>{shapes}' + _letter(letter, 46)
    )


def _letter(letter: str, size: int) -> str:
    return (
        f'<text x="48" y="50" fill="#fff" font-family="system-ui,sans-serif" font-weight="700" '
        f'font-size="{size}" text-anchor="middle" dominant-baseline="central">{letter}</text>'
    )


def _svg(body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">{body}</svg>'
