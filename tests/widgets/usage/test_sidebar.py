"""The usage pane: what it says of a view, and that it follows it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from textual.app import App, ComposeResult
from textual.reactive import var
from textual.strip import Strip
from textual.style import Style

from tests.widgets.usage.samples import Book, account, book, carried, priced, seen, with_runs
from tui.model import ChartView, Notice, Outcome, RunRecord, Scope, View
from tui.widgets.format import format_tokens
from tui.widgets.usage.bars import Part
from tui.widgets.usage.sidebar import UsageSidebar
from tui.widgets.usage.text import TOTALS_HEIGHT, Swatch, strip_turn, totals
from tui.widgets.usage.token_chart import TokenChart

Snapshot = Callable[..., bool]

TYPICAL = View(branch_id="alt", turn=3, branch_usage=account(9))
TALKED = TYPICAL._replace(branch_usage=with_runs(account(9, silent=(8,))))
"""Some turns of it were run by the program, which recorded how."""
PRICED = TYPICAL._replace(branch_usage=priced(account(9)))
CARRIED = PRICED._replace(chart=ChartView.RESEND_COST, resend_cost=carried(account(9)))
WIDE = (36, 34)
STRIP = (100, 3)


@pytest.fixture(autouse=True)
def in_seoul(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "KST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class UsageApp(App[None]):
    """The pane bound to a view; what it asks for comes back, as it does from the controller."""

    view: var[View] = var(View())

    def __init__(self, view: View, *, compact: bool = False, theme: str = "textual-dark") -> None:
        super().__init__()
        self.set_reactive(UsageApp.view, view)
        self.compact = compact
        self.theme = theme

    def compose(self) -> ComposeResult:
        sidebar = UsageSidebar().data_bind(UsageApp.view)
        sidebar.compact = self.compact
        yield sidebar

    def on_token_chart_turns_needed(self, message: TokenChart.TurnsNeeded) -> None:
        assert isinstance(self.view.branch_usage, Book)
        turns = self.view.branch_usage.read(message.first, message.last)
        self.query_one(UsageSidebar).receive(message.generation, turns)

    def on_token_chart_turn_selected(self, message: TokenChart.TurnSelected) -> None:
        self.view = self.view._replace(turn=message.turn)


def row(app: UsageApp, label: str) -> list[str]:
    """The words of the first line that begins with a label, whatever marks stand before it."""
    lines = (line.strip(" ■█▓▒░") for line in seen(app).splitlines())
    return next(line for line in lines if line.startswith(label)).removeprefix(label).split()


async def test_the_scope_stands_beside_the_selected_turn() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE):
        assert row(app, "requests") == ["12", "1"]
        assert row(app, "input") == ["8,375", "661"]
        assert row(app, "cached") == ["4,367", "396"]
        assert row(app, "output") == ["4,365", "307"]
        assert row(app, "reasoning") == ["1,452", "102"]
        assert row(app, "total") == ["12,740", "968"]
        assert row(app, "own") == ["9.4k", "·", "path", "12.7k", "·", "all", "15.0k"]


async def test_the_scope_changes_the_sums_and_its_name() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        app.view = app.view._replace(scope=Scope.OWN)
        await pilot.pause()
        assert "the turns that this branch ran" in seen(app)
        assert row(app, "total")[0] == "9,434"


async def test_a_click_in_the_chart_shows_that_turn_s_numbers() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        assert "inherited: ran on main" in seen(app)
        await pilot.click(TokenChart, offset=(14, 7))
        await pilot.pause()
        assert app.view.turn == 8
        assert row(app, "total") == ["12,740", "1,758"]
        assert "inherited" not in seen(app)


async def test_arrows_and_enter_select_a_turn() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("tab", "down", "enter")
        await pilot.pause()
        assert app.view.turn == 4


async def test_the_pane_follows_the_view_to_another_branch() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        app.view = View(branch_id="deep", turn=2, branch_usage=account(2, branch_id="deep", parent="alt"))
        await pilot.pause()
        assert "ran on alt" in seen(app)
        assert "t3" not in seen(app)


async def test_no_usage_is_said_and_never_counted_as_zero() -> None:
    app = UsageApp(View(branch_id="alt", turn=2, branch_usage=account(3, silent=(1, 2, 3))))
    async with app.run_test(size=WIDE):
        assert "No usage stored" in seen(app)
        assert "turn 2: no usage stored" in seen(app)
        assert row(app, "total") == ["–", "–"]


async def test_a_fork_without_a_run_of_its_own_still_shows_what_its_path_cost() -> None:
    app = UsageApp(View(branch_id="alt", turn=2, scope=Scope.OWN, branch_usage=account(3, own_from=4)))
    async with app.run_test(size=WIDE):
        assert "No usage stored" in seen(app)
        assert row(app, "own")[0] == "–"
        assert row(app, "total") == ["–", "1,402"]


async def test_what_the_provider_did_not_report_is_not_zero() -> None:
    app = UsageApp(View(branch_id="alt", turn=2, branch_usage=account(3, reported=False)))
    async with app.run_test(size=WIDE):
        assert row(app, "cached") == ["not", "reported"]
        assert row(app, "reasoning") == ["not", "reported"]


def below_the_numbers(app: UsageApp) -> list[str]:
    """The lines from the table's last row to the chart."""
    lines = [line.strip() for line in seen(app).splitlines()]
    last = next(at for at, line in enumerate(lines) if line.startswith("context"))
    return [" ".join(line.split()) for line in lines[last + 1 : app.query_one(TokenChart).region.y]]


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (3, ["↰ ran on main ≈ estimated", "gpt-5-mini · Billing 12.3 s", "2026-03-04 14:06"]),
        (4, ["", "", ""]),
        (5, ["", "litellm/anthropic/cla… 12 min 34 s", "2026-03-04 14:06"]),
        (7, ["", "gpt-5-mini 2.0 s", "stopped · 2026-03-04 14:06"]),
        (8, ["turn 8: tokens not reported", "gpt-5-mini 0.4 s", "failed: The key [/x]␛[31m is not …"]),
    ],
)
async def test_the_run_of_the_selected_turn_stands_below_its_numbers(turn: int, told: list[str]) -> None:
    app = UsageApp(TALKED._replace(turn=turn))
    async with app.run_test(size=WIDE):
        assert below_the_numbers(app) == told


