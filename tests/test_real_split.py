"""A split on recorded days: Apple's 7 for 1 of 2014-06-09, held over the weekend with open orders.

AAPL of 2014-06-06 and -09 is replayed through the real provider, engine and books, with the split
in between. What should come of it is worked out from the CSV rows alone, by the rules in words: a
share becomes seven, the prices of what came before are a seventh, an order's limit and stop go to
the tick away from harm, and a holding is worth the same to the cent until the market opens. What
orders meet on a day is told by the rules in words of test_real_day, for the realistic profile.
"""

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from accounts.models import CashBalance
from accounts.services import default_fee_schedule
from accounts.tests.factories import UserFactory
from bengi.terms import CorporateActionKind
from instruments.corporate_actions import splits_known
from instruments.models import Bar, CorporateAction, Instrument, Quote
from instruments.providers.replay import ReplayedInstrument, ReplayProvider
from instruments.selectors import latest_quotes
from instruments.serializers import quote_shape
from instruments.services import flush_quotes, import_history, record_quotes
from instruments.tests.factories import InstrumentFactory
from orders.models import Order
from portfolios.models import Lot
from portfolios.selectors import positions_of
from tests.test_real_day import Row, Walk, words_of
from trades.corporate.proposals import approve_action, propose
from trades.corporate.terms import ActionTerms
from trades.models import Trade
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

FRIDAY, MONDAY = date(2014, 6, 6), date(2014, 6, 9)
CLOSES, MINUTE = "20:00", timedelta(minutes=1)
CENT, QUANTUM = Decimal("0.01"), Decimal("1e-8")

Fills = list[tuple[Decimal, Decimal]]


@dataclass(frozen=True)
class Wish:
    """An order of Friday, and in after what it must be on Monday: quantity and price."""

    at: str
    side: str
    quantity: int
    limit: str | None = None
    stop: str | None = None
    trail: str | None = None
    tif: str = "gtc"
    after: tuple[int, str] | None = None
    symbol: str = "AAPL"

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(f"{FRIDAY}T{self.at}+00:00")


BUY = Wish("14:00:30", "buy", 100, tif="day")
STOP = Wish("14:30:30", "sell", 14, stop="644.05", after=(98, "92.00"))  # 92.00714
DEEP = Wish("14:31:30", "sell", 5, stop="600.00", after=(35, "85.71"))  # 85.71428
LIMIT = Wish("14:32:30", "sell", 20, limit="656.01", after=(140, "93.72"))  # 93.71571
BID = Wish("14:33:30", "buy", 10, limit="643.33", after=(70, "91.90"))  # 91.90428
TRAIL = Wish("14:34:30", "sell", 10, trail="10.00", after=(70, "1.43"))  # 1.42857
PART = Wish("19:50:30", "buy", 380, limit="645.28", after=(0, "92.18"))  # 92.18285
WISHES = [BUY, STOP, DEEP, LIMIT, BID, TRAIL, PART]


def read(folder: Path, day: date) -> list[Row]:
    """Return the regular session's minutes, and the one before, whose quote stands at its start."""
    names = ("bid_close", "bid_size", "ask_close", "ask_size")
    names += ("open", "high", "low", "close", "volume")
    found = []
    with (folder / f"AAPL_{day:%Y%m%d}_1min.csv").open() as file:
        for line in csv.DictReader(file):
            starts_at = datetime.fromisoformat(line["time"])
            if "13:29" <= f"{starts_at:%H:%M}" < CLOSES:
                found.append(Row(starts_at, *(Decimal(line[name]) for name in names)))
    return found


def read_days(folder: Path) -> dict[date, list[Decimal]]:
    """Return open, high, low, close and volume of each day, as the file has them."""
    with (folder / "AAPL_1day.csv").open() as file:
        rows = csv.DictReader(file)
        names = ("open", "high", "low", "close", "volume")
        return {date.fromisoformat(r["date"]): [Decimal(r[name]) for name in names] for r in rows}


def seventh(value: Decimal) -> Decimal:
    """Return a seventh of a price, to 8 places."""
    exact = Fraction(value) / 7
    return (Decimal(exact.numerator) / exact.denominator).quantize(QUANTUM, ROUND_HALF_EVEN)


