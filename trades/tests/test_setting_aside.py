"""Messages that keep failing: set aside after five tries, while the rest of the shard goes on."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from accounts.models import CashBalance
from accounts.tests.factories import UserFactory
from bengi.events.models import Event
from instruments.halts import set_status
from instruments.models import Instrument
from orders.models import Order
from trades import booking
from trades.corporate import due
from trades.corporate import splitting as corporate
from trades.matching.market import Market
from trades.models import SetAside, Shard
from trades.setting_aside.culprits import Unturned
from trades.setting_aside.services import release
from trades.setting_aside.trouble import TRIES
from trades.tests.corporate_stage import MIDNIGHT, cash_of, dividend, shares_of, split
from trades.tests.world import Trader, World, assert_books_are_clean, open_world
from trades.work import Desk

Plant = Callable[..., None]
SOON = timedelta(milliseconds=50)


class Poison(Exception):
    """What nobody has thought of."""


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Let a function raise Poison whenever is_it(*arguments)."""

    def planted(owner: Any, name: str, is_it: Callable[..., bool], error: Any = Poison) -> None:
        right = getattr(owner, name)

        def wrong(*args: Any, **kwargs: Any) -> Any:
            if is_it(*args, **kwargs):
                raise error("planted")
            return right(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrong)

    return planted


@pytest.fixture
def abc(world: World) -> Instrument:
    return quoted(world, "ABC")


@pytest.fixture
def xyz(world: World) -> Instrument:
    return quoted(world, "XYZ")


def quoted(world: World, symbol: str) -> Instrument:
    made = world.instrument(symbol)
    world.tick(made, "99.90", "100.00", last="100.00")
    return made


def work(world: World, *, times: int = 40) -> int:
    """Drain as the loop does, again after each failure; return how many drains failed."""
    failures = 0
    for _ in range(times):
        world.now += SOON
        try:
            world.drain()
        except (Poison, IntegrityError, Unturned):
            failures += 1
        else:
            if not world.engine.has_more:
                return failures
    raise AssertionError("it never ends")


def tick(world: World, instrument: Instrument, bid: str, ask: str, **more: Any) -> None:
    with suppress(Poison):
        world.tick(instrument, bid, ask, **more)


def fresh(order: Order) -> Order:
    order.refresh_from_db()
    return order


