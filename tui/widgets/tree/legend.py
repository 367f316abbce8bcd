"""The signs of the tree in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from tui.model import Branch, Session
from tui.printable import printable_line
from tui.widgets.format import ESTIMATE
from tui.widgets.tree.drawing import Columns, TurnAppearance
from tui.widgets.tree.rows import SessionRow, TurnRow
from tui.words import plural, shorten

__all__ = ["SIGNS", "Sign", "describe_session", "describe_turn"]

_NAME_CHARACTERS: Final = 40


class Sign(NamedTuple):
    """A sign of the tree, and what it means.

    Attributes:
        sign: The sign, or several; numbers and `name` in it are examples.
    """

    sign: str
    words: str

    def shows(self, text: str) -> bool:
        """Return whether a text from the screen is one of the signs, with other numbers and names, beside a number."""
        patterns = (
            "".join(
                ".+" if part == "name" else r"[\d.,]+" if part[0].isdigit() else re.escape(part)
                for part in re.findall(r"\d[\d.,]*|name|.", sign)
            )
            for sign in self.sign.split()
        )
        return any(re.fullmatch(rf"[\d.,]*{pattern}[\d.,]*[kMBT]?", text.strip()) for pattern in patterns)


SIGNS: Final = (
    Sign("●", "the turn that all panes show"),
    Sign("•", "a turn of the branch that is shown"),
    Sign("·", "a turn of another branch"),
    Sign("╭ ├ ╰", "alternatives: the first turns after a fork"),
    Sign("‹2/3›", "the second of three alternatives"),
    Sign("4…", "the lines of the four outermost forks are left out"),
    Sign("▾ ▸", "turns and branches below are unfolded, folded"),
    Sign("[name]", "the last turn of a branch"),
    Sign("…", "a turn that is being read, or a number that the file leaves out"),
    Sign("✗", "a tool call or an answer of the turn failed"),
    Sign("✓", "marked, to be compared"),
    Sign("»", "an agent is running on the branch"),
    Sign("?", "an agent waits for the approval of a tool call"),
    Sign("✦", "made by another program, not yet looked at"),
    Sign("★", "pinned"),
    Sign("⊘", "archived"),
    Sign("≋", "compacted: its history is in an archived branch; c compares them"),
)
"""All signs of the tree, for its help."""


def describe_turn(row: TurnRow, appearance: TurnAppearance, columns: Columns, branch: str, *, is_preview: bool) -> str:
    """Say in one line what the signs and numbers in the row of a turn mean.

    Args:
        branch: The name of the branch in which the turn is shown.
        is_preview: Whether another branch is open.
    """
    return " · ".join(_turn_words(row, appearance, columns, branch, is_preview))


def _turn_words(
    row: TurnRow, appearance: TurnAppearance, columns: Columns, branch: str, is_preview: bool
) -> Iterator[str]:
    span, turn, branch = row.span, appearance.turn, _short(branch)
    if not len(span.chain):
        yield f"No messages of its own in {branch}"
    else:
        yield f"Turn {row.turn} of {branch}" if row.turn else f"Before the first message of {branch}"
    if is_preview:
        yield "preview, Enter opens it"
    if appearance.branch is not None and appearance.branch.note:
        yield f"note: {_short(appearance.branch.note)}"
    if row.is_first and span.is_fork:
        yield f"alternative {span.alternative} of {span.alternatives}"
    if row.is_last and span.begins_fork:
        count = len(span.chain.children)
        yield f"{plural(count, 'branch')} {'continues' if count == 1 else 'continue'} from here"
    if appearance.is_marked:
        yield "marked"
    if appearance.has_hit:
        yield "found by the search"
    if turn is not None:
        if turn.tools:
            yield plural(turn.tools, "tool call")
        if turn.errors:
            yield f"{turn.errors:,} failed"
        if turn.tokens is not None:
            yield f"{ESTIMATE if turn.estimated else ''}{plural(turn.tokens, 'token')}"
    if span.hidden is not None:
        yield f"folded: {plural(span.hidden.turns, 'turn')}, {plural(len(span.hidden.branches), 'branch')}"
    elif row.is_first and span.is_foldable:
        yield "can be folded"
    if appearance.branch is not None:
        states = [word for word, holds in _branch_states(appearance.branch, appearance) if holds]
        end = "the last turn" if appearance.is_current else f"{_short(appearance.label)} ends here"
        yield ", ".join([end, *states])
    if hidden := columns.hidden_forks(span.depth):
        yield f"{plural(hidden, 'outer fork')} not drawn"


def _branch_states(branch: Branch, appearance: TurnAppearance) -> Iterator[tuple[str, bool]]:
    yield "an agent is running", appearance.is_running and not appearance.is_waiting
    yield "a tool call needs approval: w answers", appearance.is_waiting
    yield "made by another program", appearance.is_unseen
    yield "pinned", branch.pinned
    yield "archived", branch.archived
    yield f"compacted, before: {_short(branch.before_compaction)}", bool(branch.before_compaction)


def describe_session(row: SessionRow, *, is_unseen: bool) -> str:
    """Say in one line what the signs in the row of a session mean."""
    session: Session | None = row.session
    if session is None:
        return ""
    words = [f"Session {_short(session.name)}"]
    words += [f"note: {_short(session.note)}"] if session.note else []
    words += ["folded"] if row.is_folded else []
    words += ["without branches"] if session.plain else []
    words += ["made by another program"] if is_unseen else []
    words += ["pinned"] if session.pinned else []
    words += ["archived"] if session.archived else []
    return " · ".join(words)


def _short(name: str) -> str:
    return shorten(printable_line(name), _NAME_CHARACTERS)
