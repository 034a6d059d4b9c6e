"""What people choose in their settings is what their pages say, and nothing else."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.utils.html import strip_tags

from accounts.reader import zone_named, zone_names
from accounts.tests.money_stage import funded
from bengi import clock
from bengi.writing import LOCALE_OF, Writing, written_for
from instruments.templatetags import market

AT = datetime(2026, 3, 31, 23, 44, 2, tzinfo=UTC)
NASDAQ = SimpleNamespace(mic="XNAS")


@pytest.fixture
def account(client, db):
    account = funded()
    client.force_login(account.user)
    return account


@pytest.fixture
def hours(settings):
    settings.MARKET_HOURS = "exchange"
    clock.use(lambda: AT)
    yield
    clock.reset()


def choose(account, **values):
    type(account.user).objects.filter(pk=account.user.pk).update(**values)


def own(zone, locale=""):
    return written_for(lambda: Writing(LOCALE_OF[locale], zone_named(zone)))


@pytest.mark.usefixtures("hours")
def test_times_are_by_ones_own_clock_with_the_exchanges_beside():
    assert market.clock(AT, NASDAQ) == "19:44:02"
    with own("Europe/Berlin"):
        told = market.clock(AT, NASDAQ)
        assert strip_tags(told) == "01:44:02 31 Mar 19:44:02 New York"
        assert market.market_clock(AT, NASDAQ) == "19:44:02"
        assert market.clock_ms(AT, NASDAQ) == "01:44:02.000"
        assert market.zone_words(NASDAQ) == "Berlin time, New York is 6 h behind"
        assert market.moment(AT) == "1 Apr 2026 01:44:02 Berlin"
        assert (market.day(AT), market.short_day(AT)) == ("1 Apr 2026", "1 Apr")
        assert market.own_zone() == "Berlin"
    with own("America/Toronto"):  # the same time of day: nothing to put beside
        assert market.clock(AT, NASDAQ) == "19:44:02"
        assert market.zone_words(NASDAQ) == "Toronto time"
    with own("Asia/Kolkata", "de"):
        assert market.zone_words(NASDAQ) == "Kolkata time, New York is 9.5 h behind"
        assert market.day(AT.date()) == "31.03.2026"
        assert market.utc(AT) == "31.03.2026 23:44:02 UTC"


@pytest.mark.usefixtures("hours")
def test_a_market_that_is_ahead_says_so():
    with own("Europe/London"):
        assert market.zone_words(SimpleNamespace(mic="XTKS")) == "London time, Tokyo is 8 h ahead"


def test_who_has_chosen_no_zone_reads_utc():
    assert market.moment(AT) == "31 Mar 2026 23:44:02 UTC"
    assert Template("{% load market %}{% own_zone %}").render(Context()) == "UTC"


def test_zones_are_those_people_know_and_no_path():
    names = zone_names()
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= set(names)
    assert not {"posixrules", "EST5EDT", "Etc/GMT+3"} & set(names)
    assert zone_named("") is zone_named("../../etc/passwd") is zone_named("Mars/Olympus") is None


def test_pages_are_written_for_their_reader(client, account):
    assert "1,000.00" in client.get("/account").content.decode()
    choose(account, locale="de")
    page = client.get("/account").content.decode()
    assert "1.000,00" in page
    assert "1,000.00" not in page
    assert 'data-thousands="." data-point="," data-groups="3"' in page
    assert "&quot;USD&quot;:&quot;1000&quot;" in page  # scripts are told plain decimals


def test_the_api_and_files_never_change(client, account):
    paths = [
        f"/api/v1/accounts/{account.id}",
        f"/api/v1/accounts/{account.id}/statement?currency=USD&format=csv",
    ]

    def told():
        answers = [client.get(path) for path in paths]
        assert [answer.status_code for answer in answers] == [200, 200]
        return [answer.getvalue() for answer in answers]

    before = told()
    choose(account, locale="de", time_zone="Asia/Tokyo", is_discreet=True)
    assert told() == before


def test_two_readers_one_after_the_other(client, account):
    choose(account, locale="de")
    client.get("/account")
    other = funded()
    client.force_login(other.user)
    assert "1,000.00" in client.get("/account").content.decode()


@pytest.mark.parametrize("path", ["/account", "/positions", "/orders", "/fills"])
def test_discreet_pages_hold_no_amount_in_their_html(client, account, path):
    choose(account, is_discreet=True)
    page = client.get(path).content.decode()
    assert "•••••" in page
    assert "data-discreet" in page
    assert "1,000" not in page
    assert 'data-worth=""' in page


def test_a_form_reads_a_plain_point_whatever_the_locale(client, account):
    choose(account, locale="de")
    key = str(client.get("/account").context["forms"]["deposit"]["key"].value())
    body = {"what": "deposit", "amount": "250.75", "currency": "USD", "key": key}
    answer = client.post("/account", body, follow=True)
    assert "250,75 USD came in." in answer.content.decode()
