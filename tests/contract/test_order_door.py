"""The order door answers what Django answers: status, headers and body, but for ids and times.

Every request goes to the same world twice, once with the door shut, and what it did is taken back.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, close_old_connections
from django.test import RequestFactory

from accounts.identity.api_keys import create_key, revoke_key
from accounts.identity.models import ApiKey, SignIn
from accounts.identity.tokens import issue_access
from accounts.models import CashBalance
from bengi import clock, order_door
from bengi.errors import Unavailable
from bengi.events.models import Event
from bengi.group_commit import too_many, too_slow
from bengi.limits import limiter
from bengi.limits.memory import MemoryStore
from bengi.order_door import Answer, OrderDoor, Request
from bengi.problem import BODY_BYTES_MAX
from bengi.web import Web
from bengi.wsgi_threads import (
    Busy,
    Environ,
    Receive,
    Scope,
    Send,
    WsgiThreads,
    _Exchange,
    send_whole,
)
from orders.models import Order
from tests.contract.refusals import PROVOCATIONS, of_orders, of_requests
from tests.contract.stage import NOWHERE, ROLES, TICKET, Stage, staged, undone

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"
JSON = "application/json"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Set the stage; the connection of the test, which holds it, outlives the requests."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    with staged() as made:
        yield made
    limiter.reset()
    for signal in ends:
        signal.connect(close_old_connections)


def nothing_counted() -> None:
    """Let limits begin anew, in a moment that lasts: a slow machine gives nobody more."""
    limiter._own = limiter.Limiter(None, MemoryStore(lambda: 1_000.0))


class Here(WsgiThreads):
    """Answers in the thread of the test, on its connection."""

    async def answer(self, environ: Environ, receive: Receive, send: Send) -> None:
        loop: Any = None
        whole = _Exchange(self._application, environ, loop, receive, send).run()
        assert whole is not None, "nothing is streamed here"
        await send_whole(send, *whole)


class Program:
    """Asks as a program does: with a key, over ASGI. door_is_open: whether the door may answer."""

    def __init__(self, key: str | None, settings: Any) -> None:
        self.key, self._settings = key, settings
        self.answered = 0
        self._application = Web(Here(get_wsgi_application(), threads=1, body_max=BODY_BYTES_MAX))
        self._application._submit = self._at_once

    async def _at_once(self, request: Request) -> Answer | None:
        """Answer a group of one."""
        (answer,) = self._application._answer_group([request])
        self.answered += answer is not None
        return answer

    def request(
        self, path: str, data: Any, content_type: str = JSON, **more: Any
    ) -> tuple[Scope, bytes]:
        body = json.dumps(data) if isinstance(data, dict) else data
        headers = {"X-Request-ID": "a-request-of-mine", **more.pop("headers", {})}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        request = RequestFactory(**more).generic("POST", path, body, content_type, headers=headers)
        return as_asgi(request.environ)

    def post(self, path: str, data: Any, content_type: str = JSON, **more: Any) -> SimpleNamespace:
        start, end = asked(self._application, *self.request(path, data, content_type, **more))
        given = {name.decode("latin1"): text.decode("latin1") for name, text in start["headers"]}
        return SimpleNamespace(status_code=start["status"], headers=given, content=end["body"])

    def both(self, act: Callable[[], Any]) -> tuple[list[Any], bool]:
        """Return what Django and the door answer, as comparable texts, and whether the door did."""
        found, before = [], self.answered
        for is_open in (False, True):
            self._settings.FAST_LANE = is_open
            nothing_counted()
            with undone():
                found.append(comparable(act()))
        return found, self.answered == before + 1


@pytest.fixture
def program(stage: Stage, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Program]:
    """Return what makes programs of somebody's; their requests take the place of the browser's."""

    def of(role: str = "owner", scopes: tuple[str, ...] = ("read", "trade")) -> Program:
        user = stage.users[role]
        key = None if user is None else create_key(user, "door", scopes, now=clock.now())[1]
        made = Program(key, settings)
        monkeypatch.setattr(Stage, "client", lambda _stage, _role: made)
        return made

    return of


def as_asgi(environ: dict[str, Any]) -> tuple[Scope, bytes]:
    """Return a request of Django's tests as a server tells of it, and its body."""
    body = environ["wsgi.input"].read()
    named = {"CONTENT_LENGTH": b"content-length", "CONTENT_TYPE": b"content-type"}
    headers = [
        (named.get(name) or name[5:].lower().replace("_", "-").encode(), str(text).encode("latin1"))
        for name, text in environ.items()
        if text and (name in named or name.startswith("HTTP_"))
    ]
    path = environ["PATH_INFO"]
    scope = {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "raw_path": path.encode(),
        "query_string": environ["QUERY_STRING"].encode(),
        "http_version": "1.1",
        "scheme": environ["wsgi.url_scheme"],
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        "client": (environ["REMOTE_ADDR"], 1),
        "headers": headers,
    }
    return scope, body


