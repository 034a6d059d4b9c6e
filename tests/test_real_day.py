"""Orders on a recorded day: every fill is checked against the quotes that stand in the files.

SPY, IBM and BAC of 2013-10-07 are replayed through the real provider, engine and books. What the
fills should be is worked out here from the CSV rows alone, by the rules in words: a quote is new
when a minute closes, its displayed size is all there is until the next minute closes, a market
order takes it and waits for more, a limit order takes only what its limit allows, a stop wakes on
a print and is a market order from the next new quote on.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest

from accounts.models import CashBalance
from accounts.services import default_fee_schedule
from instruments.models import Instrument
from instruments.providers.replay import ReplayedInstrument, ReplayProvider
from instruments.services import record_quotes
from instruments.tests.factories import InstrumentFactory
from orders.models import Order
from portfolios.models import Lot, LotClosing
from trades.models import Trade
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

DAY = date(2013, 10, 7)
OPENS, CLOSES = "13:30", "20:00"
CLOSE_OF_MINUTE = timedelta(seconds=59, milliseconds=999)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Row:
    """One minute as the file has it."""

    closes_at: datetime
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Wish:
    """An order to be placed at a moment of the day (UTC)."""

    at: str
    symbol: str
    side: str
    quantity: int
    limit: str | None = None
    stop: str | None = None
    tif: str = "day"

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(f"{DAY}T{self.at}+00:00").astimezone(UTC)


WISHES = [
    Wish("13:45:30", "BAC", "buy", 17_000, tif="day"),
    Wish("13:50:30", "BAC", "sell", 500, stop="13.80"),
    Wish("14:00:30", "SPY", "buy", 1_400),
    Wish("14:05:30", "IBM", "buy", 700, limit="182.60"),
    Wish("14:30:30", "IBM", "buy", 300, limit="183.20", tif="ioc"),
    Wish("15:00:30", "SPY", "sell", 600, limit="168.00"),
    Wish("15:10:30", "IBM", "buy", 1_300, limit="182.50", tif="fok"),
    Wish("16:00:30", "IBM", "buy", 1_300),
    Wish("17:00:30", "SPY", "sell", 300),
    Wish("19:00:30", "BAC", "sell", 16_000, limit="13.70"),
    Wish("19:30:30", "SPY", "buy", 100, limit="160.00"),
]


def read(folder: Path, symbol: str) -> list[Row]:
    """Return the regular session's minutes."""
    found = []
    with (folder / f"{symbol}_{DAY:%Y%m%d}_1min.csv").open() as file:
        for line in csv.DictReader(file):
            starts_at = datetime.fromisoformat(line["time"])
            if not OPENS <= f"{starts_at:%H:%M}" < CLOSES:
                continue
            found.append(
                Row(
                    starts_at + CLOSE_OF_MINUTE,
                    Decimal(line["bid_close"]),
                    Decimal(line["bid_size"]),
                    Decimal(line["ask_close"]),
                    Decimal(line["ask_size"]),
                    Decimal(line["low"]),
                    Decimal(line["high"]),
                )
            )
    return found


