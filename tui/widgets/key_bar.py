"""The keys that work now, on one line at the bottom of a screen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.binding import ActiveBinding, BindingsMap
from textual.content import Content
from textual.dom import DOMNode
from textual.keys import format_key
from textual.reactive import reactive
from textual.screen import Screen

from tui.painting.stable_scroll import FixedSize

__all__ = ["KeyBar", "ordered_bindings", "takes_as_text"]

_ALWAYS: Final = ("app.quit", "app.show_help", "dismiss")
"""Actions that are shown, before `preferred` ones, in preference to others if there is not room for all."""


class _Key(NamedTuple):
    """A key and its action.

    Attributes:
        key: Textual's name of the key.
        label: The key as it is shown.
        title: The action in one or two words.
        help: The action in a sentence.
        action: Textual's name of the action.
    """

    key: str
    label: str
    title: str
    help: str
    action: str

    @property
    def width(self) -> int:
        return cell_len(self.label) + cell_len(self.title) + 3


class KeyBar(FixedSize):
    """The bindings of the screen and of its focused widget, as many as fit; a click presses the key.

    Textual's footer has a widget for each key and replaces all of them whenever the focus changes, which is slow.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--title", "key-bar--hover"}

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        text-wrap: nowrap;
        color: $footer-foreground;
        background: $footer-background;

        & > .key-bar--key {
            color: $footer-key-foreground;
            background: $footer-key-background;
            text-style: bold;
        }
        & > .key-bar--title { color: $footer-description-foreground; background: $footer-description-background; }
        & > .key-bar--hover { color: $footer-key-foreground; background: $block-hover-background; }
    }
    """

    hovered: reactive[str] = reactive("")
    """The key under the mouse; empty for none."""

    def __init__(self, *preferred: str, idle: Callable[[], Collection[str]] = tuple) -> None:
        """Create a bar.

        Args:
            preferred: Actions to show, in addition to help and quit, even if there is not room for all.
            idle: Returns actions to leave out.
        """
        super().__init__()
        self._idle = idle
        self._preferred = (*_ALWAYS, *preferred)
        self._keys: tuple[_Key, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _update(self, screen: Screen[object]) -> None:
        """Show the bindings that work now, or those from before while the terminal does not have the focus."""
        if screen is not self.screen or (self._keys and not self.app.app_focus):
            return
        found: dict[str, _Key] = {}
        idle = self._idle()
        for _, binding, enabled, tooltip in ordered_bindings(screen):
            if binding.show and enabled and binding.action not in idle and not takes_as_text(screen, binding.key):
                label = self.app.get_key_display(binding)
                key = _Key(binding.key, label, binding.description, tooltip or binding.description, binding.action)
                # Of several keys, the one that takes least room.
                if key.width < found.setdefault(binding.action, key).width:
                    found[binding.action] = key
        keys = tuple(found.values())
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def _preference(self, key: _Key) -> int:
        if key.action == "app.quit" and any(other.action == "dismiss" for other in self._keys):
            # What can be closed is closed before the program.
            return len(self._preferred) + 1
        return self._preferred.index(key.action) if key.action in self._preferred else len(self._preferred)

    def _fitting(self) -> list[_Key]:
        # The blank after the last key need not fit.
        room = self.size.width + 1
        fitting = set()
        for key in sorted(self._keys, key=self._preference):
            room -= key.width
            if room < 0:
                break
            fitting.add(key)
        return [key for key in self._keys if key in fitting]

    def render(self) -> RenderResult:
        """Return the keys that fit."""
        names = "key-bar--key", "key-bar--title", "key-bar--hover"
        plain, title, hover = (self.get_visual_style(name) for name in names)
        return Content.assemble(
            *(
                part
                for key in self._fitting()
                for part in (
                    (f" {key.label} ", hover if key.key == self.hovered else plain),
                    (f"{key.title} ", hover if key.key == self.hovered else title),
                )
            )
        )

    def _key_at(self, x: int) -> _Key | None:
        for key in self._fitting():
            if x < key.width:
                return key
            x -= key.width
        return None

    def watch_hovered(self) -> None:
        self.tooltip = next((key.help for key in self._keys if key.key == self.hovered), None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        key = self._key_at(event.x)
        self.hovered = key.key if key else ""

    def on_leave(self) -> None:
        self.hovered = ""

    def on_click(self, event: events.Click) -> None:
        if key := self._key_at(event.x):
            self.app.simulate_key(key.key)


def ordered_bindings(screen: Screen[Any]) -> list[ActiveBinding]:
    """Return the bindings that work now as they are declared; Textual lists those with changed keys last."""
    chain = (screen.focused or screen).ancestors_with_self
    order = {node: (depth, _declared(type(node))) for depth, node in enumerate(chain)}

    def place(active: ActiveBinding) -> tuple[int, int]:
        depth, actions = order[active.node]
        return depth, actions.get(active.binding.action, len(actions))

    return sorted(screen.active_bindings.values(), key=place)


@cache
def _declared(owner: type[DOMNode]) -> Mapping[str, int]:
    """Return the position of each action among the bindings of a class."""
    maps = (BindingsMap(base.__dict__.get("BINDINGS")) for base in reversed(owner.__mro__))
    # A key that a base class has keeps its place, as it does for Textual.
    actions = {key: binding.action for bindings in maps for key, binding in bindings}
    return {action: position for position, action in enumerate(dict.fromkeys(actions.values()))}


def takes_as_text(screen: Screen[object], key: str) -> bool:
    """Return whether the focused widget takes a key as text; Textual asks it only for some of the printable keys."""
    character, focused = format_key(key), screen.focused
    is_character = len(character) == 1 and character.isascii()
    return focused is not None and is_character and focused.check_consume_key(key, character)