def asked(application: Web, scope: Scope, body: bytes) -> list[Any]:
    """Return what an application sends. Nothing is waited for, so that no loop is needed."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(StopIteration):
        application(scope, receive, send).send(None)
    return sent


_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


def comparable(answer: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body without ids and times; policies in one order.

    Django leaves the length of a 500 to the server, which then tells it in another way.
    """
    given = answer.headers if answer.status_code != 500 else _without_length(answer.headers)
    headers = sorted((name.lower(), _plain(name, value)) for name, value in given.items())
    body = _TIME.sub(b"TIME", _ID.sub(b"ID", answer.content))
    return answer.status_code, headers, body


def _without_length(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Content-Length"}


def _plain(name: str, value: str) -> str:
    if name == "X-RateLimit-Reset":
        return "soon"
    if name == "Content-Security-Policy":
        return "; ".join(sorted(value.split("; ")))
    return _ID.sub(b"ID", value.encode()).decode()


OF_THE_RULES = sorted({*of_orders.CHANGES, *of_requests.BODIES})
OF_THE_WORLD = ["min_notional", "possible_duplicate", "stale_quote", "symbol_halted"]
OF_THE_WORLD += ["too_many_open_orders", "trading_halted"]
ANSWERED_BEFORE = {"payload_too_large"}
"""What the door leaves to Django, unread."""


@pytest.mark.parametrize("code", [*OF_THE_RULES, *OF_THE_WORLD])
def test_a_refusal_is_the_same(stage: Stage, program: Any, code: str):
    asks = program()
    act = PROVOCATIONS[code](stage)
    (django, door), by_door = asks.both(act)
    assert django[0] >= 400
    assert f'"{code}"'.encode() in django[2]
    assert door == django
    assert by_door is (code not in ANSWERED_BEFORE)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_answered_the_same(stage: Stage, program: Any, role: str):
    asks = program(role)
    (django, door), by_door = asks.both(lambda: asks.post(ORDERS, TICKET))
    assert door == django
    assert by_door is (role != "anonymous")
    assert django[0] == {"anonymous": 401, "dealer": 400, "admin": 400}.get(role, 201)


LEGS = {"take_profit": {"limit_price": "11.00"}, "stop_loss": {"stop_price": "9.00"}}
ASKED: dict[str, dict[str, Any]] = {
    "a limit order": {},
    "with a slash": {"path": f"{ORDERS}/"},
    "with a key in the header": {"headers": {"Idempotency-Key": "k1"}},
    "a market order": {"type": "market", "limit_price": None, "time_in_force": "day"},
    "an amount": {
        "type": "market",
        "limit_price": None,
        "time_in_force": "day",
        "quantity": None,
        "notional": "50",
    },
    "a bracket": {"order_class": "bracket", **LEGS},
    "quotes and umlauts": {"client_order_id": 'a "key" \\ <of> mine'},
    "a number for a text": {"symbol": 5},
    "an empty object": {"data": "{}"},
    "a list": {"data": "[]"},
    "text that is not UTF-8": {"data": b'{"symbol": "\xff"}'},
    "many wrong things": {"side": "hold", "quantity": "x", "colour": "red", "lots": "all"},
    "a key that is none": {"headers": {"Idempotency-Key": "k" * 129}},
    "a portfolio of nobody's": {"portfolio_id": NOWHERE},
}
LEFT: dict[str, dict[str, Any]] = {
    "a query": {"path": f"{ORDERS}?x=1"},
    "a cookie": {"headers": {"Cookie": "sessionid=abc"}},
    "a form": {"content_type": "application/x-www-form-urlencoded"},
    "a charset": {"content_type": "application/json; charset=utf-8"},
    "a host that is not ours": {"headers": {"Host": "elsewhere.example"}},
    "nothing": {"data": ""},
    "too much": {"data": " " * (BODY_BYTES_MAX + 1)},
    "a token that is none": {"token": "x.y.z"},
    "another scheme": {"headers": {"Authorization": "Basic abc"}, "token": None},
}


def _act(asks: Program, given: dict[str, Any]) -> Callable[[], Any]:
    more = dict(given)
    path, data = more.pop("path", ORDERS), more.pop("data", None)
    options = {name: more.pop(name) for name in ("headers", "content_type") if name in more}
    if "token" in more:
        asks.key = more.pop("token")
    ticket = {name: value for name, value in (TICKET | more).items() if value is not None}
    return lambda: asks.post(path, ticket if data is None else data, **options)


@pytest.mark.parametrize("what", ASKED)
def test_what_is_plain_is_answered_by_the_door(stage: Stage, program: Any, what: str):
    asks = program()
    (django, door), by_door = asks.both(_act(asks, ASKED[what]))
    assert door == django
    assert by_door


@pytest.mark.parametrize("what", LEFT)
def test_what_is_not_plain_is_left_to_django(stage: Stage, program: Any, what: str):
    asks = program()
    (django, door), by_door = asks.both(_act(asks, LEFT[what]))
    assert door == django
    assert not by_door


def test_a_key_that_may_not_trade_is_refused_the_same(stage: Stage, program: Any):
    asks = program(scopes=("read",))
    (django, door), by_door = asks.both(lambda: asks.post(ORDERS, TICKET))
    assert (django[0], door, by_door) == (403, django, False)


def test_a_token_does_what_a_key_does(stage: Stage, program: Any):
    asks = program()
    sign_in = SignIn.objects.filter(user=stage.owner.user, kind="token").latest("id")
    SignIn.objects.update(expires_at=clock.wall() + timedelta(days=1))
    asks.key = issue_access(sign_in, clock.wall())
    (django, door), by_door = asks.both(lambda: asks.post(ORDERS, TICKET))
    assert (django[0], door, by_door) == (201, django, True)


def test_the_same_key_again_is_a_replay_in_both(stage: Stage, program: Any, settings: Any):
    asks = program()
    settings.FAST_LANE = True
    first = asks.post(ORDERS, TICKET | {"client_order_id": "mine"})
    (django, door), by_door = asks.both(
        lambda: asks.post(ORDERS, TICKET | {"client_order_id": "mine"})
    )
    assert (first.status_code, django[0], door, by_door) == (201, 200, django, True)
    assert ("idempotency-replayed", "true") in door[1]
    assert Order.objects.filter(client_order_id="mine").count() == 1


def test_the_limits_are_the_same_and_told_the_same(stage: Stage, program: Any, settings: Any):
    settings.RATE_LIMITS = True
    asks = program()

    def twelve() -> Any:
        answers = [
            asks.post(ORDERS, TICKET | {"client_order_id": f"k{n}", "confirm_duplicate": True})
            for n in range(12)
        ]
        told = [(a.status_code, a.headers["X-RateLimit-Remaining"]) for a in answers]
        answers[-1].headers["x-told"] = str(told)
        return answers[-1]

    (django, door), _ = asks.both(twelve)
    assert door == django
    assert django[0] == 429
    assert ("retry-after", "1") in django[1]
    assert asks.answered == 12


def test_one_limit_counts_both_ways(stage: Stage, program: Any, settings: Any):
    settings.RATE_LIMITS = True
    nothing_counted()
    asks, told = program(), []
    for n in range(12):
        settings.FAST_LANE = n % 2 == 0
        told.append(asks.post(ORDERS, TICKET | {"client_order_id": f"k{n}"}).status_code)
    assert told[10:] == [429, 429]
    assert 429 not in told[:10]


def test_who_is_shut_out_is_shut_out_here(stage: Stage, program: Any, settings: Any):
    settings.FAST_LANE = True
    asks = program()
    assert asks.post(ORDERS, TICKET).status_code == 201
    revoke_key(stage.owner.user, ApiKey.objects.latest("id").id, now=clock.now())
    from accounts.identity.standing import forget

    forget(ApiKey.objects.latest("id").id)  # what the commit does
    assert asks.post(ORDERS, TICKET).status_code == 401


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("gone"), 503),
        (Unavailable("unavailable", "Too many wait already.", retry_after_s=1), 503),
        (AssertionError("impossible"), 500),
    ],
)
def test_what_goes_wrong_is_told_the_same(
    stage: Stage, program: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
):
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    asks = program()
    monkeypatch.setattr("orders.api.admit", fails)
    monkeypatch.setattr("orders.fast_lane.admit_all", fails)
    (django, door), by_door = asks.both(lambda: asks.post(ORDERS, TICKET))
    assert (django[0], door, by_door) == (status, django, True)


