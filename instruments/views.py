"""Finding instruments, and the licences of what the pages are made with."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from bengi.access import PageRequest, signed_in
from instruments.selectors import instruments_matching

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
