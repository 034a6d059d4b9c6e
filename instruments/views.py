"""Finding instruments, the licences of what the pages are made with, staff's look at the feed."""

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from bengi import clock
from bengi.access import PageRequest, signed_in
from instruments.selectors import instruments_matching
from instruments.twelvedata.usage import usage_report

QUERY_LENGTH_MAX = 40
SUGGESTIONS_MAX = 8
RESULTS_MAX = 50


@signed_in
def search(request: PageRequest) -> HttpResponse:
    """Answer the search field: links while typing, a page on Enter, straight to an exact match."""
    text = request.GET.get("q", "").strip()[:QUERY_LENGTH_MAX]
    if request.htmx:
        found = instruments_matching(text, SUGGESTIONS_MAX) if text else []
        return render(request, "instruments/_found.html", {"found": found, "text": text})
    found = list(instruments_matching(text, RESULTS_MAX))
    exact = [instrument for instrument in found if instrument.symbol == text.upper()]
    if exact:
        return redirect("trade_symbol", exact[0].symbol)
    return render(request, "instruments/search.html", {"found": found, "text": text})


def licences(request: HttpRequest) -> HttpResponse:
    """Show whose work the pages are made with: a duty of the licences."""
    return render(request, "instruments/licences.html")


def market_data(request: HttpRequest) -> HttpResponse:
    """Show staff what is left of Twelve Data's credits, and what is promised with them."""
    if not request.user.has_perm("instruments.view_instrument"):
        raise PermissionDenied
    report = usage_report(clock.now()) if settings.TWELVE_DATA_API_KEY else None
    told = {**admin.site.each_context(request), "title": "Market data", "report": report}
    return render(request, "admin/market_data.html", told)
