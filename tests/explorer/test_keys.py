"""Keys, help and the command palette."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from textual.command import CommandList
from textual.events import Paste

from tests.conversations import turn, write_turns
from tests.explorer.driver import ExplorerDriver, open_explorer, typed
from tui.agent.settings import AgentSettings
from tui.app import ConvoApp
from tui.commands import COMMANDS, Command, registry
from tui.commands.context import Explorer
from tui.commands.registry import register
from tui.config import Config, config_path, load_config, state_path
from tui.controller import SessionController
from tui.errors import ConfigError
from tui.explorer.actions import screen_actions
from tui.explorer.keymap import PRESETS, key_bindings
from tui.screens.dialogs.help import Help, HelpRow
from tui.screens.dialogs.menu import Menu
from tui.storage.store import Store
from tui.widgets.signs import SIGNS


async def test_help_has_every_command_that_works_and_every_sign(path: Path) -> None:
    async with open_explorer(path, size=(100, 200)) as explorer:
        await explorer.press("question_mark")
        assert isinstance(explorer.app.screen, Help)
        for command in COMMANDS.values():
            assert (command.help in explorer.text) == (not command.needs_agent), command.id
        for sign in SIGNS:
            assert f"{sign.sign} {sign.words}" in " ".join(explorer.text.split())


async def test_the_footer_offers_no_key_that_does_nothing(path: Path, tmp_path: Path) -> None:
    def footer() -> str:
        return explorer.lines[-1]

    async with open_explorer(path, "main", size=(200, 40), agent=AgentSettings(model="offline")) as explorer:
        assert all(title in footer() for title in ("Fork", "Run again", "Sibling"))
        assert "Back" not in footer()
        await explorer.press("right_square_bracket")
        assert "Back" in footer()
        await explorer.press("i")
        assert "Send" in footer()
    async with open_explorer(path, "main", size=(200, 40), read_only=True) as explorer:
        assert "Sibling" in footer()
        assert "Fork" not in footer()
        await explorer.press("i")
        assert explorer.notice == "Read-only: nothing can be sent or forked."
        assert "Send" not in footer()
    (tmp_path / "alone").mkdir()
    alone = await write_turns(tmp_path / "alone", turn("hello"))
    async with open_explorer(alone, size=(200, 40)) as explorer:
        assert "Sibling" not in footer()
        await explorer.press("i")
        assert explorer.notice == "No model is set: start with --model or --agent."
        assert "Send" not in footer()
        await explorer.press("escape", "f")
        assert "Send" not in footer()
        assert "Enter makes the branch ·" in explorer.text


async def test_commands_for_turns_do_nothing_on_the_row_of_a_session(path: Path) -> None:
    async with open_explorer(path, agent=AgentSettings(model="offline")) as explorer:
        for key in ("f", "F", "r", "v", "m"):
            explorer.app.clear_notifications()
            await explorer.press("g", key)
            assert explorer.tree.cursor_session is not None
            assert explorer.app.screen is explorer.screen
            assert explorer.view.fork is None
            assert not explorer.view.marks
            assert explorer.notice.startswith("This is the row of a session. Go to a turn first: "), key
            assert "Fork" not in explorer.lines[-1]
            await explorer.press("down")
            assert "Fork" in explorer.lines[-1]


async def test_help_narrows_while_typing_and_runs_the_chosen_command(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("question_mark", *"follow")
        assert "Fork here" not in explorer.text
        await explorer.press("enter")
        assert explorer.view.following
        await explorer.press("question_mark", *"cached")
        assert "parts of bars without colours" in explorer.text
        # A sign cannot be run.
        await explorer.press("enter")
        assert "Keys and signs" in explorer.text
        await explorer.press("question_mark")
        assert "Keys and signs" not in explorer.text
        await explorer.press("question_mark", *"mark")
        await explorer.click_text("Mark / unmark")
        assert explorer.view.marks == (("main", 6),)


async def test_help_works_in_full_screens_dialogs_and_while_typing(path: Path) -> None:
    async with open_explorer(path, "alt") as explorer:
        await explorer.press("c")
        compare = explorer.app.screen
        left = explorer.lines[1].split()[1]
        await explorer.press("question_mark")
        assert "Swap sides" in explorer.text
        assert "Fork here" not in explorer.text
        await explorer.press(*"swap", "enter")
        assert explorer.app.screen is compare
        assert explorer.lines[1].split()[1] != left
        await explorer.press("escape", "1", "m", "question_mark")
        assert "Copy JSON" in explorer.text
        await explorer.press("escape", "escape", "d", "question_mark")
        assert "Archive instead" in explorer.text
        await explorer.press("escape", "escape", "b", "f1")
        assert "This dialog" in explorer.text
        await explorer.press("escape", "escape", "slash", "f1")
        assert "⏎  Done" in explorer.text
        await explorer.press("escape", *"a")
        assert "/a" in explorer.text


async def test_the_footer_has_help_and_quit_at_every_width_and_place(path: Path) -> None:
    async with open_explorer(path, size=(60, 30), agent=AgentSettings(model="offline")) as explorer:

        def footer() -> str:
            return explorer.lines[-1]

        for columns in (60, 80, 100, 140):
            await explorer.resize(columns, 30)
            for keys in (["1"], ["2"], ["3"]):
                await explorer.press(*keys)
                assert "? Help" in footer()
                assert "q Quit" in footer()
                assert "space Menu" in footer()
            await explorer.press("i")
            assert "f1 Help" in footer()
            assert "^q Quit" in footer()
            await explorer.press("escape", "slash")
            # Letters are typed: the footer has what the keys do in the search.
            shown = re.findall(r"(\S+) ([A-Z]\S+)", footer())
            keys_of_search = {"⏎": "Done", "↓": "Next", "tab": "Scope", "esc": "Back", "^q": "Quit", "f1": "Help"}
            assert dict(shown) == keys_of_search, columns
            await explorer.press("escape")


async def test_every_sign_on_the_screen_is_explained(path: Path) -> None:
    """Signs are symbols: neither letters nor the lines and blocks of frames and bars."""
    explained = "".join(f"{sign.sign}{sign.words}" for sign in SIGNS) + "°⏎"

    def unexplained(text: str) -> set[str]:
        symbols = {character for character in text if unicodedata.category(character)[0] == "S"}
        return {symbol for symbol in symbols - set(explained) if ord(symbol) > 126 and not "─" <= symbol <= "▟"}

    # As they are on the screen, not only as the examples.
    for text in ("‹1/2›", "2✗", "[porto]", "[two-f…ends]", "⚙7", "2.5k", "≈43.1k", "≥2.5M", "×12"):
        assert any(sign.shows(text) for sign in SIGNS), text
    assert not any(sign.shows("main") for sign in SIGNS)

    async with open_explorer(path) as explorer:
        await explorer.press("question_mark")
        explorer.app.post_message(Paste("‹1/2›"))
        await explorer.settle()
        assert "the second of three alternatives" in explorer.text
        await explorer.press("escape", "g", "down", "v", "asterisk", "left")
        assert not unexplained(explorer.text)
        await explorer.press("right", "2", "o")
        assert not unexplained(explorer.text)
        await explorer.press("dollar_sign")
        assert not unexplained(explorer.text)
        await explorer.press("c")
        assert not unexplained(explorer.text)


async def test_lines_are_pasted_as_lines_whatever_the_terminal_sends_for_their_ends(path: Path) -> None:
    async with open_explorer(path, agent=AgentSettings(model="offline")) as explorer:
        await explorer.press("i")
        explorer.app.post_message(Paste("one\rtwo\r\nthree\nfour"))
        await explorer.settle()
        assert explorer.composer.text == "one\ntwo\nthree\nfour"


async def test_the_chosen_theme_is_kept_for_the_next_start(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    config_file = config_path()
    config_file.parent.mkdir(parents=True)
    config_file.write_text('theme = "gruvbox"\n')

    async def theme_at_start(*keys: str) -> str:
        async with open_explorer(path, config=load_config()) as explorer:
            theme = explorer.app.theme
            if keys:
                await explorer.press("ctrl+p", *"theme")
                await explorer.until(lambda: "Choose the colours" in explorer.text)
                await explorer.press("enter", *keys)
            return theme

    assert await theme_at_start(*"dracula", "escape") == "gruvbox"
    assert await theme_at_start(*"dracula", "enter") == "gruvbox"
    assert await theme_at_start() == "dracula"
    assert config_file.read_text() == 'theme = "gruvbox"\n'
    # A theme that is written into the configuration afterwards takes precedence.
    config_file.write_text('theme = "nord"\n')
    assert await theme_at_start() == "nord"
    state_path().write_text("{")
    assert await theme_at_start() == "nord"
    state_path().unlink()
    state_path().mkdir()
    async with open_explorer(path, config=load_config()) as explorer:
        await explorer.press("ctrl+p", *"theme")
        await explorer.until(lambda: "Choose the colours" in explorer.text)
        await explorer.press("enter", *"dracula", "enter")
        assert "The theme is not kept for the next start" in explorer.notice


async def test_the_configuration_changes_keys(path: Path) -> None:
    config = Config(Path("config.toml"), theme="textual-light", keys={"fork.here": "ctrl+t", "tree.up": "p"})
    async with open_explorer(path, config=config) as explorer:
        assert explorer.app.theme == "textual-light"
        await explorer.press("p", "f")
        assert explorer.place == ("main", 5)
        assert explorer.view.fork is None
        await explorer.press("ctrl+t")
        assert explorer.view.fork is not None


async def test_footer_help_and_menu_keep_their_order_if_actions_have_more_keys(path: Path) -> None:
    async def read(keys: dict[str, str]) -> list[list[str]]:
        config, shown = Config(Path("config.toml"), keys=keys), []
        async with open_explorer(path, size=(60, 30), config=config, agent=AgentSettings(model="offline")) as explorer:
            for pane in ("1", "2", "3"):
                await explorer.press("escape", pane)
                shown.append([explorer.lines[-1], *(action.title for action in screen_actions(explorer.screen))])
                await explorer.press("space")
                menu = explorer.app.screen
                assert isinstance(menu, Menu)
                shown.append([entry.title for entry in menu._entries])
                await explorer.press("escape")
        return shown

    # Of some actions alone: Textual lists the bindings that the configuration changes after all others.
    some = ["fork.here", *list(key_bindings())[::2]]
    more = {name: ",".join((*key_bindings()[name].keys, f"alt+{chr(0x4E00 + i)}")) for i, name in enumerate(some)}
    shown = await read({})
    assert "f Fork" in shown[2][0]
    assert shown == await read(more)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (Config(Path("c.toml"), theme="neon"), "there is no theme 'neon'"),
        (Config(Path("c.toml"), keys={"fork.hree": "x"}), "has no command 'fork.hree'"),
        (Config(Path("c.toml"), preset="old"), "has no preset 'old'"),
        (Config(Path("c.toml"), keys={"fork.here": "foo+bar"}), "a key that does not exist: 'foo[+]bar'"),
        (Config(Path("c.toml"), keys={"fork.here": "f,,g"}), "a key that does not exist: ''"),
        (Config(Path("c.toml"), keys={"fork.here": "r"}), "gives 'fork.here' and 'run.again' the same key in the tree"),
        (Config(Path("c.toml"), keys={"fork.here": "/"}), "gives 'fork.here' and 'find.here' the same key .*: '/'"),
        (Config(Path("c.toml"), keys={"chat.up": "f"}), "'fork.here' and 'chat.up' the same key in the chat: 'f'"),
        (Config(Path("c.toml"), preset="classic", keys={"fork.here": "A"}), "the same key in the tree: 'A'"),
        (Config(Path("c.toml"), keys={"compare.swap": "n"}), "the same key in the comparison: 'n'"),
    ],
)
async def test_an_unknown_name_in_the_configuration_is_refused(path: Path, config: Config, says: str) -> None:
    controller = SessionController(Store(path))
    with pytest.raises(ConfigError, match=says) as error_info:
        ConvoApp(controller, config)
    assert error_info.value.hint
    controller.close()


def test_commands_panes_and_screens_have_binding_ids() -> None:
    assert key_bindings().keys() >= {"fork.here", "tree.up", "chat.up", "usage.up", "composer.send", "compare.swap"}


def test_a_letter_and_its_shifted_form_belong_to_the_same_thing() -> None:
    meanings = {
        "f": {"fork.here", "fork.after"},
        "g": {"tree.first", "tree.last", "chat.home", "chat.end", "usage.first", "usage.last"}
        | {"lines.start", "lines.end"},
        "m": {"turn.seen", "model_input.json"},
        "s": {"session.pick", "session.new"},
        "n": {"find.next", "find.previous", "difference.next", "difference.previous"},
        "x": {"export.write", "session.import"},
        "y": {"text.copy", "model_input.copy", "manage.copy"},
        "z": {"manage.undo", "manage.redo"},
    }
    owners: dict[str, set[str]] = {}
    for binding in key_bindings().values():
        for key in binding.keys:
            owners.setdefault(key, set()).add(binding.id)
    letters = [letter for letter in "abcdefghijklmnopqrstuvwxyz" if {letter, letter.upper()} <= owners.keys()]
    assert {letter: owners[letter] | owners[letter.upper()] for letter in letters} == meanings


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_bindings_and_gives_no_key_twice(name: str) -> None:
    bindings = key_bindings(Config(Path("c.toml"), preset=name))
    assert PRESETS[name].keys() <= bindings.keys()
    for pane in ("tree", "chat", "usage"):
        keys = [key for binding in bindings.values() if binding.scope in (pane, "explorer") for key in binding.keys]
        assert len(set(keys)) == len(keys)


async def test_the_classic_preset_has_the_former_keys(path: Path) -> None:
    config = Config(Path("config.toml"), preset="classic", keys={"fork.here": "ctrl+t"})
    async with open_explorer(path, config=config) as explorer:
        await explorer.press("A")
        assert "New branch after turn 6" in explorer.text
        await explorer.press("escape")
        await explorer.press("ctrl+t")
        assert "Fork from turn 6" in explorer.text


def test_a_command_without_a_key_can_get_one() -> None:
    assert key_bindings()["usage.price_as"].keys == ()
    assert key_bindings(Config(Path("c.toml"), keys={"usage.price_as": "M"}))["usage.price_as"].keys == ("M",)


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


async def test_end_in_the_help_goes_to_the_signs_and_home_back(path: Path) -> None:
    async with open_explorer(path, size=(100, 24)) as explorer:
        await explorer.press("question_mark")
        first = explorer.text
        assert SIGNS[-1].words not in first
        await explorer.press("end")
        assert SIGNS[-1].words in explorer.text
        await explorer.press("home")
        assert explorer.text == first


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
            # The others are actions of the application.
            for key in command.keys.split(",") if not command.action.startswith("app.") else ():
                ran.clear()
                await explorer.press(*filter(None, [key]))
                expected = command.keys and not command.needs_agent
                assert ran == ([command.id] if expected else [])


async def test_without_an_agent_its_commands_are_offered_nowhere(path: Path) -> None:
    async with open_explorer(path) as explorer:
        assert "run.again" not in {action.id for action in screen_actions(explorer.screen)}
        assert "Run again" not in await found_in_palette(explorer, "")
    async with open_explorer(path, agent=AgentSettings(model="offline")) as explorer:
        assert "run.again" in {action.id for action in screen_actions(explorer.screen)}
        assert "Run again" in await found_in_palette(explorer, "")


async def test_a_key_whose_command_needs_an_agent_says_so_without_one(path: Path) -> None:
    async with open_explorer(path) as explorer:
        for key, title in (("S", "New session"), ("r", "Run again"), ("w", "Approve"), ("e", "Error")):
            await explorer.press(key, key)
            assert explorer.notice == f"{title} needs an agent. Start with --model or --agent."


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
    await explorer.press("ctrl+p")
    explorer.app.post_message(Paste(query))
    await explorer.settle()
    options = explorer.app.screen.query_one(CommandList)
    await explorer.until(lambda: options.option_count > 0)
    await explorer.settle()
    prompts = [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]
    await explorer.press("escape")
    return [prompt.partition("\n")[0].partition("  ")[0] for prompt in prompts]


async def test_the_palette_finds_commands(path: Path) -> None:
    async with open_explorer(path) as explorer:
        for words, command_id in {
            "rename": "manage.name",
            "redo": "manage.redo",
            "export": "export.write",
            "import": "session.import",
            "refresh": "app.refresh",
            "follow": "view.follow",
            "unarchive": "manage.archive",
            "sibling": "branch.next",
            "search": "find.here",
            "find all": "find.everywhere",
            "help": "app.help",
            "money": "usage.price_as",
            "history": "manage.done",
            "switch": "branch.pick",
            "copy tur": "manage.turns",
            "COMPARE": "branch.compare",
        }.items():
            found = await found_in_palette(explorer, words)
            assert found[0] == COMMANDS[command_id].title, words


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
