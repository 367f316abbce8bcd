"""Keys, help and the command palette."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from textual.command import CommandList

from tests.explorer.driver import ExplorerDriver, open_explorer, typed
from tui.agent.settings import AgentSettings
from tui.app import ConvoApp
from tui.commands import COMMANDS, Command, registry
from tui.commands.context import Explorer
from tui.commands.registry import register
from tui.config import Config
from tui.controller import SessionController
from tui.errors import ConfigError
from tui.explorer.keymap import binding_ids
from tui.screens.dialogs.help import Help, HelpRow
from tui.storage.store import Store


async def test_help_has_every_command_that_works(path: Path) -> None:
    async with open_explorer(path, size=(120, 120)) as explorer:
        await explorer.press("question_mark")
        assert isinstance(explorer.app.screen, Help)
        for command in COMMANDS.values():
            assert (command.help in explorer.text) == (bool(command.keys) and not command.needs_agent)


async def test_the_configuration_changes_keys(path: Path) -> None:
    config = Config(Path("config.toml"), theme="textual-light", keys={"fork.here": "ctrl+t", "tree.up": "w"})
    async with open_explorer(path, config=config) as explorer:
        assert explorer.app.theme == "textual-light"
        await explorer.press("w", "f")
        assert explorer.place == ("main", 5)
        assert explorer.view.fork is None
        await explorer.press("ctrl+t")
        assert explorer.view.fork is not None


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (Config(Path("c.toml"), theme="neon"), "there is no theme 'neon'"),
        (Config(Path("c.toml"), keys={"fork.hree": "x"}), "has no command 'fork.hree'"),
    ],
)
async def test_an_unknown_name_in_the_configuration_is_refused(path: Path, config: Config, says: str) -> None:
    controller = SessionController(Store(path))
    with pytest.raises(ConfigError, match=says) as error_info:
        ConvoApp(controller, config)
    assert error_info.value.hint
    controller.close()


def test_commands_panes_and_screens_have_binding_ids() -> None:
    assert binding_ids() >= {"fork.here", "tree.up", "chat.up", "usage.up", "composer.send", "compare.swap"}


@pytest.mark.parametrize(
    ("command_id", "keys", "message"),
    [
        ("fork.here", "ctrl+t", r"Two commands have the id 'fork\.here'"),
        ("fork.again", "ctrl+t,f", r"'fork\.here' and 'fork\.again' have the same key, 'f'"),
    ],
)
def test_two_commands_with_one_id_or_key_are_refused(command_id: str, keys: str, message: str) -> None:
    module = ModuleType("more")
    module.fork_again = replace(COMMANDS["fork.here"], id=command_id, keys=keys)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=message):
        register("Fork", module)
    assert "fork.again" not in COMMANDS
    assert COMMANDS["fork.here"].keys == "f"


async def test_help_has_each_heading_once_in_the_order_of_first_commands(path: Path) -> None:
    rows = [HelpRow("Birds", "x", "Finch"), HelpRow("Trees", "y", "Maple"), HelpRow("Birds", "z", "Robin")]
    async with open_explorer(path) as explorer:
        await explorer.app.push_screen(Help(rows))
        await explorer.press()
        words = ("Birds", "Finch", "Robin", "Trees", "Maple")
        assert [explorer.text.count(word) for word in words] == [1] * len(words)
        assert sorted(words, key=explorer.text.index) == list(words)


async def test_each_key_runs_its_command_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def record(command: Command) -> Command:
        async def run(_: Explorer) -> None:
            ran.append(command.id)

        return replace(command, run=run)

    for command in COMMANDS.values():
        monkeypatch.setitem(registry._commands, command.id, record(command))
    async with open_explorer(path) as explorer:
        for command in COMMANDS.values():
            # Textual opens the palette, suspends, and quits at Ctrl+Q by itself.
            by_textual = command.id in ("app.palette", "app.suspend")
            for key in command.keys.replace(",ctrl+q", "").split(",") if not by_textual else ():
                ran.clear()
                await explorer.press(*filter(None, [key]))
                expected = command.keys and not command.needs_agent
                assert ran == ([command.id] if expected else [])


async def test_without_an_agent_its_commands_are_offered_nowhere(path: Path) -> None:
    async with open_explorer(path) as explorer:
        assert "run.again" not in explorer.screen.active_keys()
        assert "Run again" not in await found_in_palette(explorer, "")
    async with open_explorer(path, agent=AgentSettings(model="offline")) as explorer:
        assert "run.again" in explorer.screen.active_keys()
        assert "Run again" in await found_in_palette(explorer, "")


async def test_a_command_that_writes_is_refused_in_a_read_only_file(path: Path) -> None:
    async with open_explorer(path, read_only=True) as explorer:
        await explorer.press("f")
        assert explorer.notices == ["This file is open read-only. Open it without --read-only to change it."]
        assert explorer.view.fork is None
        # The same error is not repeated while it is on the screen.
        await explorer.press("z")
        assert len(explorer.notices) == 1


async def found_in_palette(explorer: ExplorerDriver, query: str) -> list[str]:
    """Return the titles that the palette lists for what was typed, the best first."""
    await explorer.press("ctrl+p", *typed(query))
    options = explorer.app.screen.query_one(CommandList)
    await explorer.until(lambda: options.option_count > 0)
    await explorer.settle()
    prompts = [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]
    await explorer.press("escape")
    return [prompt.partition("\n")[0].partition("  ")[0] for prompt in prompts]


@pytest.mark.parametrize(
    ("typed_text", "command_id"),
    [
        ("rename", "manage.name"),
        ("redo", "manage.redo"),
        ("export", "export.write"),
        ("import", "session.import"),
        ("refresh", "app.refresh"),
        ("follow", "view.follow"),
        ("unarchive", "manage.archive"),
        ("sibling", "branch.next"),
        ("search", "find.here"),
        ("find all", "find.everywhere"),
        ("help", "app.help"),
        ("money", "usage.price_as"),
        ("history", "manage.done"),
        ("switch", "branch.pick"),
        ("copy tur", "manage.turns"),
        ("COMPARE", "branch.compare"),
    ],
)
async def test_the_palette_finds_a_command(path: Path, typed_text: str, command_id: str) -> None:
    async with open_explorer(path) as explorer:
        found = await found_in_palette(explorer, typed_text)
        assert found[0] == COMMANDS[command_id].title


async def test_the_palette_lists_all_commands_with_keys_and_help(path: Path) -> None:
    async with open_explorer(path, size=(120, 200)) as explorer:
        titles = await found_in_palette(explorer, "")
        expected = [command.title for command in COMMANDS.values() if not command.needs_agent]
        expected.remove("Commands")
        assert titles == [*expected, "Theme", "Screenshot"]
        await explorer.press("ctrl+p")
        await explorer.until(lambda: "Compare  c" in explorer.text)
        assert COMMANDS["branch.compare"].help in explorer.text


async def test_the_palette_runs_a_command(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+p", *typed("fork after"))
        await explorer.until(lambda: "Fork after this turn" in explorer.text)
        await explorer.press("enter")
        await explorer.until(lambda: explorer.view.fork is not None)
        assert "New branch after turn 6" in explorer.text
