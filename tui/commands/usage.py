"""Commands of the usage pane."""

from __future__ import annotations

from functools import partial

from tui.commands.context import Explorer
from tui.commands.registry import Target, command


@command(
    "usage.scope",
    keys="u",
    title="Scope",
    help="What the sums count: own turns, the path, all",
    on=(Target.BAR,),
    footer=True,
    synonyms=("total", "usage"),
    holds_keys=True,
)
async def next_scope(explorer: Explorer) -> None:
    explorer.controller.usage.next_scope()
    explorer.run_command(explorer.controller.usage.load_scope)


@command(
    "usage.chart",
    keys="dollar_sign",
    title="Chart",
    help="What the bars show: tokens, money or resend cost",
    on=(Target.BAR,),
    synonyms=("bars",),
)
async def next_chart(explorer: Explorer) -> None:
    await explorer.controller.usage.next_chart()


@command(
    "usage.price_as",
    title="Price as",
    help="Price as a model: for turns whose own model is not recorded",
    on=(Target.BAR,),
    synonyms=("money", "cost", "dollars"),
    holds_keys=True,
)
async def choose_price_model(explorer: Explorer) -> None:
    from tui.screens.dialogs.picker import Picker
    from tui.widgets.lists.choices import Choice

    usage = explorer.controller.usage
    choices = [Choice("", "no model", "only turns whose model is recorded have a price")]
    choices += [Choice(name, name, "your price" if own else "") for name, own in (await usage.priced_models()).items()]

    def picked(name: str | None) -> None:
        if name is not None:
            explorer.run_command(partial(usage.set_price_as, name or None))

    await explorer.push_dialog(Picker("Price as", choices, current=explorer.view.price_as), picked)
