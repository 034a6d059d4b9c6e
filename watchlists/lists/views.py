"""Watchlists on a page: lists to turn to, symbols to add, move and take out; all by plain forms.

Asked by script, the same views answer with the page again, of which the script takes the list.
"""

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from bengi import clock
from bengi.access import PageRequest, next_path, signed_in
from bengi.discreet import refusal
from bengi.errors import BengiError, NotFound
from instruments.models import Instrument
from instruments.selectors import instruments_matching
from watchlists.forms import SEARCH_LENGTH_MAX, ListForm, SymbolForm
from watchlists.lists.chosen import choose, counted_lists
from watchlists.lists.page import list_context
from watchlists.models import Watchlist
from watchlists.selectors import watchlist_of
from watchlists.serializers import SYMBOL_LENGTH_MAX
from watchlists.services import (
    add_symbol,
    create_watchlist,
    delete_watchlist,
    move_symbol,
    place_symbol,
    remove_symbol,
    rename_watchlist,
)

SUGGESTIONS_MAX = 8
STEPS = {"up": -1, "down": 1}


@signed_in
def watchlists(request: PageRequest) -> HttpResponse:
    """Show one of the user's lists, the one last chosen; a POST makes another one."""
    if request.method != "POST":
        return _page(request, request.GET.get("list", ""))
    form = ListForm(request.POST)
    if form.is_valid():
        try:
            made = create_watchlist(request.user, form.cleaned_data["name"], [])
        except BengiError as error:
            form.refuse(error)
        else:
            return redirect(_address(made.id))
    return _page(request, "", new_form=form, status=422)


@require_POST
@signed_in
def rename(request: PageRequest, watchlist_id: UUID) -> HttpResponse:
    """Give a list another name."""
    form = ListForm(request.POST)
    watchlist_of(request.user, watchlist_id)
    if form.is_valid():
        try:
            rename_watchlist(watchlist_id, request.user, form.cleaned_data["name"])
        except NotFound:
            raise
        except BengiError as error:
            form.refuse(error)
        else:
            return redirect(_address(watchlist_id))
    return _page(request, str(watchlist_id), name_form=form, status=422)


@signed_in
def delete(request: PageRequest, watchlist_id: UUID) -> HttpResponse:
    """Ask whether a list is to go, with what is in it; a POST takes it away."""
    watchlist = watchlist_of(request.user, watchlist_id)
    if request.method != "POST":
        context = {"place": "watchlists", "watchlist": watchlist, "items": watchlist.items.all()}
        return render(request, "watchlists/delete.html", context)
    delete_watchlist(watchlist_id, request.user)
    messages.success(request, f"The list {watchlist.name} is gone.")
    return redirect("watchlists")


@require_POST
@signed_in
def add(request: PageRequest, watchlist_id: UUID) -> HttpResponse:
    """Put a symbol at the end of a list; what is none comes back with what it may have meant."""
    watchlist_of(request.user, watchlist_id)
    typed = request.POST.get("pick") or request.POST.get("symbol", "")
    form = SymbolForm({"symbol": typed.strip()})
    if form.is_valid():
        try:
            add_symbol(watchlist_id, request.user, form.cleaned_data["symbol"], None)
        except NotFound:
            raise
        except BengiError as error:
            form.refuse(error)
        else:
            return redirect(_address(watchlist_id))
    return _page(request, str(watchlist_id), symbol_form=form, status=422)


@require_POST
@signed_in
def add_to_chosen(request: PageRequest) -> HttpResponse:
    """Put a symbol into the list last chosen, from another page, and go back there."""
    watchlist = choose(counted_lists(request.user), request.session)
    if watchlist is None:
        watchlist = create_watchlist(request.user, "Watchlist", [])
    symbol = request.POST.get("symbol", "")[:SYMBOL_LENGTH_MAX].upper()
    try:
        add_symbol(watchlist.id, request.user, symbol, None)
    except BengiError as error:
        if request.htmx:
            said = {"say": {"title": "Not added", "text": refusal(error)}}
            return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(said)})
        messages.error(request, refusal(error))
    else:
        if not request.htmx:
            messages.success(request, f"{symbol} is in the list {watchlist.name}.")
    return redirect(next_path(request, reverse("watchlists")))


@require_POST
@signed_in
def edit(request: PageRequest, watchlist_id: UUID) -> HttpResponse:
    """Move a symbol up or down or to a place, or take it out: what the pressed button says.

    What is not in the list any more, or names no place, changes nothing.
    """
    watchlist_of(request.user, watchlist_id)
    with suppress(NotFound):
        _edit(request, watchlist_id)
    is_editing = "&edit=1" if request.GET.get("edit") else ""
    return redirect(f"{_address(watchlist_id)}{is_editing}")


@require_GET
@signed_in
def symbols(request: PageRequest) -> HttpResponse:
    """Answer the field of a new symbol while somebody types: buttons that add what they say."""
    text = request.GET.get("symbol", "").strip()[:SEARCH_LENGTH_MAX]
    context = {"found": _found(text), "text": text}
    return render(request, "watchlists/_symbols.html", context)


def _page(request: PageRequest, wanted: str, status: int = 200, **forms: Any) -> HttpResponse:
    lists = counted_lists(request.user)
    if wanted and wanted not in {str(each.id) for each in lists}:
        raise NotFound
    watchlist = choose(lists, request.session, wanted)
    symbol_form = forms.get("symbol_form") or SymbolForm()
    refused = symbol_form["symbol"].value() if symbol_form.errors else None
    context = {
        **list_context(request.user, lists, watchlist, clock.now()),
        "new_form": forms.get("new_form") or ListForm(),
        "name_form": forms.get("name_form") or _name_form(watchlist),
        "symbol_form": symbol_form,
        "meant": _found(refused) if refused else [],
        "is_editing": bool(request.GET.get("edit")),
    }
    return render(request, "watchlists/watchlists.html", context, status=status)


def _name_form(watchlist: Watchlist | None) -> ListForm:
    return ListForm(initial={"name": watchlist.name if watchlist else ""})


def _found(text: str) -> list[Instrument]:
    return list(instruments_matching(text, SUGGESTIONS_MAX)) if text else []


def _address(watchlist_id: UUID) -> str:
    return f"{reverse('watchlists')}?list={watchlist_id}"


def _edit(request: PageRequest, watchlist_id: UUID) -> None:
    user, asked = request.user, request.POST
    if "remove" in asked:
        remove_symbol(watchlist_id, user, asked["remove"])
    elif "symbol" in asked:
        place_symbol(watchlist_id, user, asked["symbol"], _number(asked.get("place", "")))
    else:
        for way in STEPS.keys() & asked.keys():
            move_symbol(watchlist_id, user, asked[way], STEPS[way])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else None
