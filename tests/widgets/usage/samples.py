"""Sample accounts for the usage pane's tests."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from textual.app import App

from tui.model import BranchUsage, Money, Outcome, ResendCost, RunRecord, Scope, TurnUsage, Usage
from tui.model.resend_cost import TurnInput, resend_cost

__all__ = ["SCATTERED_TOOLS", "Book", "account", "book", "carried", "priced", "seen", "spend", "with_runs"]

SCATTERED_TOOLS = (
    ("get_weather", 1, 1),
    ("search", 2, 1),
    ("get_weather", 3, 2),
    ("plot", 3, 1),
    ("get_weather", 6, 3),
    ("search", 6, 1),
)


class Book(BranchUsage):
    """Accounts, and what a chart asks for by page.

    Attributes:
        rows: All turns of the path.
    """

    rows: tuple[TurnUsage, ...] = ()

    def read(self, first: int, last: int) -> tuple[TurnUsage, ...]:
        return self.rows[first - 1 : last]


def spend(turn: int, *, reported: bool = True) -> Usage:
    """Tokens as a growing conversation spends them: ever more input, most of it cached, and some output."""
    sent = 300 + 110 * turn + turn * 97 % 130
    received = 40 + turn * 389 % 900
    cached = sent * 3 // 5 if turn > 2 else 0
    return Usage(
        requests=1 + turn % 3 // 2,
        input_tokens=sent,
        output_tokens=received,
        total_tokens=sent + received,
        cached_tokens=cached if reported else None,
        reasoning_tokens=received // 3 if reported else None,
    )


def account(
    turns: int,
    *,
    branch_id: str = "alt",
    parent: str = "main",
    own_from: int = 4,
    silent: tuple[int, ...] = (),
    reported: bool = True,
    tools: tuple[tuple[str, int, int], ...] = SCATTERED_TOOLS,
) -> Book:
    """What a branch cost that inherits the turns before `own_from`; `silent` turns stored no usage."""
    rows = tuple(
        TurnUsage(
            turn,
            None if turn in silent else spend(turn, reported=reported),
            None if turn in silent else branch_id if turn >= own_from else parent,
            tools=tuple((name, calls) for name, at, calls in tools if at == turn),
        )
        for turn in range(1, turns + 1)
    )
    return book(branch_id, rows, elsewhere=spend(turns, reported=reported))


def book(branch_id: str, rows: tuple[TurnUsage, ...], elsewhere: Usage | None = None) -> Book:
    """The accounts of a branch with these turns, and of a session that spent `elsewhere` besides."""
    total = Usage.total(row.usage for row in rows)
    totals = {
        Scope.OWN: Usage.total(row.usage for row in rows if row.branch_id == branch_id),
        Scope.PATH: total,
        Scope.ALL: Usage.total((total, elsewhere)) if total else None,
    }
    usages = [row.usage for row in rows if row.usage]
    calls = Counter[str]()
    for row in rows:
        calls.update(dict(row.tools))
    found = Book(
        branch_id,
        totals,
        len(rows),
        len(usages),
        max((usage.input_tokens + usage.output_tokens for usage in usages), default=0),
        tuple(sorted(calls.items(), key=lambda call: (-call[1], call[0]))),
    )
    found.rows = rows
    return found


def with_runs(branch_usage: Book) -> Book:
    """The same with the runs of some turns: 3 and 9 estimated, 5 long, 7 stopped, 8 failed."""
    began = "2026-03-04 05:06:07"
    error = "The key [/x]\x1b[31m is not one of this server's."
    runs = (
        RunRecord(3, "main", Outcome.DONE, "gpt-5-mini", "Billing", began, 12.34, estimated=True),
        RunRecord(5, "alt", Outcome.DONE, "litellm/anthropic/claude-sonnet-4-5", "Billing", began, 754),
        RunRecord(7, "alt", Outcome.STOPPED, "gpt-5-mini", "gpt-5-mini", began, 2),
        RunRecord(8, "alt", Outcome.FAILED, "gpt-5-mini", None, began, 0.4, error, reported=False),
        RunRecord(9, "alt", Outcome.DONE, "offline", None, began, 0.1, estimated=True),
    )
    rows = list(branch_usage.rows)
    for run in runs:
        row = rows[run.turn - 1]
        usage = row.usage._replace(estimated=run.estimated) if row.usage else None
        rows[run.turn - 1] = row._replace(usage=usage, run=run)
    return book(branch_usage.branch_id, tuple(rows), elsewhere=spend(len(rows)))


def priced(branch_usage: Book) -> Book:
    """The same with what it cost: two turns of the path have no price, and somebody else's tokens are estimates."""
    money = {
        Scope.OWN: Money(Decimal("0.0042"), 5),
        Scope.PATH: Money(Decimal("0.0173"), 9, 2),
        Scope.ALL: Money(Decimal("12.346"), 12, 0, True),
    }
    found = branch_usage._replace(money=money, models=("gpt-5-mini",))
    found.rows = tuple(
        row._replace(cost=Money(Decimal("0.00213"), 1, int(row.turn == 2)), window=4_000) if row.usage else row
        for row in branch_usage.rows
    )
    return found


def carried(branch_usage: Book) -> ResendCost:
    """What the turns cost again, each turn holding 400 characters more than the one before."""
    usages = [row.usage or Usage() for row in branch_usage.rows]
    return resend_cost(
        branch_usage.branch_id,
        [
            TurnInput(400 * number, 100, usage.requests, usage.input_tokens, usage.cached_tokens)
            for number, usage in enumerate(usages, 1)
        ],
    )


def seen(app: App[None]) -> str:
    """What stands on the screen."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
