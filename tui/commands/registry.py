"""Every command of the explorer, once: keys, footer, help and command palette are made from this list."""

from __future__ import annotations

from typing import Final, NamedTuple

from textual.binding import Binding, BindingType

__all__ = ["COMMANDS", "TALK", "Command", "bindings"]


class Command(NamedTuple):
    """Something the user can tell the explorer to do, wherever the focus is.

    Attributes:
        id: Its name in the configuration file's `[keys]`.
        keys: The keys that run it, separated by commas, as Textual names them.
        action: The action: one of the explorer screen, or `app.` and one of the application.
        title: One or two words for the footer.
        help: One line for the help and the command palette.
        group: Heading in the help.
        footer: Whether the footer shows it.
    """

    id: str
    keys: str
    action: str
    title: str
    help: str
    group: str
    footer: bool = False


TALK: Final = "Talk"
"""Group of the commands that need an agent."""

COMMANDS: Final = (
    Command("fork.here", "f", "fork", "Fork", "Fork here: edit this turn's message in a new branch", "Fork", True),
    Command("fork.after", "A", "fork_after", "Fork after", "Fork after this turn: go on from its answer", "Fork"),
    Command("composer.focus", "i", "compose_message", "Write", "Go to the composer", "Fork"),
    Command(
        "branch.pick", "b", "pick_branch", "Branches", "Pick a branch by typing part of its name", "Branches", True
    ),
    Command(
        "branch.previous", "left_square_bracket", "sibling(-1)", "‹", "Previous branch at the nearest fork", "Branches"
    ),
    Command(
        "branch.next",
        "right_square_bracket",
        "sibling(1)",
        "Sibling",
        "Next branch at the nearest fork",
        "Branches",
        True,
    ),
    Command(
        "point.previous", "left_curly_bracket", "fork_point(-1)", "‹", "Previous fork point on this path", "Branches"
    ),
    Command(
        "point.next", "right_curly_bracket", "fork_point(1)", "Fork point", "Next fork point on this path", "Branches"
    ),
    Command("branch.back", "minus", "switch_back", "Back", "The branch before this one", "Branches", True),
    Command("session.pick", "s", "pick_session", "Sessions", "Pick another session of the file", "Branches", True),
    Command(
        "run.again", "r", "run_again", "Run again", "Ask this turn again on new branches; 3r: on three", TALK, True
    ),
    Command("run.answer", "w", "answer", "Answer", "Answer the tool call that waits for your leave", TALK),
    Command("run.details", "e", "failure", "Error", "What went wrong with the last run, in full", TALK),
    Command("manage.name", "R", "rename", "Name", "Title and note of this branch, or of the session", "Manage"),
    Command("manage.pin", "p", "pin", "Pin", "Pin it: first in the pickers; or no longer", "Manage"),
    Command("manage.archive", "a", "archive", "Archive", "Put it away, or bring it back", "Manage"),
    Command(
        "manage.archived", "full_stop", "show_archived", "Archived", "Show what is archived, or no longer", "Manage"
    ),
    Command("manage.delete", "d", "delete", "Delete", "Delete it for good, once told what goes", "Manage"),
    Command("manage.copy", "C", "copy_branch", "Copy", "Copy this branch into a new session or file", "Manage"),
    Command("manage.turns", "V", "copy_marked", "Copy turns", "Copy the marked turns onto this branch", "Manage"),
    Command("manage.undo", "z", "undo", "Undo", "Undo what was done last", "Manage"),
    Command("manage.redo", "Z", "redo", "Redo", "Do again what was undone", "Manage"),
    Command("manage.done", "H", "done", "Done", "All that was done: undo back to a point, empty the trash", "Manage"),
    Command("branch.compare", "c", "compare", "Compare", "Compare with another branch, or two marked turns", "Look"),
    Command("turn.seen", "m", "seen", "Saw", "What the model saw: the input of each request of this turn", "Look"),
    Command("turn.mark", "v", "mark_turn", "Mark", "Mark this turn, or take its mark away", "Look"),
    Command(
        "find.here",
        "slash",
        "find_here",
        "Find",
        "Find in this branch, or in the tree where that has the focus",
        "Find",
        True,
    ),
    Command("find.next", "n", "find_step(1)", "Next", "Go to the next place that was found", "Find"),
    Command("find.previous", "N", "find_step(-1)", "Previous", "Go to the place that was found before", "Find"),
    Command(
        "find.everywhere",
        "ctrl+f",
        "find_everywhere",
        "Find all",
        "Find in the branch, the session or the file",
        "Find",
    ),
    Command("find.blame", "B", "blame", "Blame", "Where the selected text came from, and where it came again", "Find"),
    Command("view.follow", "F", "follow", "Follow", "Stay with the newest that is written; or no longer", "Look"),
    Command("usage.scope", "u", "next_scope", "Scope", "What the sums count: own turns, the path, all", "Look", True),
    Command("session.adopt", "P", "adopt", "Adopt", "Give a plain session branches and usage", "Manage"),
    Command("session.import", "I", "import_transcript", "Import", "Bring in a transcript as a session", "Manage"),
    Command("export.write", "x", "export", "Export", "Write the branch or session to a file of its own", "Look"),
    Command("usage.chart", "U", "next_chart", "Chart", "What the bars show: tokens, or what turns cost again", "Look"),
    Command("text.copy", "y", "copy", "Copy", "Copy the selected text, else the item under the cursor", "Look"),
    Command("pane.tree", "1", "pane('tree')", "Tree", "Go to the tree", "Panes"),
    Command("pane.chat", "2", "pane('chat')", "Chat", "Go to the chat", "Panes"),
    Command("pane.usage", "3", "pane('usage')", "Usage", "Go to the usage", "Panes"),
    Command("pane.zoom", "plus", "zoom", "Zoom", "Show this pane alone, or all again", "Panes"),
    Command("app.refresh", "f5", "refresh_file", "Refresh", "Read the file again now", "Program"),
    Command(
        "app.leave",
        "escape",
        "leave",
        "Leave",
        "Leave what is open or zoomed; then take all marks away",
        "Program",
    ),
    Command("app.help", "question_mark", "help", "Keys", "All keys", "Program", True),
    Command(
        "app.palette",
        "ctrl+p",
        "app.command_palette",
        "Commands",
        "All commands, by typing part of their name",
        "Program",
    ),
    Command("app.quit", "q,ctrl+q", "quit", "Quit", "Leave the program", "Program", True),
)


def bindings(*, app: bool = False, talk: bool = False) -> list[BindingType]:
    """The commands as bindings: those of the explorer, or with `talk` what one with an agent has more, or the app's."""
    return [
        Binding(command.keys, command.action, command.title, show=command.footer, tooltip=command.help, id=command.id)
        for command in COMMANDS
        if command.action.startswith("app.") == app and (command.group == TALK) == talk
    ]
