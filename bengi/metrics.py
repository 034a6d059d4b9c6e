"""GET /metrics: what a monitoring system reads of the process that answers, in Prometheus' format.

For staff, by session or by a bearer token or key that may read. Names end in their unit, counters
in _total, as https://prometheus.io/docs/practices/naming/ asks for.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from redis.exceptions import RedisError
from rest_framework.views import APIView

from bengi import clock, kafka
from bengi.errors import Forbidden
from bengi.events.models import RelayedStream, RelayLease
from bengi.events.positions import count_behind
from bengi.inputs import ApiRequest
from bengi.leases.models import Lease
from bengi.realtime import stats
from bengi.settings.modes import SCALE
from instruments.drops import dropped_ticks
from instruments.twelvedata.usage import standing_now

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
SOCKET_GAUGES = {
    "sockets": "Sockets that are open.",
    "price_topics": "Symbols that open sockets watch.",
    "event_topics": "Logs that open sockets follow.",
    "slow_readers": "Open sockets that still read what they were sent a while ago.",
}
SOCKET_COUNTERS = {
    "sockets_opened": "Sockets that were opened.",
    "ticks": "Ticks that were heard for sockets.",
    "prices_sent": "Prices that were sent.",
    "prices_conflated": "Prices that gave way to newer ones before they were sent.",
    "frames_sent": "Frames that were sent.",
    "bytes_sent": "Bytes of those frames.",
    "messages_received": "Messages that came in.",
    "resumes": "Logs that were taken up again after a gap.",
    "resyncs": "Gaps that were too wide for that.",
}


class MetricsView(APIView):
    """The metrics as text."""

    def get(self, request: ApiRequest) -> HttpResponse:
        if not request.user.is_staff:
            raise Forbidden("forbidden", "That is for staff.")
        return HttpResponse(exposition(clock.wall()), content_type=FORMAT)


def exposition(now: datetime) -> bytes:
    """Return all metrics as they are now."""
    registry = CollectorRegistry()
    metrics = [*_stream(stats.read()), *_board(), *_credits(now), *_relay(), *_leases(now)]
    registry.register(_Collected(metrics))
    return generate_latest(registry)


class _Collected:
    """Metrics that have been read already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _stream(counts: dict[str, Any]) -> Iterator[Metric]:
    for name, words in SOCKET_GAUGES.items():
        yield GaugeMetricFamily(f"bengi_stream_{name}", words, value=counts[name])
    for name, words in SOCKET_COUNTERS.items():
        yield CounterMetricFamily(f"bengi_stream_{name}", words, value=counts[name])
    closed = CounterMetricFamily(
        "bengi_stream_closed", "Sockets that the server closed.", labels=["code"]
    )
    for code, count in counts["closed"].items():
        closed.add_metric([code], count)
    yield closed


def _board() -> Iterator[Metric]:
    dropped = CounterMetricFamily(
        "bengi_ticks_dropped", "Ticks that nothing is filled against.", labels=["kind"]
    )
    counts = dropped_ticks()
    for kind in ("insane", "doubted", "older"):
        dropped.add_metric([kind], counts[kind])
    yield dropped


def _credits(now: datetime) -> Iterator[Metric]:
    """Yield nothing where no key of Twelve Data is set, or while Redis, which counts, is away."""
    if not settings.TWELVE_DATA_API_KEY:
        return
    try:
        standing = standing_now(now)
    except RedisError:
        return
    used = GaugeMetricFamily(
        "bengi_twelvedata_credits_used", "Credits used so far.", labels=["window"]
    )
    limit = GaugeMetricFamily(
        "bengi_twelvedata_credits_limit", "Credits that there are.", labels=["window"]
    )
    used.add_metric(["minute"], standing.minute_used)
    used.add_metric(["day"], standing.day_used)
    limit.add_metric(["minute"], standing.minute_limit)
    limit.add_metric(["day"], standing.day_limit)
    by = GaugeMetricFamily(
        "bengi_twelvedata_credits_used_today", "Credits used today.", labels=["priority"]
    )
    for priority, count in standing.day_by.items():
        by.add_metric([priority], count)
    closed = GaugeMetricFamily(
        "bengi_twelvedata_closed", "1 while nothing is asked.", value=int(bool(standing.closed_by))
    )
    yield from (used, limit, by, closed)


def _relay() -> Iterator[Metric]:
    """Yield nothing where no brokers are set, or where nobody is to publish there."""
    if kafka.is_used() and (settings.BENGI_MODE == SCALE or RelayLease.objects.exists()):
        words = "Events that have not been published to Kafka yet."
        behind = count_behind(RelayedStream)
        yield from [GaugeMetricFamily("bengi_relay_behind", words, value=behind)]


def _leases(now: datetime) -> Iterator[Metric]:
    """Tell who has which duty; nothing of one that nobody has now."""
    held = GaugeMetricFamily(
        "bengi_lease_held", "1 for the process that has the duty.", labels=["duty", "by"]
    )
    for lease in Lease.objects.filter(holder__isnull=False, expires_at__gt=now).order_by("duty"):
        held.add_metric([lease.duty, lease.by], 1)
    yield held
