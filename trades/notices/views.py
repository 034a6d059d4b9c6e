"""Notifications on a page: what happened, by kind, and what of it is new."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account, User
from bengi.access import PageRequest, signed_in
from bengi.errors import Malformed
from bengi.pagination import page
from trades.notices.kinds import LABELS, NoticeKind
from trades.notices.selectors import (
    ORDER,
    UNREAD_MAX,
    events_told,
    heads_of_user,
    notices,
    unread_count,
)
from trades.notices.services import mark_read

PAGE = 25


@require_GET
@signed_in
def notifications(request: PageRequest) -> HttpResponse:
    """Show what happened to the user, newest first."""
    user = request.user
    heads = heads_of_user(user)  # first: what comes after it is told to the page
    kind, cursor = request.GET.get("kind", ""), request.GET.get("cursor", "")
    wanted = NoticeKind(kind) if kind in list(NoticeKind) else None
    found = _page(user, wanted, cursor)
    context = {
        "place": "notifications",
        "notices": notices(user, found["results"]),
        "next": found["next"],
        "is_first": not cursor,
        "kind": wanted or "",
        "kinds": LABELS.items(),
        "unread": unread_count(user),
        "unread_max": UNREAD_MAX,
        "seen": " ".join(f"{stream_id}:{seq}" for stream_id, seq in heads.items()),
        "alerts_seq": heads.get(user.pk, 0),
        "account_names": dict(Account.objects.filter(user=user).values_list("id", "name")),
    }
    return render(request, "notices/notifications.html", context)


@require_GET
@signed_in
def unread(request: PageRequest) -> HttpResponse:
    """Answer the bell with how many are unread; nothing where none is."""
    context = {"unread": unread_count(request.user), "unread_max": UNREAD_MAX}
    return render(request, "notices/_unread.html", context)


@require_POST
@signed_in
def read(request: PageRequest) -> HttpResponse:
    """Count as read what the page has shown; what has come since stays unread."""
    mark_read(request.user, _seen(request.POST.get("seen", "")))
    return redirect("notifications")


def _page(user: User, kind: NoticeKind | None, cursor: str) -> dict[str, Any]:
    """Return a page of events; a cursor that is none begins at the newest."""
    rows = events_told(user, kind)
    try:
        return page(rows, by=ORDER, limit=PAGE, cursor=cursor, shape=lambda event: event)
    except Malformed:
        return page(rows, by=ORDER, limit=PAGE, cursor="", shape=lambda event: event)


def _seen(text: str) -> dict[UUID, int]:
    """Read what the page holds of where the logs stood; what cannot be read counts for nothing."""
    seen = {}
    for part in text.split()[:1000]:
        stream_id, _, seq = part.partition(":")
        if seq.isascii() and seq.isdecimal() and len(seq) <= 18:
            try:
                seen[UUID(stream_id)] = int(seq)
            except ValueError:
                continue
    return seen
