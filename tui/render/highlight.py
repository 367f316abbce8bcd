"""Which part of a code each piece of it is, by the lexers of Pygments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType
from pygments.util import ClassNotFound

__all__ = ["lex", "prepare_lexers"]

_COMMON: Final = ("python", "bash", "json", "javascript", "typescript", "sql", "yaml", "html", "diff")

_STYLES: Sequence[tuple[_TokenType, str]] = (
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


def lex(code: str, language: str) -> Iterator[tuple[str, str]]:
    """The pieces of a code, each with the name that its part has in `ItemStyles`; all as text where none knows it."""
    lexer = _lexer(language)
    if lexer is None:
        yield "text", code
        return
    for kind, text in lexer.get_tokens(code):
        yield _part(kind), text


def prepare_lexers() -> None:
    """Make the lexers of what agents write most: each compiles hundreds of expressions, which takes up to 0.1 s."""
    for language in _COMMON:
        _lexer(language)


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=256)
def _part(kind: _TokenType) -> str:
    lineage = kind.split()
    return next((name for parent, name in _STYLES if parent in lineage), "text")
