"""The state that all panes show."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from tui.model.items import Page
from tui.model.resend_cost import ResendCost
from tui.model.runs import Failure, Run
from tui.model.text_sizes import TextSizes
from tui.model.tree import EMPTY_TREE, TurnTree
from tui.model.usage import BranchUsage, Scope
from tui.words import title_and_id

__all__ = ["ChartView", "ForkDraft", "Notice", "Session", "SessionSort", "Severity", "View"]

Severity: TypeAlias = Literal["information", "warning", "error"]


class Session(NamedTuple):
    """A session of the file.

    Attributes:
        session_id: The id that its writer gave it.
        updated_at: Time at which it was last written to: UTC, naive, `YYYY-MM-DD HH:MM:SS`; None if not stored.
        plain: Whether the session has no structure rows, as one of the SDK's `SQLiteSession`.
        title: The title that the user gave it; may be empty.
        first_words: The beginning of its first user message, if it was read; else empty.
    """

    session_id: str
    updated_at: str | None = None
    plain: bool = False
    title: str = ""
    note: str = ""
    pinned: bool = False
    archived: bool = False
    first_words: str = ""

    @property
    def name(self) -> str:
        """The title, or the id if there is no title."""
        return self.title or self.session_id

    @property
    def title_and_id(self) -> str:
        """The title with the id beside it, or the id if there is no title."""
        return title_and_id(self.title, self.session_id)


class SessionSort(StrEnum):
    """An order of sessions."""

    WRITTEN = "last written first"
    NAME = "by name"
    LONGEST = "longest first"


class ChartView(StrEnum):
    """The numbers that the bars of the usage pane show."""

    TOKENS = "tokens"
    """The tokens of each turn; where none are stored, the sizes of the turns, estimated from their text."""
    MONEY = "money"
    """The cost of each turn in money."""
    RESEND_COST = "resend cost"
    """The tokens that later requests sent again because of each turn; an estimate."""


class ForkDraft(NamedTuple):
    """A fork that the user prepares; nothing is written yet.

    Attributes:
        branch_id: The branch to fork from.
        turn: The first turn that the new branch will not share; the one after the last for a fork at the end.
        text: The user message to edit; empty to continue from the turn before.
    """

    branch_id: str
    turn: int
    text: str = ""


class Notice(NamedTuple):
    """A short message to the user.

    Attributes:
        text: One line, shown as it is and never as markup, since parts of it are untrusted.
        serial: Number of the notice; each has a greater one, so that the same text can be shown twice.
    """

    text: str
    severity: Severity = "information"
    serial: int = 0


class View(NamedTuple):
    """The state that all panes show; each change makes a new view.

    Attributes:
        file: Name of the file as the user gave it.
        writable: Whether the file can be written to: neither its permissions nor `--read-only` forbid it.
        sessions: The sessions of the file that were written last, the newest first.
        sessions_remaining: Number of sessions in the file that are not in `sessions`.
        session_index: Position of the open session among all sessions, if it is not in `sessions` and the position is
            known.
        branch_id: The branch of the open session that every pane shows.
        turn: The selected turn of the branch; 0 if it has none.
        items: Number of items of the branch.
        position: Position in the branch of the selected turn's first item.
        page: Items around `position`, or the last items if the last turn is selected.
        messages_without_branch: Number of messages that a plain `SQLiteSession` stored in the open session, which has
            branches; no branch shows them.
        preview: Whether the tree's cursor is on another branch than the opened one, which is shown meanwhile.
        branch_usage: Usage of the branch; None until it is known.
        scope: Which turns the usage pane sums up.
        price_as: The model whose prices are used for turns without a recorded model; empty for none.
        chart: Quantity that the bars of the usage pane show.
        resend_cost: Resend cost of the branch's turns; None until it is known, and while `chart` does not need it.
        text_sizes: Sizes of the branch's turns; None until they are known, and where usage is stored for the path.
        largest_cost: The cost of the branch's most expensive turn; None until it is known, and while `chart` does not
            need it.
        marks: The turns that the user marked, each as branch and number of the turn, in the order of marking.
        show_archived: Whether archived branches and sessions are in `tree` and `sessions`.
        fork: The fork that the user prepares.
        new_session: The id proposed for a session that the user begins; empty for none. At most one of both is set.
        model: Name of the agent or model that answers; empty if none is set.
        runs: The active runs, by branch.
        following: Whether the end of the branch stays in view when others write to it.
        unseen: Branches of the open session that others created, and that were not shown since.
        unseen_sessions: Ids of sessions that others created, and that were not opened since.
        revision: Greater after the file's content changed; what was read at an older revision is outdated.
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
    messages_without_branch: int = 0
    preview: bool = False
    branch_usage: BranchUsage | None = None
    scope: Scope = Scope.PATH
    price_as: str = ""
    chart: ChartView = ChartView.TOKENS
    resend_cost: ResendCost | None = None
    text_sizes: TextSizes | None = None
    largest_cost: Decimal | None = None
    marks: tuple[tuple[str, int], ...] = ()
    show_archived: bool = False
    fork: ForkDraft | None = None
    new_session: str = ""
    model: str = ""
    runs: Mapping[str, Run] = MappingProxyType({})
    failure: Failure | None = None
    following: bool = False
    unseen: frozenset[str] = frozenset()
    unseen_sessions: frozenset[str] = frozenset()
    notice: Notice | None = None
    revision: int = 0

    def session_name(self, session_id: str) -> str:
        """Return the title of a session; its id if it has none or is not listed."""
        known = filter(None, (self.session, *self.sessions))
        return next((session.name for session in known if session.session_id == session_id), session_id)

    def quoted_branch(self, branch_id: str, session_id: str | None = None) -> str:
        """Return the name of a branch, by default of the open session, in a sentence; of others the id in quotes."""
        is_open = session_id is None or (self.session is not None and self.session.session_id == session_id)
        branch = self.tree.branches.get(branch_id) if is_open else None
        return f"'{branch_id}'" if branch is None else branch.quoted_name

    @property
    def is_drafting(self) -> bool:
        """True if the composer writes the first message of a new branch or session."""
        return self.fork is not None or bool(self.new_session)

    @property
    def charted_scope(self) -> Scope:
        """The turns that the chart is about: resend costs are always those of the path."""
        return Scope.PATH if self.chart is ChartView.RESEND_COST else self.scope
