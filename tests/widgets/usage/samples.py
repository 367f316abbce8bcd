"""Sample usage of branches."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from textual.app import App

from tui.model import BranchUsage, Money, Outcome, ResendCost, RunRecord, Scope, TurnUsage, Usage
from tui.model.resend_cost import TurnInput, resend_cost

__all__ = [
    "SCATTERED_TOOLS",
    "PagedUsage",
    "resend_cost_of",
    "sample_usage",
    "screen_text",
    "usage_of",
    "usage_of_turn",
    "with_prices",
    "with_runs",
]

SCATTERED_TOOLS = (
    ("get_weather", 1, 1),
    ("search", 2, 1),
    ("get_weather", 3, 2),
    ("plot", 3, 1),
    ("get_weather", 6, 3),
    ("search", 6, 1),
)


_PARTS = (Decimal("0.00033"), Decimal("0.0008"), Decimal("0.0006"), Decimal("0.0004"))
"""The cost of each part of a turn's bar."""


class PagedUsage(BranchUsage):
    """The usage of a branch, from which a chart can be given pages of turns.

    Attributes:
        rows: All turns of the path.
    """

    rows: tuple[TurnUsage, ...] = ()

    def read(self, first: int, last: int) -> tuple[TurnUsage, ...]:
        return self.rows[first - 1 : last]


def usage_of_turn(turn: int, *, reported: bool = True) -> Usage:
    """Return the usage of a turn in a growing conversation: more and more input, most of it cached, and some output."""
    input_tokens = 300 + 110 * turn + turn * 97 % 130
    output_tokens = 40 + turn * 389 % 900
    cached_tokens = input_tokens * 3 // 5 if turn > 2 else 0
    return Usage(
        requests=1 + turn % 3 // 2,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        cached_tokens=cached_tokens if reported else None,
        reasoning_tokens=output_tokens // 3 if reported else None,
    )


def sample_usage(
    turns: int,
    *,
    branch_id: str = "alt",
    parent: str = "main",
    own_from: int = 4,
    without_usage: tuple[int, ...] = (),
    reported: bool = True,
    tools: tuple[tuple[str, int, int], ...] = SCATTERED_TOOLS,
) -> PagedUsage:
    """Return the usage of a branch that inherits the turns before `own_from`."""
    rows = tuple(
        TurnUsage(
            turn,
            None if turn in without_usage else usage_of_turn(turn, reported=reported),
            None if turn in without_usage else branch_id if turn >= own_from else parent,
            tools=tuple((name, calls) for name, at, calls in tools if at == turn),
        )
        for turn in range(1, turns + 1)
    )
    return usage_of(branch_id, rows, elsewhere=usage_of_turn(turns, reported=reported))


def usage_of(branch_id: str, rows: tuple[TurnUsage, ...], elsewhere: Usage | None = None) -> PagedUsage:
    """Return the usage of a branch with these turns, in a session that has the usage `elsewhere` besides."""
    total = Usage.total(row.usage for row in rows)
    totals = {
        Scope.OWN: Usage.total(row.usage for row in rows if row.branch_id == branch_id),
        Scope.PATH: total,
        Scope.ALL: Usage.total((total, elsewhere)) if total else None,
    }
    usages = [row.usage for row in rows if row.usage]
    calls, own_calls = Counter[str](), Counter[str]()
    for row in rows:
        calls.update(dict(row.tools))
        own_calls.update(dict(row.tools) if row.branch_id == branch_id else {})
    paged = PagedUsage(
        branch_id,
        totals,
        len(rows),
        len(usages),
        max((usage.input_tokens + usage.output_tokens for usage in usages), default=0),
        {Scope.OWN: _ranked(own_calls), Scope.PATH: _ranked(calls)},
    )
    paged.rows = rows
    return paged


def _ranked(calls: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(calls.items(), key=lambda call: (-call[1], call[0])))


def with_runs(paged: PagedUsage) -> PagedUsage:
    """Add the runs of some turns: 3 and 9 estimated, 5 long, 7 stopped, 8 failed."""
    started_at = "2026-03-04 05:06:07"
    error = "The key [/x]\x1b[31m is not one of this server's."
    runs = (
        RunRecord(3, "main", Outcome.DONE, "gpt-5-mini", "Billing", started_at, 12.34, estimated=True),
        RunRecord(5, "alt", Outcome.DONE, "litellm/anthropic/claude-sonnet-4-5", "Billing", started_at, 754),
        RunRecord(7, "alt", Outcome.STOPPED, "gpt-5-mini", "gpt-5-mini", started_at, 2),
        RunRecord(8, "alt", Outcome.FAILED, "gpt-5-mini", None, started_at, 0.4, error, reported=False),
        RunRecord(9, "alt", Outcome.DONE, "offline", None, started_at, 0.1, estimated=True),
    )
    rows = list(paged.rows)
    for run in runs:
        row = rows[run.turn - 1]
        usage = row.usage._replace(estimated=run.estimated) if row.usage else None
        rows[run.turn - 1] = row._replace(usage=usage, run=run)
    return usage_of(paged.branch_id, tuple(rows), elsewhere=usage_of_turn(len(rows)))


def with_prices(paged: PagedUsage) -> PagedUsage:
    """Add costs: two turns of the path have no price, and some tokens of another branch are estimates."""
    money = {
        Scope.OWN: Money(Decimal("0.0042"), 5),
        Scope.PATH: Money(Decimal("0.0173"), 9, 2),
        Scope.ALL: Money(Decimal("12.346"), 12, 0, True),
    }
    priced = paged._replace(money=money, models=("gpt-5-mini",))
    priced.rows = tuple(
        row._replace(cost=Money(Decimal("0.00213"), 1, int(row.turn == 2), parts=_PARTS), window=4_000)
        if row.usage
        else row
        for row in paged.rows
    )
    return priced


def resend_cost_of(paged: PagedUsage) -> ResendCost:
    """Return the resend costs of the turns, each of which has 400 characters more than the one before."""
    usages = [row.usage or Usage() for row in paged.rows]
    return resend_cost(
        paged.branch_id,
        [
            TurnInput(400 * number, 100, usage.requests, usage.input_tokens, usage.cached_tokens)
            for number, usage in enumerate(usages, 1)
        ],
    )


def screen_text(app: App[None]) -> str:
    """Return the text on the screen."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
