"""The order door answers what Django answers: status, headers and body, but for ids and times.

Every request goes to the same world twice, once with the door shut, and what it did is taken back.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections

from accounts.identity.api_keys import create_key, revoke_key
from accounts.identity.models import ApiKey, SignIn
from accounts.identity.tokens import issue_access
from accounts.models import CashBalance
from bengi import clock, order_door
from bengi.errors import Unavailable
from bengi.events.models import Event
from bengi.group_commit import too_many, too_slow
from bengi.limits import limiter
from bengi.order_door import Answer, OrderDoor, Request
from bengi.problem import BODY_BYTES_MAX
from bengi.wsgi_threads import Busy
from orders.models import Order
from tests.contract.program import Here, Program, comparable, nothing_counted
from tests.contract.refusals import PROVOCATIONS, of_orders, of_requests
from tests.contract.stage import NOWHERE, ROLES, TICKET, Stage, staged, undone

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"


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
