"""What the panes show: frozen values, no I/O.

A session's branches form a trie of turns: two branches share a turn when they hold the same messages there. The
trie is kept as *chains*, runs of turns with no fork among them, so that a branch of 100,000 turns is one chain and
not 100,000 nodes; the rows of a chain are read when they come into sight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

__all__ = [
    "EMPTY_TREE",
    "Accounts",
    "Approval",
    "Branch",
    "Chain",
    "Decision",
    "Failure",
    "ForkDraft",
    "Item",
    "Notice",
    "Outcome",
    "Page",
    "Progress",
    "Run",
    "RunRecord",
    "RunState",
    "Scope",
    "Session",
    "Severity",
    "Turn",
    "TurnTree",
    "TurnUsage",
    "Usage",
    "View",
]

Severity: TypeAlias = Literal["information", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation of the file.

    Attributes:
        session_id: Its id, as the writer gave it.
        updated_at: When it was last written: UTC, naive, `YYYY-MM-DD HH:MM:SS`; None where not stored.
        plain: True for a session without structure rows, as the SDK's plain `SQLiteSession` writes.
    """

    session_id: str
    updated_at: str | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a session.

    Attributes:
        branch_id: Its id; the first branch of a session is `main`.
        turns: The number of its last turn, 0 for a branch without user messages.
        items: How many items it holds, inherited ones included.
        parent: The branch it was forked from, where that was recorded.
        fork_turn: The first turn it does not share with `parent`, where that was recorded.
        created_at: When its first row was written: UTC, naive; for a fork the time of the fork.
    """

    branch_id: str
    turns: int
    items: int
    parent: str | None = None
    fork_turn: int | None = None
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A run of turns with no fork among them.

    Attributes:
        index: Its place in `TurnTree.chains`.
        parent: The chain that it continues; None for one that starts at the session's first turn.
        first: Number of its first turn.
        last: Number of its last turn; `first - 1` for a branch that has no turn of its own yet.
        through: The branches that hold these turns, oldest first; read the turns from any of them.
        ends: The branch whose last turn is this chain's last, if any: its name stands there.
        children: Chains that go on after `last`; the first stays in this chain's column, the others are forks.
    """

    index: int
    parent: int | None
    first: int
    last: int
    through: tuple[str, ...]
    ends: str | None = None
    children: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class TurnTree:
    """The turns of a session's branches, shared turns once.

    Attributes:
        branches: By id, oldest first.
        chains: Parents before children.
        roots: The chains that start at the session's first turn; more than one after a fork at turn 1.
    """

    branches: Mapping[str, Branch] = field(default_factory=dict)
    chains: tuple[Chain, ...] = ()
    roots: tuple[int, ...] = ()
    _tips: Mapping[str, int] = field(default_factory=dict, repr=False)

    def tip(self, branch_id: str) -> Chain:
        """The chain in which a branch ends.

        Raises:
            KeyError: There is no such branch.
        """
        return self.chains[self._tips[branch_id]]

    def path(self, branch_id: str) -> tuple[Chain, ...]:
        """The chains of a branch from its first turn to its last.

        Raises:
            KeyError: There is no such branch.
        """
        found: list[Chain] = []
        index: int | None = self._tips[branch_id]
        while index is not None:
            chain = self.chains[index]
            found.append(chain)
            index = chain.parent
        return tuple(reversed(found))

    def chain_at(self, branch_id: str, turn: int) -> Chain | None:
        """The chain that holds a branch's turn; None where the branch has no such turn."""
        if branch_id not in self._tips:
            return None
        return next((chain for chain in self.path(branch_id) if chain.first <= turn <= chain.last), None)

    def alternatives(self, chain: Chain) -> tuple[Chain, ...]:
        """The chains that start where this one does, itself among them: what `‹2/3›` counts.

        Where a branch simply ends at the fork, the chain it ends in stands first.
        """
        if chain.parent is None:
            return tuple(self.chains[index] for index in self.roots)
        parent = self.chains[chain.parent]
        kin = tuple(self.chains[index] for index in parent.children)
        return (parent, *kin) if parent.ends is not None else kin

    def forks(self, branch_id: str) -> tuple[Chain, ...]:
        """The chains on a branch's path that have alternatives; a fork point is the first turn of each."""
        return tuple(chain for chain in self.path(branch_id) if len(self.alternatives(chain)) > 1)

    def walk(self) -> Iterator[tuple[Chain, int]]:
        """Every chain with its depth in the order in which it is drawn.

        Forks come right after the turn where they part, one step deeper; the chain that goes on keeps its column.
        """
        stack: list[tuple[int, int]] = []

        def push(children: tuple[int, ...], depth: int, goes_on: bool) -> None:
            if goes_on:
                stack.append((children[0], depth))
                children = children[1:]
            stack.extend((child, depth + 1) for child in reversed(children))

        if self.roots:
            push(self.roots, 0, goes_on=True)
        while stack:
            index, depth = stack.pop()
            chain = self.chains[index]
            yield chain, depth
            if chain.children:
                push(chain.children, depth, goes_on=chain.ends is None)


