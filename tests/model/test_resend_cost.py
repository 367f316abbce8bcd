"""The resend cost, compared with sums by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.model.resend_cost import TurnInput, resend_cost


def test_items_are_measured_between_turns_of_one_request_each() -> None:
    found = resend_cost(
        "main",
        [
            # 40 characters of message are 10 tokens.
            TurnInput(characters=400, message=40, requests=1, input_tokens=1000, cached_tokens=0),
            TurnInput(characters=800, message=80, requests=1, input_tokens=1300, cached_tokens=900),
            TurnInput(characters=400, message=40, requests=1, input_tokens=2000, cached_tokens=1200),
        ],
    )
    # The input grew by 300, of which 20 are the second message; the first was in it already, and is of turn 1.
    first = found.turn(1)
    assert first is not None
    assert (first.items, first.measured) == (300 + 10 - 20, True)
    # It was sent with two more requests, of which 9/13 and 12/20 were cached.
    assert (first.requests, first.tokens, first.cached) == (2, 580, 290 * 900 // 1300 + 290 * 1200 // 2000)
    second = found.turn(2)
    assert second is not None
    assert (second.items, second.measured) == (700 + 20 - 10, True)
    assert (second.requests, second.tokens, second.cached) == (1, 710, 710 * 1200 // 2000)
    # The last was sent by no later request; its items are a quarter of their characters.
    last = found.turn(3)
    assert last is not None
    assert (last.items, last.measured, last.requests, last.tokens, last.cached) == (100, False, 0, 0, None)
    assert (found.tokens, found.items, found.input_tokens, found.largest) == (1290, 1100, 4300, 710)
    assert found.cached == (first.cached or 0) + (second.cached or 0)
    assert found.turn(0) is found.turn(4) is None


def test_input_added_by_several_turns_is_distributed_by_their_characters() -> None:
    found = resend_cost(
        "main",
        [
            TurnInput(characters=400, requests=1, input_tokens=1000),
            TurnInput(characters=1200, requests=4, input_tokens=8000),
            TurnInput(characters=400, requests=1, input_tokens=3000),
        ],
    )
    turns = [found.turn(number) for number in (1, 2)]
    assert [turn and (turn.items, turn.measured) for turn in turns] == [(500, False), (1500, False)]
    assert [turn and turn.tokens for turn in turns] == [500 * (4 + 1), 1500 * 1]
    assert found.cached is None


def test_turns_of_several_requests_are_measured_if_their_first_request_is_known() -> None:
    found = resend_cost(
        "main",
        [
            TurnInput(characters=400, requests=3, input_tokens=4000, sent=[(1000, None), (1400, None), (1600, None)]),
            TurnInput(characters=400, requests=2, input_tokens=5500, sent=[(2500, None), (3000, None)]),
            TurnInput(characters=400, requests=2, input_tokens=8000),
        ],
    )
    turns = [found.turn(number) for number in (1, 2)]
    assert [turn and (turn.items, turn.measured) for turn in turns] == [(1500, True), (100, False)]


def test_a_resend_cost_adds_up_the_known_requests_each_with_its_own_input_and_cached_tokens() -> None:
    sent = [(500, 0), (4000, 1000)]
    known = TurnInput(requests=2, input_tokens=4500, cached_tokens=1000, sent=sent)
    turns = [
        resend_cost("main", [TurnInput(characters=4000), last]).turn(1) for last in (known, known._replace(sent=()))
    ]
    # The first request had room for half of the 1,000 tokens; of the second, a quarter was cached.
    assert [turn and (turn.tokens, turn.cached) for turn in turns] == [(500 + 1000, 250), (2000, 2000 * 1000 // 4500)]


def test_items_are_estimated_if_the_history_was_cut_or_tokens_are_estimates() -> None:
    found = resend_cost(
        "main", [TurnInput(400, 0, 1, 5000), TurnInput(400, 0, 1, 2000), TurnInput(4, 0, 1, 9000, estimated=True)]
    )
    assert [turn and (turn.items, turn.measured) for turn in map(found.turn, (1, 2))] == [(100, False), (100, False)]


def test_no_request_sends_more_than_its_counted_input() -> None:
    found = resend_cost(
        "main", [TurnInput(characters=4000, requests=2, input_tokens=50), TurnInput(requests=2, input_tokens=500)]
    )
    only = found.turn(1)
    assert only is not None
    # 1,000 tokens twice would be 2,000, but the two requests sent 500.
    assert (only.items, only.requests, only.tokens) == (1000, 2, 500)


def test_turns_without_usage_send_nothing_again() -> None:
    found = resend_cost("main", [TurnInput(400), TurnInput(400), TurnInput(400, requests=3, input_tokens=9000)])
    assert [turn and turn.tokens for turn in map(found.turn, (1, 2, 3))] == [300, 300, 0]
    assert resend_cost("main", []).tokens == 0


sums = st.builds(
    TurnInput,
    characters=st.integers(0, 10**6),
    message=st.integers(0, 10**4),
    requests=st.integers(0, 5),
    input_tokens=st.integers(0, 10**6),
    cached_tokens=st.none() | st.integers(0, 10**6),
    estimated=st.booleans(),
    sent=st.just(()),
)
sent = st.lists(st.tuples(st.integers(0, 10**6), st.none() | st.integers(0, 10**6)), min_size=1, max_size=4)


def with_requests(turn: TurnInput, sent: list[tuple[int, int | None]]) -> TurnInput:
    """Return a turn with known requests and their sums."""
    cached = [part for _, part in sent if part is not None]
    return turn._replace(
        requests=len(sent),
        input_tokens=sum(tokens for tokens, _ in sent),
        cached_tokens=sum(cached) if cached else None,
        sent=sent,
    )


turns = sums | st.builds(with_requests, sums, sent)


@given(st.lists(turns, max_size=30))
def test_the_resend_cost_never_exceeds_the_input(path: list[TurnInput]) -> None:
    found = resend_cost("main", path)
    costs = [found.turn(number) for number in range(1, len(path) + 1)]
    known = [turn for turn in costs if turn is not None]
    assert len(known) == len(path)
    assert found.tokens <= sum(turn.input_tokens for turn in path)
    assert found.tokens == sum(turn.tokens for turn in known)
    for place, turn in enumerate(known):
        assert turn.requests == sum(later.requests for later in path[place + 1 :])
        assert 0 <= turn.tokens <= turn.items * turn.requests
        assert turn.cached is None or 0 <= turn.cached <= turn.tokens
