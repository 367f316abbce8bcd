"""Rules of stylesheets that are parsed once for all apps of a process: an eighth of each start of the explorer."""

from __future__ import annotations

from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

__all__ = ["share_rules"]


def share_rules() -> None:
    """Parse a source once for the same variables, as all apps with the same theme have them."""
    parse = Stylesheet._parse_rules
    known: dict[object, list[RuleSet]] = {}

    def parse_once(sheet: Stylesheet, *arguments: Any, **options: Any) -> list[RuleSet]:
        key = frozenset(sheet._variables.items()), arguments, frozenset(options.items())
        if (rules := known.get(key)) is None:
            rules = known[key] = parse(sheet, *arguments, **options)
        return rules

    Stylesheet._parse_rules = parse_once  # type: ignore[assignment, method-assign]
