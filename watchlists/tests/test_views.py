"""The page of alerts: a list, a form, a button; all of it by full-page posts."""

import re

import pytest
from django.conf import settings

from accounts.tests.factories import UserFactory
from bengi import clock
from instruments.board import board
from instruments.tests.factories import QuoteFactory
from orders.tests.http import NOW, signed_in
from watchlists.models import WISHES, PriceAlert
from watchlists.tests.factories import PriceAlertFactory

pytestmark = pytest.mark.django_db

FORM = {"symbol": "abc", "kind": "above", "level": "110.50", "note": "Sell"}


@pytest.fixture(autouse=True)
def _market():
    board.clear()
    clock.use(lambda: NOW)
    QuoteFactory(instrument__symbol="ABC")
    yield
    clock.reset()


@pytest.fixture
def user():
    return UserFactory()


def test_who_is_not_signed_in_is_asked_to(client):
    assert client.get("/alerts")["Location"] == "/signin?next=%2Falerts"
    assert client.post("/alerts", FORM).status_code == 302
    assert not PriceAlert.objects.exists()


def test_an_alert_is_set_and_deleted(user):
    client = signed_in(user)
    assert b"No alerts" in client.get("/alerts?symbol=abc").content
    page = client.post("/alerts", FORM, follow=True).content.decode()
    assert "Set: ABC at or above 110.5." in page
    assert "At or above 110.50" in page
    alert = PriceAlert.objects.get()
    assert (alert.user, alert.note, alert.armed_at) == (user, "Sell", NOW)
    page = client.post(f"/alerts/{alert.id}/delete", follow=True).content.decode()
    assert "Deleted." in page
    assert not PriceAlert.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"symbol": ""}, "symbol", "Write a symbol."),
        ({"symbol": "NOPE"}, "symbol", "There is no instrument NOPE."),
        ({"level": ""}, "level", "Write a price, or a percent."),
        ({"level": "1e2"}, "level", "Write digits and a point only"),
        ({"level": "0"}, "level", "Write a number above zero."),
        ({"level": "100"}, "level", "The last price is above that, or at it, already."),
        ({"kind": "near"}, "kind", "Choose one of the list."),
        ({"note": "x" * 121}, "note", "at most 120 characters"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(user, changed, field, words):
    answer = signed_in(user).post("/alerts", FORM | changed)
    page = answer.content.decode()
    assert answer.status_code == 422
    after = page.split(f'id="{field}-error"')[1]
    assert words in after.split("</p>")[0]
    assert f'aria-describedby="{field}-error"' in page
    assert not PriceAlert.objects.exists()


def test_a_percent_may_have_its_sign(user):
    body = FORM | {"kind": "percent_change", "level": "5 %"}
    page = signed_in(user).post("/alerts", body, follow=True).content.decode()
    assert "Moved in a day by 5%" in page


def test_the_toast_has_the_words_of_the_list():
    script = (settings.BASE_DIR / "static/js/toasts.js").read_text()
    table = script.split("const WISHES = {")[1].split("}")[0]
    assert dict(re.findall(r'(\w+): "(.+)"', table)) == {str(k): w for k, w in WISHES.items()}


def test_another_persons_alerts_are_not_there(user):
    theirs = PriceAlertFactory()
    client = signed_in(user)
    assert theirs.instrument.symbol not in client.get("/alerts").content.decode()
    assert client.post(f"/alerts/{theirs.id}/delete").status_code == 404
    assert client.get(f"/alerts/{theirs.id}/delete").status_code == 405
    assert PriceAlert.objects.get() == theirs


def test_the_list_is_filtered_and_paged(user):
    PriceAlertFactory.create_batch(26, user=user)
    fired = PriceAlertFactory(user=user, fired_at=NOW, fired_price=111)
    client = signed_in(user)
    page = client.get("/alerts?show=fired").content.decode()
    assert page.count("<tr id=") == 1
    assert f"alert-{fired.id}" in page
    assert "111.00 · " in page
    assert client.get("/alerts?show=waiting").content.decode().count("<tr id=") == 25
    assert client.get("/alerts?page=2").content.decode().count("<tr id=") == 2


def test_the_page_takes_as_many_statements_however_many_there_are(
    user, django_assert_max_num_queries
):
    PriceAlertFactory.create_batch(2, user=user)
    client = signed_in(user)
    with django_assert_max_num_queries(8):
        client.get("/alerts")
    PriceAlertFactory.create_batch(20, user=user)
    with django_assert_max_num_queries(8):
        client.get("/alerts")
