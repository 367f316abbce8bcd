"""Items that are stored in another form than they have: encrypted, as the SDK's `EncryptedSession` stores them.

`cryptography`, which the extra `encrypt` installs, is imported for the first encrypted item that is read.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tui.items.codec import decode

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

__all__ = ["KEY_VARIABLE", "SEALED", "UNREADABLE", "SealProblem", "SealedItem", "has_key", "seal_problem", "unsealed"]

KEY_VARIABLE: Final = "CONVO_TUI_ENCRYPTION_KEY"
"""The environment variable with the `encryption_key` of the sessions that are read."""

SEALED: Final = '{"__enc__"'
"""The beginning of the stored text of every encrypted item."""

UNREADABLE: Final[Any] = {"type": "encrypted_item", "summary": "encrypted item"}
"""The item that is shown in place of an encrypted one that cannot be decrypted."""

_INFO: Final = b"agents.session-store.hkdf.v1"
"""The `info` with which the SDK derives the key of a session (HKDF)."""

_KEY_BYTES: Final = 32


class SealProblem(NamedTuple):
    """Why an item cannot be decrypted, and what to do, as sentences."""

    reason: str
    hint: str


class SealedItem(dict[str, Any]):
    """An item as it is stored, with the item from which its structure is taken; only the first is ever stored.

    Attributes:
        plain: The item itself.
    """

    def __init__(self, stored: Any, plain: object) -> None:
        super().__init__(stored)
        self.plain = plain


def has_key() -> bool:
    """Return whether encrypted items may be readable."""
    return bool(os.environ.get(KEY_VARIABLE))


def unsealed(item: Any, session_id: str) -> Any:
    """Return a decoded item decrypted; any other item unchanged, and `UNREADABLE` if the key does not open it.

    Its result is to be shown, and never to be stored. How long an author lets an agent read an item is not stored, so
    that an item counts as readable however old it is.
    """
    if not _is_sealed(item):
        return item
    cipher = _cipher(os.environ.get(KEY_VARIABLE, ""), session_id)
    return UNREADABLE if cipher is None else _opened(cipher, item["payload"])


def seal_problem(item: object, session_id: str) -> SealProblem | None:
    """Return why an item cannot be decrypted; None if it can, or is not encrypted."""
    if unsealed(item, session_id) is not UNREADABLE:
        return None
    encrypted = f"Session '{session_id}' is encrypted"
    if not has_key():
        return SealProblem(f"{encrypted}, and no key is set.", f"Set {KEY_VARIABLE} to its encryption_key.")
    if _cipher(os.environ[KEY_VARIABLE], session_id) is None:
        return SealProblem(
            f"{encrypted}, and the package cryptography is not installed.",
            "Install convo-tui with the extra 'encrypt'.",
        )
    return SealProblem(
        f"{encrypted}, and the key in {KEY_VARIABLE} does not open it.", "Set it to the session's own encryption_key."
    )


def _is_sealed(item: object) -> bool:
    return isinstance(item, dict) and item.get("__enc__") == 1 and all(name in item for name in ("v", "kid", "payload"))


def _opened(cipher: Fernet, payload: object) -> Any:
    from cryptography.fernet import InvalidToken

    if not isinstance(payload, str):
        return UNREADABLE
    try:
        return decode(cipher.decrypt(payload.encode()))
    except (InvalidToken, ValueError, RecursionError):
        return UNREADABLE


@lru_cache(maxsize=64)
def _cipher(key: str, session_id: str) -> Fernet | None:
    """Return the cipher of a session, as the SDK derives it; None without a key or without the package."""
    if not key:
        return None
    try:
        from cryptography.fernet import Fernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ImportError:
        return None
    salt = session_id.encode("utf-8", "surrogateescape")
    derived = HKDF(SHA256(), _KEY_BYTES, salt, _INFO).derive(_key_bytes(key))
    return Fernet(urlsafe_b64encode(derived))


def _key_bytes(key: str) -> bytes:
    """Return the bytes of a key: of 32 bytes in base64, as Fernet has it, or of any text."""
    try:
        decoded = urlsafe_b64decode(key)
    except ValueError:
        decoded = b""
    return decoded if len(decoded) == _KEY_BYTES else key.encode("utf-8", "surrogateescape")
