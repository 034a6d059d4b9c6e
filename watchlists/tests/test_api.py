"""Watchlists and price alerts over HTTP."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.ids import new_id
from instruments.board import board
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from orders.tests.http import NOW, same_but_request, signed_in, told
from watchlists.models import PriceAlert, Watchlist, WatchlistItem
from watchlists.services import ALERTS_MAX, SYMBOLS_MAX, WATCHLISTS_MAX

pytestmark = pytest.mark.django_db

LISTS, ALERTS = "/api/v1/watchlists", "/api/v1/alerts"


@pytest.fixture(autouse=True)
def _market():
    board.clear()
    clock.use(lambda: NOW)
    for symbol in ("AAA", "BBB", "CCC"):
        InstrumentFactory(symbol=symbol)
    yield
    clock.reset()


@pytest.fixture
def api():
    return signed_in(UserFactory())


def send(client, method, path, body=None):
    return getattr(client, method)(path, body or {}, content_type="application/json")


def make(api, name="Mine", symbols=()):
    return send(api, "post", LISTS, {"name": name, "symbols": list(symbols)})


def symbols_of(api, path):
    return api.get(path).json()["symbols"]


# -- lists -------------------------------------------------------------------------------------


def test_a_list_comes_changes_and_goes(api):
    made = make(api, symbols=["ccc", "AAA"])
    path = made["Location"]
    body = {"id": path.rsplit("/", 1)[1], "name": "Mine", "symbols": ["CCC", "AAA"]}
    assert (made.status_code, made.json()) == (201, body)
    assert api.get(path).json() == body
    assert api.get(LISTS).json() == {"results": [body], "next": None}
    written = send(api, "put", path, {"name": "Ours", "symbols": ["BBB", "CCC"]})
    assert written.json() == body | {"name": "Ours", "symbols": ["BBB", "CCC"]}
    assert send(api, "put", path, {"name": "Ours", "symbols": []}).json()["symbols"] == []
    gone = send(api, "delete", path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.get(path).json()["code"] == "not_found"
    assert not WatchlistItem.objects.exists()


def test_symbols_come_move_and_go(api):
    path = make(api, symbols=["AAA"])["Location"]
    for body, left in [
        ({"symbol": "bbb"}, ["AAA", "BBB"]),
        ({"symbol": "CCC", "place": 0}, ["CCC", "AAA", "BBB"]),
        ({"symbol": "CCC"}, ["CCC", "AAA", "BBB"]),
        ({"symbol": "CCC", "place": 1}, ["AAA", "CCC", "BBB"]),
        ({"symbol": "AAA", "place": 199}, ["CCC", "BBB", "AAA"]),
    ]:
        answer = send(api, "post", f"{path}/symbols", body)
        assert (answer.status_code, answer.json()["symbols"]) == (200, left)
        assert symbols_of(api, path) == left
    assert send(api, "delete", f"{path}/symbols/bbb").status_code == 204
    assert symbols_of(api, path) == ["CCC", "AAA"]
    absent = send(api, "delete", f"{path}/symbols/BBB")
    assert (absent.status_code, absent.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "end", "body", "errors"),
    [
        ("post", None, {}, {"name": "invalid_field"}),
        ("post", None, {"name": "x", "symbols": "AAA"}, {"symbols": "invalid_field"}),
        ("post", None, {"name": "x", "symbols": ["AAA", "aaa"]}, {"symbols": "invalid_field"}),
        ("post", None, {"name": "x", "symbols": [1]}, {"symbols": "invalid_field"}),
        ("post", None, {"name": "x", "symbols": ["A"] * 201}, {"symbols": "invalid_field"}),
        ("put", "", {"name": "x"}, {"symbols": "invalid_field"}),
        ("put", "", {"symbols": []}, {"name": "invalid_field"}),
        ("post", "/symbols", {}, {"symbol": "invalid_field"}),
        ("post", "/symbols", {"symbol": "AAA", "place": -1}, {"place": "invalid_field"}),
        ("post", "/symbols", {"symbol": "AAA", "place": True}, {"place": "invalid_field"}),
        ("delete", "", {"x": 1}, {"x": "unknown_field"}),
    ],
)
def test_wrong_bodies(api, method, end, body, errors):
    path = make(api)["Location"]
    answer = send(api, method, LISTS if end is None else path + end, body)
    assert (answer.status_code, told(answer)) == (400, errors)
    assert (Watchlist.objects.count(), WatchlistItem.objects.count()) == (1, 0)


def test_symbols_that_nobody_lists(api):
    path = make(api, symbols=["AAA"])["Location"]
    for answer in (
        make(api, "Other", ["AAA", "ZZZ", "YYY"]),
        send(api, "put", path, {"name": "Mine", "symbols": ["ZZZ"]}),
        send(api, "post", f"{path}/symbols", {"symbol": "ZZZ"}),
    ):
        assert (answer.status_code, told(answer)) == (422, {"symbols": "unknown_symbol"})
    assert symbols_of(api, path) == ["AAA"]
    assert Watchlist.objects.count() == 1


def test_a_name_once_for_each_user(api):
    make(api)
    path = make(api, "Other")["Location"]
    for answer in (make(api), send(api, "put", path, {"name": "Mine", "symbols": []})):
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    assert send(api, "put", path, {"name": "Other", "symbols": []}).status_code == 200
    assert make(signed_in(UserFactory())).status_code == 201


def test_there_is_an_end_to_lists_and_to_their_symbols(api):
    user = UserFactory()
    Watchlist.objects.bulk_create(Watchlist(user=user, name=str(n)) for n in range(WATCHLISTS_MAX))
    answer = make(signed_in(user))
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_reached")
    many = InstrumentFactory.create_batch(SYMBOLS_MAX)
    path = make(api, symbols=[each.symbol for each in many])["Location"]
    answer = send(api, "post", f"{path}/symbols", {"symbol": "AAA"})
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_reached")
    moved = send(api, "post", f"{path}/symbols", {"symbol": many[-1].symbol, "place": 0})
    assert moved.json()["symbols"][0] == many[-1].symbol


@pytest.mark.parametrize(
    ("method", "end"),
    [("get", ""), ("put", ""), ("delete", ""), ("post", "/symbols"), ("delete", "/symbols/AAA")],
)
def test_anothers_list_is_an_absent_one(api, method, end):
    theirs = make(signed_in(UserFactory()), symbols=["AAA"]).json()["id"]
    bodies = {"put": {"name": "x", "symbols": []}, "post": {"symbol": "AAA"}}
    foreign, absent = (
        send(api, method, f"{LISTS}/{key}{end}", bodies.get(method)) for key in (theirs, new_id())
    )
    assert foreign.status_code == absent.status_code == 404
    assert same_but_request(foreign) == same_but_request(absent)
    assert WatchlistItem.objects.count() == 1


# -- alerts ------------------------------------------------------------------------------------


@pytest.fixture
def quoted():
    QuoteFactory(instrument=InstrumentFactory(symbol="QQQ"), last=Decimal(100))


def alert(api, **body):
    return send(api, "post", ALERTS, {"symbol": "QQQ", **body})


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("above", {"price": "110"}),
        ("below", {"price": "90.5"}),
        ("crossing", {"price": "110"}),
        ("crossing", {"price": "90"}),
        ("percent_change", {"percent": "2.5"}),
    ],
)
def test_an_alert_with_all_that_firing_needs(api, quoted, kind, terms):
    made = alert(api, kind=kind, note="look", **terms)
    assert made.status_code == 201
    body = {
        "id": made["Location"].rsplit("/", 1)[1],
        "symbol": "QQQ",
        "kind": kind,
        "price": None,
        "percent": None,
        "reference_price": "100",
        "note": "look",
        "status": "waiting",
        "created_at": "2026-01-05T15:00:01.000000Z",
        "fired_at": None,
        "fired_price": None,
    } | terms
    assert made.json() == body
    assert api.get(made["Location"]).json() == body
    assert api.get(ALERTS).json() == {"results": [body], "next": None}


def test_an_alert_changes_and_goes(api, quoted):
    path = alert(api, kind="above", price="110")["Location"]
    QuoteFactory._meta.model.objects.update(last=Decimal(105))
    changed = send(api, "patch", path, {"price": "120", "note": "later"}).json()
    assert [changed[k] for k in ("price", "note", "reference_price")] == ["120", "later", "105"]
    assert send(api, "delete", path).status_code == 204
    assert api.get(path).status_code == 404


def test_an_alert_before_the_first_print(api):
    made = send(api, "post", ALERTS, {"symbol": "AAA", "kind": "above", "price": "1"})
    assert made.json()["reference_price"] is None


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        ({"kind": "above"}, 400, {"price": "missing_price"}),
        ({"kind": "percent_change"}, 400, {"percent": "invalid_field"}),
        ({"kind": "percent_change", "price": "1"}, 400, {"price": "unexpected_price"}),
        ({"kind": "below", "price": "1", "percent": "1"}, 400, {"percent": "invalid_field"}),
        ({"kind": "near", "price": "1"}, 400, {"kind": "invalid_field"}),
        ({"kind": "above", "price": "0"}, 400, {"price": "invalid_field"}),
        ({"kind": "above", "price": "1", "fired": True}, 400, {"fired": "unknown_field"}),
        ({"kind": "above", "price": "1", "symbol": "ZZZ"}, 422, {"symbols": "unknown_symbol"}),
        ({"kind": "above", "price": "100"}, 422, {"price": "alert_is_due"}),
        ({"kind": "below", "price": "100"}, 422, {"price": "alert_is_due"}),
    ],
)
def test_alerts_that_cannot_be_set(api, quoted, body, status, errors):
    answer = alert(api, **body)
    assert (answer.status_code, told(answer)) == (status, errors)
    assert not PriceAlert.objects.exists()


def test_no_alert_where_nothing_prints(api):
    InstrumentFactory(symbol="DDD", has_feed=False)
    answer = alert(api, symbol="DDD", kind="above", price="1")
    assert (answer.status_code, told(answer)) == (422, {"symbol": "unsupported_combination"})
    assert not PriceAlert.objects.exists()


def test_what_a_change_may_be(api, quoted):
    above = alert(api, kind="above", price="110")["Location"]
    change = alert(api, kind="percent_change", percent="2")["Location"]
    for path, body, status, errors in [
        (above, {"percent": "2"}, 400, {"percent": "invalid_field"}),
        (change, {"price": "2"}, 400, {"price": "unexpected_price"}),
        (above, {"price": "99"}, 422, {"price": "alert_is_due"}),
        (above, {}, 400, {None: "invalid_field"}),
        (above, {"kind": "below"}, 400, {"kind": "unknown_field"}),
    ]:
        answer = send(api, "patch", path, body)
        assert (answer.status_code, told(answer)) == (status, errors)
    PriceAlert.objects.update(fired_at=NOW, fired_price=Decimal(111))
    answer = send(api, "patch", above, {"price": "200"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_fired")
    assert api.get(f"{ALERTS}?status=waiting").json()["results"] == []
    fired = api.get(f"{ALERTS}?status=fired&symbol=qqq&ordering=created").json()["results"]
    assert [row["fired_price"] for row in fired] == ["111", "111"]


def test_there_is_an_end_to_alerts(api, quoted):
    user = UserFactory()
    instrument = InstrumentFactory()
    PriceAlert.objects.bulk_create(
        PriceAlert(
            user=user, instrument=instrument, kind="above", price=1, created_at=NOW, armed_at=NOW
        )
        for _ in range(ALERTS_MAX)
    )
    other = signed_in(user)
    answer = alert(other, kind="above", price="110")
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_reached")
    PriceAlert.objects.filter(id=PriceAlert.objects.first().id).update(
        fired_at=NOW, fired_price=Decimal(1)
    )
    assert alert(other, kind="above", price="110").status_code == 201


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_anothers_alert_is_an_absent_one(api, quoted, method):
    theirs = alert(signed_in(UserFactory()), kind="above", price="110").json()["id"]
    body = {"note": "x"} if method == "patch" else None
    foreign, absent = (send(api, method, f"{ALERTS}/{key}", body) for key in (theirs, new_id()))
    assert foreign.status_code == absent.status_code == 404
    assert same_but_request(foreign) == same_but_request(absent)
    assert api.get(ALERTS).json()["results"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "above", "price": None},
        {"kind": "percent_change", "price": 1},
        {"kind": "percent_change", "percent": 1, "price": 1},
        {"kind": "above", "price": 0},
        {"kind": "above", "price": 1, "fired_at": NOW},
    ],
)
def test_the_database_refuses_what_could_not_fire(wrong):
    row = PriceAlert(
        user=UserFactory(), instrument=InstrumentFactory(), created_at=NOW, armed_at=NOW, **wrong
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.parametrize("path", [LISTS, ALERTS])
def test_who_is_not_signed_in_gets_nowhere(path):
    assert Client().get(path).status_code == 401
