"""Turns of two branches side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from tui.model.diff import Span, align, diff_words, opcodes
from tui.model.money import Money
from tui.model.tree import TurnTree
from tui.model.usage import RunRecord, TurnUsage, Usage
from tui.model.view import Session
from tui.words import title_and_id

__all__ = [
    "ComparedItem",
    "Comparison",
    "ItemPair",
    "PriceTurns",
    "Side",
    "SideContents",
    "Summary",
    "ToolStep",
    "TurnComparison",
    "TurnItems",
    "TurnPair",
    "compare_items",
    "compare_sides",
    "compare_turns",
    "pair_turns",
    "sides",
    "summary",
    "tool_steps",
]

PriceTurns: TypeAlias = Callable[[Sequence[TurnUsage]], Sequence[TurnUsage]]
"""Returns turns with their costs in money."""


class Side(NamedTuple):
    """Consecutive turns of a branch.

    Attributes:
        last: Number of the last turn; less than `first` if there are no turns.
        title: The title of the branch, if it has one.
    """

    branch_id: str
    first: int
    last: int
    title: str = ""

    @property
    def name(self) -> str:
        """The title, or the id if there is no title."""
        return self.title or self.branch_id

    @property
    def title_and_id(self) -> str:
        """The title with the id beside it, or the id if there is no title."""
        return title_and_id(self.title, self.branch_id)


class TurnPair(NamedTuple):
    """A turn of the left side and the turn of the right side that corresponds to it.

    Attributes:
        left: Number of the left turn; None if only the right side has a turn here.
        right: Number of the right turn; None if only the left side has a turn here.
    """

    left: int | None
    right: int | None


class ToolStep(NamedTuple):
    """A tool call in the merged order of the calls of both sides.

    Attributes:
        left: Whether the left side makes the call at this place.
        right: Whether the right side makes the call at this place.
    """

    name: str
    left: bool
    right: bool


class Summary(NamedTuple):
    """The sums of the turns of one side.

    Attributes:
        usage: Their tokens; None if no usage is stored.
        seconds: Seconds that their runs took; None if no run is recorded.
        turns_without_time: Number of turns without the time of a run.
        tools: Number of tool calls.
        cost: Their cost; None if no usage is stored, or no model is recorded or chosen.
    """

    turns: int
    usage: Usage | None = None
    turns_without_usage: int = 0
    seconds: float | None = None
    turns_without_time: int = 0
    tools: int = 0
    cost: Money | None = None

    @property
    def cached(self) -> float | None:
        """The cached share of the input, between 0 and 1; None if it is not known."""
        usage = self.usage
        if usage is None or usage.cached_tokens is None or not usage.input_tokens:
            return None
        return usage.cached_tokens / usage.input_tokens


class Comparison(NamedTuple):
    """The turns of two branches, paired.

    Attributes:
        shared: The last turn that both branches share, just before these turns; 0 if they share no turns, None if the
            turns do not follow the fork of the branches.
        pairs: All turns of both sides in order, each once.
        tools: The tool calls of both sides in order.
    """

    session: Session
    left: Side
    right: Side
    shared: int | None
    pairs: tuple[TurnPair, ...]
    tools: tuple[ToolStep, ...]
    left_summary: Summary
    right_summary: Summary

    def swapped(self) -> Comparison:
        """Return the comparison with its sides exchanged."""
        return self._replace(
            left=self.right,
            right=self.left,
            pairs=tuple(TurnPair(right, left) for left, right in self.pairs),
            tools=tuple(ToolStep(name, right, left) for name, left, right in self.tools),
            left_summary=self.right_summary,
            right_summary=self.left_summary,
        )


class ComparedItem(NamedTuple):
    """An item of a turn, to be compared.

    Attributes:
        type: `user`, `assistant`, or the item's own type.
        tool_name: Name of the tool if the item has one; an output has the name of the tool that was called.
        text: The item's text; untrusted.
        spans: The same text, divided into words that the other side has and words that it lacks.
        omitted: Number of characters after `text`, which are not compared word by word.
    """

    type: str
    tool_name: str | None
    text: str
    spans: tuple[Span, ...] = ()
    omitted: int = 0


class ItemPair(NamedTuple):
    """An item of the left turn and the item of the right turn that corresponds to it.

    Attributes:
        left: The left item; None if only the right turn has an item here.
        right: The right item; None if only the left turn has an item here.
    """

    left: ComparedItem | None
    right: ComparedItem | None
    differs: bool


class TurnItems(NamedTuple):
    """The items of a turn, to be compared.

    Attributes:
        more: Number of items after these.
    """

    items: Sequence[ComparedItem] = ()
    more: int = 0


class TurnComparison(NamedTuple):
    """Two turns, compared item by item.

    Attributes:
        items: Their items in order, paired.
        left_more: Number of items of the left turn that are not compared.
        right_more: Number of items of the right turn that are not compared.
    """

    pair: TurnPair
    items: tuple[ItemPair, ...]
    left_more: int = 0
    right_more: int = 0

    @property
    def differs(self) -> bool:
        """True if the turns differ as far as they are compared."""
        return None in self.pair or any(pair.differs for pair in self.items) or self.left_more != self.right_more

    def swapped(self) -> TurnComparison:
        """Return the comparison with its sides exchanged."""
        items = tuple(ItemPair(right, left, differs) for left, right, differs in self.items)
        return TurnComparison(TurnPair(self.pair.right, self.pair.left), items, self.right_more, self.left_more)


class SideContents(NamedTuple):
    """The data of a side that a comparison needs.

    Attributes:
        messages: The beginning of the user message of each turn.
        tools: The name of the tool of each call, in order.
        runs: The last run of each turn that has one.
    """

    side: Side
    messages: Sequence[str]
    tools: Sequence[str]
    turns: Sequence[TurnUsage]
    runs: Sequence[RunRecord]


def sides(tree: TurnTree, left: str, right: str) -> tuple[Side, Side, int]:
    """Return the turns of each branch after the shared turns, and the number of the last shared turn.

    Raises:
        KeyError: There is no such branch.
    """
    paths = tree.path(left), tree.path(right)
    shared = min(chain.first for path in paths for chain in path[:1]) - 1
    for ours, theirs in zip(*paths, strict=False):
        if ours.index != theirs.index:
            break
        shared = ours.last
    first, second = (
        Side(name, shared + 1, tree.branches[name].turns, tree.branches[name].title) for name in (left, right)
    )
    return first, second, max(shared, 0)


def compare_sides(
    session: Session, left: SideContents, right: SideContents, shared: int | None, price: PriceTurns | None = None
) -> Comparison:
    """Pair the turns and the tool calls of two sides, and add up what the turns cost.

    Args:
        session: The session of both sides.
        left: The left side.
        right: The right side.
        shared: `Comparison.shared`.
        price: Adds prices to turns; None if no prices are shown.
    """
    if price is not None:
        left, right = (side._replace(turns=price(side.turns)) for side in (left, right))
    return Comparison(
        session=session,
        left=left.side,
        right=right.side,
        shared=shared,
        pairs=pair_turns(left.side, left.messages, right.side, right.messages),
        tools=tool_steps(left.tools, right.tools),
        left_summary=summary(left.turns, left.runs, len(left.tools)),
        right_summary=summary(right.turns, right.runs, len(right.tools)),
    )


def compare_turns(
    pairs: Sequence[TurnPair], left: Mapping[int, TurnItems], right: Mapping[int, TurnItems]
) -> tuple[TurnComparison, ...]:
    """Compare pairs of turns item by item; `left` and `right` have the items of each turn by its number."""
    compared = []
    for pair in pairs:
        ours = TurnItems() if pair.left is None else left.get(pair.left, TurnItems())
        theirs = TurnItems() if pair.right is None else right.get(pair.right, TurnItems())
        compared.append(TurnComparison(pair, compare_items(ours.items, theirs.items), ours.more, theirs.more))
    return tuple(compared)


def pair_turns(left: Side, left_texts: Sequence[str], right: Side, right_texts: Sequence[str]) -> tuple[TurnPair, ...]:
    """Pair the turns of two sides by their user messages.

    The first turns are the alternatives of one fork, so they are a pair, unless one of them equals a later turn of the
    other side.
    """
    faces = bool(left_texts and right_texts) and not (
        left_texts[0] in right_texts[1:] or right_texts[0] in left_texts[1:]
    )
    first = [TurnPair(left.first, right.first)] if faces else []
    return (
        *first,
        *(
            TurnPair(
                None if ours is None else left.first + len(first) + ours,
                None if theirs is None else right.first + len(first) + theirs,
            )
            for ours, theirs in align(left_texts[len(first) :], right_texts[len(first) :])
        ),
    )


def tool_steps(left: Sequence[str], right: Sequence[str]) -> tuple[ToolStep, ...]:
    """Merge the tool calls of both sides in order; if they differ, the calls of the left side are first."""
    steps: list[ToolStep] = []
    for common, lefts, rights in opcodes(left, right):
        steps += [ToolStep(left[at], True, common) for at in lefts]
        if not common:
            steps += [ToolStep(right[at], False, True) for at in rights]
    return tuple(steps)


def summary(turns: Sequence[TurnUsage], runs: Sequence[RunRecord], tools: int) -> Summary:
    """Add up the usage of turns, the time of the last run of each turn, and the price."""
    times = [run.seconds for run in runs if run.seconds is not None]
    return Summary(
        turns=len(turns),
        usage=Usage.total(turn.usage for turn in turns),
        turns_without_usage=sum(turn.usage is None for turn in turns),
        seconds=sum(times) if times else None,
        turns_without_time=len(turns) - len(times),
        tools=tools,
        cost=Money.total([turn.cost for turn in turns if turn.cost is not None]),
    )


def compare_items(left: Sequence[ComparedItem], right: Sequence[ComparedItem]) -> tuple[ItemPair, ...]:
    """Pair the items of the same type and tool in order, and find the words that differ."""
    pairs: list[ItemPair] = []
    keys = [(item.type, item.tool_name) for item in left], [(item.type, item.tool_name) for item in right]
    for common, lefts, rights in opcodes(*keys):
        ours, theirs = left[lefts.start : lefts.stop], right[rights.start : rights.stop]
        if common:
            pairs += map(_compare, ours, theirs)
        else:
            pairs += (ItemPair(_unpaired(item), None, differs=True) for item in ours)
            pairs += (ItemPair(None, _unpaired(item), differs=True) for item in theirs)
    return tuple(pairs)


def _compare(left: ComparedItem, right: ComparedItem) -> ItemPair:
    ours, theirs = diff_words(left.text, right.text)
    return ItemPair(left._replace(spans=ours), right._replace(spans=theirs), differs=left != right)


def _unpaired(item: ComparedItem) -> ComparedItem:
    return item._replace(spans=(Span(item.text, differs=True),) if item.text else ())
