"""The trigger book against a SortedKeyList: a million stops asleep, one tick in a hundred fires."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from sortedcontainers import SortedKeyList

from benchmarks.table import Line, cpu_seconds, report
from bengi.terms import OrderType, Side, TimeInForce
from trades.matching.triggers import TriggerBook
from trades.matching.working import WorkingOrder

SEED = 7
SYMBOLS = 1_000
STOPS_PER_SYMBOL = 1_000
TICKS = 300_000
FIRING_PERCENT = 1
ROUNDS = 30
MIDDLE = 100 * 10**8
TICK = 10**6

Tick = tuple[int, int]
"""(symbol, last price)."""


class SortedTriggers:
    """The baseline: stops of a symbol in two sorted lists, the nearest looked up at every tick."""

    def __init__(self) -> None:
        self._buys = SortedKeyList(key=lambda order: (order.stop, order.priority))
        self._sells = SortedKeyList(key=lambda order: (-order.stop, order.priority))

    def add(self, order: WorkingOrder) -> None:
        (self._buys if order.side is Side.BUY else self._sells).add(order)

    def fire(self, last: int) -> list[WorkingOrder]:
        fired = []
        while self._buys and self._buys[0].stop <= last:
            fired.append(self._buys.pop(0))
        while self._sells and self._sells[0].stop >= last:
            fired.append(self._sells.pop(0))
        return fired


def stops(symbol: int) -> list[WorkingOrder]:
    """Return a symbol's stops: sells below the middle and buys above it, one to a price."""
    half = STOPS_PER_SYMBOL // 2
    return [
        _stop(f"{symbol}-{side}-{place}", side, MIDDLE + sign * (place + 1) * TICK, place)
        for side, sign in ((Side.BUY, 1), (Side.SELL, -1))
        for place in range(half)
    ]


def _stop(order_id: str, side: Side, price: int, priority: int) -> WorkingOrder:
    return WorkingOrder(
        id=order_id,
        account_id="a",
        side=side,
        type=OrderType.STOP,
        time_in_force=TimeInForce.GTC,
        leaves=10**8,
        limit=None,
        stop=price,
        cap=None,
        priority=priority,
    )


def ticks() -> list[Tick]:
    """Return ticks of random symbols: one in a hundred reaches the nearest sleeping stop."""
    draw = random.Random(SEED)
    high, low = [MIDDLE] * SYMBOLS, [MIDDLE] * SYMBOLS
    found = []
    for _ in range(TICKS):
        symbol = draw.randrange(SYMBOLS)
        if draw.random() * 100 >= FIRING_PERCENT:
            last = draw.randrange(low[symbol], high[symbol] + 1, TICK)
        elif draw.random() < 0.5:
            last = high[symbol] = high[symbol] + TICK
        else:
            last = low[symbol] = low[symbol] - TICK
        found.append((symbol, last))
    return found


def fill(make_book: Callable[[], Any]) -> list[Any]:
    """Return one book per symbol with all its stops asleep."""
    books = [make_book() for _ in range(SYMBOLS)]
    for symbol, book in enumerate(books):
        for order in stops(symbol):
            book.add(order)
    return books


def play_sorted(books: list[SortedTriggers], ticks: Sequence[Tick]) -> int:
    """Return how many stops the ticks fire."""
    fired = 0
    for symbol, last in ticks:
        fired += len(books[symbol].fire(last))
    return fired


def play_heaps(books: list[TriggerBook], ticks: Sequence[Tick]) -> int:
    """Return how many stops the ticks fire, looking at the nearest triggers as a Market does."""
    fired = 0
    for symbol, last in ticks:
        book = books[symbol]
        if not book.sell_at < last < book.buy_at:
            fired += len(book.fire(last))
    return fired


def run() -> None:
    """Measure both books in one run, round by round on the same ticks, and report the best."""
    work = ticks()
    lists, heaps = fill(SortedTriggers), fill(TriggerBook)
    timed, fired = [], 0
    size = TICKS // ROUNDS
    for start in range(0, TICKS, size):
        part = work[start : start + size]
        counts: list[int] = []
        slow = cpu_seconds(lambda: counts.append(play_sorted(lists, part)))  # noqa: B023
        fast = cpu_seconds(lambda: counts.append(play_heaps(heaps, part)))  # noqa: B023
        assert counts[0] == counts[1], f"{counts[1]} stops fired, the baseline fired {counts[0]}"
        timed.append((slow, fast))
        fired += counts[1]
    baseline = size / min(slow for slow, _ in timed)
    heap = size / min(fast for _, fast in timed)
    report(
        "triggers",
        f"Triggers, {SYMBOLS * STOPS_PER_SYMBOL:,} stops over {SYMBOLS:,} symbols, "
        f"{fired / TICKS:.1%} of {TICKS:,} ticks fire",
        [
            Line("SortedKeyList", baseline, "tick/CPU s"),
            Line("trigger book", heap, "tick/CPU s", heap / baseline, ">= 5 M"),
        ],
    )
