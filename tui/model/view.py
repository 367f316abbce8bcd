"""All that the panes show, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from tui.model.items import Page
from tui.model.resend_cost import ResendCost
from tui.model.runs import Failure, Run
from tui.model.tree import EMPTY_TREE, TurnTree
from tui.model.usage import BranchUsage, Scope

__all__ = ["ChartView", "ForkDraft", "Notice", "Session", "Severity", "View"]

Severity: TypeAlias = Literal["information", "warning", "error"]


class Session(NamedTuple):
    """One conversation of the file.

    Attributes:
        session_id: Its id, as the writer gave it.
        updated_at: When it was last written: UTC, naive, `YYYY-MM-DD HH:MM:SS`; None where not stored.
        plain: True for a session without structure rows, as the SDK's plain `SQLiteSession` writes.
        title: What the user calls it; empty for its id.
        note: What the user wrote down about it.
        pinned: Whether the user wants it at hand.
        archived: Whether the user put it away.
    """

    session_id: str
    updated_at: str | None = None
    plain: bool = False
    title: str = ""
    note: str = ""
    pinned: bool = False
    archived: bool = False

    @property
    def name(self) -> str:
        """What it is called: its title, else its id."""
        return self.title or self.session_id


class ChartView(StrEnum):
    """What the bars of the usage pane stand for."""

    TOKENS = "tokens"
    """What each turn spent."""
    RESEND_COST = "carry cost"
    """What each turn's items cost again by being sent with later requests; an estimate."""


class ForkDraft(NamedTuple):
    """A fork that the user is preparing; nothing of it is written yet.

    Attributes:
        branch_id: The branch to fork from.
        turn: The first turn that the new branch will not share; one more than the last for a fork at the end.
        text: The user message to start from; empty for a fork at the end.
    """

    branch_id: str
    turn: int
    text: str = ""


class Notice(NamedTuple):
    """Something to tell the user in passing.

    Attributes:
        text: One line; untrusted parts of it are shown as they are, never as markup.
        severity: How it looks.
        serial: Grows by one with each notice, so that the same words twice are told twice.
    """

    text: str
    severity: Severity = "information"
    serial: int = 0


class View(NamedTuple):
    """All that the panes show, at one moment.

    Attributes:
        file: The file's name as the user gave it.
        writable: False where the file, or `--read-only`, refuses writes.
        sessions: The newest sessions of the file, the one written last first.
        sessions_remaining: How many sessions the file holds besides.
        session_index: How many sessions stand before the open one, where that is not among `sessions` and it is known.
        session: The open one.
        tree: Its turns.
        branch_id: The branch shown in every pane.
        turn: The selected turn of it; 0 where it has none.
        items: How many items the branch holds.
        position: Position in the branch of the selected turn's first item.
        page: Items round `position`, or the last ones where the last turn is selected.
        preview: True while the tree's cursor merely passes over another branch than the opened one.
        branch_usage: What the branch cost; None until it is known.
        scope: Which sum the usage pane shows.
        price_as: The model whose prices hold for turns whose own is not recorded; empty for none.
        chart: What its bars stand for.
        resend_cost: What its turns cost again; None until it is known, and while `chart` does not ask for it.
        marks: The turns that the user marked, each as a branch and the number of its turn, in the order of marking.
        show_archived: Whether archived branches and sessions are among `tree` and `sessions`.
        fork: The fork editor's content while it is open.
        model: What answers a message: an agent's or a model's name; empty where none is set.
        runs: The runs that are under way, by branch.
        failure: The last run that did not end well.
        following: True while the view stays with the newest of the open session.
        unseen: Branches of the open session that others made, and that were not shown since.
        unseen_sessions: Ids of the sessions of the file that others made, and that were not opened since.
        notice: The newest notice.
        revision: Grows when the file's content changed; what was read under an older one is stale.
    """

    file: str = ""
    writable: bool = True
    sessions: tuple[Session, ...] = ()
    sessions_remaining: int = 0
    session_index: int | None = None
    session: Session | None = None
    tree: TurnTree = EMPTY_TREE
    branch_id: str = ""
    turn: int = 0
    items: int = 0
    position: int = 0
    page: Page | None = None
    preview: bool = False
    branch_usage: BranchUsage | None = None
    scope: Scope = Scope.PATH
    price_as: str = ""
    chart: ChartView = ChartView.TOKENS
    resend_cost: ResendCost | None = None
    marks: tuple[tuple[str, int], ...] = ()
    show_archived: bool = False
    fork: ForkDraft | None = None
    model: str = ""
    runs: Mapping[str, Run] = MappingProxyType({})
    failure: Failure | None = None
    following: bool = False
    unseen: frozenset[str] = frozenset()
    unseen_sessions: frozenset[str] = frozenset()
    notice: Notice | None = None
    revision: int = 0
