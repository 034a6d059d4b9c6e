"""Staff list instruments and correct them; everybody finds them."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission

from accounts.tests.factories import UserFactory
from bengi.audit.models import AuditEntry
from bengi.audit_books import privileged_actions_are_noted
from bengi.events.models import Event
from bengi.replay import differences, fold_log
from instruments.models import Instrument
from instruments.tests.factories import InstrumentFactory
from orders.tests.factories import OrderFactory
from orders.tests.http import signed_in, told
from portfolios.tests.factories import PositionFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/instruments"
NEW = {
    "symbol": "nova",
    "name": "Nova plc",
    "mic": "BNGI",
    "type": "stock",
    "currency": "USD",
    "tick_size": "0.05",
    "quantity_step": "0.5",
    "exchange_step": "1",
}
CHANGED = {"name": "ABC plc", "tick_size": "0.05", "quantity_step": "0.5", "exchange_step": None}


def staff(*permissions):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return signed_in(user)


@pytest.fixture
def admin():
    return staff("add_instrument", "change_instrument")


@pytest.fixture
def api():
    return signed_in(UserFactory())


def send(client, method, path, body):
    return getattr(client, method)(path, body, content_type="application/json")


def test_an_instrument_is_listed(admin, api):
    answer = send(admin, "post", URL, NEW)
    assert (answer.status_code, answer["Location"]) == (201, f"{URL}/NOVA")
    assert answer.json() == NEW | {"symbol": "NOVA", "status": "active", "has_feed": False}
    assert api.get(f"{URL}/nova").json() == answer.json()
    event = Event.objects.get(type="instrument.listed")
    assert event.payload["terms"]["tick_size"] == "0.05"
    assert list(differences(fold_log())) == []
    assert list(privileged_actions_are_noted()) == []
    again = send(admin, "post", URL, NEW)
    assert (again.status_code, again.json()["code"]) == (409, "already_listed")


def test_what_is_delisted_stays_so(admin):
    InstrumentFactory(symbol="ABC", status="delisted")
    for status in ("active", "halted"):
        refused = send(admin, "put", f"{URL}/ABC", CHANGED | {"status": status})
        assert (refused.status_code, refused.json()["code"]) == (409, "instrument_delisted")
    renamed = send(admin, "put", f"{URL}/ABC", CHANGED | {"status": "delisted"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, CHANGED["name"])


def test_an_instrument_is_corrected_and_halted(admin):
    abc = InstrumentFactory(symbol="ABC")
    body = CHANGED | {"status": "halted", "reason": "News"}
    answer = send(admin, "put", f"{URL}/ABC", body)
    assert answer.status_code == 200
    assert {k: answer.json()[k] for k in CHANGED} == CHANGED
    assert answer.json()["status"] == "halted"
    told_of = list(Event.objects.filter(stream_id=abc.id).values_list("type", flat=True))
    assert told_of == ["instrument.corrected", "instrument.halted"]
    assert send(admin, "put", f"{URL}/ABC", body).status_code == 200
    assert Event.objects.count() == 2
    assert list(differences(fold_log())) == []
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == told_of
    assert list(privileged_actions_are_noted()) == []
    Instrument.objects.update(name="Behind its back")
    assert len(list(differences(fold_log()))) == 2


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"symbol": "A B"}, {"symbol": "invalid_field"}),
        ({"symbol": "A/B"}, {"symbol": "invalid_field"}),
        ({"symbol": "=A"}, {"symbol": "invalid_field"}),
        ({"symbol": "A" * 17}, {"symbol": "invalid_field"}),
        ({"mic": "XXXX"}, {"mic": "invalid_field"}),
        ({"type": "bond"}, {"type": "invalid_field"}),
        ({"currency": "ZZZ"}, {"currency": "invalid_field"}),
        ({"tick_size": "0"}, {"tick_size": "invalid_field"}),
        ({"tick_size": 0.01}, {"tick_size": "invalid_field"}),
        ({"exchange_step": "0.7"}, {"exchange_step": "invalid_field"}),
        ({"exchange_step": "0.1"}, {"exchange_step": "invalid_field"}),
        ({"name": "  "}, {"name": "invalid_field"}),
        ({"shard": 1}, {"shard": "unknown_field"}),
    ],
)
def test_what_cannot_be_listed(admin, change, errors):
    answer = send(admin, "post", URL, NEW | change)
    assert (answer.status_code, told(answer)) == (400, errors)
    assert not Instrument.objects.exists()
    assert not Event.objects.exists()


def test_a_correction_leaves_nothing_out(admin):
    InstrumentFactory(symbol="ABC")
    answer = send(admin, "put", f"{URL}/ABC", {"name": "x"})
    assert told(answer) == dict.fromkeys(
        ("tick_size", "quantity_step", "exchange_step"), "invalid_field"
    )
    fixed = send(admin, "put", f"{URL}/ABC", CHANGED | {"mic": "XNYS"})
    assert told(fixed) == {"mic": "unknown_field"}
    assert send(admin, "put", f"{URL}/ZZZ", CHANGED).json()["code"] == "not_found"


def test_what_orders_and_holdings_stand_on_stays(admin):
    abc = InstrumentFactory(symbol="ABC")
    order = OrderFactory(instrument=abc)
    answer = send(admin, "put", f"{URL}/ABC", CHANGED)
    assert (answer.status_code, answer.json()["code"]) == (409, "instrument_in_use")
    same = {"tick_size": "0.01", "quantity_step": "1", "exchange_step": None}
    assert send(admin, "put", f"{URL}/ABC", CHANGED | same).status_code == 200, "but its name"
    order.status, order.closed_at = "canceled", order.accepted_at
    order.save()
    PositionFactory(instrument=abc, quantity=Decimal(3))
    coarser = send(admin, "put", f"{URL}/ABC", CHANGED | {"quantity_step": "2"})
    assert (coarser.status_code, coarser.json()["code"]) == (409, "instrument_in_use")
    assert send(admin, "put", f"{URL}/ABC", CHANGED).status_code == 200, "finer steps fit"


@pytest.mark.parametrize("who", ["nobody", "one", "other"])
def test_only_who_may(api, who):
    InstrumentFactory(symbol="ABC")
    client = {
        "nobody": api,
        "one": staff("add_instrument"),
        "other": staff("change_instrument"),
    }[who]
    post, put = send(client, "post", URL, NEW), send(client, "put", f"{URL}/ABC", CHANGED)
    absent = send(client, "put", f"{URL}/ZZZ", CHANGED)
    assert post.status_code == (201 if who == "one" else 403)
    assert put.status_code == (200 if who == "other" else 403)
    assert absent.status_code == (404 if who == "other" else 403)


def test_the_best_match_comes_first(api):
    for symbol, name in [
        ("ZZ", "Aa holding"),
        ("AAB", "Second"),
        ("AA", "First"),
        ("AAA", "Third"),
        ("Q", "Nothing"),
    ]:
        InstrumentFactory(symbol=symbol, name=name)
    body = api.get(f"{URL}/search?q=aa").json()
    assert [row["symbol"] for row in body["results"]] == ["AA", "AAA", "AAB", "ZZ"]
    assert body["next"] is None
    assert len(api.get(f"{URL}/search?q=aa&limit=2").json()["results"]) == 2
    assert api.get(f"{URL}/search?q=%25").json()["results"] == []


@pytest.mark.parametrize("query", ["", "?q=", "?q=a&limit=0", "?q=a&mic=x", "?q=" + "a" * 65])
def test_wrong_searches(api, query):
    InstrumentFactory(symbol="SEARCH")
    assert api.get(f"{URL}/search{query}").status_code == 400
    assert api.get(f"{URL}/SEARCH").json()["symbol"] == "SEARCH"


def test_filters_and_orders(api):
    InstrumentFactory(symbol="B", name="Alpha", mic="XNYS")
    InstrumentFactory(symbol="A", name="Beta", mic="XETR", currency="EUR")
    InstrumentFactory(symbol="C", name="Gamma", type="etf", status="halted")
    for query, found in [
        ("ordering=name", "BAC"),
        ("ordering=-symbol", "CBA"),
        ("mic=XNYS", "B"),
        ("currency=EUR", "A"),
        ("type=etf&status=halted", "C"),
        ("type=etf&status=active", ""),
    ]:
        rows = api.get(f"{URL}?{query}").json()["results"]
        assert "".join(row["symbol"] for row in rows) == found, query
