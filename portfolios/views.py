"""What is held, and how a portfolio did: each on a page of its own."""

from datetime import UTC
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.money import sum_or_none
from bengi.terms import InstrumentType
from instruments.lines import lines_of
from instruments.models import Instrument
from instruments.selectors import latest_quotes
from portfolios.analytics.periods import PERIODS
from portfolios.bar import read_bar
from portfolios.forms import SpanForm
from portfolios.portfolio_page import past_of, portfolio_of_page, portfolio_page
from portfolios.position_sums import free_quantity, position_sums, share_of, together
from portfolios.selectors import Holding, open_portfolios_of, realized_pnl_of
from portfolios.serializers import POSITION_ORDERS, sorted_holdings
from portfolios.services import open_first_account

SHARES = ("25", "50", "75", "100")


@require_POST
@signed_in
def open_first(request: PageRequest) -> HttpResponse:
    """Open an account with practice cash for who has none; a second press finds the first one's."""
    if open_first_account(request.user, now=clock.now()):
        messages.success(request, "Your account is open, with practice cash in it.")
    return redirect("account")


@signed_in
def positions(request: PageRequest) -> HttpResponse:
    """Show every position with its live gain, in an order of one's choice, and what they come to.

    ?reduce=ID opens the form that sells a part of one.
    """
    now = clock.now()
    bar = read_bar(request.user, now)
    portfolios = list(open_portfolios_of(request.user))
    instruments = [holding.instrument for holding in bar.all_holdings]
    lines = lines_of(instruments, latest_quotes(instruments), now)
    made = [bar.valuer.total(realized_pnl_of(portfolio)) for portfolio in portfolios]
    asked = request.GET.get("sort", "")
    sort = asked if asked.lstrip("-") in POSITION_ORDERS else "symbol"
    holdings = sorted_holdings(bar.all_holdings, sort)
    sums, rates = position_sums(bar.all_holdings), bar.valuer.rates.values()
    context = {
        "place": "positions",
        "bar": bar,
        "holdings": holdings,
        "rows": [(holding, free_quantity(holding)) for holding in holdings],
        "sort": sort,
        "sums": sums,
        "at": now,
        "together": together(sums, bar.currency, rates) if len(sums) > 1 else None,
        "portfolio": portfolios[0] if portfolios else None,
        "realized": sum_or_none(made),
        "quotes": [line.facts for line in lines],
        **_reducing(bar.all_holdings, request.GET.get("reduce", ""), request.GET.get("share", "")),
    }
    context["files"] = [
        (each.name, f"/api/v1/portfolios/{each.id}/positions?format=csv&ordering={sort}")
        for each in portfolios
    ]
    return render(request, "portfolios/positions.html", context)


def _reducing(holdings: list[Holding], wanted: str, share: str) -> dict[str, Any]:
    """Return the position of which a part is to be sold, and how much the form begins with."""
    found = next((each for each in holdings if str(each.position.id) == wanted), None)
    if found is None:
        return {}
    percent = share if share in SHARES else "50"
    return {
        "reduced": found,
        "reduced_free": free_quantity(found),
        "quantity": share_of(found, Decimal(percent)),
        "percent": percent,
        "shares": SHARES,
    }


@signed_in
def portfolio(request: PageRequest) -> HttpResponse:
    """Show what a portfolio is worth, how it did over a span, and what it is made of."""
    now = clock.now()
    bar = read_bar(request.user, now)  # first: what comes after it is told to the page
    shown, owned = portfolio_of_page(request.user, request.GET.get("portfolio", ""))
    context = {"place": "portfolio", "bar": bar, "owned": owned, "now": now}
    if shown is not None:
        form = SpanForm(request.GET, today=now.astimezone(UTC).date())
        form.full_clean()
        by, is_discreet = request.GET.get("by", ""), getattr(request.user, "is_discreet", False)
        told = portfolio_page(shown, form, now, by=by, is_discreet=is_discreet)
        context |= told
        if not request.headers.get("HX-Request"):  # a refresh takes none of it
            context |= past_of(shown, told["performance"])
        context |= {
            "form": form,
            "periods": PERIODS,
            "funds": Instrument.objects.filter(type=InstrumentType.ETF).order_by("symbol")[:20],
        }
    return render(request, "portfolios/portfolio.html", context)
