"""Items and texts that are stored in another form than they have: encrypted, as the SDK's `EncryptedSession` does it.

`cryptography`, which the extra `encrypt` installs, is imported for the first of them that is read or written.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from tui.errors import ConvoError
from tui.items.codec import decode

__all__ = [
    "KEY_VARIABLE",
    "SEALED",
    "UNREADABLE",
    "Seal",
    "SealedItem",
    "has_key",
    "is_sealed",
    "missing_key",
    "open_text",
    "other_key",
    "seal_of",
    "seal_problem",
    "unsealed",
]

KEY_VARIABLE: Final = "CONVO_TUI_ENCRYPTION_KEY"
"""The environment variable with the `encryption_key` of the sessions that are read."""

SEALED: Final = '{"__enc__"'
"""The beginning of the stored text of every encrypted item or text."""

UNREADABLE: Final[Any] = {"type": "encrypted_item", "summary": "encrypted item"}
"""The item that is shown in place of an encrypted one that cannot be decrypted."""

_INFO: Final = b"agents.session-store.hkdf.v1"
"""The `info` with which the SDK derives the key of a session (HKDF)."""

_HASH_INFO: Final = b"convo-tui.text-hashes.v1"
"""The `info` of the key for hashes of texts, which would otherwise tell who guesses a text that the guess is right."""

_KEY_BYTES: Final = 32


class SealedItem(dict[str, Any]):
    """An item as it is stored, with the item from which its structure is taken; only the first is ever stored.

    Attributes:
        plain: The item itself.
    """

    def __init__(self, stored: Any, plain: object) -> None:
        super().__init__(stored)
        self.plain = plain


class Seal:
    """Encrypts and decrypts what is stored of one session.

    Attributes:
        hash_key: The key for hashes of its texts.
    """

    def __init__(self, key: str, session_id: str) -> None:
        """Derive the keys of a session from its `encryption_key`.

        Raises:
            ImportError: `cryptography` is not installed.
        """
        from cryptography.fernet import Fernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        salt = session_id.encode("utf-8", "surrogateescape")
        derived, self.hash_key = (
            HKDF(SHA256(), _KEY_BYTES, salt, info).derive(_key_bytes(key)) for info in (_INFO, _HASH_INFO)
        )
        self._cipher = Fernet(urlsafe_b64encode(derived))

    def item(self, item: object) -> SealedItem:
        """Return an item encrypted.

        Raises:
            TypeError: It cannot be encoded as JSON.
        """
        return SealedItem(self._envelope(json.dumps(item)), item)

    def json(self, text: str) -> str:
        """Return JSON encrypted, as JSON that `unsealed` opens once it is decoded."""
        return json.dumps(self._envelope(text))

    def text(self, text: str) -> str:
        """Return a text encrypted, as a text that `open_text` opens."""
        return self.json(json.dumps(text))

    def opened(self, items: Iterable[object]) -> list[Any]:
        """Return items decrypted, without those that are not encrypted with this key."""
        return [plain for item in items if is_sealed(item) and (plain := self.open(item)) is not UNREADABLE]

    def open(self, envelope: Any) -> Any:
        """Return an encrypted item decrypted; `UNREADABLE` if this key does not open it."""
        from cryptography.fernet import InvalidToken

        payload = envelope["payload"]
        if not isinstance(payload, str):
            return UNREADABLE
        try:
            return decode(self._cipher.decrypt(payload.encode()))
        except (InvalidToken, ValueError, RecursionError):
            return UNREADABLE

    def _envelope(self, text: str) -> dict[str, Any]:
        return {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": self._cipher.encrypt(text.encode()).decode()}


def has_key() -> bool:
    """Return whether encrypted items may be readable."""
    return bool(os.environ.get(KEY_VARIABLE))


def seal_of(session_id: str) -> Seal | None:
    """Return the seal of a session with the key of the environment; None without a key or without the package."""
    return _seal(os.environ.get(KEY_VARIABLE, ""), session_id)


def unsealed(item: Any, session_id: str) -> Any:
    """Return a decoded item decrypted; any other item unchanged, and `UNREADABLE` if the key does not open it.

    How long an author lets an agent read an item is not stored, so that an item counts as readable however old it is.
    """
    if not is_sealed(item):
        return item
    seal = seal_of(session_id)
    return UNREADABLE if seal is None else seal.open(item)


def open_text(text: str | None, session_id: str) -> str | None:
    """Return a stored text decrypted, as it is if it is not encrypted, and None if the key does not open it."""
    # Another program may have stored a value of another type.
    if not isinstance(text, str) or not text.startswith(SEALED):
        return text
    try:
        opened = unsealed(decode(text), session_id)
    except (ValueError, RecursionError):
        return None
    return opened if isinstance(opened, str) else None


def seal_problem(item: object, session_id: str) -> ConvoError | None:
    """Return the error for an item that cannot be decrypted; None for any other item."""
    return missing_key(session_id) if unsealed(item, session_id) is UNREADABLE else None


def missing_key(session_id: str) -> ConvoError:
    """Return the error for something of a session that cannot be decrypted."""
    encrypted = f"Session '{session_id}' is encrypted"
    if not has_key():
        return ConvoError(f"{encrypted}, and no key is set.", f"Set {KEY_VARIABLE} to its encryption_key.")
    if seal_of(session_id) is None:
        return ConvoError(
            f"{encrypted}, and the package cryptography is not installed.",
            "Install convo-tui with the extra 'encrypt'.",
        )
    return ConvoError(
        f"{encrypted}, and the key in {KEY_VARIABLE} does not open it.", "Set it to the session's own encryption_key."
    )


def other_key(session_id: str) -> ConvoError:
    """Return the error for a session of which the key opens some items, and not others."""
    return ConvoError(
        f"Some items of session '{session_id}' are encrypted with another key.",
        f"They are shown as encrypted items. To read them, set {KEY_VARIABLE} to their key.",
    )


def is_sealed(item: object) -> bool:
    """Return whether a decoded item is encrypted."""
    return isinstance(item, dict) and item.get("__enc__") == 1 and all(name in item for name in ("v", "kid", "payload"))


@lru_cache(maxsize=64)
def _seal(key: str, session_id: str) -> Seal | None:
    if not key:
        return None
    try:
        return Seal(key, session_id)
    except ImportError:
        return None


def _key_bytes(key: str) -> bytes:
    """Return the bytes of a key: of 32 bytes in base64, as Fernet has it, or of any text."""
    try:
        decoded = urlsafe_b64decode(key)
    except ValueError:
        decoded = b""
    return decoded if len(decoded) == _KEY_BYTES else key.encode("utf-8", "surrogateescape")