@pytest.mark.parametrize("error", [too_many(), too_slow(), AssertionError("impossible")])
def test_what_the_loop_says_itself_is_told_with_the_same_headers(
    stage: Stage, program: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    """No group has had the order: too many wait, or it has waited for too long."""

    def fails(*_: Any, **__: Any) -> Any:
        raise error

    asks = program()
    monkeypatch.setattr("orders.api.admit", fails)
    asks._application._submit = fails
    (django, door), _ = asks.both(lambda: asks.post(ORDERS, TICKET))
    assert django[0] in {500, 503}
    assert door == django


def test_who_is_turned_away_is_told_with_the_headers_of_all_answers(
    stage: Stage, program: Any, monkeypatch: pytest.MonkeyPatch
):
    """No thread is free to look at the request; what its address allows is not known then."""

    def fails(*_: Any, **__: Any) -> Any:
        raise too_many()

    def busy(*_: Any, **__: Any) -> Any:
        raise Busy

    asks = program()
    monkeypatch.setattr("orders.api.admit", fails)
    (django, _), _ = asks.both(lambda: asks.post(ORDERS, TICKET))
    monkeypatch.setattr(Here, "answer", busy)
    for path in (f"{ORDERS}?of=a-page", "/static/css/base.css", "/"):
        turned_away = comparable(asks.post(path, TICKET))
        assert turned_away[0] == 503
        assert turned_away[1] == [each for each in django[1] if each[0] != "allow"]
        assert turned_away[2] == django[2]


def test_who_asks_is_not_known_while_the_database_is_away(
    stage: Stage, program: Any, monkeypatch: pytest.MonkeyPatch
):
    """The door says so itself: Django's threads would each wait for the database to say it."""

    def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("gone")

    asks = program()
    monkeypatch.setattr("accounts.identity.bearers.standings", away)
    (django, door), by_door = asks.both(lambda: asks.post(ORDERS, TICKET))
    assert (django[0], door[0], by_door) == (503, 503, True)
    assert (door[2], ("retry-after", "1") in door[1]) == (django[2], True)


def test_a_group_is_answered_as_each_alone(stage: Stage, program: Any, settings: Any):
    """Of a group one is refused, one cannot be read, one repeats another, one is too many."""
    settings.RATE_LIMITS = settings.FAST_LANE = True
    asks, other = program(), program("other")
    bodies: list[Any] = [TICKET | {"client_order_id": f"k{n}", "quantity": n} for n in range(1, 9)]
    bodies[3:5] = ["[]", TICKET | {"client_order_id": "k1", "quantity": 1}]
    bodies += [TICKET | {"symbol": "NONE"}, TICKET | {"side": "hold"}, TICKET, TICKET, {}]
    made = [asks.request(ORDERS, body) for body in bodies]
    made[2:2] = [other.request(ORDERS, TICKET), Program("bk_1_2", settings).request(ORDERS, {})]
    told = []
    for size in (1, len(made)):
        nothing_counted()
        requests = [Request(scope, order_door.is_plain(scope) or {}, body) for scope, body in made]
        with undone():
            door = OrderDoor()
            answers: list[Answer | None] = []
            for start in range(0, len(made), size):
                answers += door.answer_all(requests[start : start + size])
        told.append([each and comparable(_sent(each)) for each in answers])
    assert told[0] == told[1]
    statuses = [each and each[0] for each in told[1]]
    assert set(statuses) == {None, 200, 201, 400, 422, 429}
    assert statuses.index(None) == 3, "whose key is none is Django's to refuse"


def _sent(answer: Answer) -> SimpleNamespace:
    headers = {name.decode(): text.decode() for name, text in answer.headers}
    return SimpleNamespace(status_code=answer.status, headers=headers, content=answer.body)


def test_in_production_it_tells_of_tls_and_sends_others_there(
    stage: Stage, program: Any, settings: Any
):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 60
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    asks = program()
    secure = {"headers": {"X-Forwarded-Proto": "https"}}
    (django, door), by_door = asks.both(lambda: asks.post(ORDERS, TICKET, **secure))
    assert (django[0], door, by_door) == (201, django, True)
    assert ("strict-transport-security", "max-age=60") in [
        (name, value.split(";")[0]) for name, value in door[1]
    ]
    (django, door), by_door = asks.both(lambda: asks.post(ORDERS, TICKET))
    assert (django[0], door, by_door) == (301, django, False)


def test_an_accepted_order_stands_in_the_books(stage: Stage, program: Any, settings: Any):
    settings.FAST_LANE = True
    before, events = CashBalance.objects.get(account=stage.owner.account), Event.objects.count()
    answer = program().post(ORDERS, TICKET | {"quantity": "10", "limit_price": "9.50"})
    body = json.loads(answer.content)
    order = Order.objects.get(id=body["id"])
    after = CashBalance.objects.get(account=stage.owner.account)
    assert answer.headers["Location"] == f"{ORDERS}/{order.id}"
    assert after.reserved - before.reserved == order.reserved == Decimal(body["reserved"]) == 95
    assert Event.objects.count() == events + 1
