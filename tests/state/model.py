"""The model: a whole broker in plain Decimals, judged against the real one after every step.

Nothing of the project is imported here, and a test holds that. docs/trading-rules.md is the source.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

from tests.state.plain_books import PlainAccount, PlainBooks, capped_price, worst_cost
from tests.state.plain_market import IMMEDIATE, ZERO, PlainMarket, PlainOrder, PlainTick

MAX_AGE = timedelta(seconds=15)
TICK_SIZE = Decimal("0.01")
COLLAR = Decimal("0.10")
OPEN_MAX = 20
EUROS_A_DOLLAR = Decimal("0.87")
NEW_YORK = ZoneInfo("America/New_York")
SATURDAY = 5


@dataclass
class PlainInstrument:
    """hours: "new york" or "always"; levy: what regulators take of each share sold there."""

    has_feed: bool
    hours: str
    step: Decimal
    levy: Decimal
    is_halted: bool = False


@dataclass(frozen=True)
class Ticket:
    """What a trader asks for."""

    account: str
    key: str
    symbol: str
    side: str
    type: str
    tif: str
    quantity: Decimal
    limit: Decimal | None = None
    stop: Decimal | None = None

    @property
    def body(self) -> tuple:
        prices = (self.limit, self.stop)
        return (self.symbol, self.side, self.type, self.tif, self.quantity, *prices)


class Model:
    """Everything a broker knows, and one engine's memory of the market."""

    def __init__(self) -> None:
        self.books = PlainBooks()
        self.instruments: dict[str, PlainInstrument] = {}
        self.orders: dict[tuple[str, str], PlainOrder] = {}
        self.board: dict[str, PlainTick] = {}
        self.markets: dict[str, PlainMarket] = {}
        self.unseen: dict[str, PlainTick] = {}
        self.queue: list[PlainTick] = []
        self.batches = 0

    # --- what people do

    def open_account(self, name: str, fees: tuple) -> None:
        self.books.accounts[name] = PlainAccount(fees)

    def deposit(self, name: str, amount: Decimal) -> None:
        self.books.accounts[name].cash += amount

    def withdraw(self, name: str, amount: Decimal, now: datetime) -> set[str]:
        """Pay out settled cash that no order holds."""
        account = self.books.accounts[name]
        if amount > account.settled(now) - self.reserved_cash(name):
            return {"insufficient_available"}
        account.cash -= amount
        return set()

    def convert(self, name: str, amount: Decimal, into: str, now: datetime) -> set[str]:
        """Change dollars into euros or back; what is less than a cent stays with the house."""
        account = self.books.accounts[name]
        if into == "USD":
            if amount > (account.euros or ZERO):
                return {"insufficient_available"}
            account.euros -= amount
            account.cash += (amount / EUROS_A_DOLLAR).quantize(TICK_SIZE, rounding=ROUND_DOWN)
            return set()
        worth = (amount * EUROS_A_DOLLAR).quantize(TICK_SIZE, rounding=ROUND_DOWN)
        codes = self.withdraw(name, amount if worth else ZERO, now)
        if not codes and worth:
            account.euros = (account.euros or ZERO) + worth
        return codes if worth else {"invalid_amount"}

    def place(self, ticket: Ticket, now: datetime) -> set[str]:
        """Take an order, or return the codes of all that speaks against it."""
        known = self.orders.get((ticket.account, ticket.key))
        if known is not None:
            return set() if known.body == ticket.body else {"idempotency_mismatch"}
        order = PlainOrder(
            number=len(self.orders),
            key=ticket.key,
            account=ticket.account,
            symbol=ticket.symbol,
            side=ticket.side,
            type=ticket.type,
            tif=ticket.tif,
            quantity=ticket.quantity,
            limit=ticket.limit,
            stop=ticket.stop,
            cap=None,
            accepted_at=now,
            updated_at=now,
        )
        bid, ask, last, is_fresh = self.prices(ticket.symbol, now)
        if order.side == "buy" and order.type != "limit":
            order.cap = capped_price([ask, order.stop])
        codes = set(self._refusals(order, bid, ask, last, is_fresh))
        if not codes:
            if order.side == "buy":
                order.reserved = worst_cost(self.books.accounts[order.account].fees, order)
            self.orders[order.account, order.key] = order
        return codes

    def _refusals(self, order: PlainOrder, bid, ask, last, is_fresh):
        instrument = self.instruments[order.symbol]
        if instrument.is_halted:
            yield "symbol_halted"
        if order.type == "stop" and (order.tif in IMMEDIATE or not instrument.has_feed):
            yield "unsupported_combination"
        if any(price is not None and price % TICK_SIZE for price in (order.limit, order.stop)):
            yield "invalid_tick"
        if order.quantity % instrument.step:
            yield "invalid_step"
        same = [o for o in self.open_orders(order.symbol) if o.account == order.account]
        if len([o for o in same if o.side == order.side]) >= OPEN_MAX:
            yield "too_many_open_orders"
        if order.type == "market":
            other_side = ask if order.side == "buy" else bid
            if (instrument.has_feed and not is_fresh) or other_side is None:
                yield "stale_quote"
        is_judged = order.limit is not None and last is not None
        if is_judged and abs(order.limit - last) > COLLAR * last:
            yield "price_collar"
        yield from self._missing_means(order)

    def _missing_means(self, order: PlainOrder):
        account = self.books.accounts[order.account]
        if order.side == "sell":
            free = account.holding(order.symbol) - self.reserved_shares(order.account, order.symbol)
            if order.quantity > free:
                yield "insufficient_position"
            return
        free = account.cash - self.reserved_cash(order.account)
        has_price = order.limit is not None or order.cap is not None
        if has_price and worst_cost(account.fees, order) > free:
            yield "insufficient_funds"

    def cancel(self, account: str, key: str, now: datetime) -> set[str]:
        order = self.orders[account, key]
        if not order.is_open:
            return {"order_not_cancelable"}
        if order.status != "pending_cancel":
            order.status = "pending_cancel"
            order.updated_at = max(now, order.updated_at)
        return set()

    # --- what the market does

    def record(self, tick: PlainTick) -> None:
        """Take a tick in, unless it is insane or older than the newest."""
        known = self.board.get(tick.symbol)
        if tick.is_sane and (known is None or tick.as_of >= known.as_of):
            self.board[tick.symbol] = tick
            self.queue.append(tick)

    def deliver_again(self, tick: PlainTick) -> None:
        """The bus repeats itself."""
        self.queue.append(tick)

    def restart(self) -> None:
        """The engine forgets what it knows of the market; the orders stand in the database."""
        self.markets, self.unseen = {}, {}
        seen = [o for o in self.orders.values() if o.is_open and o.priority is not None]
        for order in sorted(seen, key=lambda o: o.priority):
            self.market(order.symbol).restore(order)

    def lose_ticks(self) -> None:
        self.queue.clear()

    def drain(self, now: datetime) -> None:
        """Work everything that is waiting, in the order in which it happened."""
        self.batches += 1
        for symbol, instrument in self.instruments.items():
            if instrument.is_halted:
                self.unseen.pop(symbol, None)
                if symbol in self.markets:
                    self.markets[symbol].is_live = False
        work: list[tuple[datetime, int, Callable[[int], None]]] = [
            (tick.as_of, 2, lambda _, tick=tick: self._hear(tick, now)) for tick in self.queue
        ]
        self.queue.clear()
        for order in self.orders.values():
            work += self._work_of(order, now)
        for place, (_, _, do) in enumerate(sorted(work, key=lambda item: item[:2])):
            do(place)

    def _work_of(self, order: PlainOrder, now: datetime):
        if order.status == "pending_cancel":
            yield order.updated_at, 1, lambda _: self._cancel(order, now)
        elif order.status == "accepted" and self.is_trading(order.symbol, now):
            yield order.accepted_at, 3, lambda place: self._submit(order, place, now)
        if order.is_open and order.priority is not None and order.tif == "day":
            at = self.closes_at(order)
            if at <= now:
                yield at, 0, lambda _: self._expire(order, at)

    def _may_be_seen(self, order: PlainOrder, now: datetime) -> bool:
        """Say whether the engine takes an order up: its market is open, or its day is over."""
        is_over = order.tif == "day" and self.closes_at(order) <= now
        return is_over or self.is_open(order.symbol, now)

    def _hear(self, tick: PlainTick, now: datetime) -> None:
        if not self.is_trading(tick.symbol, tick.as_of):
            return
        market = self.markets.get(tick.symbol)
        if market is not None:
            self._book(market.hear(tick, now), tick.as_of)
            return
        known = self.unseen.get(tick.symbol)
        if known is None or tick.as_of >= known.as_of:
            self.unseen[tick.symbol] = tick

    def _submit(self, order: PlainOrder, place: int, now: datetime) -> None:
        order.priority = (self.batches, place)
        if order.tif == "day" and self.closes_at(order) <= now:
            self._book([("expired", order)], now)
        else:
            self._book(self.market(order.symbol).submit(order, now), now)

    def _cancel(self, order: PlainOrder, now: datetime) -> None:
        if order.is_open:
            self.market(order.symbol).remove(order)
            self._book([("canceled", order)], now)

    def _expire(self, order: PlainOrder, at: datetime) -> None:
        if order.is_open:
            self.market(order.symbol).remove(order)
            self._book([("expired", order)], at)

    def _book(self, outcomes: list[tuple], at: datetime) -> None:
        for what, order, *numbers in outcomes:
            order.updated_at = max(order.updated_at, at)
            if what == "fill":
                levy = self.instruments[order.symbol].levy
                settles_at = self.settles_at(order.symbol, at)
                self.books.fill(order, *numbers, at, settles_at, levy)
                if self._booked(order) == order.quantity:
                    order.status = "filled"
                elif order.status != "pending_cancel":
                    order.status = "partially_filled"
            elif what in ("canceled", "expired"):
                order.status, order.reserved = what, ZERO
            elif what == "rested" and order.status == "accepted":
                order.status = "new"

    def _booked(self, order: PlainOrder) -> Decimal:
        mine = [t for t in self.books.trades if t[:2] == (order.account, order.key)]
        return sum((quantity for _, _, quantity, _ in mine), ZERO)

    # --- what can be asked

    def market(self, symbol: str) -> PlainMarket:
        if symbol not in self.markets:
            market = PlainMarket(MAX_AGE, self.instruments[symbol].has_feed)
            tick = self.unseen.pop(symbol, None)
            if tick is not None:
                market.hear(tick, tick.as_of)
            self.markets[symbol] = market
        return self.markets[symbol]

    def prices(self, symbol: str, now: datetime) -> tuple:
        """Return (bid, ask, last, is fresh) that an order is judged by."""
        if self.instruments[symbol].has_feed:
            tick = self.board.get(symbol)
            if tick is None:
                return None, None, None, False
            return tick.bid, tick.ask, tick.last, now - tick.as_of <= MAX_AGE
        on_book = [
            o
            for o in self.open_orders(symbol)
            if o.status in ("new", "partially_filled")
            and o.type == "limit"
            and o.tif not in IMMEDIATE
        ]
        bids = [o.limit for o in on_book if o.side == "buy"]
        asks = [o.limit for o in on_book if o.side == "sell"]
        return max(bids, default=None), min(asks, default=None), None, True

    def open_orders(self, symbol: str) -> list[PlainOrder]:
        return [o for o in self.orders.values() if o.is_open and o.symbol == symbol]

    def reserved_cash(self, account: str) -> Decimal:
        return sum((o.reserved for o in self.orders.values() if o.account == account), ZERO)

    def reserved_shares(self, account: str, symbol: str) -> Decimal:
        mine = [o for o in self.open_orders(symbol) if o.account == account and o.side == "sell"]
        return sum((o.quantity - self._booked(o) for o in mine), ZERO)

    def is_open(self, symbol: str, moment: datetime) -> bool:
        if self.instruments[symbol].hours == "always":
            return True
        there = moment.astimezone(NEW_YORK)
        return there.weekday() < SATURDAY and time(9, 30) <= there.time() < time(16)

    def is_trading(self, symbol: str, moment: datetime) -> bool:
        return not self.instruments[symbol].is_halted and self.is_open(symbol, moment)

    def closes_at(self, order: PlainOrder) -> datetime:
        """Return when a day order ends: the close of its session, or of the next one."""
        if self.instruments[order.symbol].hours == "always":
            midnight = datetime.combine(order.accepted_at.date(), time(), UTC)
            return midnight + timedelta(days=1)
        return next_close(order.accepted_at)

    def settles_at(self, symbol: str, moment: datetime) -> datetime:
        """Return when a sale of moment settles: as the next business day begins there."""
        zone = UTC if self.instruments[symbol].hours == "always" else NEW_YORK
        day = moment.astimezone(zone).date() + timedelta(days=1)
        while day.weekday() >= SATURDAY:
            day += timedelta(days=1)
        return datetime.combine(day, time(), zone).astimezone(UTC)

    def seen(self) -> dict[str, dict]:
        """Return everything that can be compared with the real broker, by kind."""
        kinds = ("cash", "proceeds", "shares", "lots", "realized")
        found: dict[str, dict] = {kind: {} for kind in kinds}
        for name, account in self.books.accounts.items():
            found["cash"][name, "USD"] = (account.cash, self.reserved_cash(name))
            if account.euros is not None:
                found["cash"][name, "EUR"] = (account.euros, ZERO)
            found["proceeds"][name] = sorted(left for _, _, left in account.proceeds)
            for symbol, lots in account.lots.items():
                where = (name, symbol)
                if not lots and not account.realized.get(symbol):
                    continue
                found["shares"][where] = (
                    account.holding(symbol),
                    self.reserved_shares(*where),
                )
                in_turn = sorted(lots, key=lambda lot: (lot.opened_at, lot.number))
                found["lots"][where] = [(lot.quantity, lot.cost) for lot in in_turn]
                found["realized"][where] = account.realized.get(symbol, ZERO)
        found["orders"] = {key: self._order_seen(order) for key, order in self.orders.items()}
        found["trades"] = {key: [] for key in self.orders}
        for account, key, quantity, price in self.books.trades:
            found["trades"][account, key].append((quantity, price))
        return found

    def _order_seen(self, order: PlainOrder) -> tuple:
        average = (order.value / order.filled).quantize(Decimal("1e-8")) if order.filled else None
        state = (order.status, order.triggered, order.filled, average)
        return (*state, order.reserved, order.commission, order.levy)


def next_close(moment: datetime) -> datetime:
    """Return the first close of New York's session after moment, in UTC."""
    day = moment.astimezone(NEW_YORK).date()
    while True:
        close = datetime.combine(day, time(16), NEW_YORK).astimezone(UTC)
        if day.weekday() < SATURDAY and close > moment:
            return close
        day += timedelta(days=1)


def next_open(moment: datetime) -> datetime:
    """Return the first opening of New York's session after moment, in UTC."""
    day = moment.astimezone(NEW_YORK).date()
    while True:
        opens = datetime.combine(day, time(9, 30), NEW_YORK).astimezone(UTC)
        if day.weekday() < SATURDAY and opens > moment:
            return opens
        day += timedelta(days=1)
