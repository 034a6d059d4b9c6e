"""What is held, and how a portfolio did: each on a page of its own."""

from datetime import UTC

from django.http import HttpResponse
from django.shortcuts import render

from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.money import ZERO
from bengi.terms import InstrumentType
from instruments.lines import lines_of
from instruments.models import Instrument
from instruments.selectors import latest_quotes
from portfolios.analytics.periods import PERIODS
from portfolios.bar import read_bar
from portfolios.forms import SpanForm
from portfolios.portfolio_page import portfolio_of_page, portfolio_page
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


@signed_in
def portfolio(request: PageRequest) -> HttpResponse:
    """Show what a portfolio is worth, how it did over a span, and what it is made of."""
    bar = read_bar(request.user)  # first: what comes after it is told to the page
    now = clock.now()
    shown, owned = portfolio_of_page(request.user, request.GET.get("portfolio", ""))
    context = {"place": "portfolio", "bar": bar, "owned": owned, "now": now}
    if shown is not None:
        form = SpanForm(request.GET, today=now.astimezone(UTC).date())
        form.full_clean()
        by, is_discreet = request.GET.get("by", ""), getattr(request.user, "is_discreet", False)
        context |= portfolio_page(shown, form, now, by=by, is_discreet=is_discreet)
        context |= {
            "form": form,
            "periods": PERIODS,
            "funds": Instrument.objects.filter(type=InstrumentType.ETF).order_by("symbol")[:20],
        }
    return render(request, "portfolios/portfolio.html", context)
