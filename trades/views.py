"""The trade page and its panels, one order with its fills, and all fills."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.errors import NotFound
from instruments.lines import hours_words
from instruments.selectors import instrument_by_symbol
from orders.desk import ticket_context
from orders.forms import EXITS, PRICES, TicketForm
from portfolios.bar import read_bar
from trades.chart import chart_context
from trades.layout import SPLITS
from trades.order_page import order_page
from trades.prints import recent_prints
from trades.selectors import trades_of
from trades.workbench import fill_marks, first_symbol, panels_of, quotes_context, workbench

FILLS_PAGE = 50


@signed_in
def trade_home(request: PageRequest) -> HttpResponse:
    """Go to the first symbol of the watchlist."""
    symbol = first_symbol(request.user)
    if not symbol:
        raise Http404("There is nothing to trade yet.")
    return redirect("trade_symbol", symbol)


@signed_in
def trade(request: PageRequest, symbol: str) -> HttpResponse:
    """Show the workbench of one symbol. The ticket may be filled in by the address."""
    now = clock.now()
    instrument = instrument_by_symbol(symbol)
    panels = panels_of(request.user, instrument, request.GET.get("tab", ""), now)
    context = workbench(request.user, instrument, panels, now)
    if context["portfolio"]:
        form = TicketForm(initial=_first_values(request))
        context |= ticket_context(context["portfolio"], context["line"], form)
    context |= chart_context(context["line"], request.GET.get("bar", ""))
    context |= {
        "place": "trade",
        "panels_url": reverse("trade_panels", args=[instrument.symbol]),
        "prints": recent_prints(instrument),
        "splits": SPLITS,
    }
    return render(request, "trades/trade.html", context)


@signed_in
def trade_panels(request: PageRequest, symbol: str) -> HttpResponse:
    """Answer with the tabs anew, and with the figures that changed with them."""
    now = clock.now()
    instrument = instrument_by_symbol(symbol)
    panels = panels_of(request.user, instrument, request.GET.get("tab", ""), now)
    quotes = quotes_context(request.user, instrument, panels, now)
    hours = hours_words(instrument.mic, now)
    facts = {**panels.facts, "fills": fill_marks(request.user, instrument)}
    context = panels.context | {"quotes": quotes, "hours": hours, "facts": facts}
    return render(request, "trades/panels.html", context)


@signed_in
def order(request: PageRequest, order_id: UUID) -> HttpResponse:
    """Show one order: where it stands, what happened to it and why, what it cost."""
    bar = read_bar(request.user)  # first: what comes after it is told to the page
    context = {"place": "orders", **order_page(request.user, order_id, clock.now()), "bar": bar}
    return render(request, "trades/order.html", context)


@signed_in
def fills(request: PageRequest) -> HttpResponse:
    """List the user's fills, newest first."""
    bar = read_bar(request.user)  # first: what comes after it is told to the page
    found = trades_of(request.user)
    page_of = Paginator(found, FILLS_PAGE).get_page(request.GET.get("page"))
    context = {"place": "fills", "trades": page_of.object_list, "page_of": page_of, "bar": bar}
    return render(request, "trades/fills.html", context)


@signed_in
def fill(request: PageRequest, exec_id: UUID) -> HttpResponse:
    """Lead from a fill, as the statement names it, to its order."""
    found = trades_of(request.user).filter(exec_id=exec_id).first()
    if found is None:
        raise NotFound
    return redirect("order", found.order_id)


def _first_values(request: PageRequest) -> dict[str, Any]:
    wanted = {"side": "buy", "type": "market", "time_in_force": "day", "quantity": ""}
    named = {*wanted, "sized_by", "notional", *PRICES, *EXITS} & set(request.GET)
    return wanted | {name: request.GET[name][:32] for name in named}
