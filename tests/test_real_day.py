"""Orders on a recorded day: every fill is checked against the quotes that stand in the files.

SPY, IBM and BAC of 2013-10-07 are replayed through the real provider, engine and books, once in
each realism profile. What the fills should be is worked out here from the CSV rows alone, by the
rules in words: a quote is new when a minute closes, its displayed size is all there is until the
next minute closes (instant: any size), a market order takes it and waits for more, a limit order
takes only what its limit allows and then rests by the rules of its profile, a stop wakes on a print
and is a market order from the next new quote on. Harsh orders arrive a quarter of a second late.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from accounts.models import CashBalance
from accounts.services import default_fee_schedule
from bengi.terms import Realism
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

    starts_at: datetime
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True)
class Word:
    """What the market says at a moment: the closing quote of a minute, and a print if there is one.

    volume: what traded with the print, 0 where the file does not tell.
    """

    at: datetime
    quote: Row
    is_new: bool
    last: Decimal | None
    volume: Decimal = Decimal(0)


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
        return moment_of(self.at)

    @property
    def terms(self) -> dict[str, str | None]:
        return {"limit": self.limit, "stop": self.stop, "tif": self.tif}


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(f"{DAY}T{text}+00:00").astimezone(UTC)


WISHES = [
    Wish("13:45:30", "BAC", "buy", 17_000, tif="day"),
    Wish("13:50:30", "BAC", "sell", 500, stop="13.80"),
    Wish("14:00:30", "SPY", "buy", 1_400),
    Wish("14:05:30", "IBM", "buy", 700, limit="182.60"),
    Wish("14:16:30", "BAC", "buy", 3_000, limit="13.92"),
    Wish("14:19:30", "BAC", "sell", 2_000, limit="13.93"),
    Wish("14:20:30", "BAC", "buy", 1_000, limit="13.91"),
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
                    starts_at,
                    Decimal(line["bid_close"]),
                    Decimal(line["bid_size"]),
                    Decimal(line["ask_close"]),
                    Decimal(line["ask_size"]),
                    *(Decimal(line[name]) for name in ("open", "high", "low", "close", "volume")),
                )
            )
    return found


def words_of(rows: list[Row]) -> Iterator[Word]:
    """Yield what the replay says of the minutes, from the second one on.

    The quote that closed the minute before stands until the minute's own close. The first print is
    the open; at 20 and 40 seconds come low and high (high and low where the minute fell), unless
    the open was that price; the close comes last, with the volume.
    """
    for before, row in pairwise(rows):
        rose = row.close >= row.open
        extremes = (row.low, row.high) if rose else (row.high, row.low)
        prints = {0: row.open, 20: extremes[0], 40: extremes[1]}
        for second in range(0, 60, 10):
            price = prints.get(second)
            is_print = price is not None and (second == 0 or price != row.open)
            at = row.starts_at + timedelta(seconds=second)
            yield Word(at, before, False, price if is_print else None)
        yield Word(row.starts_at + CLOSE_OF_MINUTE, row, True, row.close, row.volume)


class Walk:
    """One wish as it meets the words. taken: what has been used of each minute's closing sizes."""

    def __init__(self, wish: Wish, profile: str, taken: dict[tuple, Decimal]) -> None:
        self.wish, self.profile, self.taken = wish, profile, taken
        self.left = Decimal(wish.quantity)
        self.limit = None if wish.limit is None else Decimal(wish.limit)
        self.queue: Decimal | None = None
        self.buys = wish.side == "buy"

    def fills(self, words: list[Word]) -> Iterator[tuple[Decimal, Decimal]]:
        """Yield (quantity, price) by the rules in words."""
        there_at = self.wish.moment + timedelta(milliseconds=250 * (self.profile == "harsh"))
        standing = [word for word in words if word.at <= self.wish.moment][-1]
        later = [word for word in words if word.at >= there_at and word.at > self.wish.moment]
        if self.wish.stop is not None:
            yield from self.market(self.awake(later))
            return
        looks = later if self.profile == "harsh" else [standing, *later]
        if self.limit is None:
            yield from self.market(looks)
            return
        yield from self.first_look(looks[0])
        if self.left and self.wish.tif == "day":
            self.join(looks[0])
            for word in looks[1:]:
                yield from self.rest(word)

    def awake(self, words: list[Word]) -> list[Word]:
        """Return the words from the first new quote after the print that woke a sell stop."""
        fired = [n for n, w in enumerate(words) if w.last and w.last <= Decimal(self.wish.stop)]
        rest = words[fired[0] + 1 :] if fired else []
        new = [n for n, word in enumerate(rest) if word.is_new]
        return rest[new[0] :] if new else []

    def market(self, words: list[Word]) -> Iterator[tuple[Decimal, Decimal]]:
        for word in words:
            yield from self.take(word, self.price(word))

    def first_look(self, word: Word) -> Iterator[tuple[Decimal, Decimal]]:
        if self.is_good(self.price(word)):
            if self.wish.tif == "fok" and self.size(word) < self.left:
                return
            yield from self.take(word, self.price(word))

    def rest(self, word: Word) -> Iterator[tuple[Decimal, Decimal]]:
        offer, limit, last = self.price(word), self.limit, word.last
        if self.profile == "instant":
            if self.is_good(offer):
                yield from self.take(word, offer)
            elif last is not None and self.is_good(last):
                yield from self.take(word, limit)
            return
        if self.is_beyond(offer) or (last is not None and self.is_beyond(last)):
            self.queue = Decimal(0)
            yield from self.take(word, offer if self.is_good(offer) else limit, self.printed(word))
            return
        if self.profile == "harsh":
            return
        self.join(word)
        ahead = self.queue or Decimal(0)
        if last == limit:
            self.queue = max(Decimal(0), ahead - word.volume)
        if offer == limit and not self.queue:
            yield from self.take(word, limit)
        elif last == limit and (word.volume > ahead or not ahead):
            most = word.volume - ahead if word.volume else None
            yield from self.take(word, limit, most)

    def printed(self, word: Word) -> Decimal | None:
        """Return the most that a print gives: what it was, if that is told and no quote gives."""
        return None if self.is_good(self.price(word)) or not word.volume else word.volume

    def join(self, word: Word) -> None:
        """Stand behind what is displayed at the limit; nobody is there once the market left it."""
        quote = word.quote
        own, size = (quote.bid, quote.bid_size) if self.buys else (quote.ask, quote.ask_size)
        if own == self.limit:
            self.queue = size if self.queue is None else self.queue
        elif self.is_beyond(own):
            self.queue = Decimal(0)

    def take(
        self, word: Word, price: Decimal, most: Decimal | None = None
    ) -> Iterator[tuple[Decimal, Decimal]]:
        quantity = min(self.left, self.size(word), *([] if most is None else [most]))
        if quantity:
            if self.profile != "instant":
                key = self.key(word)
                self.taken[key] = self.taken.get(key, Decimal(0)) + quantity
            self.left -= quantity
            yield quantity, price

    def key(self, word: Word) -> tuple:
        return self.wish.symbol, self.wish.side, word.quote.starts_at

    def size(self, word: Word) -> Decimal:
        if self.profile == "instant":
            return self.left
        shown = word.quote.ask_size if self.buys else word.quote.bid_size
        return shown - self.taken.get(self.key(word), Decimal(0))

    def price(self, word: Word) -> Decimal:
        return word.quote.ask if self.buys else word.quote.bid

    def is_good(self, price: Decimal) -> bool:
        return price == self.limit or self.is_beyond(price)

    def is_beyond(self, price: Decimal) -> bool:
        assert self.limit is not None
        return price < self.limit if self.buys else price > self.limit


