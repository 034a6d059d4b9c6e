"""Who needs which price."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test.utils import CaptureQueriesContext

from accounts.models import FxRate
from accounts.rates import keep_rates
from accounts.tests.factories import UserFactory
from bengi import attention
from bengi.market_data import connect
from instruments.tests.factories import InstrumentFactory
from instruments.twelvedata import wiring
from instruments.twelvedata.governor import Priority
from instruments.twelvedata.parsing import RateTold
from trades.tests.world import START, open_world
from watchlists.models import Watchlist, WatchlistItem
from watchlists.tests.factories import PriceAlertFactory

pytestmark = pytest.mark.django_db
D = Decimal


def needed(now=START):
    """Return the most urgent priority of each symbol that is wanted."""
    found: dict[str, Priority] = {}
    symbols = {str(row.id): row.symbol for row in InstrumentFactory._meta.model.objects.all()}
    for want in attention.wants(now):
        symbol = symbols[want.instrument_id]
        found[symbol] = min(want.priority, found.get(symbol, want.priority))
    return found


def test_orders_near_their_price_come_first_then_holdings_pages_and_lists(monkeypatch):
    with open_world() as world:
        trader = world.trader()
        names = ("NEAR", "FAR", "STOP", "HELD", "PAGE", "LIST", "ALERT", "NONE")
        rows = {name: world.instrument(name) for name in names}
        for row in rows.values():
            world.tick(row, "99.95", "100.05", last="100", after_s=0)
        world.place(trader, rows["HELD"], "buy", 1)
        world.place(trader, rows["NEAR"], "buy", 1, limit="98.50")
        world.place(trader, rows["FAR"], "buy", 1, limit="91")
        world.place(trader, rows["STOP"], "buy", 1, stop="101.50")
        watchlist = Watchlist.objects.create(user=trader.user, name="Mine")
        WatchlistItem.objects.create(watchlist=watchlist, instrument=rows["LIST"])
        alert = {"user": trader.user, "price": D(120), "created_at": START}
        PriceAlertFactory(instrument=rows["ALERT"], **alert)
        fired = {"fired_at": START, "fired_price": D(1)}
        PriceAlertFactory(instrument=rows["NONE"], **alert, **fired)
        monkeypatch.setattr(attention, "watched_symbols", lambda: {"PAGE", "UNKNOWN"})
        assert needed() == {
            "NEAR": Priority.ORDER,
            "STOP": Priority.ORDER,
            "FAR": Priority.POSITION,
            "HELD": Priority.POSITION,
            "PAGE": Priority.PAGE,
            "LIST": Priority.WATCHLIST,
            "ALERT": Priority.WATCHLIST,
        }


def test_an_order_that_waits_for_the_market_wants_a_price_of_its_own(django_assert_max_num_queries):
    with open_world() as world:
        trader = world.trader()
        row = world.instrument("ABC")
        world.tick(row, "99.95", "100.05", size=1, last="100")
        order = world.place(trader, row, "buy", 50)
        assert order.status == "partially_filled"
        with django_assert_max_num_queries(5):
            wants = attention.wants(world.now)
        (first,) = [want for want in wants if want.priority is Priority.ORDER]
        assert (first.instrument_id, first.since) == (str(row.id), order.accepted_at)


def test_statements_do_not_grow_with_orders(connection_of_tests):
    with open_world() as world:
        trader = world.trader(cash="1000000")
        counts = []
        for number in range(3):
            row = world.instrument(f"S{number}")
            world.tick(row, "99.95", "100.05", last="100")
            for _ in range(2):
                world.place(trader, row, "buy", 1, limit="99")
            with CaptureQueriesContext(connection_of_tests) as asked:
                attention.wants(world.now)
            counts.append(len(asked))
        assert counts[0] == counts[1] == counts[2]


@pytest.fixture
def connection_of_tests():
    from django.db import connection

    return connection


def test_rates_are_kept_once_and_only_those_that_can_be():
    FxRate.objects.create(base="EUR", quote="USD", rate=D("1.10"), as_of=START, source="demo")
    later = START + timedelta(hours=1)
    now = later + timedelta(hours=2)

    def told(base, rate, as_of=later):
        return RateTold(base, "USD", D(rate), as_of)

    before = wiring.in_use()
    try:
        connect()
        assert wiring.in_use().pairs() == ["EUR/USD"]
        keep = wiring.in_use().keep_rates
        assert keep([told("EUR", "1.12"), told("GBP", "1.30")], now) == 2
        assert keep([told("EUR", "1.12"), told("GBP", "1.30")], now) == 0
        assert keep([told("EUR", "1.13", START)], now) == 0  # older than the newest
        assert keep([told("EUR", "11.2", later + timedelta(hours=1))], now) == 0  # ten times
        assert keep([told("EUR", "0", later + timedelta(hours=1))], now) == 0
        assert keep([told("EUR", "1.12", later + timedelta(hours=3))], now) == 0  # not yet
        assert keep([told("EUR", "1.12", later + timedelta(hours=2))], now) == 1
    finally:
        wiring.use(before)
    assert FxRate.objects.filter(base="EUR").count() == 3
    newest = FxRate.objects.get(base="EUR", as_of=later)
    assert (newest.rate, newest.source) == (D("1.12"), "twelvedata")
    assert keep_rates([], "test", later) == 0


def test_what_is_joined_at_the_start_reads_who_wants_what():
    UserFactory()
    assert wiring.in_use().wants is attention.wants
