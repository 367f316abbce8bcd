"""Typed keys in their order: each acts on the dialog or the widget that the keys before it have brought."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from time import monotonic
from typing import Any, Final, Generic

from textual import events
from textual.app import App, ReturnType
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker

__all__ = ["KeyHold", "KeyOrderApp", "run_holding_keys"]

_PATIENCE: Final = 0.3
"""Seconds after which Esc cancels what keys wait for, and is no longer a key that waits."""

_ROUNDS: Final = 2
"""Number of times that the way of a key is followed: its widget may post a message, which goes the same way."""


class _Kind(Enum):
    """The use that the focused widget has for a key."""

    TEXT = auto()
    MOVEMENT = auto()
    OTHER = auto()


class KeyHold:
    """The wait of keys for a worker, which is known once it has begun."""

    worker: Worker[None] | None = None


class KeyOrderApp(App[ReturnType], Generic[ReturnType]):
    """An app that holds a key back until the keys before it have been handled.

    Textual gives a key at once to the widget that has the focus, also while that widget has yet to handle another key,
    which opens a dialog or moves the focus.

    Attributes:
        last_key_at: When a key was pressed last, by the monotonic clock.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last_key_at = 0.0
        self._held: deque[events.Key | events.Paste] = deque()
        self._is_following = False
        self._waited_for: list[KeyHold] = []
        self._waiting_since = 0.0
        self._has_waited = False
        self._last_target: MessagePump | None = None
        self._last_kind = _Kind.OTHER
        self._moving_keys: tuple[Widget | None, frozenset[str]] = None, frozenset()

    @property
    def holds_keys(self) -> bool:
        """True if keys wait to be delivered, or the last one is on its way."""
        return bool(self._held) or self._is_following

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Paste):
            # Terminals send Enter for the end of a line.
            event.text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        if isinstance(event, events.Key | events.Paste):
            if not self.is_running:
                return
            self.last_key_at = monotonic()
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded or self._leaves(event):
            await super().on_event(event)
        elif self._waited_for and self._cancels(event):
            for hold in tuple(self._waited_for):
                if hold.worker is not None:
                    hold.worker.cancel()
                self.release_keys(hold, drop=True)
        elif self._held or self._is_following or self._waited_for or not self._follows_its_kind(event):
            self._held.append(event)
            self._follow_last_key()
        else:
            await self._deliver(event)

    def hold_keys(self) -> KeyHold:
        """Hold keys back until `release_keys`, or until Esc cancels the worker for which they wait."""
        if not self._waited_for:
            self._waiting_since = monotonic()
        self._has_waited = True
        hold = KeyHold()
        self._waited_for.append(hold)
        return hold

    def release_keys(self, hold: KeyHold, *, drop: bool = False) -> None:
        """Deliver the keys that were held back; `drop` them if what they are for does not come."""
        if hold in self._waited_for:
            self._waited_for.remove(hold)
            if drop:
                self._held.clear()
            self._follow_last_key()

    def _leaves(self, event: events.Key | events.Paste) -> bool:
        return bool(self._waited_for) and isinstance(event, events.Key) and event.key == "ctrl+q"

    def _cancels(self, event: events.Key | events.Paste) -> bool:
        is_escape = isinstance(event, events.Key) and event.key == "escape"
        return is_escape and monotonic() - self._waiting_since > _PATIENCE

    def _follows_its_kind(self, event: events.Key | events.Paste) -> bool:
        """Return whether a key is text or a movement as the one before it, which has moved no focus then."""
        kind = self._kind(event)
        return kind is not _Kind.OTHER and kind is self._last_kind and self.focused is self._last_target

    def _kind(self, event: events.Key | events.Paste) -> _Kind:
        focused = self.focused
        if focused is None:
            return _Kind.OTHER
        if isinstance(event, events.Paste) or focused.check_consume_key(event.key, event.character):
            return _Kind.TEXT
        if self._moving_keys[0] is not focused:
            # Own bindings that the footer does not show only move the cursor.
            bindings = self.screen.active_bindings.items()
            keys = frozenset(key for key, active in bindings if active.node is focused and not active.binding.show)
            self._moving_keys = focused, keys
        return _Kind.MOVEMENT if event.key in self._moving_keys[1] else _Kind.OTHER

    async def _deliver(self, event: events.Key | events.Paste) -> None:
        if not self.is_running:
            # The screens are being closed.
            return
        self._last_target, self._last_kind = self.focused or self.screen, self._kind(event)
        await super().on_event(event)

    def _follow_last_key(self) -> None:
        """Deliver the next key after the messages that the last one has caused."""
        if self._held and not self._is_following and not self._waited_for:
            self._is_following = True
            target = self._last_target
            nodes = target.ancestors_with_self if isinstance(target, Widget) else ()
            self._go_on([*(node for node in nodes if node is not self), self] * _ROUNDS)

    def _go_on(self, way: list[MessagePump]) -> None:
        """Pass through the queues of a way; those of widgets that have been removed take nothing more."""
        while way:
            node = way.pop(0)
            if (node is self or node.message_queue_size) and node.call_later(self._go_on, way):
                return
        self.call_next(self._deliver_next)

    async def _deliver_next(self) -> None:
        self._is_following = False
        # What a worker has done since the way began sends messages, too.
        has_waited, self._has_waited = self._has_waited, bool(self._waited_for)
        if self._held and not has_waited:
            await self._deliver(self._held.popleft())
        self._follow_last_key()


def run_holding_keys(screen: Screen[Any], work: Callable[[], Awaitable[bool]]) -> None:
    """Run a function in a worker, while keys wait for the dialog that it opens or the focus that it moves.

    Args:
        screen: The screen of the worker.
        work: Returns whether the keys have what they waited for; else they are dropped.
    """
    app = screen.app
    if not isinstance(app, KeyOrderApp):
        screen.run_worker(work)
        return
    hold = app.hold_keys()

    async def run() -> None:
        succeeded = False
        try:
            succeeded = await work()
        finally:
            app.release_keys(hold, drop=not succeeded)

    # From Python 3.12 on the work may have ended before `run_worker` returns.
    hold.worker = screen.run_worker(run)
