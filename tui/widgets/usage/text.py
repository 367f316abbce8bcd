"""What the usage pane says in words and numbers, laid out for a width: functions of a `View`, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from tui.model import ChartView, Money, ResendCost, Scope, TurnUsage, Usage, View
from tui.widgets.format import fit_name, format_count, format_tokens
from tui.widgets.usage.bars import Part
from tui.widgets.usage.cost_text import (
    CARRY_ROWS,
    COMING,
    NO_PRICE,
    NONE,
    carried_words,
    carry_cells,
    context,
    cost,
    left_out,
)
from tui.widgets.usage.run_text import RUN_HEIGHT, dotted, doubt, estimate_mark, missing, run_lines, run_words

__all__ = ["TOTALS_HEIGHT", "Swatch", "strip_totals", "strip_turn", "tools", "totals"]

TOTALS_HEIGHT = 13 + RUN_HEIGHT
"""Lines of `totals`, always as many, so that nothing below it moves."""

_MEANING = {
    Scope.OWN: "the turns that this branch ran",
    Scope.PATH: "all turns of this branch",
    Scope.ALL: "all that this session spent",
}
_NO_USAGE = "No usage stored"
_READING = "reading the usage…"
_NOT_REPORTED = "not reported"
_NO_PRICES = "cost n/a: no model is recorded"
_CARRY = ("≈ estimates: tokens that were", "  sent again by later requests")
_UNKNOWN = (NONE, COMING, _NOT_REPORTED, NO_PRICE)
"""What stands in place of a number."""
_QUIET = "$foreground-muted"
_TURN = "bold $text-accent"

_LABELS = 12
_COLUMN = 14
_TWO_COLUMNS = 28
"""From this width on the selected turn stands beside the scope."""
_CALLS = 8
_NAME = 24
"""The longest name in a sentence."""


class Swatch(NamedTuple):
    """How a part of a bar looks in the legend."""

    text: str
    style: Style


class _Row(NamedTuple):
    """A line of the table."""

    label: str
    number: Callable[[Usage], int | None]
    part: Part | None = None


_ROWS = (
    _Row("requests", lambda usage: usage.requests),
    _Row("input", lambda usage: usage.input_tokens, Part.INPUT),
    _Row(" cached", lambda usage: usage.cached_tokens, Part.CACHED),
    _Row("output", lambda usage: usage.output_tokens, Part.OUTPUT),
    _Row(" reasoning", lambda usage: usage.reasoning_tokens, Part.REASONING),
    _Row("total", lambda usage: usage.total_tokens),
)


def totals(view: View, turn: TurnUsage | None, width: int, swatches: Mapping[Part, Swatch]) -> list[Content]:
    """Every scope's total, then the shown scope in full beside the selected turn, and the run that made that turn.

    The labels of the numbers are the chart's legend.

    Args:
        view: What is shown.
        turn: The selected turn; None while it is not known.
        width: Cells.
        swatches: How the parts of a bar look.
    """
    both = width >= _TWO_COLUMNS and view.turn > 0
    column = min(_COLUMN, (width - _LABELS) // (2 if both else 1))
    head = [Content(" " * _LABELS), Content.styled(str(view.scope).rjust(column), "bold")]
    if both:
        name = f"turn {view.turn}"
        name = name if len(name) < column else f"t{view.turn}"
        head.append(Content.styled(name.rjust(column), _TURN))
    lines = [*_scopes(view, width), _state(view, width), Content.assemble(*head)]
    if view.chart is ChartView.RESEND_COST:
        lines += _carry_table(view, column, both, swatches)
    else:
        lines += _table(view, turn, column, both, swatches)
    lines.append(_remarks(view, turn, width))
    record = turn.run if turn else None
    lines += run_lines(record, width) if record else [Content("")] * RUN_HEIGHT
    return [line.truncate(width, ellipsis=True) for line in lines]


def _table(
    view: View, turn: TurnUsage | None, column: int, both: bool, swatches: Mapping[Part, Swatch]
) -> Iterable[Content]:
    """The shown scope in full, and if `both` the selected turn."""
    spent = _spent(view)
    usage = turn.usage if turn else None
    for label, number, part in _ROWS:
        swatch = Content.styled(*swatches[part]) if part is not None else Content(" ")
        known = [
            (spent, view.branch_usage is not None),
            *([(usage, turn is not None)] if both else ()),
        ]
        cells = [_cell(used, number, column, marked=label != "requests") if told else COMING for used, told in known]
        text = "".join(cell.rjust(column) for cell in cells)
        if both and _unreported(spent, number) and _unreported(usage, number):
            text = _NOT_REPORTED.rjust(column * 2)
        quiet = all(cell in _UNKNOWN for cell in cells)
        style = _QUIET if quiet else "bold" if label == "total" else ""
        yield _line(swatch, label, text, style)
    costs = [cost(view, _money(view, view.scope), spent=spent is not None)]
    if both:
        costs.append(cost(view, turn.cost, spent=usage is not None) if turn else COMING)
    quiet = all(cell in _UNKNOWN for cell in costs)
    yield _line(Content(" "), "cost", "".join(cell.rjust(column) for cell in costs), _QUIET if quiet else "")
    room = column * (2 if both else 1)
    filled = context(turn, room - 1)
    yield _line(Content(" "), "context", filled.rjust(room), _QUIET if filled in _UNKNOWN else "")


def _carry_table(view: View, column: int, both: bool, swatches: Mapping[Part, Swatch]) -> Iterable[Content]:
    """What the path's items cost again, and if `both` the selected turn's."""
    swatch = {"re-sent": swatches[Part.INPUT], " cached": swatches[Part.CACHED]}
    carried = view.resend_cost.turn(view.turn) if view.resend_cost else None
    for label, (path, here) in zip(CARRY_ROWS, carry_cells(view.resend_cost, carried, column), strict=True):
        text = f"{path.rjust(column)}{here.rjust(column) if both else ''}"
        style = _QUIET if view.resend_cost is None else "bold" if label == "re-sent" else ""
        mark = Content.styled(*swatch[label]) if label in swatch else Content(" ")
        yield _line(mark, label, text, style)
    yield Content("")
    yield from (Content.styled(line, _QUIET) for line in _CARRY)


def _line(swatch: Content, label: str, numbers: str, style: str) -> Content:
    return Content.assemble(swatch, f" {label}".ljust(_LABELS - 1), Content.styled(numbers, style))


def _money(view: View, scope: Scope) -> Money | None:
    return view.branch_usage.money.get(scope) if view.branch_usage else None


def tools(view: View, turn: TurnUsage | None, width: int, limit: int) -> list[Content]:
    """Tools called on the path and in the selected turn, the one called most first.

    Args:
        view: What is shown.
        turn: The selected turn; None while it is not known.
        width: Cells.
        limit: Lines at most, the heading included; at least 2.
    """
    ranked = view.branch_usage.tools if view.branch_usage else ()
    if not ranked:
        return []
    here = Counter(dict(turn.tools if turn else ()))
    both = width >= _TWO_COLUMNS and view.turn > 0
    room = width - _CALLS * (2 if both else 1)

    def line(name: str, path: str, turn: str) -> str:
        padding = " " * (room - cell_len(name))
        return f"{name}{padding}{path.rjust(_CALLS)}{turn.rjust(_CALLS) if both else ''}"

    shown = ranked if len(ranked) < limit else ranked[: limit - 2]
    lines = [Content.styled(line("tools", str(Scope.PATH), f"t{view.turn}"), _QUIET)]
    lines += (Content(line(fit_name(name, room - 1), f"{count:,}", _positive(here[name]))) for name, count in shown)
    if rest := ranked[len(shown) :]:
        count = sum(count for _, count in rest)
        count_here = sum(here[name] for name, _ in rest)
        lines.append(Content.styled(line(f"+{len(rest)} more", f"{count:,}", _positive(count_here)), _QUIET))
    return lines


def strip_totals(view: View, width: int, swatches: Mapping[Part, Swatch]) -> Content:
    """One line: the shown scope, what it spent, and the other scopes' totals."""
    spent = _spent(view)
    name = Content.styled(f"{view.scope} ", "bold")
    others = (f"{scope} {_total(view, scope)}" for scope in Scope if scope != view.scope)
    rest = Content.styled(" · ".join(others), _QUIET)
    if view.chart is ChartView.RESEND_COST and view.resend_cost:
        said = Content.assemble((f"{Scope.PATH} ", "bold"), _carry_sentence(view.resend_cost))
        return _first_fitting([_spread(said, rest, width), said], width)
    if spent is None:
        return _first_fitting([_spread(Content.assemble(name, _state(view, width)), rest, width)], width)
    paid = cost(view, _money(view, view.scope), spent=True, why=True)
    full, brief = (Content.assemble(name, *_sentence(spent, swatches, brief, paid)) for brief in (False, True))
    return _first_fitting([_spread(full, rest, width), _spread(brief, rest, width), full, brief], width)


