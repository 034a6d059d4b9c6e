"""Price alerts on a page: a list, a form that sets one, a button that deletes one."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from bengi import clock
from bengi.access import PageRequest, signed_in
from bengi.errors import BengiError
from bengi.events.selectors import head_seq
from watchlists.forms import AlertForm
from watchlists.selectors import alerts_of
from watchlists.serializers import SYMBOL_LENGTH_MAX
from watchlists.services import delete_alert, set_alert

FILTERS = [("all", "All"), ("waiting", "Waiting"), ("fired", "Fired")]
PAGE = 25


@signed_in
def alerts(request: PageRequest) -> HttpResponse:
    """List the user's alerts, newest first; a POST sets one.

    A refused form comes back with what is wrong.
    """
    if request.method != "POST":
        symbol = request.GET.get("symbol", "")[:SYMBOL_LENGTH_MAX].upper()
        return _page(request, AlertForm(initial={"symbol": symbol}))
    form = AlertForm(request.POST)
    if form.is_valid():
        try:
            alert = set_alert(request.user, **form.terms(), now=clock.now())
        except BengiError as error:
            form.refuse(error)
        else:
            messages.success(request, f"Set: {alert.instrument.symbol} {alert.wish}.")
            return redirect("alerts")
    return _page(request, form, status=422)


@require_POST
@signed_in
def delete(request: PageRequest, alert_id: UUID) -> HttpResponse:
    """Take an alert away."""
    delete_alert(alert_id, request.user, now=clock.now())
    messages.success(request, "Deleted.")
    return redirect("alerts")


def _page(request: PageRequest, form: AlertForm, status: int = 200) -> HttpResponse:
    seq = head_seq(request.user.pk)  # first: what comes after it is told to the page
    show = request.GET.get("show", "all")
    found = alerts_of(request.user)
    if show in {"waiting", "fired"}:
        found = found.filter(fired_at__isnull=show == "waiting")
    page_of = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "place": "alerts",
        "alerts": page_of.object_list,
        "page_of": page_of,
        "alerts_seq": seq,
        "show": show,
        "filters": FILTERS,
        "form": form,
    }
    return render(request, "watchlists/alerts.html", context, status=status)
