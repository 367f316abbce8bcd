"""The values that the panes show: frozen, without I/O."""

from tui.model.items import Item, Page
from tui.model.journal import CompactionPreview, DeletionImpact, EntryState, JournalEntry, Origin, SharedTurns
from tui.model.money import Money, Price
from tui.model.resend_cost import ResendCost, TurnResendCost
from tui.model.runs import Approval, ApprovalDecision, Failure, PausedRun, Progress, Run, RunState
from tui.model.text_sizes import TextSize, TextSizes
from tui.model.tree import EMPTY_TREE, Branch, Chain, Holders, Turn, TurnTree
from tui.model.usage import (
    BranchUsage,
    Counting,
    Outcome,
    RunRecord,
    Scope,
    Spending,
    TurnUsage,
    Unpriced,
    Usage,
    usage_page,
)
from tui.model.view import ChartView, ForkDraft, Notice, Session, SessionSort, Severity, View

__all__ = [
    "EMPTY_TREE",
    "Approval",
    "ApprovalDecision",
    "Branch",
    "BranchUsage",
    "Chain",
    "ChartView",
    "CompactionPreview",
    "Counting",
    "DeletionImpact",
    "EntryState",
    "Failure",
    "ForkDraft",
    "Holders",
    "Item",
    "JournalEntry",
    "Money",
    "Notice",
    "Origin",
    "Outcome",
    "Page",
    "PausedRun",
    "Price",
    "Progress",
    "ResendCost",
    "Run",
    "RunRecord",
    "RunState",
    "Scope",
    "Session",
    "SessionSort",
    "Severity",
    "SharedTurns",
    "Spending",
    "TextSize",
    "TextSizes",
    "Turn",
    "TurnResendCost",
    "TurnTree",
    "TurnUsage",
    "Unpriced",
    "Usage",
    "View",
    "usage_page",
]
