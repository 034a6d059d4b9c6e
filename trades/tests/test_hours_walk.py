"""Random days of New York, by seed: whatever happens, nobody works outside of his hours.

The hours are written down here once more, from the clock on the wall.
"""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from bengi.errors import BengiError
from orders.models import Order
from tests.state.planted import Bug, plant
from trades.models import Trade
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db
D = Decimal
NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
"""A Thursday before dawn; on Sunday the clocks go forward."""

SEEDS = 6


def is_between(moment: datetime, starts: time, ends: time) -> bool:
    there = moment.astimezone(NEW_YORK)
    return there.weekday() < 5 and starts <= there.time() < ends


def in_session(moment: datetime) -> bool:
    return is_between(moment, time(9, 30), time(16))


def in_extended(moment: datetime) -> bool:
    return is_between(moment, time(4), time(20))


def end_of_day(order: Order) -> datetime:
    """Return when a day order ends: at four, or with extended hours at eight."""
    hour = time(20) if order.extended_hours else time(16)
    day = order.accepted_at.astimezone(NEW_YORK).date()
    while True:
        end = datetime.combine(day, hour, NEW_YORK).astimezone(UTC)
        if day.weekday() < 5 and end > order.accepted_at:
            return end
        day += timedelta(days=1)


def step(world: World, random: Random, traders: list[Trader], abc) -> None:
    """Let time pass, mostly to around an opening or a close, and something happen."""
    world.now += timedelta(seconds=random.choice([1, 7, 20, 600, 3600, 4 * 3600]))
    what = random.random()
    trader = random.choice(traders)
    price = D(random.randrange(990, 1011)) / 100
    try:
        if what < 0.4:
            last = str(price) if random.random() < 0.6 else None
            world.tick(
                abc, str(price - D("0.02")), str(price), size=random.randrange(1, 9), last=last
            )
        elif what < 0.9:
            place(world, random, trader, abc, price)
        elif what < 0.93:
            orders = list(Order.objects.filter(account=trader.account, closed_at__isnull=True))
            if orders:
                world.cancel(trader, random.choice(orders))
        else:
            world.engine.forget()
    except BengiError:
        pass
    world.drain()


def place(world: World, random: Random, trader: Trader, abc, price: Decimal) -> None:
    side, quantity = random.choice(["buy", "sell"]), random.randrange(1, 6)
    kind = random.random()
    tif = random.choice(["day", "gtc"])
    if kind < 0.45:
        world.place(trader, abc, side, quantity, limit=str(price), tif=tif, extended=True)
    elif kind < 0.7:
        world.place(trader, abc, side, quantity, limit=str(price), tif=tif)
    elif kind < 0.8:
        world.place(trader, abc, side, quantity, stop=str(price), tif=tif)
    elif kind < 0.9:
        world.place(trader, abc, side, quantity, tif=tif)
    else:
        world.place(trader, abc, "buy", notional=str(12 * price))


def walk(seed: int) -> None:
    """Let random days pass and judge what became of everybody."""
    random = Random(seed)
    with open_world("exchange") as world:
        world.now = START
        traders = [world.trader(), world.trader()]
        abc = world.instrument(quantity_step="0.01", exchange_step="1")
        world.now = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
        world.tick(abc, "10.00", "10.00", last="10.00", size=100)
        for trader in traders:
            world.place(trader, abc, "buy", 40)
        for _ in range(160):
            step(world, random, traders, abc)
        assert_books_are_clean()
    check_trades()
    check_orders()


@pytest.fixture(autouse=True)
def real_hours(settings):
    settings.MARKET_HOURS = "exchange"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_nobody_works_outside_of_his_hours(seed: int) -> None:
    walk(seed)


BUGS = [
    Bug(
        "in the evening everybody is there",
        "trades.matching.aside",
        "dismiss",
        "order for order in resting if order.extended_hours",
        "order for order in resting",
    ),
    Bug(
        "an extended day ends with its session",
        "trades.session",
        "SessionHours.closes_at",
        "if extended_hours:",
        "if False:",
    ),
    Bug(
        "every day is an extended one",
        "trades.session",
        "SessionHours.closes_at",
        "if extended_hours:",
        "if True:",
    ),
    Bug(
        "who waits for the session comes with the pre-market",
        "trades.requests",
        "_trades",
        "in=extended_mics, extended_hours=True",
        "in=extended_mics",
    ),
    Bug(
        "stops hear the evening",
        "trades.matching.market",
        "Market.on_quote",
        "if last is not None and self._aside is None:",
        "if last is not None:",
    ),
    Bug(
        "an amount is never used up",
        "trades.budgets",
        "budget_of",
        "order.notional - order.worked_value",
        "2 * order.notional",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_walk_catches(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(bug, monkeypatch)
    with pytest.raises((AssertionError, KeyError, IntegrityError)):
        walk_all()


def walk_all() -> None:
    for seed in range(SEEDS):
        with transaction.atomic():
            walk(seed)
            transaction.set_rollback(True)


def check_trades() -> None:
    outside = 0
    for trade in Trade.objects.select_related("order"):
        moment = trade.executed_at
        if not in_session(moment):
            outside += 1
            assert trade.order.extended_hours
            assert in_extended(moment)
    assert outside, "nobody has traded outside of the session: the walk shows nothing"


def check_orders() -> None:
    for order in Order.objects.all():
        assert order.triggered_at is None or in_session(order.triggered_at)
        if order.status == "expired":
            assert (order.time_in_force, order.closed_at) == ("day", end_of_day(order))
        elif order.is_open and order.time_in_force == "day":
            assert order.updated_at < end_of_day(order)
    assert {True, False} == set(Order.objects.values_list("extended_hours", flat=True))
