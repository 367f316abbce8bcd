"""Texts of the compact usage pane: a line for the branch, and one for the selected turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual.content import Content

from tui.model import ChartView, Scope, TextSize, TurnUsage, Usage, View
from tui.widgets.format import fit_name, format_tokens
from tui.widgets.usage.bars import BarPart
from tui.widgets.usage.cost_text import cost_text
from tui.widgets.usage.line_layout import MUTED, first_fitting, join_with_dots, spread
from tui.widgets.usage.placeholders import NOT_REPORTED, is_placeholder
from tui.widgets.usage.request_words import MARKS, worst_verdict
from tui.widgets.usage.resend_text import branch_resend_sentence, turn_resend_sentence
from tui.widgets.usage.rows import USAGE_ROWS, UsageRow
from tui.widgets.usage.run_text import missing_usage_text, run_summary
from tui.widgets.usage.text import (
    NAME_CELLS,
    TURN_STYLE,
    Legend,
    scope_cost,
    scope_state,
    scope_total,
    shown_usage,
    turn_remark,
)
from tui.widgets.usage.text_size_text import ESTIMATED, shows_text_sizes, size_total
from tui.words import plural

__all__ = ["strip_totals_line", "strip_turn_line"]


def strip_totals_line(view: View, width: int, legend: Legend) -> Content:
    """Return the usage of the shown scope and the totals of the other scopes."""
    others = (f"{scope} {scope_total(view, scope)}" for scope in Scope if scope != view.charted_scope)
    right = Content.styled(" · ".join(others), MUTED)
    if shows_text_sizes(view) and view.text_sizes:
        size = Content.assemble(
            *((f"{view.scope} ", "bold"), (size_total(view, view.scope), "bold"), " · "),
            *_size_sentence(view.text_sizes.totals[view.scope], legend),
        )
        note = Content.styled(ESTIMATED, MUTED)
        hint = Content.styled("real numbers: store_run_usage(result)", MUTED)
        lines = [join_with_dots(size, note), size]
        return first_fitting([*(spread(lines[0], end, width) for end in (hint, right)), *lines], width)
    if view.chart is ChartView.RESEND_COST and view.resend_cost:
        text = Content.assemble((f"{Scope.PATH} ", "bold"), branch_resend_sentence(view.resend_cost))
        return first_fitting([spread(text, right, width), text], width)
    name = Content.styled(f"{view.scope} ", "bold")
    usage = shown_usage(view)
    if usage is None:
        return first_fitting([spread(Content.assemble(name, scope_state(view, width)), right, width)], width)
    cost = cost_text(view, scope_cost(view), has_usage=True, with_reason=True)
    full, brief = (Content.assemble(name, *_sentence(usage, legend, cost, brief=brief)) for brief in (False, True))
    return first_fitting([spread(full, right, width), spread(brief, right, width), full, brief], width)


def strip_turn_line(view: View, turn: TurnUsage | None, width: int, legend: Legend) -> Content:
    """Return the usage, the run and the tools of the selected turn."""
    if turn is None:
        return Content("")
    name = Content.styled(f"turn {turn.turn} ", TURN_STYLE)
    run = run_summary(turn.run) if turn.run else Content("")
    size = view.text_sizes.turn(turn.turn) if view.text_sizes and shows_text_sizes(view) else None
    if size is not None:
        text = Content.assemble(
            name, (format_tokens(size.total, estimated=True), "bold"), " · ", *_size_sentence(size, legend)
        )
        return first_fitting(
            [spread(join_with_dots(text, run), _tools(turn), width), join_with_dots(text, run), text], width
        )
    if turn.usage is None:
        text = Content.assemble(name, (missing_usage_text(turn.run), MUTED))
        return first_fitting([join_with_dots(text, run)], width)
    resend_cost = view.resend_cost.turn(turn.turn) if view.resend_cost else None
    if resend_cost and view.chart is ChartView.RESEND_COST:
        return first_fitting([Content.assemble(name, turn_resend_sentence(resend_cost))], width)
    cost = cost_text(view, turn.cost, has_usage=True)
    full, brief = (Content.assemble(name, *_sentence(turn.usage, legend, cost, brief=brief)) for brief in (False, True))
    verdict = worst_verdict(turn.requests)
    cache = f"{MARKS[verdict]} {verdict.replace('_', ' ')}" if verdict else ""
    remark = join_with_dots(Content.styled(cache, MUTED), Content.styled(turn_remark(view, turn), MUTED), run)
    lines = []
    for usage in (full, brief):
        text = join_with_dots(usage, remark)
        lines += [spread(text, _tools(turn), width), text]
    return first_fitting([*lines, join_with_dots(brief, run)], width)


def _tools(turn: TurnUsage) -> Content:
    most_calls_first = sorted(turn.tools, key=lambda tool: -tool[1])
    tools = (f"{fit_name(tool, NAME_CELLS)} ×{count}" for tool, count in most_calls_first)
    return Content.styled(", ".join(tools), MUTED)


def _size_sentence(size: TextSize, legend: Legend) -> Iterator[Content]:
    """Yield an estimated size in words."""
    yield Content.assemble(legend[BarPart.INPUT], f" to the model {format_tokens(size.to_model, estimated=True)} · ")
    yield Content.assemble(legend[BarPart.OUTPUT], f" from it {format_tokens(size.from_model, estimated=True)}")


def _sentence(usage: Usage, legend: Legend, cost: str, *, brief: bool) -> Iterator[Content]:
    """Yield a usage in words; `brief` omits numbers that other numbers include."""
    yield Content.styled(format_tokens(usage.total_tokens, estimated=usage.estimated), "bold")
    if not is_placeholder(cost):
        yield Content(f" · {cost}")
    yield Content(f" · {plural(usage.requests, 'request')}")
    for row, included in _WORDED_ROWS:
        symbol = Content("") if row.part is None else legend[row.part] + " "
        yield Content.assemble(" · ", symbol, f"{row.word} {_count(usage, row)}")
        if included and not brief:
            yield Content.styled(f" ({', '.join(_included_text(usage, inner) for inner in included)})", MUTED)


def _included_text(usage: Usage, row: UsageRow) -> str:
    return f"{row.word} {NOT_REPORTED}" if row.number(usage) is None else f"{_count(usage, row)} {row.word}"


def _count(usage: Usage, row: UsageRow) -> str:
    return format_tokens(row.number(usage) or 0, estimated=usage.estimated and not row.is_exact)


def _worded_rows() -> list[tuple[UsageRow, list[UsageRow]]]:
    rows: list[tuple[UsageRow, list[UsageRow]]] = []
    for row in USAGE_ROWS:
        if row.is_included:
            rows[-1][1].append(row)
        elif row.word:
            rows.append((row, []))
    return rows


_WORDED_ROWS: Final = _worded_rows()
"""The rows of a sentence, each with the rows that it includes."""
