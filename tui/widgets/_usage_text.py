"""What the usage pane says in words and numbers, laid out for a width: functions of a `View`, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from tui.model import Scope, TurnUsage, Usage, View
from tui.widgets._run_text import RUN_HEIGHT, dotted, doubt, estimate_mark, missing, run_lines, run_words
from tui.widgets._token_bars import Part
from tui.widgets.numbers import exact, fit_name, tokens

__all__ = ["TOTALS_HEIGHT", "Swatch", "strip_totals", "strip_turn", "tools", "totals"]

TOTALS_HEIGHT = 10 + RUN_HEIGHT
"""Lines of `totals`, always as many, so that nothing below it moves."""

_MEANING = {
    Scope.OWN: "the turns that this branch ran",
    Scope.PATH: "all turns of this branch",
    Scope.ALL: "all that this session spent",
}
_NO_USAGE = "No usage stored"
_READING = "reading the usage…"
_NOT_REPORTED = "not reported"
_NONE = "–"
_COMING = "…"
_UNKNOWN = (_NONE, _COMING, _NOT_REPORTED, "n/a")
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


def totals(view: View, turn: TurnUsage | None, width: int, swatches: Mapping[Part, Swatch]) -> Content:
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
        head.append(Content.styled(f"turn {view.turn}".rjust(column), _TURN))
    lines = [_scopes(view, width), _state(view), Content.assemble(*head)]

    spent = _spent(view)
    for label, number, part in _ROWS:
        swatch = Content.styled(*swatches[part]) if part is not None else Content(" ")
        known = [
            (spent, view.accounts is not None),
            *([(turn.usage if turn else None, turn is not None)] if both else ()),
        ]
        cells = [_cell(usage, number, column, marked=label != "requests") if told else _COMING for usage, told in known]
        text = "".join(cell.rjust(column) for cell in cells)
        if both and _unreported(spent, number) and _unreported(turn.usage if turn else None, number):
            text = _NOT_REPORTED.rjust(column * 2)
        quiet = all(cell in _UNKNOWN for cell in cells)
        style = _QUIET if quiet else "bold" if label == "total" else ""
        lines.append(Content.assemble(swatch, f" {label}".ljust(_LABELS - 1), Content.styled(text, style)))
    lines.append(_remarks(view, turn, width))
    record = turn.run if turn else None
    lines += run_lines(record, width) if record else [Content("")] * RUN_HEIGHT
    return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def tools(view: View, turn: TurnUsage | None, width: int, limit: int) -> Content:
    """Tools called on the path and in the selected turn, the one called most first.

    Args:
        view: What is shown.
        turn: The selected turn; None while it is not known.
        width: Cells.
        limit: Lines at most, the heading included; at least 2.
    """
    ranked = view.accounts.tools if view.accounts else ()
    if not ranked:
        return Content("")
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
    return Content("\n").join(lines)


def strip_totals(view: View, width: int, swatches: Mapping[Part, Swatch]) -> Content:
    """One line: the shown scope, what it spent, and the other scopes' totals."""
    spent = _spent(view)
    name = Content.styled(f"{view.scope} ", "bold")
    others = (f"{scope} {_total(view, scope)}" for scope in Scope if scope != view.scope)
    rest = Content.styled(" · ".join(others), _QUIET)
    if spent is None:
        return _first_fitting([_spread(Content.assemble(name, _state(view)), rest, width)], width)
    full, brief = (Content.assemble(name, *_sentence(spent, swatches, brief)) for brief in (False, True))
    return _first_fitting([_spread(full, rest, width), _spread(brief, rest, width), full, brief], width)


def strip_turn(view: View, turn: TurnUsage | None, width: int, swatches: Mapping[Part, Swatch]) -> Content:
    """One line: the selected turn, what it spent, and its tools."""
    if turn is None:
        return Content("")
    name = Content.styled(f"turn {turn.turn} ", _TURN)
    ran = run_words(turn.run) if turn.run else Content("")
    if turn.usage is None:
        return _first_fitting([dotted(Content.assemble(name, (missing(turn.run), _QUIET)), ran)], width)
    full, brief = (Content.assemble(name, *_sentence(turn.usage, swatches, brief)) for brief in (False, True))
    said = dotted(Content.styled(_remark(view, turn), _QUIET), ran)
    most_first = sorted(turn.tools, key=lambda tool: -tool[1])
    called = Content.styled(", ".join(f"{fit_name(tool, _NAME)} ×{n}" for tool, n in most_first), _QUIET)
    lines = [
        line for spent in (full, brief) for line in (_spread(dotted(spent, said), called, width), dotted(spent, said))
    ]
    return _first_fitting([*lines, dotted(brief, ran)], width)


