"""The registry of commands, from which bindings, footer, help, palette and the README's key table are derived."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import MappingProxyType, ModuleType
from typing import Final, TypeAlias

from textual.binding import Binding, BindingType

from tui.commands.context import Explorer

__all__ = ["COMMANDS", "Command", "Target", "bindings", "command", "has_key", "no_key", "register"]

Body: TypeAlias = Callable[[Explorer], Awaitable[None]]

_NO_KEY: Final = "no_key."


class Target(Enum):
    """A kind of thing that a command applies to; the menu of such a thing lists the command."""

    TURN = auto()
    BRANCH = auto()
    SESSION = auto()
    """Any session of the file."""
    OPEN_SESSION = auto()
    ITEM = auto()
    BAR = auto()
    """A bar of the usage pane."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something the user can do in the explorer, whichever pane has the focus.

    Attributes:
        id: Its name in the `[keys]` of the configuration file, which `convo-tui keys` lists.
        keys: The keys that run it, separated by commas, as Textual names them; empty if only the palette runs it.
        title: One or two words for footer and palette.
        help: One line for help, palette and README.
        on: Things that it applies to; empty if it is in no menu.
        run: The function. It may raise `ConvoError`, which the explorer reports.
        footer: Whether the footer shows it. If the footer has no room for all, it shows those registered first.
        synonyms: Further words by which the palette finds it.
        needs_agent: Whether it exists only in an explorer with an agent.
        writes: Whether it is refused if the file is read-only.
        holds_keys: Whether later keys wait until it has run, because they are for the dialog that it opens or the
            widget that it focuses.
        action: The Textual action that its keys run.
        group: Heading in the help; set by `register`.
    """

    id: str
    keys: str
    title: str
    help: str
    on: tuple[Target, ...]
    run: Body
    footer: bool
    synonyms: tuple[str, ...]
    needs_agent: bool
    writes: bool
    holds_keys: bool
    action: str
    group: str = ""


_commands: Final[dict[str, Command]] = {}

COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(_commands)
"""All commands by id, in the order of help and footer; the package `tui.commands` fills it."""


def command(
    id: str,  # noqa: A002
    *,
    keys: str = "",
    title: str,
    help: str,  # noqa: A002
    on: tuple[Target, ...] = (),
    footer: bool = False,
    synonyms: tuple[str, ...] = (),
    needs_agent: bool = False,
    writes: bool = False,
    holds_keys: bool = False,
    action: str = "",
) -> Callable[[Body], Command]:
    """Return a decorator that makes a function a command; the arguments are the attributes of `Command`."""

    def declare(run: Body) -> Command:
        key_action = action or f"command({id!r})"
        return Command(id, keys, title, help, on, run, footer, synonyms, needs_agent, writes, holds_keys, key_action)

    return declare


def register(group: str, *modules: ModuleType) -> None:
    """Add the commands of modules to `COMMANDS`, as a group of the help.

    Raises:
        ValueError: Two commands have the same id or the same key.
    """
    # An explorer with an agent has all commands, so each key must belong to one command.
    owners = {key: known.id for known in _commands.values() for key in known.keys.split(",") if key}
    for module in modules:
        for declared in vars(module).values():
            if isinstance(declared, Command):
                if declared.id in _commands:
                    raise ValueError(f"Two commands have the id {declared.id!r}.")
                for key in filter(None, declared.keys.split(",")):
                    if (owner := owners.setdefault(key, declared.id)) != declared.id:
                        raise ValueError(f"The commands {owner!r} and {declared.id!r} have the same key, {key!r}.")
                _commands[declared.id] = replace(declared, group=group)


def bindings(*, app: bool = False) -> list[BindingType]:
    """Return the bindings of the explorer screen, or those of the application, which work on every screen.

    A command without a key has a binding too, so that the configuration can give it one.
    """
    return [
        Binding(
            known.keys or no_key(known.id),
            known.action,
            known.title,
            show=known.footer,
            tooltip=known.help,
            id=known.id,
        )
        for known in COMMANDS.values()
        if known.action.startswith("app.") == app
    ]


def no_key(binding_id: str) -> str:
    """Return the key, which no keyboard has, of a binding that has no key."""
    return f"{_NO_KEY}{binding_id}"


def has_key(binding: Binding) -> bool:
    """Return whether a binding has a key that can be pressed."""
    return not binding.key.startswith(_NO_KEY)