def _carry_sentence(resend_cost: ResendCost) -> str:
    cached = "" if resend_cost.cached is None else f" (≈{format_tokens(resend_cost.cached)} cached)"
    total = format_tokens(resend_cost.input_tokens)
    return f"≈{format_tokens(resend_cost.tokens)} of {total} input was sent again{cached}"


def strip_turn(view: View, turn: TurnUsage | None, width: int, swatches: Mapping[Part, Swatch]) -> Content:
    """One line: the selected turn, what it spent, and its tools."""
    if turn is None:
        return Content("")
    name = Content.styled(f"turn {turn.turn} ", _TURN)
    ran = run_words(turn.run) if turn.run else Content("")
    if turn.usage is None:
        return _first_fitting([dotted(Content.assemble(name, (missing(turn.run), _QUIET)), ran)], width)
    carried = view.resend_cost.turn(turn.turn) if view.resend_cost and view.chart is ChartView.RESEND_COST else None
    if carried:
        return _first_fitting([Content.assemble(name, carried_words(carried))], width)
    paid = cost(view, turn.cost, spent=True)
    full, brief = (Content.assemble(name, *_sentence(turn.usage, swatches, brief, paid)) for brief in (False, True))
    said = dotted(Content.styled(_remark(view, turn), _QUIET), ran)
    most_first = sorted(turn.tools, key=lambda tool: -tool[1])
    called = Content.styled(", ".join(f"{fit_name(tool, _NAME)} ×{n}" for tool, n in most_first), _QUIET)
    lines = [
        line for spent in (full, brief) for line in (_spread(dotted(spent, said), called, width), dotted(spent, said))
    ]
    return _first_fitting([*lines, dotted(brief, ran)], width)


