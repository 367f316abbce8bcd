"""A query as a condition in SQL, and what of it only the decoded item can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tui.items.failure import is_error
from tui.items.types import MESSAGE_TYPES, ItemKind, item_type
from tui.model.query import Query
from tui.storage.sqlite.search_prefilter import Condition, holds
from tui.storage.type_conditions import output_condition, sql_list

__all__ = ["is_selected", "selection"]

_TOOL_KINDS: Final = frozenset({ItemKind.CALL, ItemKind.OUTPUT, ItemKind.APPROVAL_REQUEST, ItemKind.APPROVAL_RESPONSE})

_SIGNS: Final = ("%incomplete%", "%failed%", "%error%", "%timed out after%", "%exit_code%", "%timeout%")
"""Patterns of LIKE, one of which every row fulfils whose item `is_error`."""


def selection(query: Query, always: str) -> tuple[Condition, Condition]:
    """Conditions that every row fulfils that a query may select.

    Args:
        query: The query.
        always: In SQL, which rows can hold a text that is not to be seen in what is stored.

    Returns:
        One on the structure row `t`, and one on the message row `m` with it.
    """
    structure = [
        _any(_like("t.session_id", value) for value in query.values("session")),
        _any(_like("t.branch_id", value) for value in query.values("branch")),
        _any(_like("t.message_type", value) for value in query.values("type")),
        _any(Condition(_role_of_row(value)) for value in query.values("role")),
        # A plus keeps SQLite from finding the rows by their turn, out of their order.
        _any(Condition(f"+t.user_turn_number BETWEEN {first} AND {last}") for first, last in query.turns),
    ]
    if tools := query.values("tool"):
        # The output of a tool does not bear its name; the call does.
        output = Condition(f"t.tool_name IS NULL AND {output_condition('t.message_type')}")
        structure.append(_any([*(_like("t.tool_name", value) for value in tools), output]))
    texts = [holds(needle, "m.message_data") for needle in query.needles]
    if literal := required_literal(query.pattern):
        texts.append(holds(literal, "m.message_data"))
    messages = [_any([_all(texts), Condition(always)])] if texts else []
    if query.error:
        messages.append(_any(Condition("m.message_data LIKE ?", (sign,)) for sign in _SIGNS))
    return _all(structure), _all(messages)


def is_selected(query: Query, item: object, kind: str, tool: str | None) -> bool:
    """Whether an item passes the filters that its rows cannot tell alone.

    Args:
        query: The query.
        item: The decoded item; None where it cannot be decoded.
        kind: Its type, as the SDK classifies it.
        tool: The tool that was called, also for an output.
    """
    if query.error is not None and is_error(item) != query.error:
        return False
    tools, roles = query.values("tool"), query.values("role")
    if tools and not any(tool is not None and _wildcard(value).fullmatch(tool) for value in tools):
        return False
    return not roles or any(_has_role(item, kind, value.casefold()) for value in roles)


def required_literal(pattern: str) -> str:
    """A text that everything holds that a regular expression matches; empty where none is plain to see.

    It is the longest run of plain characters outside of all groups, sets and alternatives.
    """
    if re.search(r"\(\?[a-zA-Z-]*x", pattern) or re.search(r"\\[0-9xuUNpPQ]", pattern):
        return ""
    runs = [""]
    at = depth = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "|" and not depth:
            return ""
        if character == "[":
            at = _after_set(pattern, at)
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "\\" and at < len(pattern):
            character = pattern[at]
            at += 1
            if not depth and not character.isalnum():
                runs[-1] += character
                continue
        elif character in "*?{":
            # What may be missing is not required, what counts it is no text.
            runs[-1] = runs[-1][:-1]
            at = max(at, pattern.find("}", at) + 1) if character == "{" else at
        elif character not in ".^$+" and not depth:
            runs[-1] += character
            continue
        runs.append("")
    return max(runs, key=len)


def _after_set(pattern: str, at: int) -> int:
    at += pattern.startswith("^", at)
    at += pattern.startswith("]", at)
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1


def _role_of_row(role: str) -> str:
    if role.casefold() in MESSAGE_TYPES:
        return f"t.message_type = '{role.casefold()}'"
    return f"t.message_type NOT IN {sql_list(MESSAGE_TYPES)}"


def _has_role(item: object, kind: str, role: str) -> bool:
    if role == "tool":
        return item_type(kind).kind in _TOOL_KINDS
    said = item.get("role") if isinstance(item, dict) else None
    return isinstance(said, str) and said.casefold() == role


def _like(column: str, value: str) -> Condition:
    escaped = re.sub(r"([\\%_])", r"\\\1", value).replace("*", "%")
    return Condition(f"{column} LIKE ? ESCAPE '\\'", (escaped,))


def _wildcard(value: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, value.split("*"))), re.IGNORECASE | re.DOTALL)


def _any(conditions: Iterable[Condition]) -> Condition:
    return _joined(" OR ", conditions)


def _all(conditions: Iterable[Condition]) -> Condition:
    return _joined(" AND ", conditions)


def _joined(word: str, conditions: Iterable[Condition]) -> Condition:
    """Several conditions as one; true where there are none."""
    given = [condition for condition in conditions if condition.sql != "1"]
    if not given:
        return Condition("1")
    values = tuple(value for condition in given for value in condition.values)
    return Condition(word.join(f"({condition.sql})" for condition in given), values)
