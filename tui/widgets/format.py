"""Numbers, names and times as all panes write them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui.model import Money, Usage
from tui.printable import printable, printable_line
from tui.words import ESTIMATE

__all__ = [
    "ESTIMATE",
    "estimate_mark",
    "fit_name",
    "format_age",
    "format_cost",
    "format_count",
    "format_dollars",
    "format_duration",
    "format_time",
    "format_time_and_zone",
    "format_tokens",
]

_UNITS: Final = ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B"), (1_000_000_000_000, "T"))


def format_tokens(count: int, *, estimated: bool = False) -> str:
    """Shorten a number of tokens (not negative) to at most five characters: 397, 1.2k, 12.3k, 123k, 1.1M.

    An estimate gets its mark before them.
    """
    if estimated:
        return f"{ESTIMATE}{format_tokens(count)}"
    if count < 1_000:
        return str(count)
    for unit, suffix in _UNITS:
        tenths = (count * 10 + unit // 2) // unit
        if tenths < 1_000:
            return f"{tenths // 10}.{tenths % 10}{suffix}"
        rounded = (count + unit // 2) // unit
        if rounded < 1_000:
            return f"{rounded}{suffix}"
    return "≥1P"


def estimate_mark(usage: Usage | None) -> str:
    """Return the mark of estimates if some tokens of a usage are estimates, else an empty text."""
    return ESTIMATE if usage and usage.estimated else ""


def format_count(count: int, room: int) -> str:
    """Write a number in full if it fits `room` cells, else as `format_tokens` does."""
    full = f"{count:,}"
    return full if len(full) <= room else format_tokens(count)


def format_dollars(amount: Decimal) -> str:
    """Write US dollars with their significant digits: $0.00042, $0.017, $3.40, $1,234."""
    if not amount:
        return "$0"
    if amount >= 1000:
        return f"${amount:,.0f}"
    if amount >= 1:
        return f"${amount:.2f}"
    digits = min(1 - amount.adjusted(), 8)
    return f"${amount:.{digits}f}" if round(amount, digits) else "<$0.00000001"


def format_cost(cost: Money) -> str:
    """Write the amount of a cost, marked `≥` if some of its turns have no price, and `≈` if it is an estimate."""
    return f"{'≥' if cost.unpriced else ''}{ESTIMATE if cost.estimated else ''}{format_dollars(cost.amount)}"


def format_duration(seconds: float | None) -> str:
    """Write a duration with its units: `4.2 s`, `3 min 5 s`, `2 h 10 min`; empty for an unknown duration."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


def fit_name(name: str, room: int) -> str:
    """Make an untrusted name printable on one line, and cut it to `room` cells with `…` at its end."""
    name = printable_line(name)
    if cell_len(name) <= room:
        return name
    if room <= 0:
        return ""
    # Splitting a long text into graphemes is slow, so only its beginning is split.
    beginning = name[: room - 1] if name.isascii() else set_cell_size(name[: 4 * room], room - 1)
    return f"{beginning.rstrip()}…"


def format_time(stored: str | None) -> str:
    """Write a stored time (UTC) in the user's time zone; if it cannot be converted, write its beginning."""
    moment = _local(stored)
    return printable((stored or "")[:19]) if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def format_time_and_zone(stored: str | None) -> str:
    """Write a stored time as `format_time` does, with the offset from UTC: `2026-03-04 14:06 +09:00`."""
    moment = _local(stored)
    if moment is None:
        return format_time(stored)
    offset = f"{moment:%z}"
    return f"{format_time(stored)} {offset[:3]}:{offset[3:5]}"


def format_age(stored: str | None, now: datetime) -> str:
    """Write the age of a stored time (UTC): `now`, `5 min ago`, `2 h ago`, `3 d ago`, or the day; empty if invalid."""
    moment = _local(stored)
    if moment is None:
        return ""
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    if minutes < 31 * 24 * 60:
        return f"{minutes // (24 * 60)} d ago"
    return moment.date().isoformat()


def _local(stored: str | None) -> datetime | None:
    """Return a stored time, UTC unless it has a zone, in the user's time zone; None if it is not a valid time."""
    try:
        moment = datetime.fromisoformat(stored or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone()
    except (ValueError, OverflowError):
        return None
