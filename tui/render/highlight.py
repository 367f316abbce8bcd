"""Syntax highlighting with the lexers of Pygments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType
from pygments.util import ClassNotFound

__all__ = ["lex", "prepare_lexers"]

_COMMON_LANGUAGES: Final = ("python", "bash", "json", "javascript", "typescript", "sql", "yaml", "html", "diff")

_STYLES: Final[Sequence[tuple[_TokenType, str]]] = (
    (Token.Comment, "comment"),
    (Token.Keyword.Constant, "number"),
    (Token.Keyword, "keyword"),
    (Token.Operator.Word, "keyword"),
    (Token.Literal.String, "string"),
    (Token.Literal.Number, "number"),
    (Token.Name.Function, "name"),
    (Token.Name.Class, "name"),
    (Token.Name.Tag, "name"),
    (Token.Name.Decorator, "name"),
    (Token.Name.Attribute, "name"),
    (Token.Name.Builtin, "keyword"),
    (Token.Generic.Inserted, "added"),
    (Token.Generic.Deleted, "removed"),
    (Token.Generic.Heading, "name"),
    (Token.Generic.Subheading, "comment"),
)
"""Token types of Pygments, each with a field of `ItemStyles`; the first match applies to a token."""


def lex(code: str, language: str) -> Iterator[tuple[str, str]]:
    """Split code into pairs of a field of `ItemStyles` and a text; one pair if the language is unknown."""
    lexer = _lexer(language)
    if lexer is None:
        yield "text", code
        return
    for token_type, text in lexer.get_tokens(code):
        yield _style_name(token_type), text


def prepare_lexers() -> None:
    """Create the lexers of common languages, each of which compiles regular expressions for up to 0.1 s."""
    for language in _COMMON_LANGUAGES:
        _lexer(language)


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=256)
def _style_name(token_type: _TokenType) -> str:
    ancestors = token_type.split()
    return next((name for parent, name in _STYLES if parent in ancestors), "text")