class Stay(Walk):
    """A wish as it meets Friday, and Monday in new shares: a replayed day's own rules in words."""

    def __init__(self, wish: Wish, taken: dict[tuple[Any, ...], Decimal]) -> None:
        super().__init__(wish, "realistic", taken)  # type: ignore[arg-type]

    def friday(self, rows: list[Row]) -> Fills:
        words = list(words_of(rows))
        standing = [word for word in words if word.at <= self.wish.moment][-1]
        later = [word for word in words if word.at > self.wish.moment]
        if self.limit is None:
            return list(self.market([standing, *later]))
        fills = list(self.first_look(standing))
        self.join(standing)
        return fills + [fill for word in later for fill in self.rest(word)]

    def monday(self, rows: list[Row]) -> Fills:
        words = list(words_of(rows))
        if self.wish.stop is not None:
            return list(self.market(self.awake(words)))
        return [fill for word in words for fill in self.rest(word)]


def trailed(rows: list[Row], wanted: int, mark: Decimal, gap: Decimal) -> Fills:
    """Return what a trailing sell does that comes into the day with mark; sizes are large enough.

    Prints of a minute: open, low and high (the low first when it rose), close. A print at or below
    mark - gap, down to the cent, fires it; it sells at the next new bid, the minute's close.
    """
    for row in rows:
        rose = row.close >= row.open
        for printed in (row.open, *((row.low, row.high)[:: 1 if rose else -1]), row.close):
            stop = (mark - gap) // CENT * CENT
            if printed <= stop:
                return [(Decimal(wanted), row.bid)]
            mark = max(mark, printed)
    return []


def commission(fills: Fills) -> Decimal:
    """0.005 a share, at least 1.00, at most 1 % of the value; nothing without a fill."""
    if not fills:
        return Decimal(0)
    quantity, value = sum(q for q, _ in fills), sum(q * p for q, p in fills)
    due = min(max(quantity * Decimal("0.005"), Decimal(1)), value / 100)
    return Decimal(due).quantize(CENT, ROUND_HALF_EVEN)


def provider_of(folder: Path, day: date, apple: Instrument) -> ReplayProvider:
    replayed = ReplayedInstrument("AAPL", str(apple.id), 0, apple.mic)
    return ReplayProvider(folder, day, [replayed], splits_known())


def play(world: World, trader: Trader, apple: Instrument, folder: Path, day: date) -> list[Order]:
    """Play a day, placing Friday's wishes at their moments; return what was placed."""
    provider = provider_of(folder, day, apple)
    waiting, orders = list(WISHES) if day == FRIDAY else [], []
    import_history(provider.start(world.now), as_printed=provider.is_as_printed)
    for tick in provider.ticks(datetime.combine(day, time(23, 59), UTC)):
        while waiting and waiting[0].moment < tick.as_of:
            wish = waiting.pop(0)
            world.now = wish.moment
            prices = {"limit": wish.limit, "stop": wish.stop, "trail": wish.trail}
            order = world.place(
                trader, apple, wish.side, wish.quantity, tif=wish.tif, key=wish.at, **prices
            )
            orders.append(order)
        world.now = tick.as_of
        record_quotes([tick])
        world.engine.drain(world.now, look_for_requests=False)
    flush_quotes()
    world.now = datetime.combine(day, time(23, 59), UTC)
    world.drain()
    return orders


def agree_on_split(apple: Instrument, now: datetime) -> CorporateAction:
    terms = ActionTerms(CorporateActionKind.SPLIT, MONDAY, ratio_to=7, ratio_from=1)
    proposed = propose(UserFactory(is_staff=True), apple, terms, now=now)
    return approve_action(proposed.id, UserFactory(is_staff=True), now=now)


def worth(trader: Trader) -> tuple[Decimal, Decimal]:
    """Return the account's cash and what its shares are worth, as its owner sees them."""
    (holding,) = positions_of(trader.portfolio)
    assert holding.market_value is not None
    return CashBalance.objects.get(account=trader.account).amount, holding.market_value


