"""Keys: read from the environment and from a file the user names, shown nowhere."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from tui.errors import ConfigError

__all__ = ["load_env", "redact"]

_HIDDEN: Final = "•••"

_SECRET_NAME: Final = re.compile(r"(API_?KEY|ACCESS_KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)

_SHORTEST: Final = 8
"""A shorter value is a stand-in for a key, such as `none` or `ollama`, and may be a word of the text."""

_SHAPES: Final = (
    re.compile(r"\b(sk|pk|rk|gsk|hf|ghp|gho|xai|AIza|AKIA)(?=[-_A-Z0-9])[-_A-Za-z0-9*.…]{8,}"),
    re.compile(r"\beyJ[-_A-Za-z0-9]{8,}\.[-_A-Za-z0-9]{8,}(\.[-_A-Za-z0-9]*)?"),
)
_AFTER_A_NAME: Final = re.compile(
    r"""(?ix)
    (?P<name> \b (?: (?:proxy-)?authorization | x-api-key | api[-_ ]?key | access[-_]token | set-cookie | cookie )
        ['"]? \s* [:=] \s* ['"]? (?: (?:bearer|basic|token) \s+ )?
      | \b bearer \s+
    )
    (?P<value> [^\s'"&,;)}\]]{4,} )
    """
)
_IN_AN_ADDRESS: Final = re.compile(r"(?P<scheme>\w+://)[^/\s:@]*:[^/\s@]+@")


def load_env(path: Path) -> None:
    """Take the variables of a `.env` file into the environment, except for those that it has already.

    Raises:
        ConfigError: The file cannot be read.
    """
    # Few need it, and nobody before the first run.
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
    """The text without secrets: values of the environment's keys and tokens, credentials, whatever looks like a key."""
    secrets = {value for name, value in os.environ.items() if len(value) >= _SHORTEST and _SECRET_NAME.search(name)}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    text = _IN_AN_ADDRESS.sub(rf"\g<scheme>{_HIDDEN}@", text)
    text = _AFTER_A_NAME.sub(rf"\g<name>{_HIDDEN}", text)
    for shape in _SHAPES:
        text = shape.sub(_HIDDEN, text)
    return text
