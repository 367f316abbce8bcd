"""Texts of the usage pane about the run of a turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from textual.content import Content

from tui.model import Outcome, RunRecord
from tui.printable import printable_line
from tui.widgets.format import ESTIMATE, fit_name, format_duration, format_time, format_time_and_zone
from tui.widgets.usage.line_layout import MUTED, join_with_dots

__all__ = ["RUN_HEIGHT", "missing_usage_text", "run_details", "run_lines", "run_summary", "usage_doubt_text"]

RUN_HEIGHT: Final = 2
"""Lines of `run_lines`."""

_RUN: Final = "run: "

_OUTCOME_STYLES: Final[Mapping[Outcome, str]] = {
    Outcome.DONE: "",
    Outcome.STOPPED: "$text-warning",
    Outcome.PAUSED: "$text-warning",
    Outcome.FAILED: "$text-error",
}
_MAX_MODEL_CELLS: Final = 24
"""Maximum width of a model's name in a sentence."""


def missing_usage_text(run: RunRecord | None) -> str:
    """Return the reason why a turn has no tokens."""
    return "no usage stored" if run is None or run.reported else "tokens not reported"


def usage_doubt_text(run: RunRecord | None) -> str:
    """Return the reason why the tokens of a turn may differ from the provider's count; empty if they are exact."""
    if run is None or (not run.estimated and run.reported):
        return ""
    return f"{ESTIMATE} estimated" if run.estimated else "not all reported"


def run_lines(run: RunRecord, width: int) -> Sequence[Content]:
    """Return two lines: model, agent and duration; outcome and start, or the error in place of the start."""
    duration = format_duration(run.seconds)
    names = Content(fit_name(_names(run), width - len(_RUN) - len(duration) - 1))
    gap = " " * (width - len(_RUN) - names.cell_length - len(duration))
    start = "" if run.outcome is Outcome.FAILED else _start(run)
    outcome = Content.styled(_outcome(run), _OUTCOME_STYLES[run.outcome])
    second = join_with_dots(outcome, Content.styled(f"started {start}" if start else "", MUTED))
    return Content.assemble((_RUN, MUTED), names, gap, (duration, MUTED)), Content.assemble(" " * len(_RUN), second)


def run_summary(run: RunRecord) -> Content:
    """Return model, duration and outcome; an error is at the end, where it may be cut."""
    model = fit_name(run.model or "", _MAX_MODEL_CELLS)
    model_and_duration = Content.styled(f"{model} {format_duration(run.seconds)}".strip(), MUTED)
    outcome = Content.styled(_outcome(run), _OUTCOME_STYLES[run.outcome])
    if run.outcome is Outcome.FAILED:
        return join_with_dots(model_and_duration, outcome)
    return join_with_dots(outcome, model_and_duration)


def run_details(run: RunRecord) -> Sequence[str]:
    """Return the recorded facts about a run, line by line."""
    lines = (
        printable_line(_names(run)),
        " · ".join(filter(None, (printable_line(format_time_and_zone(run.started_at)), format_duration(run.seconds)))),
        _outcome(run),
    )
    return [line for line in lines if line]


def _names(run: RunRecord) -> str:
    """Return the names of model and agent (untrusted), or one name if both are the same."""
    return " · ".join(dict.fromkeys(filter(None, (run.model, run.agent))))


def _outcome(run: RunRecord) -> str:
    """Return the outcome of a run; empty if it succeeded."""
    if run.outcome is Outcome.DONE:
        return ""
    return printable_line(f"{run.outcome}: {run.error}" if run.error else run.outcome)


def _start(run: RunRecord) -> str:
    return printable_line(format_time(run.started_at))
