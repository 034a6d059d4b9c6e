"""What staff should look at, on the first page of the admin."""

from datetime import timedelta
from typing import Any

from django import template
from django.db.models import Count, Max, Q

from bengi import clock
from bengi.terms import SetAsideOutcome, SetAsideStatus
from trades.models import SetAside

register = template.Library()

A_DAY = timedelta(days=1)


@register.simple_tag
def set_aside_lately() -> dict[str, Any]:
    """Return how many messages wait to be tried again, how many were set aside in a day, and when.

    {% set_aside_lately as found %}: found.waiting, found.lately, found.last_at.
    """
    waits = Q(status=SetAsideStatus.SET_ASIDE, outcome=SetAsideOutcome.WAITING)
    is_late = ~Q(status=SetAsideStatus.TRYING) & Q(last_at__gt=clock.now() - A_DAY)
    return SetAside.objects.filter(waits | is_late).aggregate(
        waiting=Count("id", filter=waits),
        lately=Count("id", filter=is_late),
        last_at=Max("last_at"),
    )