async def test_nothing_moves_between_turns_with_and_without_a_run() -> None:
    app = UsageApp(TALKED)
    async with app.run_test(size=WIDE) as pilot:
        places = set()
        for turn in range(1, 10):
            app.view = app.view._replace(turn=turn)
            await pilot.pause()
            places.add(tuple(pane.region for pane in app.query_one(UsageSidebar).children if pane.display))
        assert len(places) == 1


async def test_estimates_are_marked_and_counted_requests_are_not() -> None:
    app = UsageApp(TALKED)
    async with app.run_test(size=WIDE) as pilot:
        assert row(app, "requests")[1] == "1"
        assert [row(app, label)[1] for label in ("input", "cached", "output", "reasoning", "total")] == [
            "≈661",
            "≈396",
            "≈307",
            "≈102",
            "≈968",
        ]
        app.view = app.view._replace(turn=5)
        await pilot.pause()
        assert "estimated" not in seen(app)
        assert row(app, "total")[1] == "1,130"


async def test_tokens_that_were_not_reported_are_no_zeros() -> None:
    app = UsageApp(TALKED._replace(turn=8))
    async with app.run_test(size=WIDE):
        assert [row(app, label)[1] for label in ("requests", "input", "output", "total")] == ["–"] * 4
        assert "0" not in row(app, "▸t8")


