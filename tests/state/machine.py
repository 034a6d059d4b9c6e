"""The state machine: moves drawn by hypothesis, made on the model and on the product alike.

Prices, quantities and keys are few, so that edges meet and keys come again. The moves stand in
files of their own, by who makes them; here is what they share, and what must hold after each.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from bengi.books import check_books
from bengi.replay import differences, fold_log
from tests.state.invariants import violations
from tests.state.moves_clock import ClockMoves
from tests.state.moves_desk import DeskMoves
from tests.state.moves_groups import GroupMoves
from tests.state.moves_issuers import IssuerMoves
from tests.state.moves_market import MarketMoves
from tests.state.moves_orders import OrderMoves
from tests.state.moves_people import PeopleMoves
from tests.state.plain_terms import CENT, PlainOrder, PlainTick, Ticket
from tests.state.reading import Reading
from tests.state.stage import FED, Stage, quote

SCALED = {"limit", "stop", "trail", "bid", "ask", "last", "low", "high"}
"""Prices of wishes and ticks: a split of 2 for 1 halves them."""

FULL_CHECK_OF = 30
"""check_books and the replay run at the end of each walk, after every step of one in so many."""


class Broker(
    OrderMoves,
    PeopleMoves,
    MarketMoves,
    ClockMoves,
    IssuerMoves,
    DeskMoves,
    GroupMoves,
    RuleBasedStateMachine,
):
    """One example. stage is set by who runs it; seen counts what the examples came across."""

    stage: Stage
    seen: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.here = self.stage.copy()
        self.model, self.product = self.here.model, self.here.product
        self.product.start()
        self.steps = self.sessions = self.count = 0
        self.is_thorough = False
        self.ticks: list[PlainTick] = []
        self.last_ticket: Ticket | None = None
        self.orders_before = len(self.model.orders)
        self.bookings_before = self.model.books.bookings
        self.hear(quote(FED, "9.99", "10.01", 3, self.now))

    @initialize(draw=st.integers(1, FULL_CHECK_OF))
    def choose(self, *, draw):
        """Say whether this walk is one of those that are checked to the last row at every step."""
        self.is_thorough = draw == FULL_CHECK_OF

    def teardown(self) -> None:
        try:
            self._compare()
            self._complain()
            for name in self.model.books.accounts:
                assert self.product.equity(name, self.now) == self.model.equity(name), name
            self._count_what_was_seen()
        finally:
            self.product.stop()
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    @invariant()
    def agrees(self):
        """What the books say is what the model says, and every invariant holds."""
        self.steps += 1
        self._compare()
        if self.is_thorough:
            self._complain()

    def _compare(self) -> None:
        reading = Reading(self.product)
        for kind, expected in self.model.seen().items():
            found = reading.seen[kind]
            assert found == expected, f"{kind}: {differing(found, expected)}"
        for wrong in (reading.crossed, violations()):
            assert not wrong, wrong

    def _complain(self) -> None:
        found = complaints()
        assert not found, found

    def _count_what_was_seen(self) -> None:
        for order in self.new_orders:
            self.seen.update([order.status, f"{order.type} {order.tif}"])
            self.seen.update(["fired"] * order.triggered)
            if order.leg:
                self.seen[f"{order.group.kind} {order.leg} {order.status}"] += 1
        self.seen["trades"] += self.model.books.bookings - self.bookings_before
        self.seen["violations"] += sum(
            len(a.violations) for a in self.model.books.accounts.values()
        )
        self.seen["steps"] += self.steps
        self.seen["dividends"] += sum(a.status == "paid" for a in self.model.actions)
        self.seen["carried on"] += sum(o.key.startswith("split-") for o in self.new_orders)
        for action in self.model.actions:
            if action.is_split and action.status == "applied":
                self.seen["reverse split" if action.is_reverse else "split"] += 1
        self.seen["thorough walks"] += self.is_thorough

    # --- what moves are made of

    @property
    def now(self) -> datetime:
        return self.here.now

    @property
    def new_orders(self) -> list[PlainOrder]:
        """Those that came with this walk."""
        return list(self.model.orders.values())[self.orders_before :]

    def pass_time(self, seconds: float) -> None:
        self.here.now += timedelta(seconds=seconds)

    def who(self, name: str) -> str:
        """Return the name, or somebody else's where nobody of that name has come yet."""
        return name if name in self.model.books.accounts else "ann"

    def place(
        self,
        name: str,
        key: str | None,
        *wanted: Any,
        after: int,
        is_soon: bool = True,
        **prices: Any,
    ) -> None:
        """Place an order after some seconds. wanted: symbol, side, type, tif, quantity."""
        self.pass_time(after)
        self.count += 1
        prices = self.in_todays_shares(wanted[0], prices)
        ticket = Ticket(self.who(name), key or f"key-{self.count}", *wanted, **prices)
        self.ask(ticket)
        self.last_ticket = ticket
        self.drain(is_soon)

    def ask(self, ticket: Ticket) -> None:
        expected = self.model.place(ticket, self.now)
        found = self.product.place(ticket, self.now)
        assert found == expected, f"{found} for {expected}: {ticket}"
        self.seen.update(expected)

    def in_todays_shares(self, symbol: str, wishes: dict[str, Any]) -> dict[str, Any]:
        """Return what is wished with its prices in the shares that there are since the splits."""
        scale = self.model.scale(symbol, self.now)
        if scale == 1:
            return wishes
        return {
            name: (value / scale).quantize(CENT) if name in SCALED and value else value
            for name, value in wishes.items()
        }

    def expiry(self, tif: str, seconds: int) -> datetime | None:
        """Return when an order that says so is over."""
        return self.now + timedelta(seconds=seconds) if tif == "gtd" else None

    def hear(self, tick: PlainTick, is_soon: bool = True) -> None:
        prices = {name: getattr(tick, name) for name in ("bid", "ask", "last", "low", "high")}
        tick = replace(tick, **self.in_todays_shares(tick.symbol, prices))
        self.product.record(tick)
        self.model.record(tick)
        self.ticks.append(tick)
        self.drain(is_soon)

    def quote(self, size: int | None) -> None:
        """Let the market offer so much on both sides, a second from now; None: let it be."""
        if size is not None:
            self.pass_time(1)
            self.hear(quote(FED, "9.99", "10.01", size, self.now))

    def drain(self, is_soon: bool = True) -> None:
        if is_soon:
            self.product.drain(self.now)
            self.model.engine.drain(self.now)


def complaints() -> list[str]:
    """Return every line of check_books, and every difference between events and tables."""
    wrong = [line for lines in check_books().values() for line in lines]
    return [*wrong, *differences(fold_log())]


def differing(found: dict, expected: dict) -> dict:
    """Return {key: (found, expected)} of what differs."""
    keys = found.keys() | expected.keys()
    pairs = {key: (found.get(key), expected.get(key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
