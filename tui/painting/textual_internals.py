"""Check that the installed Textual has the private members that this package was written for.

If not, Textual's own painting stays in place, so that a new version of Textual costs speed, but never correctness.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any, Final

from textual.app import App
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widget import Widget

__all__ = ["FAST", "has_expected_members"]

_SIGNATURES: Final[tuple[tuple[type, str, tuple[str, ...]], ...]] = (
    (ScrollView, "_size_updated", ("self", "size", "virtual_size", "container_size", "layout")),
    (Widget, "_scroll_update", ("self", "virtual_size")),
    (Widget, "_set_dirty", ("self", "regions")),
)
"""Methods that are overridden or called, with their expected parameters."""

_COMPOSITOR_SIGNATURES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("reflow", ("self", "parent", "size")),
    ("_render_chops", ("self", "crop", "is_rendered_line")),
    ("_regions_to_spans", ("regions",)),
    ("render_partial_update", ("self",)),
    ("render_update", ("self", "full", "screen_stack", "simplify")),
)

_ASSIGNED: Final[tuple[tuple[type, str], ...]] = (
    (Widget, "_repaint_required"),
    (Screen, "_compositor"),
    (Screen, "_css_update_count"),
    (App, "_css_update_count"),
)
"""Attributes that are set by `__init__`."""


def has_expected_members() -> bool:
    """Return whether Textual has all private members that this package uses, with the expected signatures."""
    try:
        from textual._compositor import Compositor, CompositorUpdate
    except ImportError:
        return False
    methods = [*_SIGNATURES, *((Compositor, name, parameters) for name, parameters in _COMPOSITOR_SIGNATURES)]
    return (
        all(_parameters(getattr(owner, name, None)) == parameters for owner, name, parameters in methods)
        and all(name in owner.__init__.__code__.co_names for owner, name in _ASSIGNED)  # type: ignore[misc]
        and {"_dirty_regions", "_full_map"} <= set(Compositor.__init__.__code__.co_names)
        and isinstance(getattr(Compositor, "visible_widgets", None), property)
        and hasattr(CompositorUpdate, "render_segments")
    )


def _parameters(method: Callable[..., Any] | None) -> tuple[str, ...]:
    return tuple(inspect.signature(method).parameters) if callable(method) else ()


FAST: Final = os.environ.get("CONVO_TUI_PAINTING") != "textual" and has_expected_members()
"""True if this package replaces parts of Textual's painting; `CONVO_TUI_PAINTING=textual` turns that off."""