async def test_of_a_turn_whose_last_run_alone_reported_none_that_is_said() -> None:
    rows = list(account(9).rows)
    rows[4] = rows[4]._replace(run=RunRecord(5, "alt", Outcome.STOPPED, reported=False))
    branch_usage = book("alt", tuple(rows))
    app = UsageApp(View(branch_id="alt", turn=5, branch_usage=branch_usage))
    async with app.run_test(size=WIDE):
        assert below_the_numbers(app) == ["not all reported", "", "stopped"]
        assert row(app, "total")[1] == "1,130"


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (3, "turn 3 ≈968 · 1 request · ■ in 661 · ■ out 307 · gpt-5-mini 12.3 s"),
        (4, "turn 4 1.6k · 1 request · ■ in 868 · ■ out 696"),
        (7, "turn 7 1.2k · 1 request · ■ in 1.1k · ■ out 63 · stopped · gpt-5-mini 2.0…"),
        (8, "turn 8 tokens not reported · gpt-5-mini 0.4 s · failed: The key [/x]␛[31m…"),
    ],
)
async def test_the_strip_tells_of_the_run_on_the_turn_s_line(turn: int, told: str) -> None:
    app = UsageApp(TALKED._replace(turn=turn), compact=True)
    async with app.run_test(size=(76, 4)):
        assert seen(app).splitlines()[2].strip() == told


async def test_while_the_usage_is_read_nothing_moves() -> None:
    app = UsageApp(TYPICAL._replace(branch_usage=None))
    async with app.run_test(size=WIDE) as pilot:
        assert "reading the usage" in seen(app)
        top = pilot.app.query_one(TokenChart).region.y
        app.view = TYPICAL
        await pilot.pause()
        assert "reading" not in seen(app)
        assert pilot.app.query_one(TokenChart).region.y == top


async def test_tools_are_counted_on_the_path_and_in_the_turn() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert row(app, "tools") == ["path", "t3"]
        assert row(app, "get_weather") == ["6", "2"]
        assert row(app, "search") == ["2"]
        assert row(app, "plot") == ["1", "1"]
        lines = seen(app)
        assert lines.index("get_weather") < lines.index("search") < lines.index("plot")


async def test_tools_beyond_the_room_are_summed_up() -> None:
    tools = tuple((f"tool_{number:02}", 1, 30 - number) for number in range(20))
    app = UsageApp(View(branch_id="alt", turn=1, branch_usage=account(3, tools=tools)))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert row(app, "tool_00") == ["30", "30"]
        assert row(app, "+13 more") == ["221", "221"]


async def test_untrusted_names_stay_text_in_their_columns() -> None:
    tools = (("[bold]x[/y]", 1, 3), ("esc\x1b[31m\n", 1, 2), ("검색_도구_아주_긴_이름을_가진", 1, 1))
    app = UsageApp(View(branch_id="alt", turn=1, branch_usage=account(3, parent="[red]\x07", tools=tools)))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert row(app, "[bold]x[/y]") == ["3", "3"]
        assert row(app, "esc␛[31m␊") == ["2", "2"]
        assert row(app, "검색_도구_아주_…") == ["1", "1"]
        assert "ran on [red]␇" in seen(app)
        assert not {"\x1b", "\x07"} & set(seen(app))


async def test_a_change_of_something_else_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[int] = Counter()
    render_line = TokenChart.render_line

    def counting(chart: TokenChart, y: int) -> Strip:
        drawn[y] += 1
        return render_line(chart, y)

    monkeypatch.setattr(TokenChart, "render_line", counting)
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        drawn.clear()
        app.view = app.view._replace(notice=Notice("by the way"))
        await pilot.pause()
        assert not drawn
        app.view = app.view._replace(turn=5)
        await pilot.pause()
        assert drawn


