"""Search queries as conditions in SQL, and the filters that need the decoded item."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from tui.items.failure import is_error
from tui.items.sealed import SEALED, has_key
from tui.items.types import MESSAGE_TYPES, ItemKind, item_type
from tui.model.query import Query, wildcard
from tui.storage.dialect import Dialect
from tui.storage.search_prefilter import may_contain
from tui.storage.sql import NamedValues
from tui.storage.type_conditions import output_condition, sql_list

__all__ = [
    "item_condition",
    "name_condition",
    "passes_filters",
    "passes_row_filters",
    "required_literal",
    "structure_condition",
]

_TOOL_KINDS: Final = frozenset({ItemKind.CALL, ItemKind.OUTPUT, ItemKind.APPROVAL_REQUEST, ItemKind.APPROVAL_RESPONSE})

_SIGNS_OF_FAILURE: Final = (
    "%incomplete%",
    "%failed%",
    "%error%",
    "%traceback%",
    "%timed out after%",
    "%exit_code%",
    "%timeout%",
)
"""Patterns of LIKE; every stored item that reports a failure matches at least one."""


def structure_condition(query: Query, dialect: Dialect, values: NamedValues, *, has_labels: bool) -> str:
    """Return a condition that holds for the structure row `t` of every match of a query, and maybe of other items.

    Its values are added to `values`. `has_labels` is whether the database has the table of titles.
    """

    def like(column: str, value: str) -> str:
        return _like(column, value, dialect, values)

    conditions = [
        name_condition(query, "session", "t", dialect, values, has_labels=has_labels),
        name_condition(query, "branch", "t", dialect, values, has_labels=has_labels),
        _any(like("t.message_type", value) for value in query.values("type")),
        _any(_role_condition(value) for value in query.values("role")),
        # The plus keeps SQLite from reading the rows by their turn, which would change their order.
        _any(f"+t.user_turn_number BETWEEN {first} AND {last}" for first, last in query.turns),
    ]
    if tools := query.values("tool"):
        # The row of an output does not have the name of the tool; the row of the call does.
        output = f"t.tool_name IS NULL AND {output_condition('t.message_type')}"
        conditions.append(_any([*(like("t.tool_name", value) for value in tools), output]))
    return _all(conditions)


def name_condition(
    query: Query,
    kind: Literal["session", "branch"],
    row: str,
    dialect: Dialect,
    values: NamedValues,
    *,
    has_labels: bool,
) -> str:
    """Return the condition that the session or branch of a row is one that a query names, by its id or its title."""
    names = query.values(kind)
    if not names:
        return "TRUE"
    conditions = [_like(f"{row}.{kind}_id", name, dialect, values) for name in names]
    if has_labels:
        key = ("session_id",) if kind == "session" else ("session_id", "branch_id")
        titled = _any(_like("title", name, dialect, values) for name in names)
        conditions.append(
            f"({', '.join(f'{row}.{column}' for column in key)}) IN"
            f" (SELECT {', '.join(key)} FROM convo_labels WHERE kind = '{kind}' AND ({titled}))"
        )
    return _any(conditions)


def item_condition(query: Query, dialect: Dialect, values: NamedValues, *, joined_text: str) -> str:
    """Return a condition that holds for the message row `m` of every match of a query, and maybe of other items.

    Its values are added to `values`. `joined_text` is the condition for items whose searchable text is joined from
    several stored texts, so that no single one of these has to contain the text of the query.
    """
    texts = list(query.needles)
    if literal := required_literal(query.pattern):
        texts.append(literal)
    conditions = []
    if texts:
        contains = _all(may_contain(text, "m.message_data", dialect, values.bind) for text in texts)
        conditions.append(_any([contains, joined_text]))
    if query.error:
        conditions.append(_any(f"m.message_data {dialect.like} {values.bind(sign)}" for sign in _SIGNS_OF_FAILURE))
    selected = _all(conditions)
    # What an encrypted item contains is known when it is decrypted.
    return f"({selected} OR m.message_data LIKE '{SEALED}%')" if has_key() and selected != "TRUE" else selected


def passes_filters(query: Query, item: object, message_type: str, tool_name: str | None) -> bool:
    """Return whether a decoded item, or None for one that cannot be decoded, passes the filters of a query.

    `tool_name` is the called tool, for outputs too.
    """
    if query.error is not None and is_error(item) != query.error:
        return False
    tools, roles = query.values("tool"), query.values("role")
    if tools and not any(tool_name is not None and wildcard(value).fullmatch(tool_name) for value in tools):
        return False
    return not roles or any(_has_role(item, message_type, wildcard(value)) for value in roles)


def passes_row_filters(query: Query, message_type: str) -> bool:
    """Return whether an item that has no structure row passes the filters for turns, branches and types."""
    if query.turns or query.values("branch"):
        return False
    types = query.values("type")
    return not types or any(wildcard(value).fullmatch(message_type) for value in types)


def required_literal(pattern: str) -> str:
    """Return a text that every match of a regular expression contains; empty if none is found.

    It is the longest sequence of literal characters outside of groups, sets and alternatives.
    """
    if re.search(r"\(\?[a-zA-Z-]*x", pattern) or re.search(r"\\[0-9xuUNpPQ]", pattern):
        return ""
    literals = [""]
    position = depth = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "|" and not depth:
            return ""
        if character == "[":
            position = _after_set(pattern, position)
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "\\" and position < len(pattern):
            character = pattern[position]
            position += 1
            if not depth and not character.isalnum():
                literals[-1] += character
                continue
        elif character in "*?{":
            # The character before may be missing; the numbers in braces are no text.
            literals[-1] = literals[-1][:-1]
            position = max(position, pattern.find("}", position) + 1) if character == "{" else position
        elif character not in ".^$+" and not depth:
            literals[-1] += character
            continue
        literals.append("")
    return max(literals, key=len)


def _after_set(pattern: str, position: int) -> int:
    position += pattern.startswith("^", position)
    position += pattern.startswith("]", position)
    while position < len(pattern) and pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position + 1


def _like(column: str, value: str, dialect: Dialect, values: NamedValues) -> str:
    """Return the condition that a column matches the value of a filter."""
    pattern = re.sub(r"([\\%_])", r"\\\1", value).replace("*", "%")
    return f"{column} {dialect.like} {values.bind(pattern)} ESCAPE '\\'"


def _role_condition(role: str) -> str:
    if "*" in role:
        return "TRUE"
    if role.casefold() in MESSAGE_TYPES:
        return f"t.message_type = '{role.casefold()}'"
    return f"t.message_type NOT IN {sql_list(MESSAGE_TYPES)}"


def _has_role(item: object, message_type: str, role: re.Pattern[str]) -> bool:
    if role.fullmatch("tool") and item_type(message_type).kind in _TOOL_KINDS:
        return True
    own_role = item.get("role") if isinstance(item, dict) else None
    return isinstance(own_role, str) and role.fullmatch(own_role) is not None


def _any(conditions: Iterable[str]) -> str:
    """Join alternatives; without any, return a condition that always holds."""
    return " OR ".join(f"({condition})" for condition in conditions) or "TRUE"


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(f"({condition})" for condition in conditions if condition != "TRUE") or "TRUE"