def test_an_order_that_cannot_be_worked_is_rejected_and_the_rest_goes_on(
    world: World, abc: Instrument, xyz: Instrument, plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    trader, other = world.trader(), world.trader()
    before = world.place(other, xyz, "buy", 1, drain=False)
    bad = world.place(trader, abc, "buy", 10, drain=False)
    after = world.place(other, abc, "buy", 2, limit="99.00", drain=False)
    plant(Desk, "_submit", lambda _, order, *__: order.id == bad.id)
    assert cash_of(trader)[1] == 1040
    began = world.now
    with caplog.at_level(logging.ERROR):
        assert work(world) >= TRIES
    assert world.now - began < timedelta(seconds=2)
    assert (fresh(bad).status, bad.reason) == (
        "rejected",
        "It could not be processed; staff have been told.",
    )
    assert cash_of(trader) == (100_000, 0)
    told = Event.objects.filter(stream_id=trader.account.id).latest("seq")
    assert told.type == "order.rejected"
    assert told.payload["steps"][0]["code"] == "processing_failed"
    assert fresh(after).status == "new"
    assert fresh(before).status in {"filled", "new"}  # a quote that was heard before comes anew
    world.tick(xyz, "99.90", "100.00")
    assert fresh(before).status == "filled"
    row = SetAside.objects.get()
    assert (row.kind, row.reference, row.order_id) == ("order", bad.id, bad.id)
    assert (row.tries, row.status, row.outcome) == (TRIES, "set_aside", "closed")
    assert row.error == "Poison: planted"
    assert "in wrong" in row.trace
    assert f"kind=order reference={bad.id} symbol=ABC shard=0 tries=5" in caplog.text


def test_two_in_a_crowd_are_found(world: World, abc: Instrument, plant: Plant) -> None:
    trader = world.trader()
    placed = [
        world.place(trader, abc, "buy", 1, limit=f"99.{cents:02}", drain=False)
        for cents in range(18)
    ]
    bad = {placed[5].id, placed[12].id}
    plant(Desk, "_submit", lambda _, order, *__: order.id in bad)
    work(world, times=60)
    statuses = {order.id: order.status for order in Order.objects.all()}
    assert {each for each, status in statuses.items() if status == "rejected"} == bad
    assert set(statuses.values()) == {"rejected", "new"}
    rows = SetAside.objects.values_list("tries", flat=True)
    assert min(rows) >= TRIES


def test_a_whole_bracket_goes_with_its_entry(world: World, abc: Instrument, plant: Plant) -> None:
    trader = world.trader()
    bad = world.place(trader, abc, "buy", 10, limit="99", profit="105", loss="95", drain=False)
    plant(Desk, "_submit", lambda _, order, *__: order.id == bad.id)
    work(world)
    assert {order.status for order in Order.objects.all()} == {"rejected"}
    assert cash_of(trader) == (100_000, 0)


def test_an_order_at_work_whose_fill_cannot_be_booked_is_canceled(
    world: World, abc: Instrument, xyz: Instrument, plant: Plant
) -> None:
    """The tick that would fill it is innocent: it fills the other one."""
    trader = world.trader()
    bad = world.place(trader, abc, "buy", 10, limit="98.00")
    good = world.place(trader, abc, "buy", 10, limit="98.00")
    plant(booking, "book_fill", lambda _, order, *__: order.id == bad.id, IntegrityError)
    with pytest.raises(IntegrityError):
        world.tick(abc, "97.80", "97.90")
    work(world)
    assert (fresh(bad).status, bad.reason) == (
        "canceled",
        "It could not be processed; staff have been told.",
    )
    assert (fresh(good).status, good.average_price) == ("filled", Decimal("97.90"))
    assert (fresh(abc).status, SetAside.objects.get().reference) == ("active", bad.id)


def test_who_meets_an_order_that_cannot_be_booked_is_innocent(
    world: World, abc: Instrument, plant: Plant
) -> None:
    seller, buyer = world.trader(), world.trader()
    world.place(seller, abc, "buy", 10)
    bad = world.place(seller, abc, "sell", 10, limit="99.95")
    good = world.place(buyer, abc, "buy", 10, limit="99.95", drain=False)
    plant(booking, "book_fill", lambda _, order, *__: order.id == bad.id)
    work(world)
    assert (fresh(bad).status, fresh(good).status) == ("canceled", "new")
    assert shares_of(seller) == (10, 0)
    world.tick(abc, "99.90", "99.95")
    assert fresh(good).status == "filled"


def test_a_tick_that_cannot_be_worked_is_dropped(
    world: World, abc: Instrument, xyz: Instrument, plant: Plant
) -> None:
    trader = world.trader()
    here = world.place(trader, abc, "buy", 1, limit="99.00")
    there = world.place(trader, xyz, "buy", 1, limit="99.00")
    plant(Market, "on_quote", lambda _, quote, *__: quote.bid == 98_90000000)
    tick(world, abc, "98.90", "98.95")
    tick(world, xyz, "98.80", "98.85")
    work(world)
    assert (fresh(here).status, fresh(there).status) == ("new", "filled")
    row = SetAside.objects.get()
    assert (row.kind, row.outcome, row.has_halted) == ("tick", "dropped", False)
    assert (row.what["bid"], row.what["symbol"]) == ("98.90", "ABC")
    world.tick(abc, "98.70", "98.75")
    assert fresh(here).average_price == Decimal("98.75")


def test_an_instrument_whose_ticks_go_on_failing_is_halted(
    world: World, abc: Instrument, xyz: Instrument, plant: Plant
) -> None:
    trader = world.trader()
    here = world.place(trader, abc, "buy", 1, limit="90.00")
    plant(Market, "on_quote", lambda market, *_: market.instrument_id == str(abc.id))
    for number in range(3):
        assert fresh(abc).status == "active"
        tick(world, abc, "98.90", f"98.9{number}")
        work(world)
    assert fresh(abc).status == "halted"
    assert SetAside.objects.filter(has_halted=True).count() == 1
    told = Event.objects.get(stream_id=abc.id)
    assert told.payload["by"] == "engine"
    assert told.payload["reason"] == "A tick failed 5 times: Poison: planted"
    world.tick(abc, "89.00", "89.10")  # no try, no failure
    assert world.place(trader, xyz, "buy", 1).status in {"filled", "new"}
    assert world.cancel(trader, here).status == "canceled"


def test_three_ticks_in_an_hour_are_no_reason_to_halt(
    world: World, abc: Instrument, plant: Plant
) -> None:
    world.place(world.trader(), abc, "buy", 1, limit="90.00")
    plant(Market, "on_quote", lambda market, *_: market.instrument_id == str(abc.id))
    for _ in range(3):
        tick(world, abc, "98.90", "98.95", after_s=90)
        work(world)
    assert (SetAside.objects.count(), fresh(abc).status) == (3, "active")


@pytest.mark.parametrize("what", ["cancel", "replace"])
def test_a_request_that_cannot_be_worked_waits_until_staff_release_it(
    world: World, abc: Instrument, what: str, monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    trader = world.trader()
    order = world.place(trader, abc, "buy", 10, limit="99.00")
    other = world.place(trader, abc, "buy", 10, limit="99.00", drain=False)
    plant(Desk, f"_{what}", lambda *_: True)
    if what == "cancel":
        world.cancel(trader, order, drain=False)
    else:
        world.replace(trader, order, limit_price=Decimal("98.00"), drain=False)
    work(world)
    assert (fresh(order).status, fresh(other).status) == (f"pending_{what}", "new")
    row = SetAside.objects.get()
    assert (row.kind, row.outcome, row.tries) == (what, "waiting", TRIES)
    assert work(world) == 0, "nobody tries again"
    world.engine.forget()
    assert work(world) == 0, "not even new books"
    monkeypatch.undo()
    assert work(world) == 0
    assert fresh(order).status == f"pending_{what}"
    staff = UserFactory(is_staff=True)
    released = release(row.id, staff, now=world.now)
    assert (released.status, released.released_by) == ("released", staff)
    work(world)
    assert fresh(order).status == {"cancel": "canceled", "replace": "replaced"}[what]


def test_an_order_whose_time_is_over_and_cannot_be_ended_fills_no_more(
    world: World, abc: Instrument, plant: Plant
) -> None:
    trader = world.trader()
    order = world.place(trader, abc, "buy", 1, limit="99.00")
    plant(Desk, "_expire", lambda *_: True)
    world.now += timedelta(hours=10)
    work(world)
    assert (fresh(order).status, fresh(abc).status) == ("new", "halted")
    tick(world, abc, "98.00", "98.10")
    assert fresh(order).status == "new"
    row = SetAside.objects.get()
    assert (row.kind, row.outcome, row.has_halted) == ("expiry", "waiting", True)


def test_where_closing_fails_too_it_stays_with_what_it_holds_and_says_so(
    world: World, abc: Instrument, xyz: Instrument, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader = world.trader()
    bad = world.place(trader, abc, "buy", 10, drain=False)
    good = world.place(trader, xyz, "buy", 1, limit="100", drain=False)
    plant(booking, "_apply", lambda _, order, *__: order.id == bad.id)
    work(world)
    assert (fresh(bad).status, bad.reserved) == ("accepted", 1040)
    assert CashBalance.objects.get(account=trader.account).reserved >= 1040
    assert SetAside.objects.get().outcome == "waiting"
    world.engine.forget()
    world.tick(xyz, "99.90", "100.00")
    assert fresh(good).status == "filled"
    monkeypatch.undo()
    assert world.cancel(trader, bad).status == "canceled"


def test_an_order_that_cannot_be_put_back_into_the_books_does_not_keep_them_closed(
    world: World, abc: Instrument, plant: Plant
) -> None:
    trader = world.trader()
    bad = world.place(trader, abc, "buy", 1, limit="99.00")
    good = world.place(trader, abc, "buy", 1, limit="99.00")
    plant(Desk, "_restore", lambda _, order: order.id == bad.id)
    world.engine.forget()
    failures = 0
    for _ in range(TRIES + 1):
        try:
            world.drain()
        except Exception:  # noqa: BLE001 - as the loop does
            failures += 1
    assert failures == TRIES
    assert (fresh(bad).status, fresh(good).status) == ("canceled", "new")


def test_what_passes_by_itself_is_nobody_s_fault(
    world: World, abc: Instrument, plant: Plant
) -> None:
    order = world.place(world.trader(), abc, "buy", 1, limit="99.00", drain=False)
    ends = [True] * 9 + [False]
    plant(booking, "_apply", lambda *_: ends.pop(0), OperationalError)
    for _ in range(9):
        with pytest.raises(OperationalError):
            world.drain()
    world.drain()
    assert (fresh(order).status, SetAside.objects.count()) == ("new", 0)


def test_a_split_that_cannot_be_applied_halts_its_instrument_alone(
    world: World,
    abc: Instrument,
    xyz: Instrument,
    plant: Plant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trader, other = world.trader(), world.trader()
    world.tick(abc, "99.90", "100.00")
    world.place(trader, abc, "buy", 10)
    action = split(abc, 2, 1)
    world.tick(xyz, "99.90", "100.00")
    waiting = world.place(other, xyz, "buy", 1, limit="99.00", tif="gtc")
    plant(corporate, "split", lambda rows: rows.action.id == action.id)
    world.now = MIDNIGHT
    assert work(world) == TRIES
    assert (fresh(abc).status, fresh(action).status) == ("halted", "approved")
    row = SetAside.objects.get()
    assert (row.kind, row.status, row.tries) == ("corporate_action", "set_aside", TRIES)
    world.tick(xyz, "98.80", "98.90")
    assert fresh(waiting).status == "filled"
    assert due.apply_due(world.now) == due.Applied(), "nor does the look by the clock try"
    monkeypatch.undo()
    release(row.id, UserFactory(is_staff=True), now=world.now)
    work(world)
    assert (fresh(action).status, shares_of(trader)[0]) == ("applied", 20)
    set_status(abc.id, "active", by="staff", now=world.now)
    world.tick(abc, "49.90", "50.00")
    assert world.place(other, abc, "buy", 1, limit="50.00").status == "filled"


def test_tries_of_a_split_are_counted_over_restarts_and_forgotten_with_success(
    world: World, abc: Instrument, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.place(world.trader(), abc, "buy", 10)
    split(abc, 2, 1)
    plant(corporate, "split", lambda _: True)
    world.now = MIDNIGHT
    for tries in (1, 2):
        with pytest.raises(Poison):
            world.drain()
        assert SetAside.objects.values_list("status", "tries").get() == ("trying", tries)
    assert due.apply_due(world.now) == due.Applied(failed=1)
    assert SetAside.objects.get().tries == 3
    monkeypatch.undo()
    work(world)
    assert not SetAside.objects.exists()


def test_a_dividend_that_fails_stops_no_other_and_halts_nothing(
    world: World, abc: Instrument, xyz: Instrument, plant: Plant
) -> None:
    one, two = world.trader(), world.trader()
    world.tick(abc, "99.90", "100.00")
    world.place(one, abc, "buy", 100)
    world.tick(xyz, "99.90", "100.00")
    world.place(two, xyz, "buy", 100)
    bad, good = dividend(abc, "0.50"), dividend(xyz, "0.50")
    plant(due, "pay", lambda action_id, **_: action_id == bad.id)
    later = MIDNIGHT + timedelta(days=2)
    for _ in range(TRIES):
        assert due.apply_due(later).failed == 1
    assert due.apply_due(later) == due.Applied()
    assert (fresh(bad).status, fresh(good).status) == ("applied", "paid")
    assert fresh(abc).status == "active"
    assert SetAside.objects.get().reference == bad.id


def test_while_nothing_is_set_aside_nobody_asks(
    world: World, abc: Instrument, django_assert_num_queries: Any
) -> None:
    """The look of an idle engine: splits due, halted instruments, what is asked for."""
    world.place(world.trader(), abc, "buy", 1, limit="99.00")
    with django_assert_num_queries(3):
        world.drain()
    with django_assert_num_queries(0):
        world.engine.drain(world.now, look_for_requests=False)
    assert Shard.objects.values_list("starts", "at_work").get() == (0, "")


def test_release_is_said_once_and_does_nothing_for_what_is_gone(
    world: World, abc: Instrument, plant: Plant
) -> None:
    trader: Trader = world.trader()
    bad = world.place(trader, abc, "buy", 10, drain=False)
    plant(Desk, "_submit", lambda _, order, *__: order.id == bad.id)
    work(world)
    row = release(SetAside.objects.get().id, UserFactory(is_staff=True), now=world.now)
    assert (row.status, row.released_by) == ("set_aside", None)


def test_a_session_that_one_instrument_keeps_from_beginning_begins_for_the_others(
    db: None, plant: Plant
) -> None:
    with open_world(mode="exchange") as world:  # Monday 15:00 UTC is 10:00 in New York
        world.now = world.now.replace(hour=13)  # 8:00, before the session
        abc, xyz = world.instrument("ABC"), world.instrument("XYZ")
        trader = world.trader()
        orders = []
        for instrument in (abc, xyz):
            world.tick(instrument, "99.90", "100.00", last="100.00")
            orders.append(world.place(trader, instrument, "buy", 1, limit="99.95", tif="gtc"))
        early = world.trader()
        for instrument in (abc, xyz):
            world.place(early, instrument, "buy", 1, limit="99.00", tif="gtc", extended=True)
        plant(Market, "enter_session", lambda market: market.instrument_id == str(abc.id))
        world.now = world.now.replace(hour=14, minute=30)
        assert work(world) >= TRIES
        assert (fresh(abc).status, fresh(xyz).status) == ("halted", "active")
        row = SetAside.objects.get()
        assert (row.kind, row.reference, row.outcome) == ("turn", abc.id, "dropped")
        assert row.error == "Poison: planted"
        world.tick(xyz, "98.00", "98.50")
        assert [fresh(order).status for order in orders] == ["new", "filled"]
        assert_books_are_clean()
