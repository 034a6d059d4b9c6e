"""The invariant of price alerts: each fires once, and the log tells of it once."""

from collections.abc import Callable, Iterator

from django.db.models import Count

from bengi.events.models import Event
from watchlists.models import PriceAlert


def alerts_fire_once() -> Iterator[str]:
    """[41] An alert that the log tells of has as many events that it fired as times it has: 0, 1.

    Alerts that were deleted may have fired before.
    """
    told = Event.objects.filter(type="alert.fired").values_list("subject")
    counts = dict(told.annotate(count=Count("id")).values_list("subject", "count"))
    yield from (f"alert {key} fired {count} times" for key, count in counts.items() if count > 1)
    known = Event.objects.filter(type="alert.set").values("subject")
    for key, at in PriceAlert.objects.filter(id__in=known).values_list("id", "fired_at"):
        if (at is not None) != (key in counts):
            yield f"alert {key}: fired {at or 'never'}, {counts.get(key, 0)} events of that"


ALERT_CHECKS: list[Callable[[], Iterator[str]]] = [alerts_fire_once]