EMPTY_TREE = TurnTree()


@dataclass(frozen=True, slots=True)
class Turn:
    """One row of the tree: a user message and what followed it.

    Attributes:
        number: Its number within the branch; 0 for items before the first user message.
        text: Beginning of the user message, whitespace folded; untrusted, as stored.
        items: How many items it holds.
        tools: How many tool calls.
        errors: How many of its items report a failure.
        tokens: Total tokens of the run that made it; None where no usage is stored.
        created_at: When the user message was stored: UTC, naive.
    """

    number: int
    text: str
    items: int
    tools: int = 0
    errors: int = 0
    tokens: int | None = None
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and requests.

    Attributes:
        requests: Calls of the model.
        input_tokens: Tokens sent, `cached_tokens` included.
        output_tokens: Tokens received, `reasoning_tokens` included.
        total_tokens: Input and output together.
        cached_tokens: Part of the input that the provider had cached; None where that was not reported.
        reasoning_tokens: Part of the output that was reasoning; None where that was not reported.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.total_tokens + other.total_tokens,
            _sum(self.cached_tokens, other.cached_tokens),
            _sum(self.reasoning_tokens, other.reasoning_tokens),
        )


def _sum(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right


@dataclass(frozen=True, slots=True)
class TurnUsage:
    """What one turn of a branch cost.

    Attributes:
        turn: Number of the turn.
        usage: Its tokens; None where nothing was stored.
        branch_id: The branch whose run spent them; the turn is inherited where that is another one than shown.
    """

    turn: int
    usage: Usage | None = None
    branch_id: str | None = None


class Scope(StrEnum):
    """What a sum of tokens stands for."""

    OWN = "own"
    """The turns that this branch ran."""
    PATH = "path"
    """All turns of this branch, inherited ones included, each once."""
    ALL = "all"
    """All that was spent in the session, each turn once."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What a branch cost.

    Attributes:
        branch_id: The branch.
        totals: The sum of each scope; None where nothing was stored.
        turns: The turns of the path in order, one for each turn from 1 on.
        tools: Tool name, turn, calls: in the order of the turns.
        runs: The last run of each turn of the path that has one.
    """

    branch_id: str
    totals: Mapping[Scope, Usage | None]
    turns: tuple[TurnUsage, ...]
    tools: tuple[tuple[str, int, int], ...] = ()
    runs: Mapping[int, RunRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One stored message, tool call, tool output, reasoning, …

    Attributes:
        message_id: Key of the message row; branches that share the item have the same.
        position: Its place in the branch, from 0.
        turn: Number of its turn; 0 before the first user message.
        type: `user`, `assistant`, or the item's own type, as the SDK classifies it.
        tool_name: Name of the tool where it has one.
        created_at: When the message was stored: UTC, naive.
        data: The decoded item (a dict in all files the SDK writes); None where it cannot be decoded.
        raw: The stored text where it cannot be decoded, else None.
    """

    message_id: int
    position: int
    turn: int
    type: str
    tool_name: str | None = None
    created_at: str | None = None
    data: Any = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Neighbouring items of one branch.

    Attributes:
        branch_id: The branch.
        start: Position of the first of them.
        items: The items in order.
    """

    branch_id: str
    start: int
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class ForkDraft:
    """A fork that the user is preparing; nothing of it is written yet.

    Attributes:
        branch_id: The branch to fork from.
        turn: The first turn that the new branch will not share; one more than the last for a fork at the end.
        text: The user message to start from; empty for a fork at the end.
    """

    branch_id: str
    turn: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """A tool call that waits for the user's leave.

    Attributes:
        call_id: The call's id.
        tool_name: The tool, with its namespace or server where it has one.
        arguments: Its arguments as the model wrote them: JSON, untrusted.
        agent: Name of the agent that calls it.
    """

    call_id: str
    tool_name: str
    arguments: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the user says to an `Approval`.

    Attributes:
        approved: Whether the call may be made.
        always: Whether the same holds for every call of this tool in this run.
        reason: What a rejected call's model is told; empty for the SDK's own words.
    """

    approved: bool
    always: bool = False
    reason: str = ""


class RunState(StrEnum):
    """What a run is at."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """An approval is asked for."""
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has done so far, of what is not stored yet.

    Attributes:
        doing: What it does now, in a few words: `thinking`, `writing`, `calling get_weather`; untrusted.
        live: Items in the order of the conversation, growing; their `position` continues that of the stored ones.
        usage: Tokens so far; None where nothing was reported.
    """

    doing: str = ""
    live: tuple[Item, ...] = ()
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run of an agent that is under way on a branch.

    Attributes:
        branch_id: The branch.
        state: What it is at.
        started_at: Seconds since the epoch.
        model: What runs, as it is shown: the agent's or the model's name.
        progress: What it has done so far.
        approvals: The tool calls that wait for the user's leave.
        queued: Messages that the user sent meanwhile, in order.
    """

    branch_id: str
    state: RunState
    started_at: float
    model: str
    progress: Progress = Progress()
    approvals: tuple[Approval, ...] = ()
    queued: tuple[str, ...] = ()


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run that ended, as the file keeps it.

    Attributes:
        turn: The turn it made or went on with.
        branch_id: The branch that ran it.
        outcome: How it ended.
        model: Name of the model; None where it is not known.
        agent: Name of the agent that answered last; None where it is not known.
        started_at: When it began: UTC, naive.
        seconds: How long it took.
        error: What went wrong, one line without secrets; None where nothing did.
        estimated: True where the tokens are estimates and no provider's count.
        reported: False where the provider reported no tokens.
    """

    turn: int
    branch_id: str
    outcome: Outcome
    model: str | None = None
    agent: str | None = None
    started_at: str | None = None
    seconds: float | None = None
    error: str | None = None
    estimated: bool = False
    reported: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the user in passing.

    Attributes:
        text: One line; untrusted parts of it are shown as they are, never as markup.
        severity: How it looks.
        serial: Grows by one with each notice, so that the same words twice are told twice.
    """

    text: str
    severity: Severity = "information"
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that did not end well, as the user is told of it.

    Attributes:
        branch_id: The branch.
        error: What went wrong, one sentence.
        hint: What to do about it.
        details: More of it.
        unsaid: What the user said and the branch does not hold: to be said again.
        serial: Grows by one with each failure.
    """

    branch_id: str
    error: str
    hint: str = ""
    details: str = ""
    unsaid: str = ""
    serial: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """All that the panes show, at one moment.

    Attributes:
        file: The file's name as the user gave it.
        writable: False where the file, or `--read-only`, refuses writes.
        sessions: The sessions of the file, the one written last first.
        session: The open one.
        tree: Its turns.
        branch_id: The branch shown in every pane.
        turn: The selected turn of it; 0 where it has none.
        items: How many items the branch holds.
        position: Position in the branch of the selected turn's first item.
        page: Items round `position`, or the last ones where the last turn is selected.
        preview: True while the tree's cursor merely passes over another branch than the opened one.
        accounts: What the branch cost; None until it is known.
        scope: Which sum the usage pane shows.
        fork: The fork editor's content while it is open.
        model: What answers a message: an agent's or a model's name; empty where none is set.
        runs: The runs that are under way, by branch.
        failure: The last run that did not end well.
        notice: The newest notice.
        revision: Grows when the file's content changed; what was read under an older one is stale.
    """

    file: str = ""
    writable: bool = True
    sessions: tuple[Session, ...] = ()
    session: Session | None = None
    tree: TurnTree = EMPTY_TREE
    branch_id: str = ""
    turn: int = 0
    items: int = 0
    position: int = 0
    page: Page | None = None
    preview: bool = False
    accounts: Accounts | None = None
    scope: Scope = Scope.PATH
    fork: ForkDraft | None = None
    model: str = ""
    runs: Mapping[str, Run] = field(default_factory=dict)
    failure: Failure | None = None
    notice: Notice | None = None
    revision: int = 0