async def test_the_cost_of_every_scope_stands_below_its_tokens() -> None:
    app = UsageApp(PRICED)
    async with app.run_test(size=WIDE) as pilot:
        assert row(app, "$0.0042") == ["n/a", "≈$12.35"]
        assert row(app, "cost") == ["n/a", "$0.0021"]
        assert "2 turns unpriced" in seen(app)
        app.view = app.view._replace(scope=Scope.ALL, turn=2)
        await pilot.pause()
        assert row(app, "cost") == ["≈$12.35", "n/a"]
        assert "unpriced" not in seen(app)


async def test_no_recorded_model_no_cost_and_that_is_said() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        assert "cost n/a: no model is recorded" in seen(app)
        assert row(app, "cost  ") == ["n/a", "n/a"]
        # Prices are on their way.
        app.view = app.view._replace(price_as="gpt-5-mini")
        await pilot.pause()
        assert row(app, "cost") == ["…", "…"]


async def test_the_context_is_known_after_one_request_and_bounded_after_more() -> None:
    app = UsageApp(PRICED)
    async with app.run_test(size=WIDE) as pilot:
        assert row(app, "context") == ["661", "of", "4.0k", "·", "17", "%"]
        app.view = app.view._replace(turn=5)
        await pilot.pause()
        # Two requests sent 945 tokens: the second at least half of them.
        assert row(app, "input")[1] == "945"
        assert row(app, "context") == ["≥473", "of", "4.0k", "·", "≥12", "%"]
        app.view = TYPICAL._replace(turn=5)
        await pilot.pause()
        assert row(app, "context") == ["≥473"]


async def test_the_sum_says_which_turns_it_leaves_out() -> None:
    app = UsageApp(TALKED._replace(scope=Scope.PATH))
    async with app.run_test(size=(50, 34)) as pilot:
        assert "all turns of this branch · 1 turn without usage" in seen(app)
        app.view = app.view._replace(scope=Scope.OWN)
        await pilot.pause()
        assert "without usage" not in seen(app)


async def test_the_carry_cost_stands_in_place_of_the_tokens() -> None:
    app = UsageApp(CARRIED)
    resend_cost = CARRIED.resend_cost
    assert resend_cost is not None
    turn = resend_cost.turn(3)
    assert turn is not None
    async with app.run_test(size=WIDE) as pilot:
        assert row(app, "items") == [f"≈{resend_cost.items:,}", f"≈{turn.items:,}"]
        assert row(app, "requests") == ["×", f"{turn.requests}"]
        assert row(app, "re-sent") == [f"≈{resend_cost.tokens:,}", f"≈{turn.tokens:,}"]
        assert row(app, "cached") == [f"≈{resend_cost.cached:,}", f"≈{turn.cached:,}"]
        assert row(app, "▸t3")[-1] == f"≈{format_tokens(turn.tokens)}"
        assert row(app, "t9")[-1] == "≈0"
        app.view = app.view._replace(resend_cost=None)
        await pilot.pause()
        assert row(app, "re-sent") == ["…", "…"]
        assert row(app, "t9") == ["…"]


async def test_the_strip_tells_cost_and_carry_in_words() -> None:
    app = UsageApp(PRICED, compact=True)
    async with app.run_test(size=(100, 4)) as pilot:
        lines = seen(app).splitlines()
        assert "path 12.7k · n/a (2 turns unpriced) · 12 requests" in lines[0]
        assert lines[2].startswith(" turn 3 968 · $0.0021 · 1 request")
        app.view = CARRIED
        await pilot.pause()
        lines = seen(app).splitlines()
        assert lines[0].startswith(" path ≈4.8k of 8.4k input was sent again (≈2.8k cached)")
        assert lines[2].startswith(" turn 3 items ≈207 × 8 later requests = ≈1.6k re-sent, ")


async def test_the_strip_takes_three_lines_and_selects_too() -> None:
    app = UsageApp(TYPICAL, compact=True)
    async with app.run_test(size=(100, 8)) as pilot:
        lines = seen(app).splitlines()
        assert lines[0].startswith(" path 12.7k · 12 requests")
        assert "own 9.4k · all 15.0k" in lines[0]
        assert "▸" in lines[1]
        assert lines[2].startswith(" turn 3 968 · 1 request")
        assert lines[3].strip() == ""
        await pilot.press("tab", "right", "enter")
        await pilot.pause()
        assert seen(app).splitlines()[2].startswith(" turn 4 ")


