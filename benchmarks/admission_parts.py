"""Where the CPU time of an admission goes, part by part; one thread, in this process.

CPU seconds of the thread: what PostgreSQL and Redis spend is not in them, nor is waiting.
"""

import io
import itertools
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
GROUPS = {1: 62, 50: 10}

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
    ("who asks", "bengi.order_door", "bearers"),
    ("limits", "bengi.order_door", "count_each"),
    ("JSON in, fields", "bengi.order_door", "_asked"),
    ("the orders", "bengi.order_door", "admit_each"),
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


def requests(stage: AdmissionStage, start: int) -> list[Line]:
    """Return what one request costs by part, through Django."""
    from bengi.wsgi import application

    job = Job(0, 1, 0, 1, [], stage.symbols, "django", start)
    keys = [person.key for person in stage.people[:10]]  # each has 10 a second
    asked = [_environ(Orders(job).request(key), n) for n, key in enumerate(keys)]
    asked += [_environ(request, n) for n, request in enumerate(_requests(keys, job))]
    for each in asked[:10]:
        _ask(application, each)
    with watched(THROUGH_DJANGO) as spent:
        for each in asked[10:]:
            _ask(application, each)
    rest = "the rest: server's interface, headers"
    return _lines("a request through Django", spent.seconds, len(asked) - 10, rest=rest)


def groups(stage: AdmissionStage, size: int, start: int) -> list[Line]:
    """Return what an order costs by part in groups of the door; no sockets, no loop."""
    from bengi.order_door import OrderDoor

    door, orders = OrderDoor(), Orders(Job(0, 1, 0, 1, [], stage.symbols, f"g{size}", start))
    keys = itertools.cycle(person.key for person in stage.people)
    asked = [[_plain(orders.request(next(keys))) for _ in range(size)] for _ in range(GROUPS[size])]
    for group in asked[:2]:
        door.answer_all(group)
    with watched(THROUGH_THE_DOOR) as spent:
        for group in asked[2:]:
            answers = door.answer_all(group)
            assert all(each and each.status == 201 for each in answers), answers[0]
    count = (GROUPS[size] - 2) * size
    return _lines(f"the door, groups of {size}", spent.seconds, count, rest="the rest: headers")


def _plain(request: bytes) -> Any:
    from bengi.order_door import Request, is_plain

    head, _, body = request.partition(b"\r\n\r\n")
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[1:])
    scope = {
        "method": "POST",
        "path": "/api/v1/orders",
        "raw_path": b"/api/v1/orders",
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "headers": [(name.lower(), text) for name, _, text in lines],
    }
    given = is_plain(scope)
    assert given is not None
    return Request(scope, given, body)


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
