"""Times in JSON: ISO 8601 in UTC, as `2026-03-04T05:06:07Z`, in place of the stored `2026-03-04 05:06:07`."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["to_iso", "to_stored"]

_STORED: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)", re.ASCII)
_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)Z", re.ASCII)


def to_iso(stored: str | None) -> str | None:
    """Return a stored time as JSON has it, and any other value unchanged."""
    match = _STORED.fullmatch(stored) if stored else None
    return f"{match[1]}T{match[2]}Z" if match else stored


def to_stored(value: Any) -> Any:
    """Return a time of a JSON document as it is stored, and any other value unchanged."""
    match = _ISO.fullmatch(value) if isinstance(value, str) else None
    return f"{match[1]} {match[2]}" if match else value
