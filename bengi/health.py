"""GET /healthz: this process answers. GET /readyz: what orders need does its work, anywhere.

Both are answered before anything else, so that a balancer or a container needs neither the site's
name nor TLS, a session or a limit. /healthz asks nobody. /readyz asks the database for itself and
for the beats of the engines (trades/loop.py), and whether the bus is there; its answer holds for a
second, so that it costs little however often it is asked.

    {"status": "ready", "database": {"status": "ok"}, "bus": {"status": "ok"},
     "engines": {"status": "ok", "age_s": {"0": 2.1}}, "feed": {"status": "ok", "age_s": 0.4}}

A part is ok, late or down. One that is down makes it 503 "not ready". Prices that are late do not:
when markets are closed they are. Nothing that is told here is a secret.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import redis
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from bengi import clock
from bengi.probe import HEARD_WITHIN_S, PRICED_WITHIN_S
from instruments.models import Instrument
from instruments.selectors import newest_quote_at
from trades.models import Shard

HEALTHZ, READYZ = "/healthz", "/readyz"
BUS_TIMEOUT_S = 0.5
OK, LATE, DOWN = "ok", "late", "down"

Part = dict[str, Any]


@sync_and_async_middleware
def HealthMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """Answer /healthz and /readyz; let everything else through."""
    if iscoroutinefunction(get_response):

        async def asked_async(request: HttpRequest) -> HttpResponseBase:
            if request.path_info == HEALTHZ:
                return _alive()
            if request.path_info == READYZ:
                return await sync_to_async(_ready)()
            return await get_response(request)

        return asked_async

    def asked(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == HEALTHZ:
            return _alive()
        return _ready() if request.path_info == READYZ else get_response(request)

    return asked


def _alive() -> JsonResponse:
    return _answer({"status": OK})


def _ready() -> JsonResponse:
    return _answer(_kept.read())


def _answer(body: Part) -> JsonResponse:
    status = 200 if body["status"] in {OK, "ready"} else 503
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


def readiness(now: datetime, market_now: datetime) -> Part:
    """Return how every part does. now: the machine's time, market_now: the market's."""
    try:
        parts: dict[str, Part] = {
            "database": _database(),
            "engines": _engines(now),
            "feed": _feed(market_now),
        }
    except DatabaseError:
        connection.close_if_unusable_or_obsolete()
        parts = {"database": {"status": DOWN}}
    parts["bus"] = {"status": _bus()}
    is_ready = all(part["status"] != DOWN for part in parts.values())
    return {"status": "ready" if is_ready else "not ready", **parts}


def _database() -> Part:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"status": OK}


def _engines(now: datetime) -> Part:
    """Say how long ago the engine of each shard that has instruments was heard."""
    shards = Instrument.objects.order_by("shard").values_list("shard", flat=True).distinct()
    heard = dict(Shard.objects.values_list("id", "heard_at"))
    ages = {str(shard): _age_s(heard.get(shard), now) for shard in shards}
    is_down = any(age is None or age > HEARD_WITHIN_S for age in ages.values())
    return {"status": DOWN if is_down else OK, "age_s": ages}


def _feed(market_now: datetime) -> Part:
    age_s = _age_s(newest_quote_at(), market_now)
    is_late = age_s is None or age_s > PRICED_WITHIN_S
    return {"status": LATE if is_late else OK, "age_s": age_s}


def _age_s(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round((now - at).total_seconds(), 1)


def _bus() -> str:
    """Say whether the bus that processes share is there; one within the process always is."""
    url = settings.REDIS_URL
    if not url:
        return OK
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=BUS_TIMEOUT_S, socket_timeout=BUS_TIMEOUT_S
        ) as client:
            client.ping()
    except (redis.RedisError, OSError):
        return DOWN
    return OK


class _Kept:
    """The last answer: however many ask, the parts are asked once in READY_TTL_S."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until_s = 0.0
        self._body: Part = {}

    def read(self) -> Part:
        with self._lock:
            if time.monotonic() >= self._until_s:
                self._body = readiness(clock.wall(), clock.now())
                self._until_s = time.monotonic() + settings.READY_TTL_S
            return self._body


_kept = _Kept()
