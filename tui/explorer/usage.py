"""What the usage pane shows: scope, tokens or carry cost, prices."""

from __future__ import annotations

from functools import partial

from tui.explorer.base import ExplorerBase

__all__ = ["Accounting"]


class Accounting(ExplorerBase):
    """The commands of the usage pane."""

    def action_next_chart(self) -> None:
        self._do(self._controller.usage.next_chart)

    def price_as(self) -> None:
        """Ask for the model whose prices hold for turns whose own is not recorded."""

        async def ask() -> None:
            from tui.screens.dialogs.picker import Picker
            from tui.widgets.lists.choices import Choice

            names = await self._controller.usage.priced_models()
            choices = [Choice("", "no model", "only turns whose model is recorded have a price")]
            choices += [Choice(name, name, "") for name in names]

            def picked(name: str | None) -> None:
                if name is not None:
                    self._do(partial(self._controller.usage.set_price_as, name or None))

            self.app.push_screen(Picker("Price as", choices, current=self.view.price_as), picked)

        self._do(ask)
