"""Where the CPU time of an admission goes, part by part; one thread, in this process.

CPU seconds of the thread: what PostgreSQL and Redis spend is not in them, nor is waiting.
"""

import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.admission_stage import AdmissionStage, tickets
from benchmarks.load import Job, Orders
from benchmarks.spent import Part, watched
from benchmarks.table import Line

ROUNDS = {1: 60, 50: 8, 200: 3}
REQUESTS = 60

PLACING: Sequence[Part] = (
    ("portfolios", "orders.fast_lane", "tickets_for"),
    ("lock and reads", "orders.tickets", "read_rows"),
    ("quotes", "orders.tickets", "latest_quotes"),
    ("rules, reservation, rows in memory", "orders.services", "_answer"),
    ("insert and update", "orders.services", "insert_rows"),
    ("insert and update", "orders.services", "update_rows"),
    ("events: payloads, hash chain, insert", "orders.services", "News.of"),
    ("commit", "django.db.backends.base.base", "BaseDatabaseWrapper.commit"),
)
THROUGH_THE_DOOR: Sequence[Part] = (
    ("who asks", "bengi.order_door", "bearer"),
    ("limits", "bengi.order_door", "count"),
    ("JSON in", "bengi.order_door", "read_object"),
    ("fields", "bengi.order_door", "read_body"),
    ("the order", "bengi.order_door", "admit"),
    ("JSON out", "bengi.order_door", "_placed"),
)
THROUGH_DJANGO: Sequence[Part] = (
    ("who asks", "bengi.authentication", "bearer"),
    ("limits", "bengi.limits.throttle", "count"),
    ("JSON in", "bengi.parsers", "read_object"),
    ("fields", "orders.api", "read_body"),
    ("the order", "orders.api", "admit"),
    ("JSON out", "orders.api", "whole"),
    ("JSON out", "rest_framework.renderers", "JSONRenderer.render"),
    ("REST framework", "rest_framework.views", "APIView.dispatch"),
)


def placing(stage: AdmissionStage, size: int, start: int) -> list[Line]:
    """Return what an order costs in place_orders() by part, in sets of size."""
    from orders.services import place_orders

    sets = [tickets(stage, f"p{size}", start + n * size, size) for n in range(ROUNDS[size] + 2)]
    for each in sets[:2]:
        place_orders(each, now=datetime.now(UTC))
    with watched(PLACING) as spent:
        for each in sets[2:]:
            place_orders(each, now=datetime.now(UTC))
    return _lines(f"in sets of {size}", spent.seconds, ROUNDS[size] * size)


def requests(stage: AdmissionStage, start: int, *, is_open: bool) -> list[Line]:
    """Return what one request costs by part, through the door or, where it is shut, Django."""
    from django.conf import settings

    from bengi.wsgi import application

    settings.FAST_LANE = is_open
    job = Job(0, 1, 0, 1, [], stage.symbols, f"r{is_open}", start)
    keys = [person.key for person in stage.people[10 * is_open :][:10]]  # each has 10 a second
    asked = [_environ(Orders(job).request(key), n) for n, key in enumerate(keys)]
    asked += [_environ(request, n) for n, request in enumerate(_requests(keys, job))]
    for each in asked[:10]:
        _ask(application, each)
    with watched(THROUGH_THE_DOOR if is_open else THROUGH_DJANGO) as spent:
        for each in asked[10:]:
            _ask(application, each)
    name = "a request through the door" if is_open else "a request through Django"
    return _lines(
        name, spent.seconds, len(asked) - 10, rest="the rest: server's interface, headers"
    )


def _requests(keys: list[str], job: Job) -> list[bytes]:
    orders = Orders(job)
    for _ in range(10):
        orders.request("")
    return [orders.request(keys[n % 10]) for n in range(REQUESTS)]


def _environ(request: bytes, number: int) -> dict[str, Any]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    said = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in (x.split(": ") for x in lines)}
    return {
        **said,
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/orders",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": said["HTTP_CONTENT_TYPE"],
        "CONTENT_LENGTH": said["HTTP_CONTENT_LENGTH"],
        "wsgi.input": io.BytesIO(body.replace(b'_id":"', f'_id":"{number}-'.encode())),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
    }


def _ask(application: Any, environ: dict[str, Any]) -> None:
    length = len(environ["wsgi.input"].getvalue())
    told: list[str] = []
    answer = application(
        {**environ, "CONTENT_LENGTH": str(length)}, lambda status, _headers: told.append(status)
    )
    b"".join(answer)
    getattr(answer, "close", int)()
    assert told[0].startswith("201"), told


def _lines(name: str, seconds: dict[str, float], count: int, rest: str = "the rest") -> list[Line]:
    whole = sum(seconds.values())
    parts = {**seconds, rest: seconds.get("the rest", 0.0)}
    parts.pop("the rest", None) if rest != "the rest" else None
    return [
        Line(name, whole / count * 1e6, "us an order"),
        *(
            Line(f"  {part}", spent / count * 1e6, "us")
            for part, spent in sorted(parts.items(), key=lambda each: -each[1])
        ),
    ]
