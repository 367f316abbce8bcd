"""The text of the usage pane above the chart: sums and the selected turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from textual.content import Content

from tui.model import ChartView, Money, Scope, TurnUsage, Usage, View
from tui.widgets.format import estimate_mark, fit_name, format_count, format_tokens
from tui.widgets.usage.bars import BarPart
from tui.widgets.usage.cost_text import context_text, cost_text, has_prices, notes_on_left_out_turns
from tui.widgets.usage.line_layout import MUTED, first_fitting, spread
from tui.widgets.usage.placeholders import (
    ABSENT,
    LOADING,
    NO_PRICE,
    NOT_REPORTED,
    is_placeholder,
    unread_text,
)
from tui.widgets.usage.resend_text import RESEND_NOTE, resend_rows
from tui.widgets.usage.rows import USAGE_ROWS, UsageRow
from tui.widgets.usage.run_text import RUN_HEIGHT, missing_usage_text, run_lines, usage_doubt_text
from tui.widgets.usage.text_size_text import ESTIMATED, HOW_TO_COUNT, shows_text_sizes, size_rows, size_total

__all__ = [
    "NAME_CELLS",
    "TOTALS_HEIGHT",
    "TURN_STYLE",
    "Legend",
    "has_turn_column",
    "scope_cost",
    "scope_state",
    "scope_total",
    "shown_usage",
    "totals_lines",
    "turn_remark",
]


_TABLE_HEIGHT: Final = len(USAGE_ROWS) + 2
"""Lines of the table: the numbers, the cost and the context."""

TOTALS_HEIGHT: Final = 4 + _TABLE_HEIGHT + 1 + RUN_HEIGHT
"""Lines of `totals_lines`: scopes, their costs, a note and a heading; the table; a remark; the run."""


Legend: TypeAlias = Mapping[BarPart, Content]
"""The symbol of each part of the bars, of one cell."""

NAME_CELLS: Final = 24
"""Maximum width of a name in a sentence."""
TURN_STYLE: Final = "bold $text-accent"

_LABEL_CELLS: Final = 12
_COLUMN_CELLS: Final = 14
_TWO_COLUMNS_WIDTH: Final = 28
"""Minimum width for two columns."""

_SCOPE_NOTES: Final = {
    Scope.OWN: "the turns that this branch ran",
    Scope.PATH: "all turns of this branch",
    Scope.ALL: "all turns of this session",
}
_NO_USAGE: Final = "No usage stored"
_READING: Final = "reading the usage…"
_NO_PRICES: Final = ("no price: Ctrl+P, Price as a model", "no price: Ctrl+P, Price as", "no price")


def has_turn_column(view: View, width: int) -> bool:
    """Return whether the selected turn has a column beside the column of the branch."""
    return width >= _TWO_COLUMNS_WIDTH and view.turn > 0


def totals_lines(view: View, turn: TurnUsage | None, width: int, legend: Legend) -> list[Content]:
    """Return the totals of all scopes, a table of the shown scope and the selected turn, and the run of the turn.

    The labels of the table are the legend of the chart. The number of lines is always `TOTALS_HEIGHT`, so that nothing
    below them moves. `turn` is the selected turn; None until it is read.
    """
    with_turn = has_turn_column(view, width)
    column = min(_COLUMN_CELLS, (width - _LABEL_CELLS) // (2 if with_turn else 1))
    heading = [Content(" " * _LABEL_CELLS), Content.styled(str(view.charted_scope).rjust(column), "bold")]
    if with_turn:
        name = f"turn {view.turn}"
        name = name if len(name) < column else f"t{view.turn}"
        heading.append(Content.styled(name.rjust(column), TURN_STYLE))
    lines = [*_scopes_lines(view, width), scope_state(view, width), Content.assemble(*heading)]
    if shows_text_sizes(view):
        lines += _size_table(view, column, with_turn, legend)
    elif view.chart is ChartView.RESEND_COST and view.branch_id:
        lines += _resend_table(view, column, with_turn, legend)
    else:
        lines += _usage_table(view, turn, column, with_turn, legend)
    lines.append(_remark_line(view, turn, width))
    run = turn.run if turn else None
    lines += run_lines(run, width) if run else [Content("")] * RUN_HEIGHT
    return [line.truncate(width, ellipsis=True) for line in lines]


def _usage_table(view: View, turn: TurnUsage | None, column: int, with_turn: bool, legend: Legend) -> Iterator[Content]:
    usages = [(shown_usage(view), view.branch_usage is not None or not view.branch_id)]
    if with_turn:
        usages.append((turn.usage if turn else None, turn is not None))
    for row in USAGE_ROWS:
        cells = [_usage_cell(usage, row, column) if is_read else LOADING for usage, is_read in usages]
        text = "".join(cell.rjust(column) for cell in cells)
        if with_turn and all(usage is not None and row.number(usage) is None for usage, _ in usages):
            text = NOT_REPORTED.rjust(column * 2)
        label = f" {row.label}" if row.is_included else row.label
        yield _table_line(row.part, label, text, _muted_if_all_placeholders(cells, row.style), legend)
    costs = [cost_text(view, scope_cost(view), has_usage=shown_usage(view) is not None)]
    if with_turn:
        costs.append(cost_text(view, turn.cost, has_usage=turn.usage is not None) if turn else LOADING)
    text = ""
    for cell in costs:
        touches = text and len(cell) >= column
        text = f"{text.lstrip()} {cell}".rjust(column * 2) if touches else text + cell.rjust(column)
    yield _table_line(None, "cost", text, _muted_if_all_placeholders(costs), legend)
    room = column * (2 if with_turn else 1)
    context = context_text(turn, room - 1) if view.turn else ABSENT
    yield _table_line(None, "context", context.rjust(room), _muted_if_all_placeholders([context]), legend)


def _usage_cell(usage: Usage | None, row: UsageRow, column: int) -> str:
    if usage is None:
        return ABSENT
    number = row.number(usage)
    if number is not None:
        mark = "" if row.is_exact else estimate_mark(usage)
        return mark + format_count(number, column - 1 - len(mark))
    return NOT_REPORTED if len(NOT_REPORTED) < column else NO_PRICE


def _resend_table(view: View, column: int, with_turn: bool, legend: Legend) -> Iterator[Content]:
    turn = view.resend_cost.turn(view.turn) if view.resend_cost else None
    rows = resend_rows(view.resend_cost, turn, column)
    for row in rows:
        text = f"{row.branch.rjust(column)}{row.turn.rjust(column) if with_turn else ''}"
        yield _table_line(row.part, row.label, text, MUTED if view.resend_cost is None else row.style, legend)
    yield from [Content("")] * (_TABLE_HEIGHT - len(rows) - len(RESEND_NOTE))
    yield from (Content.styled(line, MUTED) for line in RESEND_NOTE)


def _size_table(view: View, column: int, with_turn: bool, legend: Legend) -> Iterator[Content]:
    rows = size_rows(view, column)
    for row in rows:
        text = f"{row.branch.rjust(column)}{row.turn.rjust(column) if with_turn else ''}"
        yield _table_line(row.part, row.label, text, MUTED if view.text_sizes is None else row.style, legend)
    yield from [Content("")] * (_TABLE_HEIGHT - len(rows) - len(HOW_TO_COUNT))
    yield from (Content.styled(line, MUTED) for line in HOW_TO_COUNT)


def _table_line(part: BarPart | None, label: str, numbers: str, style: str, legend: Legend) -> Content:
    symbol = Content(" ") if part is None else legend[part]
    return Content.assemble(symbol, f" {label}".ljust(_LABEL_CELLS - 1), Content.styled(numbers, style))


def _muted_if_all_placeholders(cells: list[str], style: str = "") -> str:
    return MUTED if all(map(is_placeholder, cells)) else style


def shown_usage(view: View) -> Usage | None:
    """Return the usage of the shown scope; None if it is not stored or not read."""
    return view.branch_usage.totals.get(view.scope) if view.branch_usage else None


def scope_cost(view: View) -> Money | None:
    """Return the cost of the shown scope; None while it is not known."""
    return view.branch_usage.money.get(view.scope) if view.branch_usage else None


def scope_total(view: View, scope: Scope) -> str:
    """Return the total tokens of a scope, shortened."""
    if view.branch_usage is None:
        return unread_text(view)
    usage = view.branch_usage.totals.get(scope)
    if usage is None and view.branch_usage.is_uncounted:
        return size_total(view, scope)
    return ABSENT if usage is None else format_tokens(usage.total_tokens, estimated=usage.estimated)


def _scopes_lines(view: View, width: int) -> tuple[Content, Content]:
    """Return a line with the totals of all scopes, and a line with their costs.

    If there is not enough room, the costs are not below their totals; if that is not enough, the shown scope is
    omitted, because the table shows it too.
    """
    money = view.branch_usage.money if view.branch_usage else {}
    cells = {}
    for scope in Scope:
        total = scope_total(view, scope)
        has_usage = bool(view.branch_usage and view.branch_usage.totals.get(scope))
        cells[scope] = f"{scope} {total}", cost_text(view, money.get(scope), has_usage=has_usage)
    has_costs = has_prices(view)
    if not has_costs:
        cells = {scope: (total, "") for scope, (total, _) in cells.items()}
    lengths = [[len(text) + 1 for text in texts] for texts in cells.values()]
    is_aligned = sum(map(max, lengths)) <= width + 1
    if not is_aligned and max(map(sum, zip(*lengths, strict=True))) > width + 1:
        is_aligned = True
        del cells[view.scope]
    widths = {scope: max(map(len, cell)) if is_aligned else 0 for scope, cell in cells.items()}
    gaps = (gap for gap in (3, 2) if is_aligned and sum(widths.values()) + gap * (len(widths) - 1) <= width)
    gap = next(gaps, 1)

    def line(index: int) -> Content:
        parts = (
            Content.styled(cell[index].ljust(widths[scope]), "bold" if scope == view.scope else MUTED)
            for scope, cell in cells.items()
        )
        return Content(" · " if gap == 3 and index == 0 else " " * gap).join(parts)

    if has_costs or view.branch_usage is None or not any(view.branch_usage.totals.values()):
        return line(0), line(1)
    is_loading = bool(view.price_as or view.branch_usage.models) and not money
    hints = (LOADING,) if is_loading else _NO_PRICES
    return line(0), first_fitting([Content.styled(hint, MUTED) for hint in hints], width)


def scope_state(view: View, width: int) -> Content:
    """Return a line about the turns that the shown scope includes and leaves out, or why there are no numbers."""
    if view.branch_usage is None:
        return Content.styled(_READING if view.branch_id else _NO_USAGE, MUTED)
    if shows_text_sizes(view):
        lines = [f"{_NO_USAGE} · {ESTIMATED}", ESTIMATED]
        return first_fitting([Content.styled(line, MUTED) for line in lines], width)
    if not shown_usage(view):
        return Content.styled(_NO_USAGE, MUTED)
    notes = notes_on_left_out_turns(view)
    lines = [" · ".join((_SCOPE_NOTES[view.charted_scope], *notes)), " · ".join(notes), *notes[:1]]
    return first_fitting([Content.styled(line, MUTED) for line in lines if line], width)


def turn_remark(view: View, turn: TurnUsage | None, *, brief: bool = False) -> str:
    """Return a note that the selected turn has no numbers, or that another branch ran it; empty if neither applies."""
    if view.branch_usage is None or turn is None:
        return ""
    if turn.usage is None and shows_text_sizes(view) and (turn.run is None or turn.run.reported):
        return ""
    if turn.usage is None:
        return f"turn {turn.turn}: {missing_usage_text(turn.run)}"
    if turn.branch_id in (None, view.branch_usage.branch_id):
        return ""
    return f"↰ {'' if brief else 'inherited: '}ran on {fit_name(turn.branch_id or '', NAME_CELLS)}"


def _remark_line(view: View, turn: TurnUsage | None, width: int) -> Content:
    full, brief = (Content.styled(turn_remark(view, turn, brief=brief), MUTED) for brief in (False, True))
    doubt = Content.styled(usage_doubt_text(turn.run) if turn and turn.usage else "", MUTED)
    return first_fitting([spread(full, doubt, width), spread(brief, doubt, width)], width) if doubt else full
