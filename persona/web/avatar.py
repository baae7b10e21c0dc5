"""Pictures for accounts that have none: drawn from the handle, the same always."""

from __future__ import annotations

from html import escape

from ..digest import rng_of


def avatar(handle: str, *, vivid: bool, plain: bool = False) -> str:
    """Return an SVG picture for `handle`; `vivid` for personas, calmer for everyone else, `plain` without letter."""
    rng = rng_of("avatar", handle)
    hue = rng.randrange(360)
    near = hue + rng.choice((-48, -36, 36, 48))
    # A handle may be any text on a foreign network: only its first letter or digit is drawn, and escaped.
    letter = "" if plain else escape(next((c for c in handle if c.isalnum()), "?").upper())
    if not vivid:
        wave = f'cx="{rng.randrange(10, 86)}" cy="{rng.randrange(60, 96)}" r="{rng.randrange(34, 52)}"'
        ground = f'<rect width="96" height="96" fill="{_colour(hue, 24, 56)}"/>'
        return _svg(ground + f'<circle {wave} fill="{_colour(near, 30, 48)}" opacity=".6"/>' + _letter(letter, 42))
    shapes = "".join(
        f'<circle cx="{rng.randrange(96)}" cy="{rng.randrange(96)}" r="{rng.randrange(18, 46)}" '
        f'fill="{_colour(hue + step, 76, rng.randrange(54, 64))}" opacity=".55"/>'
        for step in (near - hue, 2 * (near - hue), rng.choice((-20, 20)))
    )
    turn = rng.randrange(360)
    return _svg(
        f'<defs><linearGradient id="g" gradientTransform="rotate({turn} .5 .5)">'
        f'<stop stop-color="{_colour(hue, 72, 48)}"/><stop offset="1" stop-color="{_colour(near, 76, 40)}"/>'
        f'</linearGradient></defs><rect width="96" height="96" fill="url(#g)"/>{shapes}' + _letter(letter, 46)
    )


def _colour(hue: int, saturation: int, light: int) -> str:
    hue %= 360
    # Yellow and green look lighter than they are; a white letter must stay readable on them.
    return f"hsl({hue} {saturation}% {light - 12 if 40 <= hue <= 190 else light}%)"


def _letter(letter: str, size: int) -> str:
    return (
        f'<text x="48" y="50" fill="#fff" font-family="system-ui,sans-serif" font-weight="700" '
        f'font-size="{size}" text-anchor="middle" dominant-baseline="central">{letter}</text>'
    )


def _svg(body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">{body}</svg>'
