"""What the rules of an order look at: plain values, each true at the moment of the order.

Structs, because every order has some: a frozen dataclass takes ten times as long to make.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from accounts.commission import CommissionSchedule
from bengi.money import ZERO
from bengi.terms import (
    AccountStatus,
    InstrumentStatus,
    Leg,
    OrderClass,
    OrderType,
    Side,
    TimeInForce,
)
from instruments.calendar import Phase
from orders.legs import StopLoss, TakeProfit
from portfolios.lots import Pick


class TicketFacts(msgspec.Struct, frozen=True):
    """What is wanted. Prices are per share, in the instrument's currency.

    leg: what the order itself is to its group; the limit of an oco is its take profit.
    is_confirmed: it is meant, even if it looks like another one.
    notional is the amount of an order that names one; quantity is then what it comes to.
    filled_quantity: what an order that this one replaces has filled; quantity is the rest.
    """

    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    expires_at: datetime | None = None
    lots: tuple[Pick, ...] = ()
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    leg: Leg | None = None
    is_confirmed: bool = False
    notional: Decimal | None = None
    extended_hours: bool = False
    filled_quantity: Decimal = ZERO


class InstrumentFacts(msgspec.Struct, frozen=True):
    """exchange_step: the exchange's own unit where quantity_step is finer; else None."""

    symbol: str
    currency: str
    status: InstrumentStatus
    tick_size: Decimal
    quantity_step: Decimal
    has_feed: bool
    exchange_step: Decimal | None = None


class QuoteFacts(msgspec.Struct, frozen=True):
    """Prices the order meets: the market's quote, or the best resting orders where none is fed.

    is_fresh: the quote is young enough to fill a market order against.
    """

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    is_fresh: bool


class SessionFacts(msgspec.Struct, frozen=True):
    """The moment of the order, and the session it falls into: None outside of one.

    never_closes: one session follows the other, so that there is no time before an opening.
    phase: what the exchange does; has_extended_hours: it knows a time before and after a session.
    """

    now: datetime
    opened_at: datetime | None
    never_closes: bool = False
    phase: Phase = "open"
    has_extended_hours: bool = False


class AccountFacts(msgspec.Struct, frozen=True):
    """What the account has left, before this order.

    buying_power is in the instrument's currency; available_quantity is shares of the instrument
    not yet reserved by open sells, available_lots those of each lot that no order has picked;
    open_orders_here counts the same symbol and side, open_orders_opposite the other side. halt says
    why nobody may order in it, None: they may. twin is the order of the last seconds that looks
    like this one.
    """

    status: AccountStatus
    schedule: CommissionSchedule
    buying_power: Decimal
    available_quantity: Decimal
    open_orders: int
    open_orders_here: int
    available_lots: Mapping[UUID, Decimal] = msgspec.field(default_factory=dict)
    base_currency: str = ""
    open_orders_opposite: int = 0
    halt: str | None = None
    twin: UUID | None = None


class Limits(msgspec.Struct, frozen=True):
    """How far an account may go with one order, and with all that are open."""

    max_notional: Decimal = Decimal(250_000)
    max_quantity: Decimal = Decimal(100_000)
    max_open_orders: int = 500
    max_open_orders_here: int = 20
    collar: Decimal = Decimal("0.10")
    low_price: Decimal = Decimal(5)
    low_price_collar: Decimal = Decimal("0.20")


DEFAULT_LIMITS = Limits()


class Facts(msgspec.Struct, frozen=True):
    """Everything the rules look at."""

    ticket: TicketFacts
    instrument: InstrumentFacts
    quote: QuoteFacts
    account: AccountFacts
    session: SessionFacts
    limits: Limits = DEFAULT_LIMITS
