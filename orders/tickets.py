"""What a client asks for, and everything the rules need to know to answer, read in sets."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from accounts.models import Account, CashBalance
from bengi.bus import STALE, get_bus
from bengi.events.services import Log
from bengi.money import ZERO, plain
from bengi.terms import (
    AccountStatus,
    InstrumentStatus,
    Leg,
    OrderClass,
    OrderType,
    Side,
    TimeInForce,
)
from instruments import calendar
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.realism import Profile, profile_of
from instruments.selectors import latest_quotes
from instruments.spread import around, missing_half_spread
from orders.book_quotes import book_quotes
from orders.costs import Costs, costs_with
from orders.desk_rows import DeskKeys, Holding, read_rows
from orders.facts import (
    DEFAULT_LIMITS,
    AccountFacts,
    Facts,
    InstrumentFacts,
    Limits,
    QuoteFacts,
    SessionFacts,
    TicketFacts,
)
from orders.legs import StopLoss, TakeProfit
from orders.models import Order
from orders.notional import sized
from orders.selectors import picking_orders
from orders.twins import Likeness
from portfolios.lots import Pick
from portfolios.models import Position
from portfolios.selectors import open_lots_of


class OrderTicket(msgspec.Struct, frozen=True):
    """An order as asked for. The door has checked its shape and that the portfolio is the user's.

    client_order_id is the caller's key: the same one never makes two orders in one account. With
    legs it is the key of the whole group. An oco's limit_price is that of its take profit.
    confirm_duplicate: it is meant, even if it looks like one of the last seconds. notional: an
    amount of money; the quantity is then 0, and what it comes to is reckoned on the quote.
    extended_hours: it works before and after the session too.
    """

    account_id: UUID
    portfolio_id: UUID
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    client_order_id: str
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    expires_at: datetime | None = None
    lots: tuple[Pick, ...] = ()
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    confirm_duplicate: bool = False
    notional: Decimal | None = None
    extended_hours: bool = False

    def __post_init__(self) -> None:
        assert self.notional is None or not self.quantity, "an order names an amount or a quantity"

    @property
    def body_hash(self) -> str:
        """Hex SHA-256 of what is asked for: the same key with another body is a mistake."""
        prices = [None if p is None else plain(p) for p in (self.limit_price, self.stop_price)]
        body = [
            str(self.portfolio_id),
            self.symbol.upper(),
            self.side,
            self.type,
            self.time_in_force,
            plain(self.quantity),
            *prices,
            *self._later_parts,
            *(f"{pick.lot_id}:{plain(pick.quantity)}" for pick in self.lots),
        ]
        return hashlib.sha256(msgspec.json.encode(body)).hexdigest()

    @property
    def _later_parts(self) -> list[str]:
        """What tickets did not have from the beginning: told only where it is there."""
        names = ("trail_price", "trail_percent", "notional")
        parts = [(name, getattr(self, name)) for name in names]
        for leg, asked in (("take_profit", self.take_profit), ("stop_loss", self.stop_loss)):
            if asked is not None:
                prices = dataclasses.asdict(asked)
                parts += [(f"{leg}.{name}", price) for name, price in prices.items()]
        told = [f"{name}={plain(part)}" for name, part in parts if part is not None]
        if self.expires_at is not None:
            told.append(f"expires_at={self.expires_at.astimezone(UTC).isoformat()}")
        if self.order_class is not OrderClass.SIMPLE:
            told.append(f"order_class={self.order_class}")
        if self.extended_hours:
            told.append("extended_hours")
        return told


@dataclass(slots=True)
class Desk:
    """Everything a batch of tickets is judged by. Balances and positions change as it goes.

    steps: what the acceptance of each order has to tell, by the order's id; legs: those that were
    accepted with an order, by its id. seen: what many tickets have in common, reckoned once. log:
    where events go, with the heads that were read with the rest. stale: the instruments, by id,
    whose quotes were too old for a ticket.
    """

    accounts: Mapping[UUID, Account]
    instruments: dict[str, Instrument]
    quotes: dict[str, Tick]
    balances: dict[tuple[UUID, str], CashBalance]
    positions: dict[Holding, Position]
    known: dict[tuple[UUID, str], Order]
    lots: dict[Holding, dict[UUID, Decimal]]
    costs: Costs
    limits: dict[UUID, Limits] = field(default_factory=dict)
    halts: dict[UUID, str] = field(default_factory=dict)
    recent: dict[Likeness, UUID] = field(default_factory=dict)
    open_orders: Counter[tuple[UUID, UUID, str]] = field(default_factory=Counter)
    open_in_all: Counter[UUID] = field(default_factory=Counter)
    steps: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    legs: dict[UUID, list[Order]] = field(default_factory=dict)
    seen: dict[tuple[str, str, str], tuple[InstrumentFacts, QuoteFacts, SessionFacts]] = field(
        default_factory=dict
    )
    log: Log = field(default_factory=Log)
    stale: set[str] = field(default_factory=set)

    def facts(self, ticket: OrderTicket, instrument: Instrument, now: datetime) -> Facts:
        """Return what the rules look at for one ticket."""
        balance = self.balances.get((ticket.account_id, instrument.currency))
        position = self.positions.get((ticket.portfolio_id, instrument.id))
        account = self.accounts[ticket.account_id]
        here = (ticket.account_id, instrument.id)
        other = Side.SELL if ticket.side is Side.BUY else Side.BUY
        is_pair = ticket.order_class is OrderClass.OCO
        listed, quote, session = self._market(instrument, account.realism, now)
        facts = Facts(
            ticket=TicketFacts(
                side=ticket.side,
                type=ticket.type,
                time_in_force=ticket.time_in_force,
                quantity=ticket.quantity,
                limit_price=ticket.limit_price,
                stop_price=ticket.stop_price,
                trail_price=ticket.trail_price,
                trail_percent=ticket.trail_percent,
                expires_at=ticket.expires_at,
                lots=ticket.lots,
                order_class=ticket.order_class,
                take_profit=ticket.take_profit,
                stop_loss=ticket.stop_loss,
                leg=Leg.TAKE_PROFIT if is_pair else None,
                is_confirmed=ticket.confirm_duplicate,
                notional=ticket.notional,
                extended_hours=ticket.extended_hours,
            ),
            instrument=listed,
            quote=quote,
            session=session,
            account=AccountFacts(
                status=AccountStatus(account.status),
                schedule=self.costs.schedule(account, instrument.mic, now),
                base_currency=account.base_currency,
                buying_power=balance.amount - balance.reserved if balance else ZERO,
                available_quantity=(
                    position.quantity - position.reserved_quantity if position else ZERO
                ),
                available_lots=self.lots.get((ticket.portfolio_id, instrument.id), {}),
                open_orders=self.open_in_all.get(ticket.account_id, 0),
                open_orders_here=self.open_orders.get((*here, str(ticket.side)), 0),
                open_orders_opposite=self.open_orders.get((*here, str(other)), 0),
                halt=self.halts.get(ticket.account_id),
                twin=self.recent.get(_likeness(ticket, instrument)),
            ),
            limits=self.limits.get(ticket.account_id, DEFAULT_LIMITS),
        )
        return sized(facts)

    def _market(
        self, instrument: Instrument, realism: str, now: datetime
    ) -> tuple[InstrumentFacts, QuoteFacts, SessionFacts]:
        """Return what all tickets for an instrument see of it that trade with one realism."""
        key = (instrument.symbol, instrument.mic, realism)
        if key not in self.seen:
            self.seen[key] = (
                instrument_facts(instrument),
                self._quote(instrument, realism, now),
                session_facts(instrument.mic, now),
            )
        return self.seen[key]

    def _quote(self, instrument: Instrument, realism: str, now: datetime) -> QuoteFacts:
        """Return the quote that a ticket is judged by."""
        tick = self.quotes.get(instrument.symbol)
        quote = quote_facts(tick, instrument, realism, now)
        if tick is not None and not quote.is_fresh:
            self.stale.add(str(instrument.id))
        return quote

    def tell_stale(self) -> None:
        """Let whoever asks for quotes hear of those that are not fresh: they are there when
        somebody tries again.
        """
        get_bus().publish_all(STALE, self.stale)
        self.stale.clear()


def read_desk(
    tickets: Sequence[OrderTicket], accounts: Mapping[UUID, Account] | None, now: datetime
) -> Desk:
    """Read what the tickets are judged by: a fixed number of statements.

    accounts: those of the tickets, locked by who wants to write; None: they are locked here, before
    anything else is read, in the caller's transaction. Positions are read where something is sold,
    and what looks alike where that is not meant.
    """
    rows = read_rows(_keys_of(tickets, accounts, now))
    listed = rows.instruments.values()
    return Desk(
        accounts=rows.accounts,
        instruments=rows.instruments,
        quotes=latest_quotes(listed, now) | book_quotes(listed, now),
        balances=rows.balances,
        positions=rows.positions,
        known=rows.known,
        costs=costs_with(rows.schedules, rows.accounts.values(), now),
        limits=rows.limits,
        halts=rows.halts,
        recent=rows.recent,
        lots=_available_lots([t for t in tickets if t.lots], [each.id for each in listed]),
        open_orders=rows.open_orders,
        open_in_all=rows.open_in_all,
        log=rows.log,
    )


def quote_facts(
    tick: Tick | None, instrument: Instrument, realism: str, now: datetime
) -> QuoteFacts:
    """Return the quote as the rules see it: at prices, and as fresh, as an account trades that has
    this realism.
    """
    if tick is None:
        return QuoteFacts(bid=None, ask=None, last=None, is_fresh=False)
    profile = profile_of(realism, settings.GUARD_S_MIN)
    bid, ask = _prices(tick, instrument, profile)
    is_fresh = now - tick.as_of <= profile.max_age
    return QuoteFacts(bid=bid, ask=ask, last=tick.last, is_fresh=is_fresh)


def instrument_facts(instrument: Instrument) -> InstrumentFacts:
    """Return what the rules look at of an instrument."""
    return InstrumentFacts(
        symbol=instrument.symbol,
        currency=instrument.currency,
        status=InstrumentStatus(instrument.status),
        tick_size=instrument.tick_size,
        quantity_step=instrument.quantity_step,
        has_feed=instrument.has_feed,
        exchange_step=instrument.exchange_step,
    )


def as_offered(tick: Tick, instrument: Instrument, profile: Profile, wanted: Decimal) -> Tick:
    """Return a tick as an order that wants so much meets it: at its prices, with its sizes."""
    bid, ask = _prices(tick, instrument, profile)
    bid_size, ask_size, step = tick.bid_size, tick.ask_size, instrument.quantity_step
    if profile.is_unlimited:
        bid_size = ask_size = wanted
    elif not bid_size and not ask_size:
        bid_size = ask_size = tick.last_size * profile.volume_percent / 100 // step * step
    return msgspec.structs.replace(tick, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size)


def _prices(
    tick: Tick, instrument: Instrument, profile: Profile
) -> tuple[Decimal | None, Decimal | None]:
    """Return bid and ask; where the feed quotes none, around its last price."""
    mic, mode, tick_size = instrument.mic, settings.MARKET_HOURS, instrument.tick_size
    half = missing_half_spread(tick, mic=mic, mode=mode, tick_size=tick_size)
    if half is None or tick.last is None:
        return tick.bid, tick.ask
    return around(tick.last, half, factor=profile.spread_factor, tick_size=tick_size)


def _likeness(ticket: OrderTicket, instrument: Instrument) -> Likeness:
    return Likeness(
        ticket.account_id,
        instrument.id,
        str(ticket.side),
        str(ticket.type),
        ticket.quantity,
        ticket.notional,
        ticket.limit_price,
        ticket.stop_price,
        ticket.trail_price,
        ticket.trail_percent,
    )


def _keys_of(
    tickets: Sequence[OrderTicket], accounts: Mapping[UUID, Account] | None, now: datetime
) -> DeskKeys:
    """Return what is to be read for tickets; without accounts, theirs are to be locked."""
    named = [(ticket, ticket.symbol.upper()) for ticket in tickets]
    return DeskKeys(
        account_ids=sorted({ticket.account_id for ticket in tickets}),
        accounts=accounts,
        symbols=frozenset(symbol for _, symbol in named),
        keys=[(ticket.account_id, ticket.client_order_id) for ticket in tickets],
        named=frozenset((ticket.account_id, symbol) for ticket, symbol in named),
        selling=frozenset((t.portfolio_id, symbol) for t, symbol in named if t.side is Side.SELL),
        unsure=frozenset((t.account_id, symbol) for t, symbol in named if not t.confirm_duplicate),
        now=now,
    )


def _available_lots(
    picking: Sequence[OrderTicket], instrument_ids: Sequence[UUID]
) -> dict[Holding, dict[UUID, Decimal]]:
    """Return the shares left in each open lot that no open order has picked; two statements."""
    if not picking:
        return {}
    portfolios = {ticket.portfolio_id for ticket in picking}
    found: dict[Holding, dict[UUID, Decimal]] = {}
    for lot in open_lots_of(portfolios, instrument_ids):
        holding = found.setdefault((lot.portfolio_id, lot.instrument_id), {})
        holding[lot.id] = lot.remaining_quantity
    for order in picking_orders({ticket.account_id for ticket in picking}):
        holding = found.get((order.portfolio_id, order.instrument_id), {})
        for pick in order.picks:
            if pick.lot_id in holding:
                holding[pick.lot_id] -= pick.quantity
    return found


def session_facts(mic: str, now: datetime) -> SessionFacts:
    """Return the session at an exchange, in the mode this installation runs in."""
    mode: calendar.Mode = settings.MARKET_HOURS
    session = calendar.session_of(mic, now, mode)
    return SessionFacts(
        now=now,
        opened_at=None if session is None else session.opens_at,
        never_closes=mode == "always" or mic == calendar.ALWAYS_OPEN,
        phase=calendar.phase(mic, now, mode),
        has_extended_hours=calendar.has_extended_hours(mic, mode),
    )
