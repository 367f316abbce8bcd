"""How the panes write numbers, names and times, so that all of them write them alike."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from rich.cells import cell_len, set_cell_size

from tui.printable import printable, printable_line

__all__ = ["dollars", "duration", "exact", "fit_name", "local_time", "tokens"]

_UNITS = ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B"), (1_000_000_000_000, "T"))


def tokens(n: int) -> str:
    """A count of tokens in at most five characters: 397, 1.2k, 12.3k, 123k, 1.1M.

    Args:
        n: The count, not negative.
    """
    if n < 1_000:
        return str(n)
    for unit, suffix in _UNITS:
        tenths = (n * 10 + unit // 2) // unit
        if tenths < 1_000:
            return f"{tenths // 10}.{tenths % 10}{suffix}"
        whole = (n + unit // 2) // unit
        if whole < 1_000:
            return f"{whole}{suffix}"
    return "≥1P"


def exact(n: int, room: int) -> str:
    """A count in full, thousands parted, or shortened as `tokens` does where that takes more than `room` cells."""
    full = f"{n:,}"
    return full if len(full) <= room else tokens(n)


def dollars(amount: Decimal) -> str:
    """US dollars with what counts of them: $0.00042, $0.017, $3.40, $1,234."""
    if not amount:
        return "$0"
    if amount >= 1000:
        return f"${amount:,.0f}"
    if amount >= 1:
        return f"${amount:.2f}"
    digits = min(1 - amount.adjusted(), 8)
    return f"${amount:.{digits}f}" if round(amount, digits) else "<$0.00000001"


def duration(seconds: float | None) -> str:
    """A time in words: `4.2 s`, `3 min 5 s`, `2 h 10 min`; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


def fit_name(text: str, room: int) -> str:
    """An untrusted name in at most `room` cells, control characters shown, what is too long cut with `…`."""
    shown = printable_line(text)
    if cell_len(shown) <= room:
        return shown
    if room <= 0:
        return ""
    # Graphemes take their time to be told apart, and what is far beyond the room need not be.
    begins = shown[: room - 1] if shown.isascii() else set_cell_size(shown[: 4 * room], room - 1)
    return f"{begins.rstrip()}…"


def local_time(stored: str | None) -> str:
    """A stored time, UTC and naive, as the user's clock showed it; as it is where it is no time."""
    if stored is None:
        return ""
    try:
        moment = datetime.fromisoformat(stored).replace(tzinfo=UTC).astimezone()
    except (ValueError, OverflowError):
        return printable(stored[:19])
    return f"{moment:%Y-%m-%d %H:%M}"
