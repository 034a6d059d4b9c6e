"""The price ladder against a SortedDict book: adds, cancels and matches on one instrument."""

import random
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

from benchmarks.sorted_book import SortedBook
from benchmarks.table import Line, cpu_seconds, report
from bengi.terms import OrderType, Side, TimeInForce
from trades.matching.book import Book
from trades.matching.working import WorkingOrder

SEED = 7
RESTING = 1_000
OPERATIONS = 20_000
ROUNDS = 20
MIDDLE = 100 * 10**8
TICK = 10**6
SHARE = 10**8

Step = tuple[str, tuple[Any, ...]]


class Work:
    """Steps on a book of stable depth: 50 % adds, 35 % cancels, 15 % matches of 1 to 20 shares."""

    def __init__(self, resting: int, operations: int) -> None:
        self._draw = random.Random(SEED)
        self._book = Book()
        self._count = 0
        self._live: list[str] = []
        self.opening = [self._add() for _ in range(resting)]
        self.steps = [self._step() for _ in range(operations)]

    def _step(self) -> Step:
        dice = self._draw.random()
        if dice < 0.50 or len(self._book) < RESTING // 2:
            return self._add()
        if dice < 0.85:
            return self._cancel()
        side, quantity = self._side(), self._draw.randint(1, 20) * SHARE
        self._book.take(side, quantity, None, "taker")
        return "take", (side, quantity, None, "taker")

    def _add(self) -> Step:
        """Rest an order some ticks away from the middle, most of them near it."""
        self._count += 1
        side = self._side()
        ticks = 1 + min(int(self._draw.expovariate(1 / 30)), 400)
        order = WorkingOrder(
            id=f"o{self._count}",
            account_id=f"a{self._count % 997}",
            side=side,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            leaves=self._draw.randint(1, 20) * SHARE,
            limit=MIDDLE + (-ticks if side is Side.BUY else ticks) * TICK,
            stop=None,
            cap=None,
            priority=self._count,
        )
        self._book.add(copy(order))
        self._live.append(order.id)
        return "add", (order,)

    def _cancel(self) -> Step:
        """Cancel a live order, young ones more often than old ones."""
        while True:
            age = int(self._draw.expovariate(4 / len(self._live)))
            order_id = self._live.pop(-1 - min(age, len(self._live) - 1))
            if self._book.cancel(order_id) is not None:
                return "cancel", (order_id,)

    def _side(self) -> Side:
        return self._draw.choice((Side.BUY, Side.SELL))


def seconds(make_book: Callable[[], Any], work: Work) -> float:
    """Return the CPU seconds of one book for all steps of work."""
    book = make_book()
    for _, (order,) in work.opening:
        book.add(copy(order))
    calls = [(getattr(book, name), _fresh(arguments)) for name, arguments in work.steps]

    def play() -> None:
        for call, arguments in calls:
            call(*arguments)

    return cpu_seconds(play)


def _fresh(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Orders are counted down by the book that works them; each round gets its own."""
    first, *rest = arguments
    return (copy(first), *rest) if isinstance(first, WorkingOrder) else arguments


def rounds(work: Work) -> Iterator[tuple[float, float]]:
    """Yield seconds of (baseline, ladder), turn by turn so that both meet the same weather."""
    for _ in range(ROUNDS):
        yield seconds(SortedBook, work), seconds(Book, work)


def run() -> None:
    """Measure both books in one run, the best round of each, and report them."""
    timed = list(rounds(Work(RESTING, OPERATIONS)))
    baseline = OPERATIONS / min(seconds for seconds, _ in timed)
    ladder = OPERATIONS / min(seconds for _, seconds in timed)
    report(
        "matcher",
        f"Matching, one symbol, {RESTING} resting: 50 % adds, 35 % cancels, 15 % matches",
        [
            Line("SortedDict book", baseline, "op/CPU s"),
            Line("price ladder", ladder, "op/CPU s", ladder / baseline, ">= 1.3 M, >= 2 x"),
        ],
    )