def _spent(view: View) -> Usage | None:
    return view.branch_usage.totals.get(view.scope) if view.branch_usage else None


def _total(view: View, scope: Scope) -> str:
    """The total of one scope in a few characters."""
    if view.branch_usage is None:
        return "…"
    usage = view.branch_usage.totals.get(scope)
    return "–" if usage is None else f"{estimate_mark(usage)}{format_tokens(usage.total_tokens)}"


def _scopes(view: View, width: int) -> tuple[Content, Content]:
    """All scopes with their totals, the shown one marked, and below them what they cost.

    Without the shown one, which is told below, if need be.
    """
    shown = view.branch_usage.money if view.branch_usage else {}
    cells = {
        scope: (f"{scope} {_total(view, scope)}", cost(view, shown.get(scope), spent=_total(view, scope) != NONE))
        for scope in Scope
    }
    priced = any(paid not in _UNKNOWN for _, paid in cells.values()) or bool(shown)
    if not priced:
        cells = {scope: (total, "") for scope, (total, _) in cells.items()}
    if sum(max(map(len, cell)) + 1 for cell in cells.values()) > width + 1:
        del cells[view.scope]
    room = {scope: max(map(len, cell)) for scope, cell in cells.items()}
    gap = next((gap for gap in (3, 2) if sum(room.values()) + gap * (len(room) - 1) <= width), 1)

    def line(place: int) -> Content:
        parts = (
            Content.styled(cell[place].ljust(room[scope]), "bold" if scope == view.scope else _QUIET)
            for scope, cell in cells.items()
        )
        return Content(" · " if gap == 3 and not place else " " * gap).join(parts)

    if priced or view.branch_usage is None or not any(view.branch_usage.totals.values()):
        return line(0), line(1)
    coming = view.price_as or view.branch_usage.models
    return line(0), Content.styled(COMING if coming else _NO_PRICES, _QUIET)


