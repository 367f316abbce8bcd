"""`convo-tui usage`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

from tui.cli.json_objects import usage_report_object
from tui.cli.open import open_session
from tui.cli.output import Output, print_json
from tui.config import config_path, load_config
from tui.controller import SessionController
from tui.controller.usage import UsageReport
from tui.model import BranchUsage, Money, Scope, TextSize, TextSizes, TurnResendCost, TurnUsage, Unpriced, Usage
from tui.model.text_sizes import CHARACTERS_PER_TOKEN
from tui.widgets.format import ESTIMATE, estimate_mark, format_cost, format_duration
from tui.widgets.usage.cost_text import cost_with_gaps, price_text
from tui.widgets.usage.request_words import cache_words, differing_names
from tui.widgets.usage.rows import USAGE_ROWS
from tui.words import RECORD_HINT, plural

__all__ = ["run"]

_HEADINGS: Final = ("turn", *(row.label for row in USAGE_ROWS), "resend cost", "cost", "model", "run by")
_REQUEST_HEADINGS: Final = ("time", "first token", "cache")


async def run(options: argparse.Namespace) -> int:
    """Print the usage of a branch."""
    config = load_config()
    async with open_session(options.file, options.session) as found:
        branch = await found.branch(options.branch)
        controller = SessionController(found.store, prices=config.prices)
        if options.price_as:
            controller.usage.set_initial_price_model(options.price_as)
        report = await controller.usage.report(found.session.session_id, branch.branch_id)
    if options.json:
        print_json(usage_report_object(report))
    else:
        names = f"session {found.session.title_and_id}, branch {branch.title_and_id}"
        _print_report(Output(), names, report, with_requests=options.requests)
    return 0


def _print_report(out: Output, names: str, report: UsageReport, *, with_requests: bool) -> None:
    usage, resend_cost = report.branch_usage, report.resend_cost
    out.line((names, "bold"))
    if report.text_sizes is not None:
        _print_text_sizes(out, report.text_sizes, usage)
        return
    if not any(usage.totals.values()):
        out.line("No usage stored.")
        return
    rows: list[Sequence[str]] = [_HEADINGS]
    for turn in report.turns:
        rows.append(_turn_row(turn, resend_cost.turn(turn.turn), usage.branch_id))
        rows += _request_rows(turn) if with_requests else ()
    sums = ((scope, usage.totals.get(scope), usage.money.get(scope)) for scope in Scope)
    rows += ([scope, *_counts(total), "", cost_with_gaps(money), "", ""] for scope, total, money in sums)
    right = range(1, len(_HEADINGS) - 2)
    if with_requests:
        rows = [[*row, *[""] * (len(_HEADINGS) + len(_REQUEST_HEADINGS) - len(row))] for row in rows]
        rows[0] = (*_HEADINGS, *_REQUEST_HEADINGS)
    out.table(rows, right=right)
    out.line()
    out.line(f"own: turns that {usage.branch_id} ran. path: all its turns, each once. all: billed in the session.")
    out.line(
        f"Resend cost: {ESTIMATE}{resend_cost.tokens:,} of {resend_cost.input_tokens:,} input tokens were earlier"
        f" items, sent again with later requests ({ESTIMATE} marks estimates)."
    )
    for line in (*_price_lines(usage, report.price_as), *_unpriced_lines(report.turns)):
        out.line(line)
    if with_requests and (unrecorded := sum(turn.usage is not None and not turn.requests for turn in report.turns)):
        out.line(f"Requests are not recorded for {unrecorded:,} of {plural(usage.turns, 'turn')}. {RECORD_HINT}")
    missing = usage.turns - usage.turns_with_usage
    if missing > 0:
        out.line(f"No usage is stored for {missing:,} of {plural(usage.turns, 'turn')}.")


def _price_lines(usage: BranchUsage, price_as: str | None) -> Iterator[str]:
    """Yield the prices of which the costs are made, with their sources."""
    if usage.prices:
        yield "Prices for a million tokens:"
    for price in usage.prices:
        yield f"  {price_text(price)}{', chosen with --price-as' if price.model == price_as else ''}"


def _unpriced_lines(turns: Sequence[TurnUsage]) -> Iterator[str]:
    """Yield why turns have no cost, and what to do about it."""
    without: dict[tuple[Unpriced, tuple[str, ...]], list[int]] = {}
    for turn in turns:
        if turn.unpriced:
            models = turn.models if turn.unpriced is Unpriced.NO_PRICE else ()
            without.setdefault((turn.unpriced, models), []).append(turn.turn)
    for (reason, models), numbers in without.items():
        missing = f"No price for {plural(len(numbers), 'turn')} of {len(turns):,}"
        match reason:
            case Unpriced.NO_TOKENS:
                yield f"{missing}: input or output is not stored."
            case Unpriced.NO_MODEL:
                yield f"{missing}: the model is not recorded. --price-as MODEL applies the prices of a model."
            case Unpriced.NO_PRICE:
                yield (
                    f"{missing}: no price list has {', '.join(models)}. --price-as MODEL applies the prices of another"
                    f" model, [prices] in {config_path()} sets its own."
                )


def _print_text_sizes(out: Output, sizes: TextSizes, usage: BranchUsage) -> None:
    rows = [(str(turn), sizes.turn(turn) or TextSize()) for turn in range(1, usage.turns + 1)]
    rows += [(scope, sizes.totals[scope]) for scope in Scope if not usage.totals.get(scope)]
    cells = ([name, *(f"{ESTIMATE}{count:,}" for count in (*size, size.total))] for name, size in rows)
    out.table([("turn", "to model", "from model", "total"), *cells], right=(1, 2, 3))
    out.line()
    out.line(
        f"No usage is stored for this branch: {ESTIMATE} marks tokens estimated from the text, one for every"
        f" {CHARACTERS_PER_TOKEN} characters."
    )
    if counted := usage.totals.get(Scope.ALL):
        out.line(f"Usage is stored for other branches of the session: {counted.total_tokens:,} tokens.")
    out.line("Real numbers are stored by session.store_run_usage(result) after each run, and by runs in the explorer.")


def _turn_row(turn: TurnUsage, cost: TurnResendCost | None, branch_id: str) -> list[str]:
    resend_cost = f"{ESTIMATE}{cost.tokens:,}" if cost and cost.tokens else ""
    run_by = turn.branch_id if turn.branch_id and turn.branch_id != branch_id else ""
    return [str(turn.turn), *_counts(turn.usage), resend_cost, _turn_cost(turn), ", ".join(turn.models), run_by]


def _request_rows(turn: TurnUsage) -> Iterator[list[str]]:
    """Yield a row for each request of a turn, as `2.1` for the first one of the second turn."""
    for request, names in zip(turn.requests, differing_names(turn.requests), strict=True):
        used = request.usage
        estimated = turn.usage is not None and turn.usage.estimated
        usage = Usage(1, *used[:2], sum(used[:2]), *used[2:], estimated=estimated) if used else None
        _, *counts = _counts(usage) if usage else ["", *[""] * (len(USAGE_ROWS) - 2), "not reported"]
        yield [
            f"{turn.turn}.{request.number}",
            "",
            *counts,
            "",
            _cost(request.cost),
            "",
            names,
            format_duration(request.seconds),
            format_duration(request.first_token_seconds),
            cache_words(request.cache) if request.cache else "",
        ]


def _counts(usage: Usage | None) -> list[str]:
    if usage is None:
        return [*[""] * (len(USAGE_ROWS) - 1), "no usage stored"]
    mark = estimate_mark(usage)
    return [
        "" if (count := row.number(usage)) is None else f"{'' if row.is_exact else mark}{count:,}" for row in USAGE_ROWS
    ]


def _turn_cost(turn: TurnUsage) -> str:
    return _cost(turn.cost) or ("no price" if turn.cost else "")


def _cost(money: Money | None) -> str:
    return format_cost(money) if money and money.has_price else ""
