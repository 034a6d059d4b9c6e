"""A halted instrument: nobody orders it and nothing of it fills, whoever comes first."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi.bus import NUDGE, get_bus
from bengi.errors import Refused
from bengi.events.models import Event
from bengi.terms import InstrumentStatus, Realism
from instruments.halts import set_status
from instruments.models import Instrument
from orders.models import Order
from trades.booking import Halted
from trades.models import Trade
from trades.tests.world import Trader, World

HALTED, ACTIVE = InstrumentStatus.HALTED, InstrumentStatus.ACTIVE


@pytest.fixture
def trader(world: World) -> Trader:
    return world.trader()


@pytest.fixture
def abc(world: World) -> Instrument:
    made = world.instrument()
    world.tick(made, "99", "100", last="99.50")
    return made


def switch(world: World, instrument: Instrument, status: InstrumentStatus) -> None:
    set_status(instrument.id, status, by="test", now=world.now)


def status_of(order: Order) -> str:
    order.refresh_from_db()
    return order.status


def test_no_quote_fills_and_no_print_fires_while_it_is_halted(world, trader, abc) -> None:
    world.place(trader, abc, "buy", 10)
    limit = world.place(trader, abc, "buy", 5, limit="98")
    stop = world.place(trader, abc, "sell", 5, stop="97")
    trail = world.place(trader, abc, "sell", 5, trail="1")
    switch(world, abc, HALTED)
    world.tick(abc, "90", "91", last="90")
    world.tick(abc, "110", "111", last="110")
    assert [status_of(order) for order in (limit, stop, trail)] == ["new", "new", "new"]
    assert (stop.triggered_at, trail.high_water_mark) == (None, Decimal("99.50"))
    switch(world, abc, ACTIVE)
    world.drain()
    assert status_of(limit) == "new", "what was said meanwhile is not heard afterwards"
    world.tick(abc, "96", "97.50", last="97")
    assert (status_of(limit), stop.triggered_at) == ("filled", None)
    stop.refresh_from_db()
    assert stop.triggered_at is not None
    assert Trade.objects.get(order=limit).price == Decimal("97.50")


def test_the_quote_of_before_is_no_good_after(world, trader, abc) -> None:
    switch(world, abc, HALTED)
    world.drain()
    switch(world, abc, ACTIVE)
    order = world.place(world.trader(realism=Realism.INSTANT), abc, "buy", 5)
    assert status_of(order) == "new", "its guard is a minute, but the market has to speak again"
    world.tick(abc, "89", "90")
    assert Trade.objects.get(order=order).price == 90


def test_an_order_that_was_accepted_before_waits_as_accepted(world, trader, abc) -> None:
    order = world.place(trader, abc, "buy", 5, drain=False)
    switch(world, abc, HALTED)
    world.tick(abc, "99", "100")
    assert status_of(order) == "accepted"
    switch(world, abc, ACTIVE)
    world.tick(abc, "99", "100.50")
    assert (status_of(order), Trade.objects.get().price) == ("filled", Decimal("100.50"))


def test_customers_do_not_meet_either(world, trader, abc) -> None:
    world.place(trader, abc, "buy", 5)
    world.place(trader, abc, "sell", 5, limit="101")
    buy = world.place(world.trader(), abc, "buy", 5, limit="101", drain=False)
    switch(world, abc, HALTED)
    world.drain()
    assert status_of(buy) == "accepted"
    other = world.trader()
    rests = world.place(other, world.instrument("XYZ"), "buy", 1, limit="50")
    assert status_of(rests) == "new", "the others go on"


def test_orders_can_be_canceled_and_expire_while_it_is_halted(world, trader, abc) -> None:
    gone, late = (world.place(trader, abc, "buy", 5, limit="98") for _ in range(2))
    until = world.place(
        trader, abc, "buy", 1, limit="98", tif="gtd", expires_at=world.now + timedelta(minutes=1)
    )
    switch(world, abc, HALTED)
    assert world.cancel(trader, gone).status == "canceled"
    world.wait(minutes=1)
    assert status_of(until) == "expired"
    world.wait(days=1)
    assert status_of(late) == "expired"


def test_a_replacement_waits_for_the_end_of_the_halt(world, trader, abc) -> None:
    order = world.place(trader, abc, "buy", 5, limit="98")
    new = world.replace(trader, order, limit_price=Decimal("101"), drain=False)
    switch(world, abc, HALTED)
    world.drain()
    assert (status_of(order), status_of(new)) == ("replaced", "accepted")
    switch(world, abc, ACTIVE)
    world.tick(abc, "99", "100")
    assert status_of(new) == "filled"


def test_nobody_may_order_it(world, trader, abc) -> None:
    switch(world, abc, HALTED)
    with pytest.raises(Refused) as refused:
        world.place(trader, abc, "buy", 5, limit="98")
    assert refused.value.code == "symbol_halted"


def test_a_batch_that_had_not_heard_of_it_books_nothing(world, trader, abc) -> None:
    """The engine works ticks without a look at the database: the booking looks."""
    order = world.place(trader, abc, "buy", 5, limit="98")
    switch(world, abc, HALTED)
    with pytest.raises(Halted):
        world.tick(abc, "90", "91", is_nudged=False)
    assert not Trade.objects.exists()
    world.tick(abc, "90", "91", is_nudged=False)
    assert status_of(order) == "new"
    switch(world, abc, ACTIVE)
    world.drain()
    world.tick(abc, "92", "93", is_nudged=False)
    assert Trade.objects.get().price == 93


def test_what_staff_say_is_an_event_and_a_nudge(world, abc) -> None:
    nudges: list[int] = []
    unsubscribe = get_bus().subscribe(NUDGE, nudges.append)
    switch(world, abc, HALTED)
    switch(world, abc, HALTED)
    switch(world, abc, ACTIVE)
    switch(world, abc, InstrumentStatus.DELISTED)
    unsubscribe()
    events = Event.objects.filter(stream_id=abc.id).order_by("seq")
    assert [event.type.partition(".")[2] for event in events] == ["halted", "resumed", "delisted"]
    assert events[0].payload == {"instrument_id": str(abc.id), "status": "halted", "by": "test"}


def test_staff_halt_it_in_the_admin(world, abc) -> None:
    desk = Client()
    staff = UserFactory(is_staff=True, is_superuser=True)
    desk.force_login(staff)
    page = "/admin/instruments/instrument/"
    halt = {"action": "halt_selected", "_selected_action": [str(abc.id)]}
    assert "ABC: Say why." in desk.post(page, halt, follow=True).content.decode()
    halt |= {"reason": "News pending"}
    assert "ABC: halted." in desk.post(page, halt, follow=True).content.decode()
    abc.refresh_from_db()
    assert abc.status == "halted"
    payload = Event.objects.get(stream_id=abc.id).payload
    assert (payload["by"], payload["reason"]) == (str(staff.id), "News pending")
    assert "nothing to do" in desk.post(page, halt, follow=True).content.decode()
    resume = halt | {"action": "resume_selected", "reason": "News are out"}
    assert "ABC: active." in desk.post(page, resume, follow=True).content.decode()
    delist = halt | {"action": "delist_selected", "reason": "Taken over"}
    assert "ABC: delisted." in desk.post(page, delist, follow=True).content.decode()
    assert "delisted for good" in desk.post(page, resume, follow=True).content.decode()
    assert Event.objects.filter(stream_id=abc.id).count() == 3
