"""Two stretches of turns side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui.model.diff import Run, align, opcodes, word_runs
from tui.model.tree import TurnTree
from tui.model.usage import RunRecord, TurnUsage, Usage
from tui.model.view import Session

__all__ = [
    "Comparison",
    "Part",
    "PartPair",
    "Side",
    "Summary",
    "ToolStep",
    "TurnDetail",
    "TurnPair",
    "compare_parts",
    "pair_turns",
    "sides",
    "summary",
    "tool_steps",
]


class Side(NamedTuple):
    """Turns of a branch, one after the other.

    Attributes:
        branch_id: The branch.
        first: Number of the first of them.
        last: Number of the last; less than `first` where there is none.
    """

    branch_id: str
    first: int
    last: int


class TurnPair(NamedTuple):
    """Two turns that answer to one another, or one that nothing answers to.

    Attributes:
        left: Number of the left side's turn; None where it has none here.
        right: Number of the right side's.
    """

    left: int | None
    right: int | None


class ToolStep(NamedTuple):
    """A tool call in the order of the calls of both sides.

    Attributes:
        name: The tool.
        left: Whether the left side made it here.
        right: Whether the right side did.
    """

    name: str
    left: bool
    right: bool


class Summary(NamedTuple):
    """What the turns of one side come to.

    Attributes:
        turns: How many there are.
        usage: Their tokens; None where nothing is stored.
        unknown: Of how many turns none are stored.
        seconds: How long their runs took; None where no run is recorded.
        untimed: Of how many turns no run is recorded.
        tools: How many tool calls they made.
        cost: Their price in US dollars; None where it is not known.
    """

    turns: int
    usage: Usage | None = None
    unknown: int = 0
    seconds: float | None = None
    untimed: int = 0
    tools: int = 0
    cost: float | None = None

    @property
    def cached(self) -> float | None:
        """The share of the input that was cached, between 0 and 1; None where that is not known."""
        usage = self.usage
        if usage is None or usage.cached_tokens is None or not usage.input_tokens:
            return None
        return usage.cached_tokens / usage.input_tokens


class Comparison(NamedTuple):
    """Two stretches of turns, and which turn of one answers to which of the other.

    Attributes:
        session: The session of both.
        left: The one side.
        right: The other.
        shared: The last turn that both branches hold in common, just before these turns; 0 where that is none, None
            where the sides are not what two branches have after their fork.
        pairs: All turns of both sides in order, each once.
        tools: The tool calls of both sides in order.
        left_summary: What the left turns come to.
        right_summary: What the right ones do.
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
        """The same with its sides exchanged."""
        return self._replace(
            left=self.right,
            right=self.left,
            pairs=tuple(TurnPair(right, left) for left, right in self.pairs),
            tools=tuple(ToolStep(name, right, left) for name, left, right in self.tools),
            left_summary=self.right_summary,
            right_summary=self.left_summary,
        )


class Part(NamedTuple):
    """An item of a turn as it is compared.

    Attributes:
        type: `user`, `assistant`, or the item's own type.
        tool_name: Name of the tool where it has one; of an output, the name of the tool that was called.
        text: What it says, asks or answers; untrusted.
        runs: The same in runs of words.
        left_out: Characters after `text` that are not compared word by word.
    """

    type: str
    tool_name: str | None
    text: str
    runs: tuple[Run, ...] = ()
    left_out: int = 0


class PartPair(NamedTuple):
    """Two items that answer to one another, or one that nothing answers to.

    Attributes:
        left: The left side's item.
        right: The right side's.
        differs: Whether they are not the same.
    """

    left: Part | None
    right: Part | None
    differs: bool


class TurnDetail(NamedTuple):
    """Two turns item by item.

    Attributes:
        pair: The turns.
        parts: Their items in order.
        left_more: Items of the left turn beyond those that are compared.
        right_more: Items of the right one.
    """

    pair: TurnPair
    parts: tuple[PartPair, ...]
    left_more: int = 0
    right_more: int = 0

    @property
    def differs(self) -> bool:
        """Whether the turns are not the same as far as they are compared."""
        return None in self.pair or any(part.differs for part in self.parts) or self.left_more != self.right_more

    def swapped(self) -> TurnDetail:
        """The same with its sides exchanged."""
        parts = tuple(PartPair(right, left, differs) for left, right, differs in self.parts)
        return TurnDetail(TurnPair(self.pair.right, self.pair.left), parts, self.right_more, self.left_more)


