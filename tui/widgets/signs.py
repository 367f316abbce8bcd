"""The legend: what each sign on the screen means, for the help."""

from __future__ import annotations

from typing import Final

from tui.widgets.format import ESTIMATE
from tui.widgets.tree.legend import SIGNS as TREE_SIGNS
from tui.widgets.tree.legend import Sign
from tui.widgets.usage.bars import PATTERNS
from tui.widgets.usage.request_words import MARK_WORDS, MARKS

__all__ = ["DIALOG_KEYS", "SIGNS"]


_PARTS: Final = tuple(part.name.lower() for part in PATTERNS)

SIGNS: Final = (
    *(Sign(sign, f"Tree: {words}") for sign, words in TREE_SIGNS),
    Sign("⚙ ↳", "Chat: a tool call, the output of a tool; in the tree ⚙3 is three tool calls"),
    Sign("✗ ✓", "Chat: failed or refused, approved"),
    Sign("▸ ▾", "Chat: an item that is folded, is unfolded; in lists ▸ is the current one"),
    Sign("‹2/3›", "Chat: the second of three branches that part here; click, or [ and ], to go to the others"),
    Sign("▌ ▎", "Chat: the item under the cursor, the selected turn"),
    Sign("▍", "Chat: the agent is writing here"),
    Sign("✻", "Chat: reasoning"),
    Sign("≡", "Chat: a system message, or an item of another type"),
    Sign("± ≋ →", "Chat: a patch, a compaction, a reference to another item"),
    Sign("▣ ▤ ♪", "Chat: an image, a file, audio"),
    Sign("┊", "Chat: the line above goes on"),
    Sign("■", "Usage: a part of the bars, in the colour that it has there"),
    Sign(" ".join(PATTERNS.values()), f"Usage: parts of bars without colours: {', '.join(_PARTS)}"),
    Sign("▸", "Usage: the selected turn; on one line, with the focus, the turn under the cursor"),
    Sign("▄▁ ▅▁", "Usage on one line: the input and the output of each turn"),
    Sign("×3", "Three times"),
    Sign("2.5k 1M", "Numbers in thousands, in millions; B and T are billions and trillions"),
    *(Sign(mark, f"Usage: {MARK_WORDS[verdict]}") for verdict, mark in MARKS.items()),
    Sign("↰", "Usage: another branch ran this turn"),
    Sign(f"{ESTIMATE} ≥", "An estimate, as of tokens that no provider counted; at least this much"),
    Sign("· – …", "Not stored; no such number; being read"),
    Sign("n/a", "Not reported; the price is not known"),
    Sign("▾ ▸", "Model input: a section or a tool that is unfolded, is folded"),
    Sign("− +", "Comparison: only on the left, only on the right"),
    Sign("=", "Comparison: an item that is the same on both sides"),
    Sign("␛ ␊", "A control character in stored text, which the terminal does not get"),
)
"""All signs, in the order of the panes."""

DIALOG_KEYS: Final = (
    Sign("Enter", "Take the highlighted choice"),
    Sign("Esc", "Leave, and change nothing"),
    Sign("y n", "Answer the question with yes, with no"),
    Sign("A a", "The first letter of another choice takes it; a capital letter what cannot be undone"),
)
"""The rule that the keys of all dialogs follow."""
