"""The composer: messages, forks and drafts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.pilot import Pilot
from textual.reactive import var
from textual.widgets import Button, Input, Static, TextArea

from tests.widgets.tree.samples import SESSION, tree_of, view_of
from tui.model import ForkDraft, Run, RunState, Session, View
from tui.widgets.composer.composer import Composer
from tui.widgets.composer.drafts import Destination, destination_of

Snapshot = Callable[..., bool]

MAIN = view_of(tree_of({"main": [1, 2, 3, 4, 5], "alt": [1, 2, 6]}), turn=3)._replace(model="gpt-nano")
FORK = MAIN._replace(fork=ForkDraft("main", 3, "and tomorrow?"))
ALT = view_of(tree_of({"main": [1, 2, 3, 4, 5], "alt": [1, 2, 6]}), "alt")._replace(model="gpt-nano")
AT_END = MAIN._replace(fork=ForkDraft("main", 6))


class ComposerApp(App[None]):
    """An app with the composer below a button that can take the focus."""

    CSS = "Button { height: 1fr; width: 1fr; border: none; } "

    view: var[View] = var(View(), init=False)

    def __init__(self, start: View = MAIN, theme: str = "textual-dark") -> None:
        super().__init__()
        self.composer = Composer()
        self.posted: list[Message] = []
        self._start = start
        self._theme = theme

    def compose(self) -> ComposeResult:
        yield Button("the chat")
        yield self.composer.data_bind(ComposerApp.view)

    def on_mount(self) -> None:
        self.theme = self._theme
        self.view = self._start
        self.composer.focus()

    @on(Composer.Submitted)
    @on(Composer.LeaveRequested)
    def _keep(self, event: Message) -> None:
        self.posted.append(event)

    @property
    def editor(self) -> TextArea:
        return self.composer.query_one(TextArea)

    @property
    def branch_name(self) -> Input:
        return self.composer.query_one(Input)


def title(app: ComposerApp) -> str:
    return app.composer.border_title or ""


def submitted(app: ComposerApp, text: str, name: str = "") -> Composer.Submitted:
    """Return the message that Enter posts for a text."""
    destination = destination_of(app.view)
    assert destination is not None
    return Composer.Submitted(app.composer, text, name, destination)


async def paste(pilot: Pilot[None], text: str) -> None:
    """Paste a text as a terminal does."""
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


# Writing


async def test_enter_submits_the_text_and_keeps_it() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"hello", "enter")

        assert app.posted == [submitted(app, "hello")]
        assert app.composer.text == "hello"


async def test_an_empty_text_is_not_submitted() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("enter", "space", "enter")

        assert app.posted == []


@pytest.mark.parametrize("key", ["shift+enter", "ctrl+j"])
async def test_a_new_line_replaces_the_selection(key: str) -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"onextwo", "left", "left", "left", "shift+left", key, *"and ")

        assert app.composer.text == "one\nand two"
        assert app.posted == []


async def test_pasted_lines_are_kept() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await paste(pilot, "one\n\n  two\n")
        await pilot.press("enter")

        assert app.posted == [submitted(app, "one\n\n  two\n")]


@pytest.mark.parametrize("text", ["", "ab", "a\n", "a\nb"])
async def test_each_command_of_the_editor_works_at_both_ends(text: str) -> None:
    actions = {binding.action for binding in Binding.make_bindings(TextArea.BINDINGS)}
    assert actions >= {"delete_to_end_of_line_or_delete_line", "cut", "delete_left", "delete_word_right"}
    app = ComposerApp()
    async with app.run_test():
        for action in sorted(actions):
            for at_end in (False, True):
                app.editor.text = text
                app.editor.move_cursor(app.editor.document.end if at_end else (0, 0))
                await app.editor.run_action(action)


async def test_tab_moves_the_focus() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("a", "tab")

        assert app.composer.text == "a"
        assert isinstance(app.focused, Button)


async def test_escape_asks_to_leave() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("a", "escape")

        assert app.posted == [Composer.LeaveRequested(app.composer)]
        assert app.composer.text == "a"


async def test_it_grows_with_its_text_to_a_third_of_the_screen() -> None:
    app = ComposerApp()
    async with app.run_test(size=(60, 24)) as pilot:
        heights = []
        for _ in range(8):
            await pilot.press("ctrl+j")
            await pilot.pause()
            heights.append(app.composer.outer_size.height)
        assert heights == [4, 5, 6, 7, 8, 8, 8, 8]

        await pilot.resize_terminal(60, 15)
        await pilot.pause()
        assert app.composer.outer_size.height == 5


async def test_a_wrapped_line_counts_as_several() -> None:
    app = ComposerApp()
    async with app.run_test(size=(40, 24)) as pilot:
        await paste(pilot, "word " * 20)
        await pilot.pause()

        assert app.composer.outer_size.height == 5


async def test_the_footer_offers_no_command_on_a_key_that_types() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        for key in ("minus", "plus", "slash", "f", "f5"):
            app.bind(key, "bell")
        await pilot.press("minus")

        assert app.composer.text == "-"
        assert {"minus", "plus", "slash", "f", "f5"} & set(app.screen.active_bindings) == {"f5"}


# Forks


async def test_a_fork_starts_from_the_message_and_the_title_names_its_turn() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        app.view = FORK
        await pilot.pause()
        assert title(app) == "Fork from turn 3 · main stays as it is"
        assert app.composer.text == "and tomorrow?"

        await pilot.press(*" 9 am", "enter")
        assert app.posted == [submitted(app, "and tomorrow? 9 am")]


async def test_a_fork_after_the_last_turn_starts_empty() -> None:
    app = ComposerApp(AT_END)
    async with app.run_test() as pilot:
        await pilot.press("enter")

        assert title(app) == "New branch after turn 5 · main stays as it is"
        assert app.posted == [submitted(app, "")]


async def test_a_fork_can_be_named() -> None:
    app = ComposerApp(FORK)
    async with app.run_test() as pilot:
        await pilot.press("tab", *" by hour ", "ctrl+j", "enter")

        assert app.posted == [submitted(app, "and tomorrow?", "by hour")]


async def test_the_name_is_shown_only_for_a_fork() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        shown = []
        for view in (MAIN, FORK, MAIN):
            app.view = view
            await pilot.pause()
            shown.append([line.display for line in app.composer.query(Input)])

        assert shown == [[], [True], [False]]


async def test_escape_asks_to_leave_from_the_name() -> None:
    app = ComposerApp(FORK)
    async with app.run_test() as pilot:
        await pilot.press("tab", "a", "escape")

        assert app.posted == [Composer.LeaveRequested(app.composer)]


# Drafts


async def test_a_draft_is_restored_after_a_fork() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"half a tho")
        app.view = FORK
        await pilot.pause()
        assert app.composer.text == "and tomorrow?"
        app.view = MAIN
        await pilot.pause()

        assert app.composer.text == "half a tho"


async def test_each_fork_keeps_its_draft() -> None:
    app = ComposerApp(FORK)
    async with app.run_test() as pilot:
        await pilot.press(*" now", "tab", *"name")
        app.view = AT_END
        await pilot.pause()
        assert (app.composer.text, app.branch_name.value) == ("", "")
        app.view = FORK
        await pilot.pause()

        assert (app.composer.text, app.branch_name.value) == ("and tomorrow? now", "name")


async def test_a_fork_that_was_not_edited_starts_from_the_current_message() -> None:
    app = ComposerApp(FORK)
    async with app.run_test() as pilot:
        await pilot.pause()
        app.view = MAIN
        app.view = FORK._replace(fork=ForkDraft("main", 3, "edited elsewhere"))
        await pilot.pause()

        assert app.composer.text == "edited elsewhere"


async def test_other_changes_of_the_view_keep_the_text() -> None:
    app = ComposerApp(FORK)
    async with app.run_test() as pilot:
        await pilot.press("left", "x")
        app.view = app.view._replace(revision=1, turn=2)
        await pilot.press("y")

        assert app.composer.text == "and tomorrowxy?"


async def test_each_branch_of_each_session_keeps_its_draft() -> None:
    other = Session("other", "2025-03-01 10:00:00")
    main, alt = (view._replace(sessions=(SESSION, other)) for view in (MAIN, ALT))
    elsewhere = main._replace(session=other)
    app = ComposerApp(main)
    async with app.run_test() as pilot:

        async def text(view: View) -> str:
            app.view = view
            await pilot.pause()
            return app.composer.text

        await pilot.press(*"for main")
        assert await text(alt) == ""
        await pilot.press(*"for alt")
        assert await text(elsewhere) == ""
        await pilot.press(*"for other")
        assert [await text(view) for view in (main, alt, elsewhere)] == ["for main", "for alt", "for other"]


async def test_the_border_names_texts_that_were_not_sent_elsewhere() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        titles = []
        for view, text in ((MAIN, "hello"), (ALT, ""), (FORK, "!"), (ALT, ""), (MAIN, "")):
            app.view = view
            await pilot.pause()
            await pilot.press(*text)
            await pilot.pause()
            titles.append(title(app))
        assert titles == [
            "Message to main",
            "Unsent text elsewhere: main",
            "Fork from turn 3 · main stays as it is",
            "Unsent text elsewhere: main, a fork of main at turn 3",
            "Message to main · unsent: a fork of main at turn 3",
        ]
        assert app.composer.unsent_texts == [("main", "hello"), ("a fork of main at turn 3", "and tomorrow?!")]
        other = Session("other", "2025-03-01 10:00:00")
        app.view = MAIN._replace(sessions=(SESSION, other), session=other)
        await pilot.pause()
        assert {text.destination for text in app.composer.unsent_texts} == {
            "main of support-42",
            "a fork of main of support-42 at turn 3",
        }


async def test_the_text_for_a_branch_that_is_gone_can_be_recalled() -> None:
    app = ComposerApp(ALT)
    async with app.run_test() as pilot:
        await pilot.press(*"for alt")
        app.view = MAIN
        await pilot.pause()
        app.view = MAIN._replace(tree=tree_of({"main": [1, 2, 3, 4, 5]}))
        await pilot.pause()
        assert (app.composer.text, title(app)) == ("", "Unsent text elsewhere: alt (gone)")
        await pilot.press("up")
        assert app.composer.text == "for alt"
        await pilot.press("down")
        # An undo brings the branch back.
        app.view = ALT
        await pilot.pause()
        assert app.composer.text == "for alt"
        app.set_focus(None)
        app.view = MAIN._replace(tree=tree_of({"main": [1, 2, 3, 4, 5]}))
        await pilot.pause()
        app.composer.focus()
        assert app.composer.text == ""
        await pilot.press("up")
        await send(pilot, app, "")
        assert app.composer.unsent_texts == []


async def test_a_text_comes_along_if_its_branch_goes_while_it_is_typed() -> None:
    app = ComposerApp()
    async with app.run_test(notifications=True) as pilot:
        await pilot.press(*"draft")
        app.view = ALT
        await pilot.press(*"do not ")
        app.view = MAIN._replace(tree=tree_of({"main": [1, 2, 3, 4, 5]}))
        await pilot.press(*"go", "enter")
        assert app.composer.text == "draft\n\ndo not go"
        assert app.posted == []
        await pilot.press("enter")
        assert app.posted == [submitted(app, "draft\n\ndo not go")]


async def test_a_message_that_comes_back_while_another_is_typed_is_sent_only_when_asked_again() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await send(pilot, app, "fails")
        app.composer.restore_unsent(Destination("support-42", "main"), "fails")
        await pilot.press(*"next", "enter")
        assert app.composer.text == "fails\n\nnext"
        assert app.posted == []
        # What was sent meanwhile leaves the editor, and what failed stays.
        app.composer.forget_sent(Destination("support-42", "main"), "next")
        assert app.composer.text == "fails"


async def test_the_text_of_a_fork_becomes_the_draft_of_its_branch() -> None:
    app = ComposerApp(FORK)
    async with app.run_test() as pilot:
        await pilot.press(*" 9 am", "enter", "ctrl+j", *"and 10")
        fork, branch = app.posted.pop(), destination_of(ALT)
        assert isinstance(fork, Composer.Submitted)
        assert branch is not None
        app.view = ALT
        app.composer.move_draft(fork.destination, fork.text, branch)
        await pilot.pause()
        assert app.composer.text == "and tomorrow? 9 am\nand 10"
        app.composer.forget_sent(branch, fork.text)
        assert app.composer.text == "and 10"

        app.view = FORK
        await pilot.pause()
        assert app.composer.text == "and tomorrow?"


async def test_the_branch_of_a_fork_gets_its_text_also_while_another_one_is_shown() -> None:
    app = ComposerApp(FORK)
    async with app.run_test() as pilot:
        await pilot.press("enter")
        app.view = AT_END
        await pilot.press(*"at the end")
        app.composer.move_draft(Destination("support-42", "main", 3), "and tomorrow?", Destination("support-42", "alt"))
        assert app.composer.text == "at the end"
        app.view = ALT
        await pilot.pause()
        assert app.composer.text == "and tomorrow?"
        app.view = MAIN
        await pilot.pause()
        assert app.composer.text == ""


async def test_a_message_that_was_not_sent_is_put_before_the_draft_of_its_branch() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"draft")
        app.view = ALT
        await pilot.pause()
        app.composer.restore_unsent(Destination("support-42", "main"), "never sent")
        assert app.composer.text == ""
        app.view = MAIN
        await pilot.pause()
        assert app.composer.text == "never sent\n\ndraft"


# Sent messages


async def send(pilot: Pilot[None], app: ComposerApp, text: str) -> None:
    """Send a message, as the explorer does."""
    await pilot.press(*text, "enter")
    confirm_sent(app)
    await pilot.pause()


def confirm_sent(app: ComposerApp) -> None:
    """Say that the text that was submitted last was sent."""
    event = app.posted.pop()
    assert isinstance(event, Composer.Submitted)
    app.composer.forget_sent(event.destination, event.text)


async def test_a_sent_text_leaves_the_editor_for_good() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"hello", "enter")
        await pilot.pause()
        assert app.composer.text == "hello"
        confirm_sent(app)
        assert app.composer.text == ""

        app.view = FORK
        await pilot.pause()
        app.view = MAIN
        await pilot.pause()
        assert app.composer.text == ""


async def test_text_that_was_added_after_submitting_stays() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"hello", "enter", "ctrl+j", *"and")
        confirm_sent(app)

        assert app.composer.text == "and"


async def test_a_text_that_is_sent_while_another_branch_is_shown_leaves_its_own_draft() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"same", "enter")
        app.view = ALT
        await pilot.press(*"same")
        confirm_sent(app)
        assert app.composer.text == "same"
        app.view = MAIN
        await pilot.pause()
        assert app.composer.text == ""


async def test_up_and_down_recall_sent_messages() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        for text in ("one", "two", "two", "three"):
            await send(pilot, app, text)
        seen = []
        for key in ("up", "up", "up", "up", "down", "down", "down", "down"):
            await pilot.press(key)
            seen.append(app.composer.text)

        assert seen == ["three", "two", "one", "one", "two", "three", "", ""]


async def test_a_recalled_message_of_several_lines_is_left_with_one_key() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await send(pilot, app, "one")
        await paste(pilot, "two\nlines\nand more")
        await send(pilot, app, "")
        await pilot.press("up", "up")

        assert app.composer.text == "one"


async def test_editing_a_recalled_message_ends_recalling() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await send(pilot, app, "one")
        await send(pilot, app, "two")
        await pilot.press("up", "up", "!", "up", "down")
        assert app.composer.text == "one!"

        await pilot.press(*["backspace"] * 4, "up")
        assert app.composer.text == "two"


async def test_up_moves_the_cursor_in_a_text_that_was_typed() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await send(pilot, app, "sent")
        await pilot.press("a", "ctrl+j", "b", "up", "x")

        assert app.composer.text == "ax\nb"


# A run on the branch


def run_with(*queued: str) -> View:
    return MAIN._replace(runs={"main": Run("main", RunState.RUNNING, 0.0, "m", queued=queued)})


async def test_the_placeholder_names_the_effect_of_enter() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        hints = []
        for view in (MAIN, run_with(), MAIN._replace(model="")):
            app.view = view
            await pilot.pause()
            hints.append(str(app.editor.placeholder))

        assert hints == [
            "Message to main · Enter to send",
            "Message to main · Enter queues it",
            "No model is set: start with --model or --agent",
        ]


async def test_the_border_names_the_branch_to_which_a_text_would_be_sent() -> None:
    elsewhere = view_of(tree_of({"main": [1], "x[y]\x1b": [1, 2]}), "x[y]\x1b", 2)._replace(model="gpt-nano")
    app = ComposerApp()
    async with app.run_test() as pilot:
        titles = [title(app)]

        async def after(*keys: str) -> None:
            await pilot.press(*keys)
            await pilot.pause()
            titles.append(Content.from_markup(title(app)).plain)

        await after("space")
        app.view = elsewhere
        await after("space")
        app.view = FORK
        await after()
        app.view = elsewhere._replace(model="")
        await after()
        app.view = MAIN
        await after("backspace")

        fork = "Fork from turn 3 · main stays as it is"
        assert titles == ["", "Message to main", "Message to x[y]␛", fork, "", ""]


async def test_a_model_name_is_not_markup() -> None:
    app = ComposerApp(MAIN._replace(model="[/x] \x1b local"))
    async with app.run_test() as pilot:
        await pilot.pause()

        assert Content.from_markup(app.composer.border_subtitle or "").plain == "[/x] ␛ local"


async def test_queued_messages_are_shown_until_they_are_sent() -> None:
    app = ComposerApp()
    async with app.run_test(size=(40, 24)) as pilot:

        async def above(view: View) -> list[str]:
            app.view = view
            await pilot.pause()
            queue = app.composer.query_one(Static)
            return [queue.render_line(y).text.strip() for y in range(queue.size.height)] if queue.display else []

        assert await above(run_with()) == []
        assert await above(run_with("first\n\nof\x1b two [/x]")) == ["queued  first of␛ two [/x]"]
        long = (await above(run_with("word " * 40)))[0]
        assert len(long) <= 36
        assert long.endswith("…")
        five = await above(run_with(*"abcde"))
        assert five == ["queued  a", "queued  b", "queued  c", "and 2 more"]
        assert await above(MAIN) == []


async def test_queued_messages_take_their_rows_from_the_editor() -> None:
    app = ComposerApp(run_with("a", "b"))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.press(*["ctrl+j"] * 9)
        await pilot.pause()

        assert app.composer.outer_size.height == 8


# Read-only sessions


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (View(), "No session to write to"),
        (MAIN._replace(writable=False), "Read-only: nothing can be sent or forked"),
    ],
)
async def test_the_placeholder_is_the_reason_why_nothing_can_be_written(view: View, reason: str) -> None:
    app = ComposerApp(view)
    async with app.run_test() as pilot:
        await pilot.press(*"abc", "ctrl+j", "enter")
        await paste(pilot, "pasted")

        assert str(app.editor.placeholder) == reason
        assert app.composer.text == ""
        assert app.posted == []


# Untrusted text

NASTY = "\x1b[31mred\x07 \x85 [/x] [bold]b[/] ␛? \r alone \x0b"


def drawn(app: ComposerApp) -> str:
    lines = (app.editor.render_line(y) for y in range(app.editor.size.height))
    return "".join(segment.text for line in lines for segment in line)


async def test_control_characters_are_drawn_as_symbols() -> None:
    app = ComposerApp(MAIN._replace(fork=ForkDraft("main", 3, NASTY)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()

        assert drawn(app).rstrip() == "␛[31mred␇ \ufffd [/x] [bold]b[/] ␛? ␍ alone ␋"


async def test_a_message_that_was_not_edited_is_submitted_as_it_is_stored() -> None:
    stored = f"{NASTY} \u2028 mixed \r\n line \n ends"
    app = ComposerApp(MAIN._replace(fork=ForkDraft("main", 3, stored)))
    async with app.run_test() as pilot:
        await pilot.press("enter")

        assert app.posted == [submitted(app, stored)]


async def test_control_characters_survive_an_edit() -> None:
    app = ComposerApp(MAIN._replace(fork=ForkDraft("main", 3, "\x1b[31mred\x07\ttab")))
    async with app.run_test() as pilot:
        await pilot.press("!", "enter")

        assert app.posted == [submitted(app, "\x1b[31mred\x07\ttab!")]


async def test_pasted_control_characters_are_shown_as_symbols_and_submitted() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await paste(pilot, "a \x1b[1m b")
        assert drawn(app).rstrip() == "a ␛[1m b"

        await pilot.press("enter")
        assert app.posted == [submitted(app, "a \x1b[1m b")]


async def test_a_symbol_that_was_typed_stays_a_symbol() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await paste(pilot, "␛ is escape ")
        await paste(pilot, "\x1b")
        await pilot.press("enter")

        assert app.posted == [submitted(app, "␛ is escape ␛")]


async def test_a_branch_name_is_not_markup() -> None:
    name = "[/x] [bold]\x1b"
    tree = tree_of({name: [1, 2]})
    app = ComposerApp(view_of(tree, name, 1)._replace(model="m"))
    async with app.run_test() as pilot:
        assert str(app.editor.placeholder) == "Message to [/x] [bold]␛ · Enter to send"
        app.view = app.view._replace(fork=ForkDraft(name, 1, "x"))
        await pilot.pause()

        assert Content.from_markup(title(app)).plain == "Fork from turn 1 · [/x] [bold]␛ stays as it is"


# Looks


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize(
    "view",
    [
        MAIN,
        MAIN._replace(writable=False),
        AT_END,
        FORK._replace(fork=ForkDraft("main", 3, "and tomorrow?\n[bold]by the hour[/] 매시간")),
        run_with("And in Bergen?", "What of the mountains between the two, is there snow on the road in May?"),
    ],
    ids=["plain", "read-only", "new branch", "fork", "queue"],
)
def test_looks(snap_compare: Snapshot, view: View, theme: str) -> None:
    assert snap_compare(ComposerApp(view, theme), terminal_size=(60, 15), run_before=_steady)


def test_looks_in_the_smallest_terminal(snap_compare: Snapshot) -> None:
    assert snap_compare(ComposerApp(FORK), terminal_size=(40, 12), run_before=_steady)


async def _steady(pilot: Pilot[None]) -> None:
    """Keep the cursors from blinking."""
    pilot.app.query_one(TextArea).cursor_blink = False
    for line in pilot.app.query(Input):
        line.cursor_blink = False
    await pilot.pause()


# Long texts

LONG = "".join(f"line {number} of a log\n" for number in range(50_000))


async def test_a_long_text_is_shown_as_a_placeholder_and_submitted_in_full() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"see: ")
        await paste(pilot, LONG)
        await pilot.press(*" and say", "enter")

        assert app.editor.text == "see: ⟦989 kB of text, 50,001 lines⟧ and say"
        assert app.posted == [submitted(app, f"see: {LONG} and say")]


async def test_a_text_that_is_short_enough_is_pasted_as_it_is() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await paste(pilot, LONG[:20_000])

        assert app.editor.text == app.composer.text == LONG[:20_000]


async def test_a_placeholder_is_deleted_completely_and_can_be_restored() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("a")
        await paste(pilot, LONG)
        await pilot.press("backspace")
        assert app.composer.text == "a"
        await pilot.press("ctrl+z")
        assert app.composer.text == f"a{LONG}"
        await pilot.press("left", "left", "x", "backspace", "delete")
        assert app.composer.text == f"a{LONG}"
        await pilot.press("home", "right", "right", "delete")
        assert app.composer.text == "a"


async def test_text_that_is_typed_into_a_placeholder_is_added_after_it() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await paste(pilot, LONG)
        await pilot.press("left", "left", "left", *"so")

        assert app.composer.text == f"{LONG}so"


async def test_long_texts_of_the_same_size_have_different_placeholders() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        other = LONG.replace("log", "LOG")
        for text in (LONG, other, LONG):
            await paste(pilot, text)

        assert app.composer.text == LONG + other + LONG
        assert app.editor.text.count("⟦") == 3
        assert app.editor.text.count("(2)") == 1


async def test_a_long_message_is_forked_from_and_recalled_in_full() -> None:
    app = ComposerApp(MAIN._replace(fork=ForkDraft("main", 3, LONG)))
    async with app.run_test() as pilot:
        await pilot.press("enter")
        assert app.posted == [submitted(app, LONG)]
        app.view = MAIN
        await paste(pilot, f"\x1b{LONG}")
        await pilot.press("enter")
        confirm_sent(app)
        assert app.composer.text == ""
        await pilot.press("up")
        assert app.composer.text == f"\x1b{LONG}"
        assert "\x1b" not in app.editor.text
