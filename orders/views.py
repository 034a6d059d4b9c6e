"""Orders on pages: the ticket, its review, placing, canceling, and the list.

Every step works as a plain form; asked by script, the same views answer with the part that changes.
"""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import reswap, retarget

from accounts.models import Account
from bengi import clock
from bengi.access import PageRequest, next_path, signed_in
from bengi.discreet import refusal
from bengi.errors import BengiError, NotFound, Refused
from bengi.ids import new_id
from bengi.limits.throttle import count_page_order
from bengi.money import plain
from bengi.pagination import leaf
from bengi.templatetags.parts import words
from instruments.lines import Line
from instruments.selectors import instrument_by_symbol
from orders.canceling import cancel_where, cancelable
from orders.check_words import check_lines
from orders.desk import estimate_context, line_of, review_facts, ticket_context, ticket_fields
from orders.fast_lane import admit
from orders.forms import TicketForm
from orders.models import Order
from orders.narrowing import OrdersFilter, orders_totals
from orders.presets import amount_for, quantity_for
from orders.preview import preview
from orders.selectors import halted_accounts, orders_by_key, orders_where
from orders.services import request_cancel
from orders.tickets import OrderTicket, read_desk
from portfolios.bar import read_bar
from portfolios.selectors import open_portfolios_of, portfolio_of

NEWEST_FIRST = ("-id",)
PAGE = 25
SHOWN_TO_CANCEL = 20
DUPLICATE = "possible_duplicate"
TOO_FAST = "rate_limited"
SHARES = {"25": Decimal(25), "50": Decimal(50), "100": Decimal(100)}


@require_POST
@signed_in
def review(request: PageRequest) -> HttpResponse:
    """Show what an order would cost before it is sent; a wrong ticket comes back as it was.

    For those who have said in their settings that they need no review it is sent at once, unless
    it looks like one that was sent just before: that is asked about. A page whose button says
    review sends review along, and gets one whatever the settings say.

    A ticket that has made an order already, whose answer was lost, is that order. Written anew, it
    is reviewed, with a key of its own.
    """
    form = TicketForm(request.POST)
    line = _line(request)
    if not form.is_valid():
        return _ticket_again(request, form, line)
    ticket = form.ticket(request.user)
    asks = request.user.confirms_orders or "review" in request.POST
    made = orders_by_key([(ticket.account_id, ticket.client_order_id)]).first()
    if made is not None and not asks and made.body_hash == ticket.body_hash:
        return _send(request, ticket, line)
    if made is not None:
        ticket = msgspec.structs.replace(ticket, client_order_id=str(new_id()))
    outcome = preview(ticket, now=clock.now())
    if any(error.code != DUPLICATE for error in outcome.errors):
        form.refuse(outcome.errors)
        return _ticket_again(request, form, line)
    if outcome.errors or asks or made is not None:
        return _review(request, ticket, line, outcome.errors)
    return _send(request, ticket, line)


@require_POST
@signed_in
def place(request: PageRequest) -> HttpResponse:
    """Send the order. The key in the form makes one order of it, however often it comes."""
    form = TicketForm(request.POST)
    line = _line(request)
    if not form.is_valid() or not form.cleaned_data["client_order_id"]:
        return _ticket_again(request, form, line)
    return _send(request, form.ticket(request.user), line)


@require_POST
@signed_in
def cancel(request: PageRequest, order_id: UUID) -> HttpResponse:
    """Ask the engine to cancel; what comes of it is told by the stream."""
    try:
        count_page_order(request.user)
        order = request_cancel(order_id, request.user, now=clock.now())
    except NotFound:
        raise
    except BengiError as error:
        return _not_canceled(request, error)
    return done(request, order, "Asked to cancel", "order-changed")


@require_POST
@signed_in
def estimate(request: PageRequest) -> HttpResponse:
    """Answer the ticket while somebody types: cost, commission and buying power."""
    form = TicketForm(request.POST)
    line = _line(request)
    account = Account.objects.get(id=_portfolio_of(request).account_id)
    outcome = ticket = None
    if form.is_valid():
        ticket = form.ticket(request.user)
        outcome = preview(ticket, now=clock.now())
    context = estimate_context(account, line.instrument.currency, outcome, ticket)
    context |= {"line": line, "halt": halted_accounts([account.id]).get(account.id)}
    return render(request, "orders/_estimate.html", context)


@require_POST
@signed_in
def size(request: PageRequest) -> JsonResponse:
    """Answer the ticket with the field that says how much, and what share percent comes to in it.

    The ticket's own quantity is not looked at; what else is wrong with it leaves the value empty.
    """
    instrument = instrument_by_symbol(request.POST.get("symbol", "")[:16])
    form = TicketForm({**request.POST.dict(), "quantity": "1", "notional": "1"})
    share = SHARES.get(request.POST.get("share", ""))
    if share is None or not form.is_valid():
        return JsonResponse({"field": form.size, "value": ""})
    now, ticket = clock.now(), form.ticket(request.user)
    found = Account.objects.filter(id=ticket.account_id).select_related("fee_schedule")
    desk = read_desk([ticket], {account.id: account for account in found}, now)
    facts = desk.facts(ticket, instrument, now)
    reckon = quantity_for if ticket.notional is None else amount_for
    value = reckon(facts, share)
    return JsonResponse({"field": form.size, "value": plain(value) if value else ""})


