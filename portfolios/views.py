"""What is held, on a page of its own."""

from django.http import HttpResponse
from django.shortcuts import render

from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.money import ZERO
from instruments.lines import lines_of
from instruments.selectors import latest_quotes
from portfolios.bar import read_bar
from portfolios.selectors import open_portfolios_of, realized_pnl_of


@signed_in
def positions(request: PageRequest) -> HttpResponse:
    """Show every position with its live gain, and the sums they make."""
    bar = read_bar(request.user)
    portfolios = list(open_portfolios_of(request.user))
    instruments = [holding.instrument for holding in bar.all_holdings]
    lines = lines_of(instruments, latest_quotes(instruments), clock.now())
    made = [realized_pnl_of(portfolio).get(bar.currency, ZERO) for portfolio in portfolios]
    context = {
        "place": "positions",
        "bar": bar,
        "holdings": bar.all_holdings,
        "portfolio": portfolios[0] if portfolios else None,
        "realized": sum(made, ZERO),
        "quotes": [line.facts for line in lines],
    }
    return render(request, "portfolios/positions.html", context)
