"""The trade page and its panels, one order with its fills, and all fills."""

from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.selectors import accounts_of, main_account
from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.discreet import refusal
from bengi.errors import Malformed, NotFound
from bengi.filters import FilterForm
from bengi.pagination import leaf
from bengi.typed import in_field
from instruments.lines import Line, trading_words
from instruments.selectors import instrument_by_symbol
from orders.desk import ticket_context
from orders.forms import EXITS, PRICES, TicketForm
from portfolios.bar import read_bar
from trades.chart import chart_context
from trades.layout import SPLITS
from trades.narrowing import FillsFilter
from trades.order_page import order_page
from trades.period import read_period_statement
from trades.prints import recent_prints
from trades.selectors import trades_of, trades_where
from trades.staff_desk import desk_parts
from trades.totals import trade_totals
from trades.workbench import fill_marks, first_symbol, panels_of, quotes_context, workbench
from watchlists.lists.chosen import choose, counted_lists

FILLS_PAGE = 50


@signed_in
def trade_home(request: PageRequest) -> HttpResponse:
    """Go to the first symbol of the watchlist."""
    symbol = first_symbol(choose(counted_lists(request.user), request.session))
    if not symbol:
        raise Http404("There is nothing to trade yet.")
    return redirect("trade_symbol", symbol)


@signed_in
def trade(request: PageRequest, symbol: str) -> HttpResponse:
    """Show the workbench of one symbol. The ticket may be filled in by the address."""
    now = clock.now()
    instrument = instrument_by_symbol(symbol)
    panels = panels_of(request.user, instrument, request.GET.get("tab", ""), now)
    lists = counted_lists(request.user)
    chosen = choose(lists, request.session, request.GET.get("list", ""))
    context = workbench(request.user, instrument, panels, now, lists=lists, watchlist=chosen)
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
    hours = trading_words(instrument, now)
    facts = {**panels.facts, "fills": fill_marks(request.user, instrument)}
    told = {"instrument": instrument, "quotes": quotes, "hours": hours, "facts": facts}
    context = panels.context | told
    if not instrument.has_feed:  # no stream tells what trades there
        context |= {"line": Line(instrument, None, now), "prints": recent_prints(instrument)}
    return render(request, "trades/panels.html", context)


@signed_in
def order(request: PageRequest, order_id: UUID) -> HttpResponse:
    """Show one order: where it stands, what happened to it and why, what it cost."""
    now = clock.now()
    bar = read_bar(request.user, now)  # first: what comes after it is told to the page
    context = {"place": "orders", **order_page(request.user, order_id, now), "bar": bar}
    return render(request, "trades/order.html", context)


@signed_in
def fills(request: PageRequest) -> HttpResponse:
    """List the user's fills, newest first, those that the filter finds, and what they come to."""
    bar = read_bar(request.user, clock.now())  # first: what comes after it is told to the page
    filters = FillsFilter(request.GET)
    found = trades_where(request.user, filters.where)
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    page = leaf(found, by=("-exec_id",), limit=FILLS_PAGE, **cursors)
    today = clock.now().date()
    context = {
        "place": "fills",
        "trades": page.rows,
        "leaf": page,
        "totals": trade_totals(found),
        "filters": filters,
        "is_today": filters.query["from"] == filters.query["to"] == today,
        "today": today.isoformat(),
        "csv_url": f"/api/v1/trades?{filters.address(format='csv')}",
        "bar": bar,
    }
    return render(request, "trades/fills.html", context)


@signed_in
def fill(request: PageRequest, exec_id: UUID) -> HttpResponse:
    """Lead from a fill, as the statement names it, to its order."""
    found = trades_of(request.user).filter(exec_id=exec_id).first()
    if found is None:
        raise NotFound
    return redirect("order", found.order_id)


@signed_in
def period_statement(request: PageRequest) -> HttpResponse:
    """Show all of a period of the account, to be printed: without days this month so far."""
    mine = main_account(accounts_of(request.user))
    today = clock.now().astimezone(UTC).date()
    asked = request.GET if {"from", "to"} & set(request.GET) else _month(today)
    filters = FilterForm(asked)
    until = filters.query["to"] or today
    since = filters.query["from"] or min(until, today).replace(day=1)
    context: dict[str, Any] = {"place": "account", "account": mine, "filters": filters}
    if mine is not None and not filters.errors:
        try:
            context["statement"] = read_period_statement(mine, since, until)
        except Malformed as error:
            filters.add_error(error.field, refusal(error))
    ends = [today, today.replace(day=1) - timedelta(days=1)]
    context["months"] = [(end.replace(day=1), end) for end in ends]
    context["made_at"] = clock.now()
    return render(request, "trades/statement.html", context)


def staff_desk(request: HttpRequest) -> HttpResponse:
    """Show staff how everything does, on one page of the admin, which lets in nobody else."""
    now = clock.wall()
    user: Any = request.user
    parts = desk_parts(user.has_perm, now, clock.now())
    told = {**admin.site.each_context(request), "title": "Desk", "looked_at": now, **parts}
    return render(request, "admin/desk.html", told)


def _month(today: date) -> dict[str, str]:
    return {"from": today.replace(day=1).isoformat(), "to": today.isoformat()}


def _first_values(request: PageRequest) -> dict[str, Any]:
    wanted = {"side": "buy", "type": "market", "time_in_force": "day", "quantity": ""}
    named = {*wanted, "sized_by", "notional", *PRICES, *EXITS} & set(request.GET)
    return wanted | {name: in_field(request.GET[name][:32]) for name in named}