@pytest.mark.parametrize("shown", [TALKED, PRICED, CARRIED], ids=["talked", "priced", "carried"])
@pytest.mark.parametrize("turn", range(1, 10))
def test_a_turn_takes_the_same_lines_at_every_width(turn: int, shown: View) -> None:
    view = shown._replace(turn=turn)
    assert isinstance(view.branch_usage, Book)
    told = view.branch_usage.rows[turn - 1]
    swatches = dict.fromkeys(Part, Swatch("■", Style()))
    for width in range(4, 60):
        lines = totals(view, told, width, swatches)
        assert len(lines) == TOTALS_HEIGHT
        assert max(line.cell_length for line in lines) <= width
        assert strip_turn(view, told, width, swatches).cell_length <= width


@pytest.mark.parametrize("size", [(12, 6), (20, 10), (26, 20), (40, 12), (80, 24)])
@pytest.mark.parametrize("compact", [False, True])
async def test_no_size_is_too_small(size: tuple[int, int], compact: bool) -> None:
    app = UsageApp(TYPICAL, compact=compact)
    async with app.run_test(size=size):
        assert all(len(line) <= size[0] for line in seen(app).splitlines())
        assert "9.4k" in seen(app) or "12.7" in seen(app)


def test_typical(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(TYPICAL), terminal_size=WIDE)


@pytest.mark.parametrize("width", [32, 36, 46])
def test_priced(snap_compare: Snapshot, width: int) -> None:
    assert snap_compare(UsageApp(PRICED), terminal_size=(width, 34))


def test_priced_on_light(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(PRICED, theme="textual-light"), terminal_size=WIDE)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
def test_carry(snap_compare: Snapshot, theme: str) -> None:
    assert snap_compare(UsageApp(CARRIED, theme=theme), terminal_size=WIDE)


def test_carry_in_the_strip(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(CARRIED, compact=True), terminal_size=STRIP)


def test_empty(snap_compare: Snapshot) -> None:
    view = View(branch_id="alt", turn=2, branch_usage=account(3, silent=(1, 2, 3), tools=()))
    assert snap_compare(UsageApp(view), terminal_size=WIDE)


def test_loading(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(TYPICAL._replace(branch_usage=None)), terminal_size=WIDE)


def test_crowded(snap_compare: Snapshot) -> None:
    view = View(branch_id="alt", turn=190, branch_usage=account(200, own_from=185, silent=(188,)))
    assert snap_compare(UsageApp(view), terminal_size=WIDE, press=["tab", "up", "up"])


def test_strip(snap_compare: Snapshot) -> None:
    view = View(branch_id="alt", turn=26, branch_usage=account(30, own_from=25, silent=(22, 23)))
    assert snap_compare(UsageApp(view, compact=True), terminal_size=STRIP)


def test_light_theme(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(TYPICAL, theme="textual-light"), terminal_size=WIDE)


def test_no_color(snap_compare: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(UsageApp(TYPICAL), terminal_size=WIDE)


def test_ansi_theme(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(TYPICAL, theme="ansi-dark"), terminal_size=WIDE)


@pytest.mark.parametrize("turn", [3, 7, 8])
def test_runs(snap_compare: Snapshot, turn: int) -> None:
    assert snap_compare(UsageApp(TALKED._replace(turn=turn)), terminal_size=WIDE)


def test_a_failed_run_on_light(snap_compare: Snapshot) -> None:
    app = UsageApp(TALKED._replace(turn=8), theme="textual-light")
    assert snap_compare(app, terminal_size=WIDE)


def test_a_failed_run_in_the_strip(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(TALKED._replace(turn=8), compact=True), terminal_size=STRIP)
