"""The staff's desk: what it tells, to whom, and that its price does not grow."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import grant
from accounts.tests.factories import OPENED_AT, AccountFactory, UserFactory
from bengi import clock
from bengi.events.models import RelayLease, Stream
from bengi.ids import new_id
from bengi.leases.models import Lease
from bengi.tests.staff_rows import adjustment
from instruments.models import Instrument, QuarantinedTick
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from orders.models import Order, TradingHalt
from orders.tests.factories import OrderFactory
from trades.models import SetAside, Shard
from trades.staff_desk import EngineLine, desk_parts

pytestmark = pytest.mark.django_db
STATEMENTS_MAX = 24


def everything(_permission: str) -> bool:
    return True


def parts() -> Any:
    return desk_parts(everything, clock.wall(), clock.now())


def staff(role: str = "dealer") -> Client:
    user = UserFactory()
    grant(user, role, by=None, now=OPENED_AT)
    client = Client()
    client.force_login(User.objects.get(id=user.id))
    return client


def aside(instrument: Instrument) -> SetAside:
    now = clock.now()
    return SetAside.objects.create(
        shard=0,
        kind="tick",
        reference=new_id(),
        instrument=instrument,
        error="ValueError: no price",
        tries=3,
        first_at=now,
        last_at=now,
        status="set_aside",
        outcome="waiting",
    )


def a_bad_day(number: int) -> None:
    """Let one of everything go wrong."""
    instrument = QuoteFactory(instrument__status="halted").instrument
    QuarantinedTick.objects.create(instrument=instrument, reason="print 6 is far outside", tick={})
    aside(instrument)
    OrderFactory(instrument=instrument, status="accepted")
    OrderFactory(instrument=instrument, status="pending_cancel")
    staff_member, now = UserFactory(is_staff=True), clock.now()
    account = AccountFactory()
    TradingHalt.objects.create(
        account=account, reason=f"Robot {number}", halted_by=staff_member, halted_at=now
    )
    Lease.objects.create(
        duty=f"duty {number}", holder=new_id(), by="process 1", expires_at=now + timedelta(days=1)
    )
    Stream.objects.create(id=new_id(), seq=2)
    adjustment(number * 2)


def test_a_quiet_day_says_so():
    InstrumentFactory()
    text = staff().get("/admin/desk/").content.decode()
    for words in (
        "None is thrown: everybody may trade.",
        "No instrument is halted.",
        "Nothing waits; 0 in the last day.",
        "None in the last day.",
        "Nothing is published: there are no brokers.",
        "This installation runs as one process",
    ):
        assert words in text


def test_what_went_wrong_is_told_with_its_numbers():
    a_bad_day(0)
    a_bad_day(1)
    told = parts()
    (engine,) = told["engines"]
    assert (engine.waiting, engine.cancels, engine.mark) == (2, 2, "down")
    now = clock.wall()
    oldest, *_ = Order.objects.order_by("updated_at").values_list("updated_at", flat=True)
    Order.objects.filter(status="pending_cancel").update(updated_at=oldest - timedelta(minutes=1))
    (engine,) = desk_parts(everything, now, clock.now())["engines"]
    assert engine.oldest_s == round((now - oldest).total_seconds()) + 60
    assert told["set_aside"]["waiting"] == len(told["set_aside"]["rows"]) == 2
    assert (told["prints"]["count"], told["halted"]["count"]) == (2, 2)
    assert [row.reason for row in told["switches"]] == ["Robot 1", "Robot 0"]
    assert [duty.is_held for duty in told["duties"]] == [True, True]
    assert told["asked"] == {"corrections": 0, "adjustments": 2}
    text = staff().get("/admin/desk/").content.decode()
    for words in ("Robot 1", "print 6 is far outside", "ValueError: no price", "2 instruments"):
        assert words in text


def test_an_engine_is_well_while_it_is_heard():
    InstrumentFactory()
    Shard.objects.create(id=0, heard_at=clock.wall() - timedelta(seconds=4), starts=1)
    (line,) = parts()["engines"]
    assert isinstance(line, EngineLine)
    assert line.mark == "ok"
    Shard.objects.update(heard_at=clock.wall() - timedelta(minutes=1), suspect="order 1", deaths=3)
    (line,) = parts()["engines"]
    assert (line.mark, line.suspect, line.deaths) == ("down", "order 1", 3)


def test_old_prices_are_late_only_while_the_exchange_trades():
    quote = QuoteFactory(instrument__mic="XCRY", as_of=clock.now() - timedelta(minutes=5))
    (market,) = parts()["markets"]
    assert (market.mic, market.is_open, market.mark) == ("XCRY", True, "late")
    quote.as_of = clock.now()
    quote.save()
    assert parts()["markets"][0].mark == "ok"


def test_the_relay_s_place_and_trouble_are_told():
    Stream.objects.create(id=new_id(), seq=7)
    RelayLease.objects.create(
        holder=new_id(),
        expires_at=clock.wall() + timedelta(seconds=9),
        published_at=clock.wall(),
        trouble="the broker is away",
    )
    relay = parts()["relay"]
    assert (relay.behind, relay.is_held, relay.mark) == (7, True, "late")
    assert "the broker is away" in staff().get("/admin/desk/").content.decode()


def test_it_is_for_staff_and_each_part_for_who_may_see_it():
    a_bad_day(0)
    trader = Client()
    trader.force_login(UserFactory())
    assert trader.get("/admin/desk/").status_code in {302, 403}
    assert Client().get("/admin/desk/").status_code == 302
    nobody = Client()
    nobody.force_login(UserFactory(is_staff=True))
    text = nobody.get("/admin/desk/").content.decode()
    for words in ("Robot 0", "print 6 is far outside", "ValueError", "Kill switches", "Feed"):
        assert words not in text
    assert "Engines" in text


def test_it_takes_as_many_statements_over_more():
    client = staff()

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get("/admin/desk/")
        return len(asked)

    a_bad_day(0)
    statements()  # what is kept for a while is read here
    before = statements()
    for number in range(1, 6):
        a_bad_day(number)
    assert statements() == before <= STATEMENTS_MAX


def test_the_first_page_of_the_admin_leads_there():
    assert 'href="/admin/desk/"' in staff().get("/admin/").content.decode()
