"""What a broker has in its books: accounts, instruments, orders, quotes, and what follows of them.

Part of the model: nothing of the project is imported here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tests.state.plain_board import PlainBoard
from tests.state.plain_books import PlainBooks, When
from tests.state.plain_calendar import PlainCalendar, day_of
from tests.state.plain_costs import capped_price, in_force, trailing_stop
from tests.state.plain_rules import Facts
from tests.state.plain_terms import ZERO, PlainOrder, Ticket

TWIN_WITHIN = timedelta(seconds=3)


@dataclass
class PlainInstrument:
    """hours: "new york" or "always"; is_levied: regulators take their part of what is sold."""

    has_feed: bool
    hours: str
    step: Decimal
    is_levied: bool
    is_halted: bool = False


class PlainBroker:
    """levies, by name: [(from which day, what they take)].

    stopped: for whom the kill switch is thrown; None is everybody.
    """

    def __init__(self) -> None:
        self.books = PlainBooks()
        self.calendar = PlainCalendar()
        self.levies: dict[str, list[tuple]] = {}
        self.instruments: dict[str, PlainInstrument] = {}
        self.orders: dict[tuple[str, str], PlainOrder] = {}
        self.board = PlainBoard()
        self.stopped: set[str | None] = set()

    # --- orders

    def draft(self, ticket: Ticket, now: datetime) -> PlainOrder:
        """Return the order of a ticket as it stands when it comes; nothing is held for it yet."""
        _, ask, last = self.prices(ticket.symbol)
        stop, mark = ticket.stop, None
        if ticket.type == "trailing_stop" and last is not None:
            mark = last
            stop = trailing_stop(ticket.side, mark, ticket.trail, ticket.trail_percent)
        needs_cap = ticket.side == "buy" and ticket.limit is None
        day = day_of(self.instruments[ticket.symbol].hours, now)
        account = self.books.accounts[ticket.account]
        return PlainOrder(
            number=len(self.orders),
            ticket=ticket,
            quantity=ticket.quantity,
            stop=stop,
            mark=mark,
            cap=capped_price([ask, stop]) if needs_cap else None,
            fees=in_force(account.fees, day),
            profile=account.profile,
            accepted_at=now,
            updated_at=now,
        )

    def facts(self, order: PlainOrder, now: datetime) -> Facts:
        """Return what an order that comes now is judged by."""
        instrument = self.instruments[order.symbol]
        account = self.books.accounts[order.account]
        bid, ask, last = self.prices(order.symbol)
        tick = self.board.newest.get(order.symbol)
        age = timedelta(0) if not instrument.has_feed else tick and now - tick.as_of
        mine = [o for o in self.open_orders(order.symbol) if o.account == order.account]
        return Facts(
            has_feed=instrument.has_feed,
            is_halted=instrument.is_halted,
            step=instrument.step,
            in_session=self.is_open(order.symbol, now),
            bid=bid,
            ask=ask,
            last=last,
            is_fresh=age is not None and age <= account.profile.max_age,
            is_frozen=account.is_frozen,
            free_cash=account.cash - self.reserved_cash(order.account),
            free_shares=account.holding(order.symbol) - sum(o.held_shares for o in mine),
            open_here=len([o for o in mine if o.side == order.side]),
            has_twin=any(self._are_twins(other, order, now) for other in self.orders.values()),
            is_stopped=bool(self.stopped & {None, order.account}),
        )

    def _are_twins(self, other: PlainOrder, order: PlainOrder, now: datetime) -> bool:
        """Say whether an order looks like one of a moment ago that is open or has filled."""
        is_alike = other.ticket.looks == order.ticket.looks and other.quantity == order.quantity
        is_there = other.is_open or other.filled > 0
        return is_alike and is_there and other.accepted_at > now - TWIN_WITHIN

    def open_orders(self, symbol: str) -> list[PlainOrder]:
        return [o for o in self.orders.values() if o.is_open and o.symbol == symbol]

    def close(self, order: PlainOrder, status: str) -> None:
        """Close an order: it holds nothing any more, and one that was to replace it has to go."""
        order.status, order.reserved = status, ZERO
        for other in self.orders.values():
            if other.replaces is order and other.status == "held":
                self.close(other, "rejected")

    # --- money and shares

    def reserved_cash(self, account: str) -> Decimal:
        return sum((o.reserved for o in self.orders.values() if o.account == account), ZERO)

    def reserved_shares(self, account: str, symbol: str) -> Decimal:
        mine = [o for o in self.open_orders(symbol) if o.account == account]
        return sum((o.held_shares for o in mine), ZERO)

    def book(
        self, order: PlainOrder, quantity: Decimal, price: Decimal, match: object, at: datetime
    ) -> None:
        """Book a fill that the market has counted already, and say how far it has come."""
        hours = self.instruments[order.symbol].hours
        when = When(at, at, day_of(hours, at), self.calendar.settles_at(hours, at))
        self.books.fill(order, quantity, price, when, self.levies_on(order), match)
        if self.books.so_far(order)[1] + order.busted == order.quantity:
            self.close(order, "filled")
        elif order.status not in ("pending_cancel", "pending_replace"):
            order.status = "partially_filled"

    def levies_on(self, order: PlainOrder) -> dict[str, list[tuple]]:
        return self.levies if self.instruments[order.symbol].is_levied else {}

    # --- the market and the clock

    @property
    def of_new_york(self) -> set[str]:
        return {name for name, each in self.instruments.items() if each.hours == "new york"}

    def prices(self, symbol: str) -> tuple:
        """Return (bid, ask, last) that an order is judged by."""
        if self.instruments[symbol].has_feed:
            tick = self.board.newest.get(symbol)
            return (tick.bid, tick.ask, tick.last) if tick else (None, None, None)
        seen = ("new", "partially_filled")
        on_book = [o for o in self.open_orders(symbol) if o.status in seen and o.type == "limit"]
        on_book = [o for o in on_book if o.may_rest]
        bids = [o.limit for o in on_book if o.side == "buy"]
        asks = [o.limit for o in on_book if o.side == "sell"]
        return max(bids, default=None), min(asks, default=None), None

    def is_open(self, symbol: str, moment: datetime) -> bool:
        return self.calendar.is_open(self.instruments[symbol].hours, moment)

    def is_trading(self, symbol: str, moment: datetime) -> bool:
        return self.is_open(symbol, moment) and not self.instruments[symbol].is_halted

    def ends_at(self, order: PlainOrder) -> datetime | None:
        """Return when an order's time is over: at its session's close, or when its ticket says."""
        if order.tif in ("day", "opg", "cls"):
            hours = self.instruments[order.symbol].hours
            return self.calendar.next_close(hours, order.accepted_at)
        return order.ticket.expires_at
