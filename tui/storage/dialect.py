"""The parts of SQL that differ between databases; all other SQL is written out in the queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["Dialect"]


class Dialect(Protocol):
    """Pieces of SQL, without logic.

    Attributes:
        identity: The type of a key column that numbers the rows of its table.
        now: The time in UTC, in seconds.
        like: The operator that matches a text with a pattern, and ignores the case of ASCII letters.
        ordered_join: The join that reads the tables in the order in which they are written.
        not_indexed: The words after the name of a table that keep the database from reading it by an index.
        is_remote: Whether each statement is sent to a server, so that one long statement takes less time than several.
        row_order: A column that grows with the order in which the rows of a table were inserted.
        has_one_writer: Whether nobody else writes during a transaction that writes: its new ids are consecutive.
        given_ids: The words after the columns of an insertion that gives a value for a column that numbers the rows.
        for_update: The words after a query that keep others from changing the rows until the transaction ends.
    """

    @property
    def identity(self) -> str: ...
    @property
    def now(self) -> str: ...
    @property
    def like(self) -> str: ...
    @property
    def ordered_join(self) -> str: ...
    @property
    def not_indexed(self) -> str: ...
    @property
    def is_remote(self) -> bool: ...
    @property
    def row_order(self) -> str: ...
    @property
    def has_one_writer(self) -> bool: ...
    @property
    def given_ids(self) -> str: ...
    @property
    def for_update(self) -> str: ...

    def time_of(self, text: str) -> str:
        """Return an expression for a time of a base table, given as a text in UTC; now if it is NULL."""
        ...

    def is_text(self, column: str) -> str:
        """Return the condition that a column holds a text."""
        ...

    def is_missing(self, column: str) -> str:
        """Return the condition that a column is NULL, which does not read a long value."""
        ...

    def is_text_by_index(self, column: str) -> str:
        """Return the condition that a column holds a text, in a form that uses an index."""
        ...

    def text_count(self, table: str, column: str) -> str:
        """Return an expression for the number of rows of a table whose column, which has an index, holds a text."""
        ...

    def is_integer(self, column: str) -> str:
        """Return the condition that a column holds an integer."""
        ...

    def clamped(self, value: str, minimum: float, maximum: float) -> str:
        """Return an expression for a number that is limited to a range; NULL stays NULL."""
        ...

    def as_integer(self, value: str) -> str:
        """Return an expression for the integer that a value begins with; 0 if there is none. NULL stays NULL."""
        ...

    def is_json(self, column: str) -> str:
        """Return the condition that a text is JSON."""
        ...

    def json_field(self, column: str, name: str) -> str:
        """Return an expression for a field of a JSON object; NULL if the text is not JSON."""
        ...

    def in_list(self, value: str, name: str) -> str:
        """Return the condition that a text is among the elements of the JSON list in the named value `name`."""
        ...

    def in_ids(self, value: str, name: str) -> str:
        """Return the condition that an id is among the elements of the JSON list in the named value `name`."""
        ...

    def rows_of_json(self, name: str, columns: Mapping[str, str]) -> str:
        """Return a subquery for the JSON list of lists in the named value `name`.

        Its columns are `key`, which counts from 0, and the given columns, each with its type: `TEXT` or `INTEGER`.
        """
        ...

    def joined(self, column: str) -> str:
        """Return an aggregate that joins the values of a column with commas, in the order of the rows' ids."""
        ...

    def as_utf8(self, column: str) -> str:
        """Return an expression for the UTF-8 bytes of a text."""
        ...

    def contains(self, column: str, value: str) -> str:
        """Return the condition that a text contains another text; upper and lower case differ."""
        ...

    def has_pattern(self, column: str, pattern: str) -> str:
        """Return the condition that a text matches a pattern of `like` in which nothing is escaped."""
        ...

    def is_not_ascii(self, column: str) -> str:
        """Return the condition that a text has characters beyond ASCII."""
        ...

    def stored_length(self, column: str) -> str:
        """Return an expression for the approximate length of a text, in bytes or characters."""
        ...
