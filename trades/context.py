"""What staff should look at, for the first page of the admin; read only where it is asked for."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from bengi import clock
from bengi.terms import SetAsideOutcome, SetAsideStatus
from trades.models import SetAside

A_DAY = timedelta(days=1)


def alerts(request: HttpRequest) -> dict[str, Any]:
    """Return set_aside: its waiting and lately count messages, last_at is the newest one's time."""
    return {"set_aside": SimpleLazyObject(_set_aside)}


def _set_aside() -> dict[str, Any]:
    waits = Q(status=SetAsideStatus.SET_ASIDE, outcome=SetAsideOutcome.WAITING)
    is_late = ~Q(status=SetAsideStatus.TRYING) & Q(last_at__gt=clock.now() - A_DAY)
    return SetAside.objects.filter(waits | is_late).aggregate(
        waiting=Count("id", filter=waits),
        lately=Count("id", filter=is_late),
        last_at=Max("last_at"),
    )