def _state(view: View, width: int) -> Content:
    """What the shown scope means and leaves out, or why there is nothing to show."""
    if view.branch_usage is None:
        return Content.styled(_READING, _QUIET)
    if not _spent(view):
        return Content.styled(_NO_USAGE, _QUIET)
    missing = left_out(view)
    lines = [" · ".join((_MEANING[view.scope], *missing)), " · ".join(missing), *missing[:1]]
    return _first_fitting([Content.styled(line, _QUIET) for line in lines if line], width)


def _cell(usage: Usage | None, number: Callable[[Usage], int | None], column: int, *, marked: bool) -> str:
    """One number of the table, if `marked` with a mark where it is an estimate, or what is said in its place."""
    if usage is None:
        return NONE
    value = number(usage)
    if value is not None:
        mark = estimate_mark(usage) if marked else ""
        return mark + format_count(value, column - 1 - len(mark))
    return _NOT_REPORTED if len(_NOT_REPORTED) < column else "n/a"


def _unreported(usage: Usage | None, number: Callable[[Usage], int | None]) -> bool:
    return usage is not None and number(usage) is None


def _remark(view: View, turn: TurnUsage | None, brief: bool = False) -> str:
    """Why the selected turn has no numbers, or whose they are."""
    if view.branch_usage is None or turn is None:
        return ""
    if turn.usage is None:
        return f"turn {turn.turn}: {missing(turn.run)}"
    if turn.branch_id in (None, view.branch_usage.branch_id):
        return ""
    return f"↰ {'' if brief else 'inherited: '}ran on {fit_name(turn.branch_id or '', _NAME)}"


def _remarks(view: View, turn: TurnUsage | None, width: int) -> Content:
    """What is to be said of the selected turn below its numbers."""
    full, brief = (Content.styled(_remark(view, turn, brief), _QUIET) for brief in (False, True))
    why = Content.styled(doubt(turn.run) if turn and turn.usage else "", _QUIET)
    return _first_fitting([_spread(full, why, width), _spread(brief, why, width)], width) if why else full


def _sentence(usage: Usage, swatches: Mapping[Part, Swatch], brief: bool, paid: str) -> Iterable[Content]:
    """A sum of tokens in words; `brief` leaves out what is part of something else."""
    yield Content.styled(f"{estimate_mark(usage)}{format_tokens(usage.total_tokens)}", "bold")
    if paid not in _UNKNOWN:
        yield Content(f" · {paid}")
    yield Content(f" · {usage.requests:,} request{'s' if usage.requests != 1 else ''}")
    for part, word, count, inner_word, inner in (
        (Part.INPUT, "in", usage.input_tokens, "cached", usage.cached_tokens),
        (Part.OUTPUT, "out", usage.output_tokens, "reasoning", usage.reasoning_tokens),
    ):
        yield Content.assemble(" · ", swatches[part], f" {word} {format_tokens(count)}")
        if not brief:
            told = f"{inner_word} {_NOT_REPORTED}" if inner is None else f"{format_tokens(inner)} {inner_word}"
            yield Content.styled(f" ({told})", _QUIET)


def _spread(left: Content, right: Content, width: int) -> Content:
    """Two texts at the ends of a line, or closer than is good, where that does not fit."""
    return Content.assemble(left, " " * max(3, width - left.cell_length - right.cell_length), right)


def _first_fitting(lines: Sequence[Content], width: int) -> Content:
    """The first line that is not too long; the last one, cut, where all are."""
    fitting = (line for line in lines if line.cell_length <= width)
    return next(fitting, lines[-1].truncate(width, ellipsis=True))


def _positive(count: int) -> str:
    return f"{count:,}" if count else ""
