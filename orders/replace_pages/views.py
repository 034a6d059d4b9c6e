"""Replace an order on pages: its form, the review of what would change, and asking for it.

Every step works as a plain form; asked by script, the same views answer with the dialog's content.
"""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.errors import BengiError, Refused
from bengi.ids import new_id
from bengi.limits.throttle import count_page_order
from bengi.typed import in_field
from orders.desk import line_of
from orders.models import Order
from orders.replace_pages.forms import ReplaceForm
from orders.replace_pages.preview import preview_replace, replace_facts
from orders.replacing import request_replace
from orders.selectors import order_of
from orders.views import done


@require_http_methods(["GET", "POST"])
@signed_in
def replace(request: PageRequest, order_id: UUID) -> HttpResponse:
    """Show the form of a replace, or ask the engine for it. The key makes one request of it."""
    order = order_of(request.user, order_id)
    if request.method == "GET":
        return _form(request, order, ReplaceForm(order))
    form = ReplaceForm(order, request.POST)
    key = request.POST.get("client_order_id", "")
    if not form.is_valid() or not key:
        return _form(request, order, form)
    try:
        count_page_order(request.user)
        asked = request_replace(order_id, request.user, form.changes, key=key, now=clock.now())
    except BengiError as error:
        errors = error.errors if isinstance(error, Refused) else [error]
        return _review(request, order, form, errors)
    return done(request, asked.order, "Asked to replace", "order-placed")


@require_GET
@signed_in
def review(request: PageRequest, order_id: UUID) -> HttpResponse:
    """Show what a replace would change; what is wrong comes back as it was."""
    order = order_of(request.user, order_id)
    form = ReplaceForm(order, request.GET)
    if not form.is_valid():
        return _form(request, order, form)
    if not form.changes:
        form.add_error(None, "Nothing would be different.")
        return _form(request, order, form)
    return _review(request, order, form)


def _review(
    request: PageRequest, order: Order, form: ReplaceForm, problems: Any = ()
) -> HttpResponse:
    now = clock.now()
    outcome = preview_replace(order, form.changes, now=now)
    if outcome.errors and not problems:
        form.refuse(outcome.errors)
        return _form(request, order, form)
    key = form.cleaned_data["client_order_id"] or str(new_id())
    written = {name: in_field(value) for name, value in form.changes.items()}
    context = {
        **_context(request, order),
        "line": line_of(order.instrument, now),
        "fields": {**written, "client_order_id": key},
        "facts": replace_facts(order, outcome),
        "notes": outcome.notes,
        "problems": problems,
        "may_send": not outcome.errors,
    }
    name = "orders/_replace_review.html" if request.htmx else "orders/replace_review.html"
    return render(request, name, context)


def _form(request: PageRequest, order: Order, form: ReplaceForm) -> HttpResponse:
    context = {**_context(request, order), "form": form}
    name = "orders/_replace.html" if request.htmx else "orders/replace.html"
    return render(request, name, context)


def _context(request: PageRequest, order: Order) -> dict[str, Any]:
    return {"place": "orders", "order": order, "is_dialog": bool(request.htmx)}
