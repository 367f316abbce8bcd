"""Items that are stored in another form than they have."""

from __future__ import annotations

from typing import Any

__all__ = ["SealedItem"]


class SealedItem(dict[str, Any]):
    """An item as it is stored, with the item from which its structure is taken; only the first is ever stored.

    Attributes:
        plain: The item itself.
    """

    def __init__(self, stored: Any, plain: object) -> None:
        super().__init__(stored)
        self.plain = plain