def _spent(view: View) -> Usage | None:
    return view.accounts.totals.get(view.scope) if view.accounts else None


def _total(view: View, scope: Scope) -> str:
    """The total of one scope in a few characters."""
    if view.accounts is None:
        return "…"
    usage = view.accounts.totals.get(scope)
    return "–" if usage is None else f"{estimate_mark(usage)}{tokens(usage.total_tokens)}"


def _scopes(view: View, width: int) -> Content:
    """All scopes with their totals, the shown one marked; without the shown one, which is told below, if need be."""
    words = {
        scope: Content.styled(f"{scope} {_total(view, scope)}", "bold" if scope == view.scope else _QUIET)
        for scope in Scope
    }
    lines = [Content.styled(gap, _QUIET).join(words.values()) for gap in (" · ", "  ", " ")]
    del words[view.scope]
    return _first_fitting([*lines, Content("  ").join(words.values())], width)


def _state(view: View) -> Content:
    """What the shown scope means, or why there is nothing to show."""
    if view.accounts is None:
        return Content.styled(_READING, _QUIET)
    return Content.styled(_MEANING[view.scope] if _spent(view) else _NO_USAGE, _QUIET)


def _cell(usage: Usage | None, number: Callable[[Usage], int | None], column: int, *, marked: bool) -> str:
    """One number of the table, if `marked` with a mark where it is an estimate, or what is said in its place."""
    if usage is None:
        return _NONE
    value = number(usage)
    if value is not None:
        mark = estimate_mark(usage) if marked else ""
        return mark + exact(value, column - 1 - len(mark))
    return _NOT_REPORTED if len(_NOT_REPORTED) < column else "n/a"


def _unreported(usage: Usage | None, number: Callable[[Usage], int | None]) -> bool:
    return usage is not None and number(usage) is None


def _remark(view: View, turn: TurnUsage | None, brief: bool = False) -> str:
    """Why the selected turn has no numbers, or whose they are."""
    if view.accounts is None or turn is None:
        return ""
    if turn.usage is None:
        return f"turn {turn.turn}: {missing(turn.run)}"
    if turn.branch_id in (None, view.accounts.branch_id):
        return ""
    return f"↰ {'' if brief else 'inherited: '}ran on {fit_name(turn.branch_id or '', _NAME)}"


def _remarks(view: View, turn: TurnUsage | None, width: int) -> Content:
    """What is to be said of the selected turn below its numbers."""
    full, brief = (Content.styled(_remark(view, turn, brief), _QUIET) for brief in (False, True))
    why = Content.styled(doubt(turn.run) if turn and turn.usage else "", _QUIET)
    return _first_fitting([_spread(full, why, width), _spread(brief, why, width)], width) if why else full


def _sentence(usage: Usage, swatches: Mapping[Part, Swatch], brief: bool) -> Iterable[Content]:
    """A sum of tokens in words; `brief` leaves out what is part of something else."""
    yield Content.styled(f"{estimate_mark(usage)}{tokens(usage.total_tokens)}", "bold")
    yield Content(f" · {usage.requests:,} request{'s' if usage.requests != 1 else ''}")
    for part, word, count, inner_word, inner in (
        (Part.INPUT, "in", usage.input_tokens, "cached", usage.cached_tokens),
        (Part.OUTPUT, "out", usage.output_tokens, "reasoning", usage.reasoning_tokens),
    ):
        yield Content.assemble(" · ", swatches[part], f" {word} {tokens(count)}")
        if not brief:
            told = f"{inner_word} {_NOT_REPORTED}" if inner is None else f"{tokens(inner)} {inner_word}"
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
