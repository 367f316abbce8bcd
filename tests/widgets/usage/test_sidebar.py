"""The usage pane: what it shows of a view, and that it follows the view."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.reactive import var
from textual.strip import Strip

from tests.widgets.usage.samples import (
    PagedUsage,
    resend_cost_of,
    sample_usage,
    screen_text,
    usage_of,
    with_prices,
    with_runs,
)
from tui.model import ChartView, Money, Notice, Outcome, RunRecord, Scope, TextSize, TextSizes, Usage, View
from tui.widgets.format import format_tokens
from tui.widgets.usage.bars import BarPart
from tui.widgets.usage.sidebar import UsageSidebar
from tui.widgets.usage.strip_text import strip_turn_line
from tui.widgets.usage.text import TOTALS_HEIGHT, totals_lines
from tui.widgets.usage.token_chart import TokenChart

Snapshot = Callable[..., bool]

TYPICAL = View(branch_id="alt", turn=3, branch_usage=sample_usage(9))
WITH_RUNS = TYPICAL._replace(branch_usage=with_runs(sample_usage(9, without_usage=(8,))))
"""Some turns have the record of a run."""
WITH_PRICES = TYPICAL._replace(branch_usage=with_prices(sample_usage(9)))
RESENT = WITH_PRICES._replace(chart=ChartView.RESEND_COST, resend_cost=resend_cost_of(sample_usage(9)))
MONEY = WITH_PRICES._replace(chart=ChartView.MONEY, largest_cost=Decimal("0.00426"))
ESTIMATED = View(
    branch_id="alt",
    turn=2,
    branch_usage=sample_usage(3, own_from=3, without_usage=(1, 2, 3)),
    text_sizes=TextSizes.of_turns("alt", array("q", [50, 40, 60]), array("q", [50, 160, 240]), 3, TextSize(200, 700)),
)
"""No usage is stored."""
WIDE = (36, 34)
STRIP = (100, 3)


pytestmark = pytest.mark.usefixtures("ahead_of_utc")


class UsageApp(App[None]):
    """Shows the pane, and answers it as the explorer does."""

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
        assert isinstance(self.view.branch_usage, PagedUsage)
        turns = self.view.branch_usage.read(message.first, message.last)
        self.query_one(UsageSidebar).receive(message.generation, turns)

    def on_token_chart_turn_selected(self, message: TokenChart.TurnSelected) -> None:
        self.view = self.view._replace(turn=message.turn)


def row(app: UsageApp, label: str) -> list[str]:
    """Return the words after a label, in the first line that begins with it, without regard to marks."""
    lines = (line.strip(" ■█▓▒░") for line in screen_text(app).splitlines())
    return next(line for line in lines if line.startswith(label)).removeprefix(label).split()


async def test_the_scope_and_the_selected_turn_have_a_column_each() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE):
        assert row(app, "requests") == ["12", "1"]
        assert row(app, "input") == ["8,375", "661"]
        assert row(app, "cached") == ["4,367", "396"]
        assert row(app, "output") == ["4,365", "307"]
        assert row(app, "reasoning") == ["1,452", "102"]
        assert row(app, "total") == ["12,740", "968"]
        assert row(app, "own") == ["9.4k", "·", "path", "12.7k", "·", "all", "15.0k"]


async def test_another_scope_has_other_totals() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        app.view = app.view._replace(scope=Scope.OWN)
        await pilot.pause()
        assert "the turns that this branch ran" in screen_text(app)
        assert row(app, "total")[0] == "9,434"


async def test_a_click_in_the_chart_selects_its_turn() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        assert "inherited: ran on main" in screen_text(app)
        await pilot.click(TokenChart, offset=(14, 7))
        await pilot.pause()
        assert app.view.turn == 8
        assert row(app, "total") == ["12,740", "1,758"]
        assert "inherited" not in screen_text(app)


async def test_arrows_and_enter_select_a_turn() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("tab", "down", "enter")
        await pilot.pause()
        assert app.view.turn == 4


async def test_the_pane_follows_the_view_to_another_branch() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        app.view = View(branch_id="deep", turn=2, branch_usage=sample_usage(2, branch_id="deep", parent="alt"))
        await pilot.pause()
        assert "ran on alt" in screen_text(app)
        assert "t3" not in screen_text(app)


async def test_missing_usage_is_not_shown_as_zero() -> None:
    app = UsageApp(View(branch_id="alt", turn=2, branch_usage=sample_usage(3, without_usage=(2,))))
    async with app.run_test(size=WIDE):
        assert "turn 2: no usage stored" in screen_text(app)
        assert row(app, "total")[1] == "–"
        assert row(app, "▸t2") == ["·"]


async def test_without_any_usage_the_sizes_of_turns_are_estimated() -> None:
    app = UsageApp(ESTIMATED)
    async with app.run_test(size=WIDE) as pilot:
        assert row(app, "own") == ["≈300", "·", "path", "≈600", "·", "all", "≈900"]
        assert row(app, "to model") == ["≈150", "≈40"]
        assert row(app, "from model") == ["≈450", "≈160"]
        assert row(app, "total") == ["≈600", "≈200"]
        assert "≈ estimated from text" in screen_text(app)
        assert "store_run_usage" in screen_text(app)
        assert row(app, "▸t2")[-1] == "≈200"
        assert "█" in row(app, "t3")[0]
        app.view = app.view._replace(text_sizes=None)
        await pilot.pause()
        assert row(app, "total") == ["…", "…"]
        assert row(app, "▸t2") == ["…"]


async def test_a_scope_with_usage_shows_it_even_if_the_path_has_none() -> None:
    branch_usage = ESTIMATED.branch_usage
    assert branch_usage is not None
    totals = {**branch_usage.totals, Scope.ALL: Usage(requests=1, input_tokens=70, output_tokens=7, total_tokens=77)}
    app = UsageApp(ESTIMATED._replace(scope=Scope.ALL, branch_usage=branch_usage._replace(totals=totals)))
    async with app.run_test(size=WIDE):
        assert row(app, "own") == ["≈300", "·", "path", "≈600", "·", "all", "77"]
        assert row(app, "total")[0] == "77"


async def test_the_strip_has_the_estimated_sizes_in_words() -> None:
    app = UsageApp(ESTIMATED, compact=True)
    async with app.run_test(size=(120, 4)):
        lines = screen_text(app).splitlines()
        assert lines[0].startswith(" path ≈600 · ■ to the model ≈150 · ■ from it ≈450 · ≈ estimated from text")
        assert "store_run_usage(result)" in lines[0]
        assert lines[2].startswith(" turn 2 ≈200 · ■ to the model ≈40 · ■ from it ≈160")


async def test_a_fork_without_a_run_of_its_own_shows_the_usage_of_its_path() -> None:
    app = UsageApp(View(branch_id="alt", turn=2, scope=Scope.OWN, branch_usage=sample_usage(3, own_from=4)))
    async with app.run_test(size=WIDE):
        assert "No usage stored" in screen_text(app)
        assert row(app, "own")[0] == "–"
        assert row(app, "total") == ["–", "1,402"]


async def test_numbers_that_were_not_reported_are_not_shown_as_zero() -> None:
    app = UsageApp(View(branch_id="alt", turn=2, branch_usage=sample_usage(3, reported=False)))
    async with app.run_test(size=WIDE):
        assert row(app, "cached") == ["not", "reported"]
        assert row(app, "reasoning") == ["not", "reported"]


def lines_below_table(app: UsageApp) -> list[str]:
    """Return the lines between the table and the chart."""
    lines = [line.strip() for line in screen_text(app).splitlines()]
    last = next(at for at, line in enumerate(lines) if line.startswith("context"))
    return [" ".join(line.split()) for line in lines[last + 1 : app.query_one(TokenChart).region.y]]


@pytest.mark.parametrize(
    ("turn", "lines"),
    [
        (3, ["↰ ran on main ≈ estimated", "run: gpt-5-mini · Billing 12.3 s", "started 2026-03-04 14:06"]),
        (4, ["", "", ""]),
        (5, ["", "run: litellm/anthropi… 12 min 34 s", "started 2026-03-04 14:06"]),
        (7, ["", "run: gpt-5-mini 2.0 s", "stopped · started 2026-03-04…"]),
        (8, ["turn 8: tokens not reported", "run: gpt-5-mini 0.4 s", "failed: The key [/x]␛[31m is…"]),
    ],
)
async def test_the_run_of_the_selected_turn_is_below_its_numbers(turn: int, lines: list[str]) -> None:
    app = UsageApp(WITH_RUNS._replace(turn=turn))
    async with app.run_test(size=WIDE):
        assert lines_below_table(app) == lines


async def test_nothing_moves_between_turns_with_and_without_a_run() -> None:
    app = UsageApp(WITH_RUNS)
    async with app.run_test(size=WIDE) as pilot:
        places = set()
        for turn in range(1, 10):
            app.view = app.view._replace(turn=turn)
            await pilot.pause()
            places.add(tuple(pane.region for pane in app.query_one(UsageSidebar).children if pane.display))
        assert len(places) == 1


async def test_estimates_are_marked_except_for_requests() -> None:
    app = UsageApp(WITH_RUNS)
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
        assert "estimated" not in screen_text(app)
        assert row(app, "total")[1] == "1,130"


async def test_tokens_of_a_run_that_reported_none_are_not_shown_as_zero() -> None:
    app = UsageApp(WITH_RUNS._replace(turn=8))
    async with app.run_test(size=WIDE):
        assert [row(app, label)[1] for label in ("requests", "input", "output", "total")] == ["–"] * 4
        assert "0" not in row(app, "▸t8")


async def test_a_turn_whose_last_run_reported_no_tokens_has_a_remark() -> None:
    rows = list(sample_usage(9).rows)
    rows[4] = rows[4]._replace(run=RunRecord(5, "alt", Outcome.STOPPED, reported=False))
    branch_usage = usage_of("alt", tuple(rows))
    app = UsageApp(View(branch_id="alt", turn=5, branch_usage=branch_usage))
    async with app.run_test(size=WIDE):
        assert lines_below_table(app) == ["not all reported", "run:", "stopped"]
        assert row(app, "total")[1] == "1,130"


@pytest.mark.parametrize(
    ("turn", "line"),
    [
        (3, "turn 3 ≈968 · 1 request · ■ in ≈661 · ■ out ≈307 · gpt-5-mini 12.3 s"),
        (4, "turn 4 1.6k · 1 request · ■ in 868 · ■ out 696"),
        (7, "turn 7 1.2k · 1 request · ■ in 1.1k · ■ out 63 · stopped · gpt-5-mini 2.0…"),
        (8, "turn 8 tokens not reported · gpt-5-mini 0.4 s · failed: The key [/x]␛[31m…"),
    ],
)
async def test_the_strip_has_the_run_in_the_line_of_the_turn(turn: int, line: str) -> None:
    app = UsageApp(WITH_RUNS._replace(turn=turn), compact=True)
    async with app.run_test(size=(76, 4)):
        assert screen_text(app).splitlines()[2].strip() == line


async def test_nothing_moves_when_the_usage_is_read() -> None:
    app = UsageApp(TYPICAL._replace(branch_usage=None))
    async with app.run_test(size=WIDE) as pilot:
        assert "reading the usage" in screen_text(app)
        top = pilot.app.query_one(TokenChart).region.y
        app.view = TYPICAL
        await pilot.pause()
        assert "reading" not in screen_text(app)
        assert pilot.app.query_one(TokenChart).region.y == top


@pytest.mark.parametrize("view", [View(), View(chart=ChartView.RESEND_COST), View(price_as="gpt-5")])
@pytest.mark.parametrize("compact", [False, True])
async def test_without_a_branch_nothing_is_being_read(view: View, compact: bool) -> None:
    app = UsageApp(view, compact=compact)
    async with app.run_test(size=STRIP if compact else WIDE):
        text = screen_text(app)
        assert "No usage stored" in text
        assert "reading" not in text
        assert "…" not in text


async def test_tools_are_counted_on_the_path_and_in_the_turn() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert row(app, "tools") == ["path", "t3"]
        assert row(app, "get_weather") == ["6", "2"]
        assert row(app, "search") == ["2"]
        assert row(app, "plot") == ["1", "1"]
        lines = screen_text(app)
        assert lines.index("get_weather") < lines.index("search") < lines.index("plot")


async def test_tools_without_a_line_of_their_own_are_summed_up() -> None:
    tools = tuple((f"tool_{number:02}", 1, 30 - number) for number in range(20))
    app = UsageApp(View(branch_id="alt", turn=1, branch_usage=sample_usage(3, tools=tools)))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert row(app, "tool_00") == ["30", "30"]
        assert row(app, "+13 more") == ["221", "221"]


async def test_untrusted_names_are_plain_text_in_their_columns() -> None:
    tools = (("[bold]x[/y]", 1, 3), ("esc\x1b[31m\n", 1, 2), ("검색_도구_아주_긴_이름을_가진", 1, 1))
    app = UsageApp(View(branch_id="alt", turn=1, branch_usage=sample_usage(3, parent="[red]\x07", tools=tools)))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert row(app, "[bold]x[/y]") == ["3", "3"]
        assert row(app, "esc␛[31m␊") == ["2", "2"]
        assert row(app, "검색_도구_아주_…") == ["1", "1"]
        assert "ran on [red]␇" in screen_text(app)
        assert not {"\x1b", "\x07"} & set(screen_text(app))


async def test_an_unrelated_change_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_long_costs_neither_touch_nor_remove_a_scope() -> None:
    usage = with_prices(sample_usage(9))
    costs = zip(Scope, ("0.00034", "0.0011", "0.00018"), strict=True)
    rows, usage = usage.rows, usage._replace(money={scope: Money(Decimal(cost), 9, 0, True) for scope, cost in costs})
    usage.rows = tuple(row._replace(cost=Money(Decimal("0.00034"), 1, 0, True)) for row in rows)
    app = UsageApp(TYPICAL._replace(branch_usage=usage))
    async with app.run_test(size=(34, 34)):
        assert row(app, "own")[1::2] == ["path", "all"]
        assert row(app, "≈$0.00034") == ["≈$0.0011", "≈$0.00018"]
        assert row(app, "cost") == ["≈$0.0011", "≈$0.00034"]


async def test_the_cost_of_each_scope_is_below_its_tokens() -> None:
    app = UsageApp(WITH_PRICES)
    async with app.run_test(size=WIDE) as pilot:
        assert row(app, "$0.0042") == ["≥$0.017", "≈$12.35"]
        assert row(app, "cost") == ["≥$0.017", "$0.0021"]
        assert "2 turns unpriced" in screen_text(app)
        app.view = app.view._replace(scope=Scope.ALL, turn=2)
        await pilot.pause()
        assert row(app, "cost") == ["≈$12.35", "≥$0.0021"]
        assert "unpriced" not in screen_text(app)


@pytest.mark.parametrize("models", [(), ("offline",)])
@pytest.mark.parametrize("compact", [False, True])
async def test_a_session_without_any_price_says_so_once(models: tuple[str, ...], compact: bool) -> None:
    paged = sample_usage(9)
    money = {scope: Money(Decimal(0), 9, 9) for scope in Scope} if models else {}
    usage = paged._replace(models=models, money=money)
    usage.rows = tuple(row._replace(cost=Money(Decimal(0), 1, 1) if models else None) for row in paged.rows)
    app = UsageApp(TYPICAL._replace(branch_usage=usage), compact=compact)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert "n/a" not in screen_text(app)
        assert "unpriced" not in screen_text(app)
        assert screen_text(app).count("no price") == (not compact)


async def test_without_a_model_the_pane_names_the_command_that_sets_prices() -> None:
    app = UsageApp(TYPICAL)
    async with app.run_test(size=WIDE) as pilot:
        assert "no price: Ctrl+P, Price as" in screen_text(app)
        assert row(app, "cost  ") == ["–", "–"]
        # Prices are being read.
        app.view = app.view._replace(price_as="gpt-5-mini")
        await pilot.pause()
        assert row(app, "cost") == ["…", "…"]


async def test_the_context_is_exact_for_one_request_and_a_minimum_for_more() -> None:
    app = UsageApp(WITH_PRICES)
    async with app.run_test(size=WIDE) as pilot:
        assert row(app, "context") == ["661", "of", "4.0k", "·", "17", "%"]
        app.view = app.view._replace(turn=5)
        await pilot.pause()
        # Two requests sent 945 tokens, the second at least half of them.
        assert row(app, "input")[1] == "945"
        assert row(app, "context") == ["≥473", "of", "4.0k", "·", "≥12", "%"]
        app.view = TYPICAL._replace(turn=5)
        await pilot.pause()
        assert row(app, "context") == ["≥473"]


async def test_the_totals_name_the_turns_that_they_leave_out() -> None:
    app = UsageApp(WITH_RUNS._replace(scope=Scope.PATH))
    async with app.run_test(size=(50, 34)) as pilot:
        assert "all turns of this branch · 1 turn without usage" in screen_text(app)
        app.view = app.view._replace(scope=Scope.OWN)
        await pilot.pause()
        assert "without usage" not in screen_text(app)


async def test_resend_costs_take_the_place_of_tokens() -> None:
    app = UsageApp(RESENT)
    resend_cost = RESENT.resend_cost
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
        app.view = app.view._replace(scope=Scope.ALL)
        await pilot.pause()
        # The sums of the session are shown above; the resend cost is that of the path.
        assert row(app, "path") == ["turn", "3"]
        assert "all turns of this branch" in screen_text(app)
        app.view = app.view._replace(resend_cost=None)
        await pilot.pause()
        assert row(app, "re-sent") == ["…", "…"]
        assert row(app, "t9") == ["…"]


async def test_bars_of_money_have_the_cost_of_each_turn() -> None:
    app = UsageApp(MONEY)
    async with app.run_test(size=WIDE) as pilot:
        *bar, cost = row(app, "▸t3")
        assert cost == "$0.0021"
        # The most expensive turn costs twice as much.
        room = app.query_one(TokenChart).scrollable_content_region.width - len("▸t3↰") - len(" ≈$0.00042")
        assert len("".join(bar).lstrip("↰")) in (room // 2, room // 2 + 1)
        assert row(app, "t2")[-1] == "≥$0.0021"
        app.view = app.view._replace(largest_cost=None)
        await pilot.pause()
        assert row(app, "▸t3") == ["↰…"]


async def test_an_estimated_minimum_has_one_mark() -> None:
    rows = list(sample_usage(9).rows)
    usage = rows[4].usage
    assert usage is not None
    assert usage.requests == 2
    rows[4] = rows[4]._replace(usage=usage._replace(estimated=True))
    app = UsageApp(View(branch_id="alt", turn=5, branch_usage=usage_of("alt", tuple(rows))))
    async with app.run_test(size=WIDE):
        assert row(app, "context") == ["≈473"]


async def test_the_tools_follow_the_scope() -> None:
    app = UsageApp(TYPICAL._replace(scope=Scope.OWN))
    branch_usage = TYPICAL.branch_usage
    assert branch_usage is not None
    async with app.run_test(size=(36, 40)) as pilot:
        await pilot.pause()
        assert row(app, "tools") == ["own", "t3"]
        assert row(app, "get_weather") == ["3", "2"]
        assert row(app, "plot") == ["1"]
        height = app.query_one(TokenChart).region.height
        app.view = app.view._replace(scope=Scope.ALL)
        await pilot.pause()
        assert row(app, "get_weather") == ["…", "2"]
        assert app.query_one(TokenChart).region.height == height
        tools = {**branch_usage.tools, Scope.ALL: (("get_weather", 20), ("search", 3), ("plot", 1))}
        app.view = app.view._replace(branch_usage=branch_usage._replace(tools=tools))
        await pilot.pause()
        assert row(app, "get_weather") == ["20", "2"]


async def test_the_strip_has_costs_and_resend_costs_in_words() -> None:
    app = UsageApp(WITH_PRICES, compact=True)
    async with app.run_test(size=(100, 4)) as pilot:
        lines = screen_text(app).splitlines()
        assert "path 12.7k · ≥$0.017 (2 turns unpriced) · 12 requests" in lines[0]
        assert lines[2].startswith(" turn 3 968 · $0.0021 · 1 request")
        app.view = RESENT
        await pilot.pause()
        lines = screen_text(app).splitlines()
        assert lines[0].startswith(" path ≈4.8k of 8.4k input was sent again (≈2.8k cached)")
        assert lines[2].startswith(" turn 3 items ≈207 × 8 later requests = ≈1.6k re-sent, ")


async def test_the_strip_takes_three_lines_and_selects_turns() -> None:
    app = UsageApp(TYPICAL, compact=True)
    async with app.run_test(size=(100, 8)) as pilot:
        lines = screen_text(app).splitlines()
        assert lines[0].startswith(" path 12.7k · 12 requests")
        assert "own 9.4k · all 15.0k" in lines[0]
        assert "▸" in lines[1]
        assert lines[2].startswith(" turn 3 968 · 1 request")
        assert lines[3].strip() == ""
        await pilot.press("tab")
        await pilot.pause()
        assert app.screen.active_bindings["right"].binding.description == "Next turn"
        await pilot.press("right", "enter")
        await pilot.pause()
        assert screen_text(app).splitlines()[2].startswith(" turn 4 ")
        for key, turn in (("right", 5), ("home", 1)):
            await pilot.press(key)
            await pilot.pause()
            _, strip, line, *_ = screen_text(app).splitlines()
            assert (strip.count("▸"), strip.index("▸")) == (1, 1 + 3 * (turn - 1))
            assert line.startswith(f" turn {turn} ")
        await pilot.press("end")
        assert not app._notifications
        await pilot.press("right")
        assert [notice.message for notice in app._notifications] == [
            "This is the last turn. Enter selects it, and once more shows its requests."
        ]


@pytest.mark.parametrize(
    "shown", [WITH_RUNS, WITH_PRICES, RESENT, MONEY], ids=["runs", "prices", "resend costs", "money"]
)
@pytest.mark.parametrize("turn", range(1, 10))
def test_the_number_of_lines_is_the_same_for_each_turn_and_width(turn: int, shown: View) -> None:
    view = shown._replace(turn=turn)
    assert isinstance(view.branch_usage, PagedUsage)
    turn_usage = view.branch_usage.rows[turn - 1]
    legend = dict.fromkeys(BarPart, Content("■"))
    for width in range(4, 60):
        lines = totals_lines(view, turn_usage, width, legend)
        assert len(lines) == TOTALS_HEIGHT
        assert max(line.cell_length for line in lines) <= width
        assert strip_turn_line(view, turn_usage, width, legend).cell_length <= width


@pytest.mark.parametrize("size", [(12, 6), (20, 10), (26, 20), (40, 12), (80, 24)])
@pytest.mark.parametrize("compact", [False, True])
async def test_no_size_is_too_small(size: tuple[int, int], compact: bool) -> None:
    app = UsageApp(TYPICAL, compact=compact)
    async with app.run_test(size=size):
        assert all(len(line) <= size[0] for line in screen_text(app).splitlines())
        assert "9.4k" in screen_text(app) or "12.7" in screen_text(app)


def test_typical(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(TYPICAL), terminal_size=WIDE)


@pytest.mark.parametrize("width", [32, 36, 46])
def test_prices(snap_compare: Snapshot, width: int) -> None:
    assert snap_compare(UsageApp(WITH_PRICES), terminal_size=(width, 34))


def test_prices_on_light(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(WITH_PRICES, theme="textual-light"), terminal_size=WIDE)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
def test_resend_costs(snap_compare: Snapshot, theme: str) -> None:
    assert snap_compare(UsageApp(RESENT, theme=theme), terminal_size=WIDE)


def test_resend_costs_in_the_strip(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(RESENT, compact=True), terminal_size=STRIP)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
def test_estimated_sizes(snap_compare: Snapshot, theme: str) -> None:
    assert snap_compare(UsageApp(ESTIMATED, theme=theme), terminal_size=WIDE)


def test_bars_of_money(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(MONEY), terminal_size=WIDE)


def test_loading(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(TYPICAL._replace(branch_usage=None)), terminal_size=WIDE)


def test_crowded(snap_compare: Snapshot) -> None:
    view = View(branch_id="alt", turn=190, branch_usage=sample_usage(200, own_from=185, without_usage=(188,)))
    assert snap_compare(UsageApp(view), terminal_size=WIDE, press=["tab", "up", "up"])


def test_strip(snap_compare: Snapshot) -> None:
    view = View(branch_id="alt", turn=26, branch_usage=sample_usage(30, own_from=25, without_usage=(22, 23)))
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
    assert snap_compare(UsageApp(WITH_RUNS._replace(turn=turn)), terminal_size=WIDE)


def test_a_failed_run_on_light(snap_compare: Snapshot) -> None:
    app = UsageApp(WITH_RUNS._replace(turn=8), theme="textual-light")
    assert snap_compare(app, terminal_size=WIDE)


def test_a_failed_run_in_the_strip(snap_compare: Snapshot) -> None:
    assert snap_compare(UsageApp(WITH_RUNS._replace(turn=8), compact=True), terminal_size=STRIP)