@signed_in
def orders(request: PageRequest) -> HttpResponse:
    """List the user's orders, newest first, those that the filter finds, and what they come to."""
    bar = read_bar(request.user, clock.now())  # first: what comes after it is told to the page
    filters = OrdersFilter(request.GET)
    found = orders_where(request.user, filters.where).select_related("replaces")
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    page = leaf(found, by=NEWEST_FIRST, limit=PAGE, **cursors)
    totals = orders_totals(found)
    today = clock.now().date()
    context = {
        "place": "orders",
        "orders": page.rows,
        "leaf": page,
        "totals": totals,
        "open_count": sum(total.open for total in totals),
        "filters": filters,
        "is_today": filters.query["from"] == filters.query["to"] == today,
        "today": today.isoformat(),
        "csv_url": f"/api/v1/orders?{filters.address(format='csv')}",
        "bar": bar,
    }
    return render(request, "orders/orders.html", context)


@signed_in
def cancel_many(request: PageRequest) -> HttpResponse:
    """Ask whether all open orders that the filter finds are meant, then ask them to be canceled.

    A filter of which something cannot be read would find more than is meant: it leads back.
    """
    filters = OrdersFilter(request.GET)
    if filters.errors:
        messages.error(request, "Nothing was canceled: part of the filter could not be read.")
        return redirect(f"{reverse('orders')}?{request.GET.urlencode()}")
    found = cancelable(orders_where(request.user, filters.where))
    back = f"{reverse('orders')}?{filters.address()}"
    if request.method == "POST":
        _cancel_many(request, filters)
        return redirect(back)
    shown = list(found[:SHOWN_TO_CANCEL])
    context = {
        "place": "orders",
        "orders": shown,
        "count": found.count(),
        "filters": filters,
        "newest": shown[0].id if shown else None,
        "back": back,
    }
    return render(request, "orders/cancel.html", context)


def _cancel_many(request: PageRequest, filters: OrdersFilter) -> None:
    try:
        newest = UUID(request.POST.get("newest", ""))
        count_page_order(request.user)
        count = cancel_where(request.user, filters.where, newest, now=clock.now())
    except ValueError:
        count = 0
    except BengiError as error:
        messages.error(request, refusal(error))
        return
    orders = "1 order" if count == 1 else f"{count} orders"
    if count:
        messages.success(request, f"Asked to cancel {orders}.")
    else:
        messages.error(request, "There was nothing to cancel any more.")


def _line(request: PageRequest) -> Line:
    return line_of(instrument_by_symbol(request.POST.get("symbol", "")[:16]), clock.now())


def _portfolio_of(request: PageRequest) -> Any:
    """Return the portfolio the form names, else the user's first. Raises NotFound."""
    try:
        return portfolio_of(request.user, UUID(request.POST.get("portfolio_id", "")))
    except ValueError:
        portfolio = open_portfolios_of(request.user).first()
        if portfolio is None:
            raise NotFound from None
        return portfolio


def _ticket_again(request: PageRequest, form: TicketForm, line: Line) -> HttpResponse:
    context = ticket_context(_portfolio_of(request), line, form)
    if request.htmx:
        part = render(request, "orders/_ticket.html", context)
        return reswap(retarget(part, "#ticket-form"), "outerHTML")
    context |= {"place": "trade", "back_url": reverse("trade_symbol", args=[line.symbol])}
    return render(request, "orders/ticket.html", context)


def _send(request: PageRequest, ticket: OrderTicket, line: Line) -> HttpResponse:
    try:
        count_page_order(request.user)
        placement = admit(ticket, now=clock.now())
    except BengiError as error:
        problems = error.errors if isinstance(error, Refused) else [error]
        return _review(request, ticket, line, problems)
    return done(request, placement.order, "Sent", "order-placed", next_key=str(new_id()))


def _review(
    request: PageRequest, ticket: OrderTicket, line: Line, problems: Any = ()
) -> HttpResponse:
    outcome = preview(ticket, now=clock.now())
    codes = [problem.code for problem in problems]
    is_asked_twice, is_too_fast = codes == [DUPLICATE], codes == [TOO_FAST]
    context = {
        "place": "trade",
        "ticket": ticket,
        "ticket_fields": ticket_fields(ticket, is_asked_twice=is_asked_twice),
        "is_asked_twice": is_asked_twice,
        "may_send": not problems or is_asked_twice or is_too_fast,
        "line": line,
        "facts": review_facts(ticket, outcome),
        "notes": outcome.notes,
        "checks": check_lines([check._asdict() for check in outcome.checks]),
        "problems": problems,
        "is_dialog": bool(request.htmx),
        "back_url": reverse("trade_symbol", args=[line.symbol]),
    }
    name = "orders/_review.html" if request.htmx else "orders/review.html"
    return render(request, name, context, status=429 if is_too_fast else 200)


def done(request: PageRequest, order: Order, word: str, event: str, **told: str) -> HttpResponse:
    """Say what was done with an order: by an event for a script, else on the page after it."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({event: told})})
    text = f"{word}: {order.side} {order.instrument.symbol}, {words(order.status).lower()}."
    messages.success(request, text)
    there = f"{reverse('trade_symbol', args=[order.instrument.symbol])}?tab=orders"
    return redirect(next_path(request, there))


def _not_canceled(request: PageRequest, error: BengiError) -> HttpResponse:
    if request.htmx:
        event = {"order-changed": {}, "say": {"title": "Not canceled", "text": refusal(error)}}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(event)})
    messages.error(request, refusal(error))
    return redirect(next_path(request, reverse("orders")))
