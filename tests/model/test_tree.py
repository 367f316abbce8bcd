"""The tree of turns: chains, paths, forks, and the order in which it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.tree.samples import tree_of
from tui.model import EMPTY_TREE, Chain, TurnTree
from tui.model.tree import Holders

NESTED = {
    "main": [1, 2, 3, 4],
    "alt": [1, 2, 5, 6],
    "deep": [1, 2, 5, 7],
    "late": [1, 2, 3, 4, 8],
    "other": [9],
}


def chain_text(chain: Chain) -> str:
    return f"{chain.first}-{chain.last} {chain.ending_branch or ''}".strip()


def test_a_single_branch_is_one_chain() -> None:
    tree = tree_of({"main": range(25_000)})

    assert [chain_text(chain) for chain in tree.chains] == ["1-25000 main"]
    assert len(tree.chains[0]) == 25_000


def test_a_path_leads_from_the_first_turn_to_the_last() -> None:
    tree = tree_of(NESTED)

    assert [chain_text(chain) for chain in tree.path("deep")] == ["1-2", "3-3", "4-4 deep"]
    assert [chain_text(chain) for chain in tree.path("main")] == ["1-2", "3-4 main"]
    assert tree.last_chain("late") is tree.path("late")[-1]


def test_an_unknown_branch_has_no_path_and_no_turn() -> None:
    tree = tree_of(NESTED)

    with pytest.raises(KeyError):
        tree.path("gone")
    assert tree.chain_at("gone", 1) is None
    assert tree.chain_at("main", 5) is None


def test_a_turn_is_found_in_the_chain_that_holds_it() -> None:
    tree = tree_of(NESTED)

    assert tree.chain_at("main", 2) is tree.chain_at("alt", 2)
    assert tree.chain_at("main", 3) is not tree.chain_at("alt", 3)


def test_alternatives_are_the_chains_that_start_together() -> None:
    tree = tree_of(NESTED)

    assert [chain_text(chain) for chain in tree.alternatives(tree.last_chain("main"))] == ["3-4 main", "3-3"]
    assert [chain_text(chain) for chain in tree.alternatives(tree.last_chain("other"))] == ["1-2", "1-1 other"]


def test_a_branch_that_ends_at_the_fork_is_an_alternative_too() -> None:
    tree = tree_of(NESTED)

    assert [chain_text(chain) for chain in tree.alternatives(tree.last_chain("late"))] == ["3-4 main", "5-5 late"]


def test_forks_are_the_chains_of_a_path_with_alternatives() -> None:
    tree = tree_of(NESTED)

    assert [chain.first for chain in tree.forks("deep")] == [1, 3, 4]
    assert [chain.first for chain in tree_of({"main": [1, 2]}).forks("main")] == []


def test_alternatives_stand_together_in_the_order_of_their_creation() -> None:
    tree = tree_of(NESTED)

    assert [(depth, chain_text(chain)) for chain, depth in tree.walk()] == [
        (1, "1-2"),
        (2, "3-4 main"),
        (3, "5-5 late"),
        (2, "3-3"),
        (3, "4-4 alt"),
        (3, "4-4 deep"),
        (1, "1-1 other"),
    ]


def test_a_chain_that_nothing_else_continues_keeps_its_depth() -> None:
    tree = tree_of(NESTED).without(["alt", "other"])

    assert [(depth, chain_text(chain)) for chain, depth in tree.walk()] == [
        (0, "1-2"),
        (1, "3-4 main"),
        (2, "5-5 late"),
        (1, "3-3"),
        (1, "4-4 deep"),
    ]


def test_a_branch_without_turns_of_its_own_has_an_empty_chain() -> None:
    tree = tree_of({"main": [1, 2, 3], "fresh": [1, 2]})
    fresh = tree.last_chain("fresh")

    assert (fresh.first, fresh.last, len(fresh), fresh.ending_branch) == (3, 2, 0, "fresh")
    assert fresh
    assert tree.chain_at("fresh", 3) is None


def test_walking_the_tree_of_a_session_without_branches() -> None:
    assert list(EMPTY_TREE.walk()) == []


@st.composite
def sessions(draw: st.DrawFn) -> dict[str, list[int]]:
    """Branches that fork from one another at random turns."""
    branches: dict[str, list[int]] = {"main": list(range(draw(st.integers(0, 6))))}
    for number in range(draw(st.integers(0, 6))):
        parent = branches[draw(st.sampled_from(sorted(branches)))]
        shared = parent[: draw(st.integers(0, len(parent)))]
        own = [1000 * (number + 1) + turn for turn in range(draw(st.integers(0, 3)))]
        branches[f"b{number}"] = shared + own
    return branches


def messages_of(tree: TurnTree, branches: Mapping[str, list[int]], branch_id: str) -> list[int]:
    """Return the messages of a branch; each chain is read from the oldest branch that holds it."""
    return [
        branches[chain.holders[0]][turn - 1]
        for chain in tree.path(branch_id)
        for turn in range(chain.first, chain.last + 1)
    ]


@given(sessions())
def test_the_chains_of_a_path_hold_the_messages_of_the_branch(branches: dict[str, list[int]]) -> None:
    tree = tree_of(branches)

    assert {name: messages_of(tree, branches, name) for name in branches} == branches


@given(sessions())
def test_the_difference_of_holders_is_complete(branches: dict[str, list[int]]) -> None:
    tree = tree_of(branches)

    for name in branches:
        for above, below in pairwise(tree.path(name)):
            assert isinstance(above.holders, Holders)
            difference = list(above.holders.difference(below.holders))
            assert sorted([*difference, *below.holders]) == sorted(above.holders)


def ancestors(tree: TurnTree, chain: Chain) -> list[int]:
    """Return the index of a chain, and those of the chains above it."""
    found = [chain.index]
    while (parent := tree.chains[found[-1]].parent) is not None:
        found.append(parent)
    return found


@given(sessions(), st.data())
def test_each_alternative_is_followed_by_its_own_subtree(branches: dict[str, list[int]], data: st.DataObject) -> None:
    tree = tree_of(branches).without(data.draw(st.sets(st.sampled_from(sorted(branches)))) - {"main"})
    age = list(branches)
    walk = list(tree.walk())

    assert [chain.index for chain, _ in walk] == list(range(len(tree.chains)))
    for chain, depth in walk:
        below = [other for other, _ in walk if chain.index in ancestors(tree, other)]
        assert below == [other for other, _ in walk[chain.index : chain.index + len(below)]]
        assert depth == sum(len(tree.alternatives(tree.chains[index])) > 1 for index in ancestors(tree, chain))
        alternatives = tree.alternatives(chain)
        assert tree.alternative_count(chain) == len(alternatives)
        oldest = [min(age.index(name) for name in alternative.all_holders) for alternative in alternatives]
        assert oldest == sorted(oldest)


@given(sessions())
def test_every_chain_is_among_its_alternatives(branches: dict[str, list[int]]) -> None:
    tree = tree_of(branches)

    for chain in tree.chains:
        alternatives = tree.alternatives(chain)
        assert chain in alternatives
        assert len(set(map(id, alternatives))) == len(alternatives)
