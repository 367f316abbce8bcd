"""What the panes show: frozen values, no I/O."""

from tui.model.items import Item, Page
from tui.model.journal import Entry, EntryState, Losses, Survivor
from tui.model.resend_cost import Carried, Carry
from tui.model.runs import Approval, Decision, Failure, Progress, Run, RunState
from tui.model.tree import EMPTY_TREE, Branch, Chain, Holders, Turn, TurnTree
from tui.model.usage import Accounts, Money, Outcome, RunRecord, Scope, Spending, TurnUsage, Usage, usage_page
from tui.model.view import ChartView, ForkDraft, Notice, Session, Severity, View

__all__ = [
    "EMPTY_TREE",
    "Accounts",
    "Approval",
    "Branch",
    "Carried",
    "Carry",
    "Chain",
    "ChartView",
    "Decision",
    "Entry",
    "EntryState",
    "Failure",
    "ForkDraft",
    "Holders",
    "Item",
    "Losses",
    "Money",
    "Notice",
    "Outcome",
    "Page",
    "Progress",
    "Run",
    "RunRecord",
    "RunState",
    "Scope",
    "Session",
    "Severity",
    "Spending",
    "Survivor",
    "Turn",
    "TurnTree",
    "TurnUsage",
    "Usage",
    "View",
    "usage_page",
]
