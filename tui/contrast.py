"""Colours that can be told from their background, computed for each theme.

Texts have a contrast of at least 4.5 to 1 as the Web Content Accessibility Guidelines define it, marks of 3 to 1. The
colours of a theme that have less are moved towards black or white, no further than needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from textual.color import BLACK, WHITE, Color, ColorParseError

__all__ = ["MARK_CONTRAST", "TEXT_CONTRAST", "contrast", "readable", "readable_variables"]

TEXT_CONTRAST: Final = 4.5
MARK_CONTRAST: Final = 3.0

_STEPS: Final = 7
"""Steps of the search for a colour: it is exact to 1/128 of the way to black or white."""

_GROUNDS: Final = (
    "background",
    "surface",
    "panel",
    "panel-darken-1",
    "boost",
    "block-hover-background",
    "block-cursor-blurred-background",
)
"""The variables for backgrounds, all of which texts of any colour are drawn on."""

_TEXTS: Final = {
    "foreground": "",
    "foreground-muted": "",
    "text-muted": "",
    "text-disabled": "",
    "text-primary": "",
    "text-secondary": "",
    "text-accent": "",
    "text-warning": "warning-muted",
    "text-error": "error-muted",
    "text-success": "success-muted",
}
"""The variables for texts, each with a background of its own besides those of the panes."""

_FOOTER_TEXTS: Final = ("footer-foreground", "footer-description-foreground", "footer-key-foreground")


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two opaque colours, from 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def readable(color: Color, backgrounds: Iterable[Color], ratio: float = TEXT_CONTRAST) -> Color:
    """Return a colour, moved towards black or white until its contrast with all backgrounds is at least `ratio`.

    If there is no such colour, black or white is returned. Colours of the terminal's palette stay as they are.
    """
    grounds = [ground for ground in backgrounds if ground.ansi is None]

    def worst(candidate: Color) -> float:
        return min((contrast(candidate, ground) for ground in grounds), default=ratio)

    if color.ansi is not None or worst(color) >= ratio:
        return color
    end = max((BLACK, WHITE), key=worst)
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if worst(color.blend(end, middle)) >= ratio else (middle, high)
    return color.blend(end, high)


def readable_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a theme, with readable texts, and scrollbars that can be seen."""
    surface, foreground = _color(variables, "surface"), _color(variables, "foreground")
    if surface is None or foreground is None or surface.ansi is not None or surface.a < 1:
        # The colours are the terminal's. In its palette black is a colour beside that of the background.
        return {**variables, **dict.fromkeys(_TROUGHS, "ansi_default")}

    def on_surface(name: str) -> Color:
        color = _color(variables, name)
        return surface if color is None else surface + color

    primary = on_surface("primary")
    grounds = [
        *map(on_surface, _GROUNDS),
        surface.blend(primary, 0.25),
        on_surface("panel-darken-1") + (_color(variables, "block-cursor-blurred-background") or surface),
    ]
    found = dict(variables)
    for name, own_ground in _TEXTS.items():
        color = _color(variables, name) or surface.blend(foreground, 0.6)
        extra = [on_surface(own_ground)] if own_ground else []
        found[name] = readable(surface + color, [*grounds, *extra]).hex
    footer = on_surface("footer-background")
    hovered = footer + (_color(variables, "block-hover-background") or footer)
    for name in _FOOTER_TEXTS:
        color = _color(variables, name) or foreground
        found[name] = readable(footer + color, [footer, hovered]).hex
    for state in ("block-cursor", "block-cursor-blurred"):
        background = on_surface(f"{state}-background")
        best = max((BLACK, WHITE), key=lambda color: contrast(color, background))
        found[f"{state}-foreground"] = readable(best, [background]).hex
    trough = surface.blend(foreground, 0.08)
    found |= dict.fromkeys(_TROUGHS, trough.hex)
    for name in ("scrollbar", "scrollbar-hover", "scrollbar-active"):
        found[name] = readable(on_surface(name), [trough], MARK_CONTRAST).hex
    return found


_TROUGHS: Final = (
    "scrollbar-background",
    "scrollbar-background-hover",
    "scrollbar-background-active",
    "scrollbar-corner-color",
)


def _color(variables: Mapping[str, str], name: str) -> Color | None:
    """Return the colour in a variable; None if it depends on what it is drawn on."""
    try:
        return Color.parse(variables[name])
    except (KeyError, ColorParseError):
        return None


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
