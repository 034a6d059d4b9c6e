"""A recorded day before its opening and after its close: who fills on its quotes, and who waits.

SPY and IBM of 2013-10-07 are replayed through provider, engine and books. What must come of each
order is worked out here from the CSV rows alone: outside of the session (13:30 to 20:00 UTC) a
minute shows its closing quote, once; an order with extended hours takes of it what its limit
allows. Any other waits for the session, whose minutes have prints too: one beyond its limit
fills it there. All bid more than the market does, so nobody stands before them in a queue.
"""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.test_real_day import (
    CLOSE_OF_MINUTE,
    CLOSES,
    DAY,
    OPENS,
    Word,
    moment_of,
    play,
    read,
    words_of,
)
from trades.tests.world import assert_books_are_clean, open_world

NIGHT = datetime(2013, 10, 8, 0, 0, tzinfo=UTC)
D = Decimal
Fills = list[tuple[datetime, Decimal, Decimal]]


@dataclass(frozen=True)
class Wish:
    """A limit buy to be placed at a moment of the day (UTC)."""

    at: str
    symbol: str
    quantity: int
    limit: str
    extended: bool
    tif: str = "day"

    side = "buy"

    @property
    def moment(self) -> datetime:
        return moment_of(self.at)

    @property
    def terms(self) -> dict[str, Any]:
        return {"limit": self.limit, "extended": self.extended, "tif": self.tif}


WISHES = [
    Wish("11:00:30", "SPY", 1_400, "167.40", extended=True),
    Wish("11:00:31", "SPY", 1_400, "167.40", extended=False),
    Wish("12:00:30", "IBM", 150, "181.80", extended=True, tif="gtc"),
    Wish("13:20:30", "SPY", 500, "167.30", extended=True),
    Wish("20:07:30", "SPY", 1_100, "167.26", extended=True),
    Wish("20:07:31", "SPY", 100, "167.40", extended=False, tif="gtc"),
    Wish("21:30:30", "IBM", 100, "170.00", extended=True),
]


@dataclass(frozen=True)
class Offer:
    """What a buyer is shown at a moment; minute names the quote, whose size is there once."""

    at: datetime
    minute: datetime
    ask: Decimal
    size: Decimal
    last: Decimal | None = None
    volume: Decimal = Decimal(0)

    def met_by(self, limit: Decimal) -> tuple[Decimal | None, Decimal]:
        """Return (price, how much at most) for a resting buy; no price: it is not met."""
        if self.ask <= limit:
            return self.ask, self.size
        is_through = self.last is not None and self.last < limit
        return limit if is_through else None, min(self.size, self.volume or self.size)


def offers(folder: Path, symbol: str) -> list[Offer]:
    """Return the day's offers by moment: closing quotes outside of the session, words inside."""
    found = [
        Offer(word.at, word.quote.starts_at, word.quote.ask, word.quote.ask_size, *prints(word))
        for word in words_of(read(folder, symbol))
    ]
    with (folder / f"{symbol}_{DAY:%Y%m%d}_1min.csv").open() as file:
        for line in csv.DictReader(file):
            bid, ask = line["bid_close"], line["ask_close"]
            if ask and Decimal(bid) <= Decimal(ask):  # a crossed quote is nobody's
                minute = datetime.fromisoformat(line["time"])
                if not OPENS < f"{minute:%H:%M}" < CLOSES:
                    at = minute + CLOSE_OF_MINUTE
                    found.append(Offer(at, minute, Decimal(ask), Decimal(line["ask_size"])))
    return sorted(found, key=lambda offer: offer.at)


def prints(word: Word) -> tuple[Decimal | None, Decimal]:
    return word.last, word.volume


def expected_fills(folder: Path, wish: Wish, taken: dict[Any, Decimal]) -> Fills:
    """Return (moment, quantity, price). taken: of each quote, by those who came before."""
    left, found = Decimal(wish.quantity), []
    for offer in offers(folder, wish.symbol):
        is_session = OPENS <= f"{offer.at:%H:%M}" < CLOSES
        if offer.at < wish.moment or not (is_session or wish.extended):
            continue
        price, most = offer.met_by(D(wish.limit))
        gone = taken.get((wish.symbol, offer.minute), D(0))
        quantity = min(left, most, offer.size - gone)
        if price is not None and quantity > 0:
            taken[wish.symbol, offer.minute] = gone + quantity
            left -= quantity
            found.append((offer.at, quantity, price))
    return found


@pytest.mark.django_db
@pytest.mark.slow
def test_extended_hours_of_a_recorded_day(real_data: Path, settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        world.now = datetime(2013, 10, 7, 8, 0, tzinfo=UTC)
        trader = world.trader(cash="3000000")
        orders = play(world, trader, real_data, WISHES, end=NIGHT)
        assert_books_are_clean()
    taken: dict[Any, Decimal] = {}
    expected = {wish: expected_fills(real_data, wish, taken) for wish in WISHES}
    for wish, order in zip(WISHES, orders, strict=True):
        booked = order.trades.order_by("executed_at", "exec_id")
        seen = [(t.executed_at, t.quantity, t.price) for t in booked]
        assert seen == expected[wish], wish
    # Something of everything: in the morning, at the opening, in the evening, in parts, never.
    moments = {
        wish: [f"{moment:%H:%M}" for moment, *_ in fills] for wish, fills in expected.items()
    }
    assert moments[WISHES[0]] == ["11:01", "11:12"]
    assert moments[WISHES[1]] == ["13:31"]
    assert moments[WISHES[2]] == ["12:18", "12:19"]
    assert moments[WISHES[4]] == ["20:09", "20:10"]
    assert [moments[WISHES[n]] for n in (5, 6)] == [[], []]
    assert [order.status for order in orders[4:]] == ["filled", "accepted", "expired"]
    assert orders[6].closed_at == NIGHT