def expected(folder: Path, profile: str) -> dict[Wish, list[tuple[Decimal, Decimal]]]:
    """Return the fills of every wish of the day."""
    words = {symbol: list(words_of(read(folder, symbol))) for symbol in ("SPY", "IBM", "BAC")}
    taken: dict[tuple, Decimal] = {}
    return {wish: list(Walk(wish, profile, taken).fills(words[wish.symbol])) for wish in WISHES}


def commission(fills: list[tuple[Decimal, Decimal]]) -> Decimal:
    """0.005 a share, at least 1.00, at most 1 % of the value; nothing without a fill."""
    quantity = sum(q for q, _ in fills)
    value = sum(q * p for q, p in fills)
    due = min(max(quantity * Decimal("0.005"), Decimal(1)), value / 100) if fills else Decimal(0)
    return Decimal(due).quantize(CENT, ROUND_HALF_EVEN)


def play(
    world: World, trader: Trader, folder: Path, wishes: Sequence[Any], end: datetime
) -> list[Order]:
    """Play the day up to end, placing each wish at its moment; return the orders as they ended."""
    mics = {"SPY": "ARCX", "IBM": "XNYS", "BAC": "XNYS"}
    symbols = {wish.symbol for wish in wishes}
    listed = {each: InstrumentFactory(symbol=each, mic=mics[each]) for each in sorted(symbols)}
    provider = ReplayProvider(folder, DAY, [replayed(each) for each in listed.values()])
    waiting, orders = list(wishes), []
    provider.start(world.now)
    for tick in provider.ticks(end):
        while waiting and waiting[0].moment < tick.as_of:
            wish = waiting.pop(0)
            world.now = wish.moment
            instrument = listed[wish.symbol]
            orders.append(world.place(trader, instrument, wish.side, wish.quantity, **wish.terms))
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
@pytest.mark.parametrize("profile", ["instant", "realistic", "harsh"])
def test_fills_cash_and_lots_of_a_recorded_day(real_data: Path, profile: str) -> None:
    with open_world(mode="exchange") as world:
        world.now = datetime(2013, 10, 7, 8, 0, tzinfo=UTC)
        fees = default_fee_schedule()
        trader = world.trader(cash="1000000", fees=fees, realism=Realism(profile))
        orders = play(world, trader, real_data, WISHES, end=moment_of("20:30:00"))
        assert_books_are_clean()

    fills = expected(real_data, profile)
    for wish, order in zip(WISHES, orders, strict=True):
        booked = Trade.objects.filter(order=order).order_by("exec_id")
        assert [(t.quantity, t.price) for t in booked] == fills[wish], wish
        assert order.commission == commission(fills[wish]), wish
        assert order.realism == profile
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


def test_the_day_tells_the_profiles_apart(real_data: Path) -> None:
    """It has something of everything: at once, in parts, later, never; and touches of each kind."""
    instant, realistic, harsh = (
        list(expected(real_data, profile).values()) for profile in ("instant", "realistic", "harsh")
    )
    assert {len(fills) for fills in instant} == {0, 1}, "any size, at once"
    assert max(len(fills) for fills in realistic) >= 5
    assert sum(not fills for fills in realistic) == 2
    assert sum(not fills for fills in harsh) > 2, "what was only touched"
    queued = WISHES.index(Wish("14:20:30", "BAC", "buy", 1_000, limit="13.91"))
    assert realistic[queued] == [(Decimal(1_000), Decimal("13.91"))]
