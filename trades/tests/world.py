"""A small market for tests: traders with real books, one engine, time that moves when told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import Account, User
from accounts.services import deposit, open_account
from accounts.tests.factories import FeeScheduleFactory
from bengi.books import check_books
from bengi.bus import TICKS, get_bus
from bengi.replay import differences, fold_log
from bengi.terms import OrderClass, OrderType, Realism, Side, TimeInForce
from instruments.board import board
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.services import record_quotes
from instruments.tests.factories import InstrumentFactory
from orders.legs import StopLoss, TakeProfit
from orders.models import Order
from orders.replacing import request_replace
from orders.services import place_order, request_cancel
from orders.tickets import OrderTicket
from portfolios.lots import Pick
from portfolios.models import Lot, Portfolio
from trades.engine import Engine
from trades.session import SessionHours

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
_keys = count(1)


def D(text: str | int | None) -> Decimal | None:  # noqa: N802 - reads like the literal it is
    return None if text is None else Decimal(text)


@dataclass
class Trader:
    """A person with an account, its first portfolio and cash that came in by the ledger."""

    user: User
    account: Account
    portfolio: Portfolio


@dataclass
class World:
    """One engine and its market. now moves only by tick() and wait()."""

    engine: Engine
    now: datetime = START
    day_range: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def trader(
        self,
        cash: str = "100000",
        fees: Any = None,
        currency: str = "USD",
        realism: Realism = Realism.REALISTIC,
    ) -> Trader:
        number = next(_keys)
        user = User.objects.create(email=f"world{number}@bengi.example", name="Trader")
        account = open_account(
            user,
            name="Cash",
            currency=currency,
            now=self.now,
            schedule=fees or FeeScheduleFactory(),
            realism=realism,
        )
        if Decimal(cash):
            deposit(account, Decimal(cash), currency, key="start", now=self.now)
        portfolio = Portfolio.objects.create(account=account, name="Main")
        return Trader(user, account, portfolio)

    def instrument(self, symbol: str = "ABC", **fields: Any) -> Instrument:
        return InstrumentFactory(symbol=symbol, **fields)

    def tick(
        self,
        instrument: Instrument,
        bid: str | None,
        ask: str | None,
        *,
        size: int = 1000,
        last: str | None = None,
        after_s: float = 1,
        heard_after_s: float = 0,
        is_nudged: bool = True,
        is_new_quote: bool = True,
        shard: int = 0,
    ) -> int:
        """Move time on, publish a quote (and print) and let the engine work it, late if told."""
        self.now += timedelta(seconds=after_s)
        price = D(last or bid or ask)
        assert price is not None
        low, high = self.day_range.get(instrument.symbol, (price, price))
        self.day_range[instrument.symbol] = (min(low, price), max(high, price))
        record_quotes(
            [
                Tick(
                    symbol=instrument.symbol,
                    instrument_id=str(instrument.id),
                    shard=shard,
                    bid=D(bid),
                    ask=D(ask),
                    bid_size=Decimal(size),
                    ask_size=Decimal(size),
                    last=price,
                    last_size=Decimal(100),
                    volume=Decimal(1000),
                    day_open=price,
                    day_high=self.day_range[instrument.symbol][1],
                    day_low=self.day_range[instrument.symbol][0],
                    previous_close=None,
                    as_of=self.now,
                    source="test",
                    is_new_quote=is_new_quote,
                    is_new_print=last is not None,
                )
            ]
        )
        if is_nudged:
            return self.wait(seconds=heard_after_s)
        return self.engine.drain(self.now, look_for_requests=False)

    def place(
        self,
        trader: Trader,
        instrument: Instrument,
        side: str,
        quantity: str | int = 0,
        *,
        notional: str | None = None,
        extended: bool = False,
        limit: str | None = None,
        stop: str | None = None,
        trail: str | None = None,
        expires_at: datetime | None = None,
        tif: str = "day",
        key: str | None = None,
        lots: Sequence[tuple[Lot, str | int]] = (),
        profit: str | None = None,
        loss: str | None = None,
        confirm: bool = True,
        drain: bool = True,
    ) -> Order:
        """Place an order and let the engine see it; return it as it stands after that.

        notional: an amount, no quantity. trail: "2" trails by a price, "2%" by percent. With profit
        or loss it gets legs: loss is a stop, "95 limit 94", or "trail 2%". A sell with a loss is
        an oco; its limit is the profit. confirm: it is meant, though it may look like the
        one before it.
        """
        kind = _kind(limit, stop, trail)
        percent = D(trail[:-1]) if trail and trail.endswith("%") else None
        if side == "sell" and loss:
            profit = limit
        ticket = OrderTicket(
            account_id=trader.account.id,
            portfolio_id=trader.portfolio.id,
            symbol=instrument.symbol,
            side=Side(side),
            type=kind,
            time_in_force=TimeInForce(tif),
            quantity=Decimal(quantity),
            limit_price=D(limit),
            stop_price=D(stop),
            trail_price=None if percent else D(trail),
            trail_percent=percent,
            expires_at=expires_at,
            client_order_id=key or f"key-{next(_keys)}",
            lots=tuple(Pick(lot.id, Decimal(quantity)) for lot, quantity in lots),
            order_class=_class(side, profit, loss),
            take_profit=TakeProfit(Decimal(profit)) if profit else None,
            stop_loss=_stop_loss(loss) if loss else None,
            confirm_duplicate=confirm,
            notional=D(notional),
            extended_hours=extended,
        )
        order = place_order(ticket, now=self.now).order
        if drain:
            self.drain()
            order.refresh_from_db()
        return order

    def legs(self, order: Order) -> dict[str, Order]:
        """Return the legs of an order's group, those in whose place others are left out."""
        found = Order.objects.filter(group_id=order.group_id).exclude(leg="")
        left = found.exclude(status__in=["replaced", "rejected"])
        return {leg.leg: leg for leg in left.order_by("id")}

    def cancel(self, trader: Trader, order: Order, *, drain: bool = True) -> Order:
        request_cancel(order.id, trader.user, now=self.now)
        if drain:
            self.drain()
        order.refresh_from_db()
        return order

    def replace(
        self,
        trader: Trader,
        order: Order,
        *,
        key: str | None = None,
        drain: bool = True,
        **changes: Any,
    ) -> Order:
        """Ask for another order in this one's place and return it; the old one is read anew."""
        asked = request_replace(order.id, trader.user, changes, key=key, now=self.now).order
        if drain:
            self.drain()
        order.refresh_from_db()
        return Order.objects.get(id=asked.id)

    def wait(self, **duration: float) -> int:
        self.now += timedelta(**duration)
        return self.drain()

    def drain(self) -> int:
        return self.engine.drain(self.now)


