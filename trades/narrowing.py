"""Which fills a list shows, as people choose it."""

from typing import Any

from bengi.filters import ChoiceFilter, FilterForm, SymbolFilter
from bengi.templatetags.parts import words
from bengi.terms import Side


class FillsFilter(FilterForm):
    """The filters of the list of fills; from and to are days of execution."""

    symbol = SymbolFilter()
    side = ChoiceFilter([(side, words(side)) for side in Side], label="Side", every="Both")

    @property
    def where(self) -> dict[str, Any]:
        """What is looked for, as trades_where() takes it."""
        return {**dict.fromkeys(("account", "portfolio", "order")), **self.query}
