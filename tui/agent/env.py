"""Environment variables from a file, and the removal of secrets from text that is shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from tui.errors import ConfigError

__all__ = ["load_env", "redact"]

_REDACTED: Final = "•••"

_SECRET_NAME: Final = re.compile(r"(API_?KEY|ACCESS_KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)

_MIN_SECRET: Final = 8
"""Characters; a shorter value is a placeholder such as `none` or `ollama`, which ordinary text may contain."""

_KEY_FORMATS: Final = (
    re.compile(r"\b(sk|pk|rk|gsk|hf|ghp|gho|xai|AIza|AKIA)(?=[-_A-Z0-9])[-_A-Za-z0-9*.…]{8,}"),
    re.compile(r"\beyJ[-_A-Za-z0-9]{8,}\.[-_A-Za-z0-9]{8,}(\.[-_A-Za-z0-9]*)?"),
)
_NAMED_SECRET: Final = re.compile(
    r"""(?ix)
    (?P<name> \b (?: (?:proxy-)?authorization | x-api-key | api[-_ ]?key | access[-_]token | set-cookie | cookie )
        ['"]? \s* [:=] \s* ['"]? (?: (?:bearer|basic|token) \s+ )?
      | \b bearer \s+
    )
    (?P<value> [^\s'"&,;)}\]]{4,} )
    """
)
_URL_CREDENTIALS: Final = re.compile(r"(?P<scheme>\w+://)[^/\s:@]*:[^/\s@]+@")


def load_env(path: Path) -> None:
    """Add the variables of a `.env` file to the environment; variables that are set already keep their values.

    Raises:
        ConfigError: The file cannot be read.
    """
    # Most runs have no such file.
    from dotenv import load_dotenv

    try:
        with path.expanduser().open(encoding="utf-8") as file:
            load_dotenv(stream=file, override=False)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"The environment file {path} cannot be read: {reason}.", "Name a file of lines such as OPENAI_API_KEY=…"
        ) from error


def redact(text: str) -> str:
    """Return a text without keys and tokens of the environment, credentials, and anything that looks like a key."""
    secrets = {value for name, value in os.environ.items() if len(value) >= _MIN_SECRET and _SECRET_NAME.search(name)}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _REDACTED)
    text = _URL_CREDENTIALS.sub(rf"\g<scheme>{_REDACTED}@", text)
    text = _NAMED_SECRET.sub(rf"\g<name>{_REDACTED}", text)
    for key_format in _KEY_FORMATS:
        text = key_format.sub(_REDACTED, text)
    return text