def _kind(limit: str | None, stop: str | None, trail: str | None) -> OrderType:
    if trail:
        return OrderType.TRAILING_STOP
    if stop:
        return OrderType.STOP_LIMIT if limit else OrderType.STOP
    return OrderType.LIMIT if limit else OrderType.MARKET


def _class(side: str, profit: str | None, loss: str | None) -> OrderClass:
    if not profit and not loss:
        return OrderClass.SIMPLE
    if side == "sell":
        return OrderClass.OCO
    return OrderClass.BRACKET if profit and loss else OrderClass.OTO


def _stop_loss(words: str) -> StopLoss:
    """Return what "95", "95 limit 94", "trail 2" or "trail 2%" asks for."""
    first, *rest = words.split()
    if first == "trail":
        percent = rest[0].removesuffix("%") if rest[0].endswith("%") else None
        return StopLoss(trail_price=None if percent else D(rest[0]), trail_percent=D(percent))
    return StopLoss(stop_price=D(first), limit_price=D(rest[1]) if rest else None)


@contextmanager
def open_world(mode: str = "always") -> Iterator[World]:
    """Give a world whose engine hears the bus, and close it again."""
    engine = Engine(0, hours=SessionHours(mode))  # type: ignore[arg-type]
    unsubscribe = get_bus().subscribe(TICKS, engine.on_ticks)
    board.clear()
    try:
        yield World(engine)
    finally:
        unsubscribe()
        board.clear()


def assert_books_are_clean() -> None:
    """Assert every invariant that is a query, and that the events fold to the tables."""
    wrong = {name: lines for name, lines in check_books().items() if lines}
    assert not wrong, wrong
    assert list(differences(fold_log())) == []
