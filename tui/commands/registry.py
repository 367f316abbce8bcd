"""The registry of commands, from which bindings, footer, help, palette and the README's key table are derived."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from tui.commands.context import Explorer

__all__ = ["COMMANDS", "Command", "Group", "bindings", "command", "register"]

Body: TypeAlias = "Callable[[Explorer], Awaitable[None]]"

Group: TypeAlias = Literal["Fork", "Branches", "Talk", "Manage", "Search", "Look", "Panes", "Program"]
"""A heading in the help."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something the user can do in the explorer, whichever pane has the focus.

    Attributes:
        id: Name in the `[keys]` of the configuration file.
        keys: Keys that run it, separated by commas, as Textual names them; empty where only the palette runs it.
        title: One or two words for footer and palette.
        help: One line for help, palette and README.
        group: Heading in the help.
        run: The command itself. It may raise `ConvoError`, which the explorer reports.
        footer: Whether the footer shows it. The footer has room for only some, and those registered first come first.
        synonyms: Further words by which the palette finds it.
        needs_agent: Whether it exists only in an explorer with an agent.
        writes: Whether it is refused where the file is read-only.
        inline: Whether the keys after it wait until it has run: it opens the dialog, or moves the focus, that they
            are for. Other commands run in a worker, and later keys overtake them.
        action: The Textual action that its keys run.
    """

    id: str
    keys: str
    title: str
    help: str
    group: Group
    run: Body
    footer: bool
    synonyms: tuple[str, ...]
    needs_agent: bool
    writes: bool
    inline: bool
    action: str


_commands: Final[dict[str, Command]] = {}

COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(_commands)
"""All commands by id, in the order of help and footer; the package `tui.commands` fills it."""


def command(
    id: str,  # noqa: A002
    *,
    keys: str = "",
    title: str,
    help: str,  # noqa: A002
    group: Group,
    footer: bool = False,
    synonyms: tuple[str, ...] = (),
    needs_agent: bool = False,
    writes: bool = False,
    inline: bool = False,
    action: str = "",
) -> Callable[[Body], Command]:
    """Make the decorated function a command; the arguments are the attributes of `Command`."""

    def declare(run: Body) -> Command:
        runs = action or f"command({id!r})"
        return Command(id, keys, title, help, group, run, footer, synonyms, needs_agent, writes, inline, runs)

    return declare


def register(*modules: ModuleType) -> None:
    """Add the commands of modules to `COMMANDS`, in their order.

    Raises:
        ValueError: Two commands have the same id or the same key.
    """
    # All commands of an explorer with an agent work at the same time, so that each key belongs to one of them.
    owners = {key: known.id for known in _commands.values() for key in known.keys.split(",") if key}
    for module in modules:
        for declared in vars(module).values():
            if isinstance(declared, Command):
                if declared.id in _commands:
                    raise ValueError(f"Two commands have the id {declared.id!r}.")
                for key in filter(None, declared.keys.split(",")):
                    if (owner := owners.setdefault(key, declared.id)) != declared.id:
                        raise ValueError(f"The commands {owner!r} and {declared.id!r} have the same key, {key!r}.")
                _commands[declared.id] = declared


def bindings(*, app: bool = False) -> list[BindingType]:
    """Return the bindings of the explorer screen, or of the application: what works on every screen."""
    return [
        Binding(known.keys, known.action, known.title, show=known.footer, tooltip=known.help, id=known.id)
        for known in COMMANDS.values()
        if known.keys and known.action.startswith("app.") == app
    ]
