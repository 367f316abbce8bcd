"""The legend: what each sign on the screen means, for the help."""

from __future__ import annotations

from typing import Final, NamedTuple

from tui.widgets.format import ESTIMATE
from tui.widgets.usage.bars import PATTERNS

__all__ = ["SIGNS", "Sign"]


class Sign(NamedTuple):
    """A sign, or several that belong together, and their meaning."""

    sign: str
    meaning: str


_PARTS: Final = tuple(part.name.lower() for part in PATTERNS)

SIGNS: Final = (
    Sign("●", "Tree: the selected turn"),
    Sign("• ·", "Tree: a turn of the open branch, of another branch"),
    Sign("⊟ ⊞", "Tree: a fork whose turns are shown, are hidden; ← and → change it"),
    Sign("▾ ▸", "A session or an item that is unfolded, is folded; in lists ▸ is the current one"),
    Sign("├ ╰ │", "Tree: lines from a turn to the branches that part there"),
    Sign("⋯", "Tree: some of these lines are left out for want of room"),
    Sign("◆2", "Tree: two branches part here"),
    Sign("⚙3", "Three tool calls; in the chat ⚙ is a tool call"),
    Sign("✗", "Something failed, or was refused"),
    Sign("✓", "Tree: the turn is marked; chat: the tool call was approved"),
    Sign("[alt]", "Tree: the branch alt ends here; the open branch is highlighted"),
    Sign("★ ⊘", "A pinned, an archived branch or session"),
    Sign("✦", "Another program made this branch or session, and it was not shown since"),
    Sign("»", "An agent is running on this branch"),
    Sign("‹2/3›", "Chat: the second of three branches that part here; click, or [ and ], to go to the others"),
    Sign("▌ ▎", "Chat: the item under the cursor, the selected turn"),
    Sign("▍", "Chat: the agent is writing here"),
    Sign("↳", "Chat: the output of a tool"),
    Sign("✻", "Chat: reasoning"),
    Sign("≡", "Chat: a system message, or an item of another type"),
    Sign("± ≋ →", "Chat: a patch, a compaction, a reference to another item"),
    Sign("▣ ▤ ♪", "Chat: an image, a file, audio"),
    Sign("┊", "Chat: the line above goes on"),
    Sign("■", "Usage: a part of the bars, in the colour that it has there"),
    Sign(" ".join(PATTERNS.values()), f"Usage: parts of bars without colours: {', '.join(_PARTS)}"),
    Sign("▸", "Usage: the selected turn"),
    Sign("×3", "Three times"),
    Sign("↰", "Usage: another branch ran this turn"),
    Sign(f"{ESTIMATE} ≥", "An estimate; at least this much"),
    Sign("· – …", "Not stored; not reported; being read"),
    Sign("− +", "Comparison: only on the left, only on the right"),
    Sign("␛ ␊", "A control character in stored text, which the terminal does not get"),
)
"""All signs, in the order of the panes."""