def sides(tree: TurnTree, left: str, right: str) -> tuple[Side, Side, int]:
    """What two branches have after the turns that they share, and the last turn that they share.

    Raises:
        KeyError: There is no such branch.
    """
    paths = tree.path(left), tree.path(right)
    shared = min(chain.first for path in paths for chain in path[:1]) - 1
    for one, other in zip(*paths, strict=False):
        if one.index != other.index:
            break
        shared = one.last
    return (
        Side(left, shared + 1, tree.branches[left].turns),
        Side(right, shared + 1, tree.branches[right].turns),
        max(shared, 0),
    )


def pair_turns(left: Side, left_texts: Sequence[str], right: Side, right_texts: Sequence[str]) -> tuple[TurnPair, ...]:
    """Which turn answers to which, by what the user said in each."""
    return tuple(
        TurnPair(None if ours is None else left.first + ours, None if theirs is None else right.first + theirs)
        for ours, theirs in align(left_texts, right_texts)
    )


def tool_steps(left: Sequence[str], right: Sequence[str]) -> tuple[ToolStep, ...]:
    """The tool calls of both sides in order; where they differ, the left side's come first."""
    steps: list[ToolStep] = []
    for common, lefts, rights in opcodes(left, right):
        steps += [ToolStep(left[at], True, common) for at in lefts]
        if not common:
            steps += [ToolStep(right[at], False, True) for at in rights]
    return tuple(steps)


def summary(turns: Sequence[TurnUsage], runs: Sequence[RunRecord], tools: int) -> Summary:
    """Add up what turns cost.

    Args:
        turns: All turns, also those of which nothing is stored.
        runs: The last run of each turn that has one.
        tools: How many tool calls they made.
    """
    timed = [run.seconds for run in runs if run.seconds is not None]
    return Summary(
        turns=len(turns),
        usage=Usage.total(turn.usage for turn in turns),
        unknown=sum(turn.usage is None for turn in turns),
        seconds=sum(timed) if timed else None,
        untimed=len(turns) - len(timed),
        tools=tools,
        cost=_cost(turns),
    )


def _cost(turns: Sequence[TurnUsage]) -> float | None:
    """What turns cost, where each that spent something has a price."""
    costs = [turn.cost for turn in turns if turn.usage is not None]
    priced = [cost for cost in costs if cost is not None and not cost.unpriced]
    return float(sum(cost.amount for cost in priced)) if costs and len(priced) == len(costs) else None


def compare_parts(left: Sequence[Part], right: Sequence[Part]) -> tuple[PartPair, ...]:
    """Pair the items of two turns in order, and mark the words that differ.

    Those of the same kind and tool answer to one another; between them, those of the same kind.
    """
    pairs: list[PartPair] = []
    keys = [(part.type, part.tool_name) for part in left], [(part.type, part.tool_name) for part in right]
    for common, lefts, rights in opcodes(*keys):
        ours, theirs = left[lefts.start : lefts.stop], right[rights.start : rights.stop]
        pairs += map(_compared, ours, theirs) if common else _of_a_kind(ours, theirs)
    return tuple(pairs)


def _of_a_kind(left: Sequence[Part], right: Sequence[Part]) -> Iterator[PartPair]:
    for common, lefts, rights in opcodes([part.type for part in left], [part.type for part in right]):
        ours, theirs = left[lefts.start : lefts.stop], right[rights.start : rights.stop]
        if common:
            yield from map(_compared, ours, theirs)
        else:
            yield from (PartPair(_alone(part), None, differs=True) for part in ours)
            yield from (PartPair(None, _alone(part), differs=True) for part in theirs)


def _compared(left: Part, right: Part) -> PartPair:
    runs = word_runs(left.text, right.text)
    return PartPair(left._replace(runs=runs[0]), right._replace(runs=runs[1]), differs=left != right)


def _alone(part: Part) -> Part:
    return part._replace(runs=(Run(part.text, differs=True),) if part.text else ())
