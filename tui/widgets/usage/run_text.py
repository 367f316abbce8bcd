"""What the usage pane says of the run that made a turn: functions of a `RunRecord`, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.model import Outcome, RunRecord, Usage
from tui.printable import printable_line
from tui.widgets.format import fit_name, format_duration, format_time

__all__ = [
    "ESTIMATE",
    "RUN_HEIGHT",
    "dotted",
    "doubt",
    "estimate_mark",
    "missing",
    "run_details",
    "run_lines",
    "run_words",
]

RUN_HEIGHT = 2
"""Lines of `run_lines`."""

ESTIMATE = "≈"
_QUIET = "$foreground-muted"
_ENDED = {Outcome.DONE: "", Outcome.STOPPED: "$text-warning", Outcome.FAILED: "$text-error"}
_MODEL = 24
"""The longest model's name in a sentence."""


def estimate_mark(usage: Usage | None) -> str:
    """What stands before tokens: `≈` where some of them are estimates."""
    return ESTIMATE if usage and usage.estimated else ""


def missing(record: RunRecord | None) -> str:
    """Why there are no tokens of a turn."""
    return "no usage stored" if record is None or record.reported else "tokens not reported"


def doubt(record: RunRecord | None) -> str:
    """Why the tokens of a turn are not all that a provider counted; empty where they are."""
    if record is None or (not record.estimated and record.reported):
        return ""
    return f"{ESTIMATE} estimated" if record.estimated else "not all reported"


def run_lines(record: RunRecord, width: int) -> Sequence[Content]:
    """What ran and for how long; how that ended and when it began, an error in place of the time."""
    took = format_duration(record.seconds)
    who = Content(fit_name(_who(record), width - len(took) - 1))
    gap = " " * (width - who.cell_length - len(took))
    began = "" if record.outcome is Outcome.FAILED else _began(record)
    ended = Content.styled(_ended(record), _ENDED[record.outcome])
    return Content.assemble(who, gap, (took, _QUIET)), dotted(ended, Content.styled(began, _QUIET))


def run_words(record: RunRecord) -> Content:
    """The same in a few words, with neither agent nor time; the last of them may be cut."""
    model = fit_name(record.model or "", _MODEL)
    ran = Content.styled(f"{model} {format_duration(record.seconds)}".strip(), _QUIET)
    ended = Content.styled(_ended(record), _ENDED[record.outcome])
    return dotted(ran, ended) if record.outcome is Outcome.FAILED else dotted(ended, ran)


def run_details(record: RunRecord) -> Sequence[str]:
    """All that is known of a run, line by line."""
    lines = (
        printable_line(_who(record)),
        " · ".join(filter(None, (_began(record), format_duration(record.seconds)))),
        _ended(record),
    )
    return [line for line in lines if line]


def dotted(*parts: Content) -> Content:
    """The parts that say something, with quiet dots between them."""
    return Content.styled(" · ", _QUIET).join(part for part in parts if part)


def _who(record: RunRecord) -> str:
    """Model and agent, once where they are called alike; untrusted."""
    return " · ".join(dict.fromkeys(filter(None, (record.model, record.agent))))


def _ended(record: RunRecord) -> str:
    """How a run ended, where it did not simply end."""
    if record.outcome is Outcome.DONE:
        return ""
    return printable_line(f"{record.outcome}: {record.error}" if record.error else record.outcome)


def _began(record: RunRecord) -> str:
    return printable_line(format_time(record.started_at))
