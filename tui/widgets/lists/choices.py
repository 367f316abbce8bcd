"""The list of a picker: one line for each choice, with details at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from textual.content import Content
from textual.css.styles import RulesMap
from textual.geometry import Size
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.model.fuzzy import Matcher
from tui.printable import printable_line
from tui.widgets.message import WidgetMessage

__all__ = ["Choice", "ChoiceList", "plain"]

_MARGIN: Final = 2
_MIN_LABEL: Final = 16
"""Minimum width of a label; if there is less room, details are cut or omitted."""
_MIN_DETAIL: Final = 8


class Choice(NamedTuple):
    """One line of a picker.

    Attributes:
        key: The value that is returned when the choice is picked; unique among the choices.
        label: The text that is searched and shown: untrusted plain text, or text with styles.
        detail: Text at the right of the line; like the label, untrusted or with styles.
    """

    key: str
    label: Content | str
    detail: Content | str = ""


class ChoiceList(OptionList, can_focus=False):
    """A list of choices, filtered by the text of another widget. A choice's key is the id of its option."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"choice--detail", "choice--match"}

    DEFAULT_CSS = """
    ChoiceList {
        background: transparent;
        scrollbar-size-vertical: 1;
        text-wrap: nowrap;

        & > .choice--detail { color: $foreground-muted; }
        & > .choice--match { text-style: bold underline; }
        & > .option-list--option-disabled { color: $foreground-muted; }
        & > .option-list--option-highlighted { color: $block-cursor-blurred-foreground; }
        &:nocolor > .option-list--option-highlighted { text-style: bold underline; }
    }
    """

    @dataclass
    class EndNeared(WidgetMessage["ChoiceList"]):
        """Posted once after each `show` when the last choices are in sight, or on the next page."""

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self._query = ""
        self._end_neared = False

    @property
    def key(self) -> str | None:
        """Key of the highlighted choice; None if there is none."""
        return self.highlighted_option.id if self.highlighted_option is not None else None

    def show(
        self, choices: Sequence[Choice], *, typed: str = "", current: str | None = None, empty: str = "no match"
    ) -> None:
        """Replace the choices.

        The first choice is highlighted, or the current choice if nothing is typed. If `typed` has not changed, the
        highlight stays on its choice, or on its line if the choice is gone, and the list keeps its scroll position.

        Args:
            choices: The choices in their order.
            typed: The text by which the choices were found; its letters are marked in the labels.
            current: Key of the current choice, which has a mark.
            empty: The text of a list without choices.
        """
        key, line, top = self.key, self.highlighted, self.scroll_offset.y
        matcher = Matcher(typed)
        stays, self._query = matcher.query == self._query and key is not None, matcher.query
        options = [Option(_ChoiceLine(choice, matcher, choice.key == current), choice.key) for choice in choices]
        self._end_neared = False
        self.set_options(options or [Option(" " * _MARGIN + empty, disabled=True)])
        if not choices:
            return
        highlight = key if stays else None if matcher.query else current
        default = line if stays else 0
        self.highlighted = next((line for line, choice in enumerate(choices) if choice.key == highlight), default)
        if stays:
            self.scroll_to(y=top, animate=False, immediate=True, force=True)

    def move(self, lines: int) -> None:
        """Move the highlight by a number of lines; it stops at the ends."""
        if self.highlighted is not None:
            self.highlighted += lines

    def move_page(self, pages: int) -> None:
        """Move the highlight by a number of pages."""
        self.move(pages * max(1, self.scrollable_content_region.height - 1))

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        if highlighted is not None:
            self._check_end(highlighted)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._check_end(int(new_value) + self.size.height)

    def on_resize(self) -> None:
        self.scroll_to_highlight()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Return the number of options, each of which takes one line."""
        return self.option_count

    def _check_end(self, line: int) -> None:
        if self.is_attached and not self._end_neared and line + self.size.height >= self.option_count > 0:
            self._end_neared = True
            self.post_message(self.EndNeared(self))


class _ChoiceLine(Visual):
    """A line: a mark if the choice is current, the label cut to fit, and the details if there is room."""

    def __init__(self, choice: Choice, matcher: Matcher, is_current: bool) -> None:
        self._choice = choice
        self._matcher = matcher
        self._is_current = is_current

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        room = width - 2 * _MARGIN
        label = _printable(self._choice.label)
        detail = _printable(self._choice.detail).stylize_before(".choice--detail")
        beside = (max(_MIN_LABEL, label.cell_length), _MIN_LABEL)
        detail = next(filter(None, (_fit_detail(detail, room - 2 - width) for width in beside)), Content(""))
        for offset in self._matcher.offsets(plain(self._choice.label)):
            label = label.stylize(".choice--match", offset, offset + 1)
        label = label.truncate(room - (detail.cell_length + 2 if detail else 0), ellipsis=True)
        gap = " " * (room - label.cell_length - detail.cell_length)
        line = Content.assemble("▸ " if self._is_current else "  ", label, gap, detail, " " * _MARGIN)
        return line.render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002
        return 1


def _fit_detail(detail: Content, room: int) -> Content:
    """Cut what comes before the last of the details, or leave it out; return nothing if that does not fit either."""
    if detail.cell_length <= room:
        return detail
    *others, last = detail.split(" · ")
    left = room - last.cell_length - 3
    if others and left >= _MIN_DETAIL:
        return Content(" · ").join([Content(" · ").join(others).truncate(left, ellipsis=True), last])
    return last if last.cell_length <= room else Content("")


def plain(text: Content | str) -> str:
    """Return text without its styles."""
    return text if isinstance(text, str) else text.plain


def _printable(text: Content | str) -> Content:
    """Replace each control character by one character, so that the styles keep their places."""
    if isinstance(text, str):
        return Content(printable_line(text))
    return Content(printable_line(text.plain), list(text.spans))