def expected_fills(
    rows: list[Row], wish: Wish, taken: dict[tuple[datetime, str], Decimal]
) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield (quantity, price) of the wish by the rules in words. taken: sizes used up so far."""
    left, is_awake = Decimal(wish.quantity), wish.stop is None
    standing = [row for row in rows if row.closes_at <= wish.moment][-1:]
    later = [row for row in rows if row.closes_at > wish.moment]
    first_looks = standing if is_awake else []
    for row in [*first_looks, *later]:
        if not is_awake:
            assert wish.stop is not None
            is_awake = row.low <= Decimal(wish.stop)  # every sell stop here; the low is printed
        if not is_awake:  # before the minute's close, so that close is its next quote
            continue
        price, size = (row.ask, row.ask_size) if wish.side == "buy" else (row.bid, row.bid_size)
        size -= taken.get((row.closes_at, wish.side + wish.symbol), Decimal(0))
        if wish.limit is not None:
            limit = Decimal(wish.limit)
            if price > limit if wish.side == "buy" else price < limit:
                size = Decimal(0)
        if wish.tif == "fok" and size < left:
            return
        quantity = min(left, size)
        if quantity:
            key = (row.closes_at, wish.side + wish.symbol)
            taken[key] = taken.get(key, Decimal(0)) + quantity
            left -= quantity
            yield quantity, price
        if not left or wish.tif in {"ioc", "fok"}:
            return


def commission(fills: list[tuple[Decimal, Decimal]]) -> Decimal:
    """0.005 a share, at least 1.00, at most 1 % of the value; nothing without a fill."""
    quantity = sum(q for q, _ in fills)
    value = sum(q * p for q, p in fills)
    due = min(max(quantity * Decimal("0.005"), Decimal(1)), value / 100) if fills else Decimal(0)
    return Decimal(due).quantize(CENT, ROUND_HALF_EVEN)


def play(world: World, trader: Trader, folder: Path) -> list[Order]:
    """Play the day, placing each wish at its moment; return the orders as they ended."""
    listed = {
        "SPY": InstrumentFactory(symbol="SPY", mic="ARCX"),
        "IBM": InstrumentFactory(symbol="IBM", mic="XNYS"),
        "BAC": InstrumentFactory(symbol="BAC", mic="XNYS"),
    }
    provider = ReplayProvider(folder, DAY, [replayed(each) for each in listed.values()])
    waiting, orders = list(WISHES), []
    end = datetime(2013, 10, 7, 20, 30, tzinfo=UTC)
    provider.start(world.now)
    for tick in provider.ticks(end):
        while waiting and waiting[0].moment < tick.as_of:
            wish = waiting.pop(0)
            world.now = wish.moment
            orders.append(
                world.place(
                    trader,
                    listed[wish.symbol],
                    wish.side,
                    wish.quantity,
                    limit=wish.limit,
                    stop=wish.stop,
                    tif=wish.tif,
                )
            )
        world.now = tick.as_of
        record_quotes([tick])
        world.engine.drain(world.now, look_for_requests=False)
    world.now = end
    world.drain()
    for order in orders:
        order.refresh_from_db()
    return orders


def replayed(instrument: Instrument) -> ReplayedInstrument:
    return ReplayedInstrument(
        symbol=instrument.symbol, instrument_id=str(instrument.id), shard=0, mic=instrument.mic
    )


@pytest.mark.django_db
@pytest.mark.slow
def test_fills_cash_and_lots_of_a_recorded_day(real_data: Path) -> None:
    with open_world(mode="exchange") as world:
        world.now = datetime(2013, 10, 7, 8, 0, tzinfo=UTC)
        trader = world.trader(cash="1000000", fees=default_fee_schedule())
        orders = play(world, trader, real_data)
        assert_books_are_clean()

    taken: dict[tuple[datetime, str], Decimal] = {}
    fills = {
        wish: list(expected_fills(read(real_data, wish.symbol), wish, taken)) for wish in WISHES
    }
    for wish, order in zip(WISHES, orders, strict=True):
        booked = Trade.objects.filter(order=order).order_by("exec_id")
        assert [(t.quantity, t.price) for t in booked] == fills[wish], wish
        assert order.commission == commission(fills[wish]), wish
    # The day has something of everything: at once, in parts, later, never.
    assert [len(fills[wish]) for wish in WISHES].count(0) == 2
    assert max(len(fills[wish]) for wish in WISHES) >= 5

    cash = Decimal(1_000_000)
    for wish, parts in fills.items():
        sign = -1 if wish.side == "buy" else 1
        cash += sign * sum(q * p for q, p in parts) - commission(parts)
    balance = CashBalance.objects.get(account=trader.account)
    assert (balance.amount, balance.reserved) == (cash, 0)
    assert_lots(fills)


def assert_lots(fills: dict[Wish, list[tuple[Decimal, Decimal]]]) -> None:
    """Every holding's open lots are its buys less its sells, oldest first."""
    for symbol in ("SPY", "IBM", "BAC"):
        bought = [
            [quantity, price]
            for wish, parts in fills.items()
            for quantity, price in parts
            if wish.symbol == symbol and wish.side == "buy"
        ]
        sold = sum(
            quantity
            for wish, parts in fills.items()
            for quantity, _ in parts
            if wish.symbol == symbol and wish.side == "sell"
        )
        for lot in bought:
            used = min(lot[0], sold)
            lot[0] -= used
            sold -= used
        open_lots = Lot.objects.filter(instrument__symbol=symbol).order_by("opened_at", "id")
        assert [lot.remaining_quantity for lot in open_lots] == [left for left, _ in bought]
        for lot, (_, price) in zip(open_lots, bought, strict=True):
            assert lot.cost - lot.quantity * price < Decimal(200)  # the rest is commission
    realized = sum(closing.realized_pnl for closing in LotClosing.objects.all())
    proceeds = sum(t.net_amount for t in Trade.objects.filter(side="sell"))
    closed_cost = sum(closing.cost for closing in LotClosing.objects.all())
    assert realized == proceeds - closed_cost