@pytest.mark.django_db
@pytest.mark.slow
def test_a_position_and_its_orders_over_a_real_split(
    real_data: Path, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MARKET_HOURS = "exchange"
    friday, monday = read(real_data, FRIDAY), read(real_data, MONDAY)
    close = friday[-1].close
    assert (close, monday[-1].close) == (Decimal("645.57"), Decimal("93.70"))
    with open_world(mode="exchange") as world:
        world.now = datetime(2014, 6, 6, 7, 0, tzinfo=UTC)
        trader = world.trader(cash="1000000", fees=default_fee_schedule())
        apple = InstrumentFactory(symbol="AAPL", mic="XNAS")
        action = agree_on_split(apple, world.now)
        assert action.effective_at == datetime(2014, 6, 9, 4, 0, tzinfo=UTC)  # midnight there
        orders = dict(zip(WISHES, play(world, trader, apple, real_data, FRIDAY), strict=True))
        taken: dict[tuple[Any, ...], Decimal] = {}
        bought = Stay(BUY, taken).friday(friday)
        part = Stay(PART, taken).friday(friday)
        assert_friday(orders, {BUY: bought, PART: part})
        rest = 380 - sum(q for q, _ in part)
        assert 0 < rest < 380
        held = 100 + sum(q for q, _ in part)
        cash = Decimal(1_000_000) - sum(q * p for q, p in bought + part)
        cash -= commission(bought) + commission(part)
        assert worth(trader) == (cash, held * close)

        world.now = datetime(2014, 6, 9, 3, 59, tzinfo=UTC)
        world.drain()
        assert worth(trader) == (cash, held * close)
        world.now = datetime(2014, 6, 9, 4, 0, tzinfo=UTC)
        with django_capture_on_commit_callbacks(execute=True):
            world.drain()
        assert_books_are_clean()
        assert worth(trader) == (cash, held * close)  # to the cent, at a seventh of the price
        assert_lots(bought + part)
        heirs = assert_adjusted(orders, rest, friday)
        assert_history(real_data, apple, friday[1:])

        play(world, trader, apple, real_data, MONDAY)
        assert_books_are_clean()
    assert_monday(trader, heirs, monday, held=held, cash=cash, rest=rest, close=close)
    assert_day_change(apple, world.now, close)


def assert_friday(orders: dict[Wish, Order], fills: dict[Wish, Fills]) -> None:
    for wish, order in orders.items():
        booked = Trade.objects.filter(order=order).order_by("exec_id")
        assert [(t.quantity, t.price) for t in booked] == fills.get(wish, []), wish
    assert fills[BUY]
    assert fills[PART]


def assert_lots(bought: Fills) -> None:
    """Every lot has seven times its shares and all its cost, its part of the commission too."""
    lots = list(Lot.objects.order_by("opened_at", "id"))
    assert [lot.remaining_quantity for lot in lots] == [7 * quantity for quantity, _ in bought]
    assert [lot.quantity for lot in lots] == [7 * quantity for quantity, _ in bought]
    costs = [-t.net_amount for t in Trade.objects.filter(side="buy").order_by("exec_id")]
    assert [lot.remaining_cost for lot in lots] == costs


def assert_adjusted(
    orders: dict[Wish, Order], rest: Decimal, friday: list[Row]
) -> dict[Wish, Order]:
    """Return Monday's orders; each is what its wish says, the partly filled one another order."""
    found = {wish: Order.objects.get(id=order.id) for wish, order in orders.items()}
    old = found.pop(PART)
    heir = Order.objects.get(replaces=old)
    assert (old.status, old.replaced_by, old.quantity, old.reserved) == (
        "replaced",
        heir.id,
        380,
        0,
    )
    assert (heir.quantity, heir.limit_price, heir.filled_quantity) == (
        7 * rest,
        Decimal("92.18"),
        0,
    )
    assert (heir.status, heir.priority) == ("new", old.priority)
    assert found.pop(BUY).status == "filled"
    for wish, order in found.items():
        assert order.id == orders[wish].id
        price = order.limit_price or order.trail_price or order.stop_price
        assert wish.after is not None
        assert (order.quantity, price) == (wish.after[0], Decimal(wish.after[1])), wish
    printed = [row for row in friday if row.starts_at + MINUTE > TRAIL.moment]
    mark = max(row.high for row in printed)
    trail = found[TRAIL]
    assert trail.high_water_mark is not None
    assert 0 <= Fraction(mark) / 7 - Fraction(trail.high_water_mark) < Fraction(QUANTUM)
    assert trail.stop_price == Decimal("91.60")  # 651.26 / 7 = 93.03714, less 1.43
    held = sum(order.quantity for wish, order in found.items() if wish.side == "sell")
    (holding,) = positions_of(trail.portfolio)
    assert holding.reserved_quantity == held == 7 * 49
    return {**found, PART: heir}


def assert_history(folder: Path, apple: Instrument, friday: list[Row]) -> None:
    """Every day before Monday is a seventh of what the file says, and so is every minute."""
    days = {day: row for day, row in read_days(folder).items() if day < FRIDAY}
    bars = {bar.starts_at.date(): bar for bar in Bar.objects.filter(interval="1day")}
    assert len(bars) == 401  # 400 from the file, and Friday as it was printed
    for day, bar in bars.items():
        if day != FRIDAY:
            *prices, volume = days[day]
            assert [bar.open, bar.high, bar.low, bar.close] == [seventh(p) for p in prices], day
            assert bar.volume == 7 * volume
    last = bars[FRIDAY]
    assert (last.high, last.low, last.close) == (
        seventh(max(row.high for row in friday)),
        seventh(min(row.low for row in friday)),
        seventh(friday[-1].close),
    )
    minutes = Bar.objects.filter(instrument=apple, interval="1min").order_by("starts_at")
    assert [(bar.open, bar.close, bar.volume) for bar in minutes] == [
        (seventh(row.open), seventh(row.close), 7 * row.volume) for row in friday
    ]
    quote = Quote.objects.get(instrument=apple)
    assert quote.last == seventh(friday[-1].close)


def assert_monday(
    trader: Trader,
    orders: dict[Wish, Order],
    monday: list[Row],
    *,
    held: Decimal,
    cash: Decimal,
    rest: Decimal,
    close: Decimal,
) -> None:
    """Monday's fills are those of the files, and the rest of the day is the market's move."""
    taken: dict[tuple[Any, ...], Decimal] = {}
    asked = {
        PART: Wish("", "buy", int(7 * rest), limit="92.18"),
        BID: Wish("", "buy", 70, limit="91.90"),
        LIMIT: Wish("", "sell", 140, limit="93.72"),
        STOP: Wish("", "sell", 98, stop="92.00"),
    }
    fills = {wish: Stay(new, taken).monday(monday) for wish, new in asked.items()}
    fills[TRAIL] = trailed(monday[1:], 70, Decimal("93.03714285"), Decimal("1.43"))  # 651.26 / 7
    for wish, order in orders.items():
        booked = Trade.objects.filter(order=order).order_by("exec_id")
        assert [(t.quantity, t.price) for t in booked] == fills.get(wish, []), wish
    assert all(fills.values()), "each of the five was reached on Monday"
    gained = Decimal(0)
    for wish, parts in fills.items():
        sign = -1 if wish.side == "buy" else 1
        cash += sign * sum(q * p for q, p in parts) - commission(parts)
        gained += sign * sum(q * (p - monday[-1].close) for q, p in parts) - commission(parts)
    bought = sum(q for wish in (PART, BID) for q, _ in fills[wish])
    left = 7 * held + bought - sum(q for wish in (LIMIT, STOP, TRAIL) for q, _ in fills[wish])
    assert worth(trader) == (cash, left * monday[-1].close)
    # What was held over the weekend has made what the market made of it, not a cent more or less.
    overnight = 7 * held * monday[-1].close - held * close
    assert sum(worth(trader)) - (cash_before(trader) + held * close) == overnight + gained


def cash_before(trader: Trader) -> Decimal:
    """Return the cash the account had when Friday closed, by its trades of that day."""
    trades = Trade.objects.filter(account=trader.account, trade_date=FRIDAY)
    return Decimal(1_000_000) + sum(trade.net_amount for trade in trades)


def assert_day_change(apple: Instrument, now: datetime, close: Decimal) -> None:
    """The day's change is from a seventh of Friday's close: 1.6 % up, not 85 % down."""
    shape = quote_shape(apple, latest_quotes([apple])["AAPL"], now)
    assert Decimal(shape["previous_close"]) == seventh(close)
    assert Decimal(shape["change"]) == Decimal("93.70") - seventh(close)
    assert shape["change_percent"] == "1.6001"  # 7 x 93.70 / 645.57 = 1.016001
