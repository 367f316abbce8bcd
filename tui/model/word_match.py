"""The match of typed words with a command: by its title, its synonyms or its help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["match_score"]

_TITLE, _SYNONYM, _HELP = 4.0, 3.0, 1.0
"""Scores of a typed word that begins a word of the title, of a synonym or of the help."""

_COMPLETE_WORD: Final = 1.5
"""Factor for a typed word that is equal to a word."""


def match_score(typed: str, title: str, synonyms: Sequence[str], help_text: str) -> float:
    """Return how well typed words match; 0 unless each of them matches, and 1 if nothing is typed."""
    words = typed.casefold().split()
    if not words:
        return 1.0
    fields = ((title, _TITLE), (" ".join(synonyms), _SYNONYM), (help_text, _HELP))
    scores = [max(_score(word, text) * weight for text, weight in fields) for word in words]
    if not all(scores):
        return 0.0
    return sum(scores) + (title.casefold().split() == words)


def _score(word: str, text: str) -> float:
    words = text.casefold().replace("/", " ").split()
    if word in (known.strip(",;:.") for known in words):
        return _COMPLETE_WORD
    if any(known.startswith(word) for known in words):
        return 1.0
    return 0.2 if word in text.casefold() else 0.0
