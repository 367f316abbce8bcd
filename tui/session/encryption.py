"""The SDK's encrypted session, around a session class of ours with branches and turns.

It needs `cryptography`, which the extra `encrypt` installs.
"""

from __future__ import annotations

from typing import Any, cast

from agents.extensions.memory.encrypt_session import EncryptedEnvelope
from agents.extensions.memory.encrypt_session import EncryptedSession as _EncryptedSession
from typing_extensions import override

from tui.items.sealed import Seal, SealedItem

__all__ = ["EncryptedSession"]


class EncryptedSession(_EncryptedSession):
    """Drop-in for the SDK's `EncryptedSession` that keeps branches and turns.

    The items are encrypted as the SDK does it, with the same arguments, and either class reads what the other has
    written. The underlying session stores the structure of each item as it was before: who wrote it, which tool it
    names, and where a turn begins. These, times and usage are not encrypted.

    Attributes:
        seal: Encrypts what `record` stores of requests.
    """

    @override
    def __init__(
        self, session_id: str, underlying_session: Any, encryption_key: str, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(session_id, underlying_session, encryption_key, *args, **kwargs)
        self.seal = Seal(encryption_key, session_id)

    @override
    def _wrap(self, item: Any) -> EncryptedEnvelope:
        return cast(EncryptedEnvelope, SealedItem(super()._wrap(item), item))
