"""What the API answers about orders, and what it refuses them for, for its document."""

from typing import Annotated, Literal

from msgspec import Meta

from bengi.schema.shapes import Amount, Currency, Id, Moment, Reason, Shape
from bengi.terms import (
    Leg,
    OrderClass,
    OrderStatus,
    OrderType,
    Realism,
    Side,
    TimeInForce,
)

SHAPE_OF_PRICES = ("missing_price", "unexpected_price", "missing_expiry", "unexpected_expiry")
JUDGED = (
    *SHAPE_OF_PRICES,
    "invalid_quantity",
    "account_frozen",
    "insufficient_funds",
    "insufficient_position",
    "price_collar",
    "invalid_tick",
    "invalid_trail",
    "invalid_step",
    "min_notional",
    "max_notional",
    "max_quantity",
    "too_many_open_orders",
    "expiry_in_the_past",
    "opening_is_over",
    "symbol_halted",
    "stale_quote",
    "unsupported_combination",
    "trading_halted",
)
"""What the rules refuse an order for."""

PLACING = (*JUDGED, "not_found", "unknown_symbol", "invalid_amount", "possible_duplicate")
PREVIEWING = ("not_found", "unknown_symbol", "invalid_amount", "invalid_idempotency_key")
REPLACING = (*JUDGED, "idempotency_mismatch", "order_not_replaceable", "quantity_below_filled")


CLOSING = (*JUDGED, "idempotency_mismatch", "possible_duplicate")


class PickedLot(Shape):
    """One lot that a sell names, and how much of it."""

    lot_id: Id
    quantity: Amount


class Order(Shape):
    """An order. Its prices are null where its type has none."""

    id: Id
    client_order_id: str
    account_id: Id
    portfolio_id: Id
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Amount
    notional: Amount | None
    extended_hours: bool
    limit_price: Amount | None
    stop_price: Amount | None
    trail_price: Amount | None
    trail_percent: Amount | None
    expires_at: Moment | None
    high_water_mark: Amount | None
    realism: Realism
    lots: list[PickedLot]
    replaces: Id | None
    replaced_by: Id | None
    order_class: OrderClass
    group_id: Id | None
    parent_id: Id | None
    leg: Leg | None
    status: OrderStatus
    filled_quantity: Amount
    busted_quantity: Amount
    leaves_quantity: Amount
    average_price: Amount | None
    reserved: Annotated[str, Meta(description="Cash that a buy holds, shares that a sell holds.")]
    commission: Amount
    fees: Amount
    reason: Annotated[str, Meta(description="Why a closed one ended, in words; else empty.")]
    accepted_at: Moment
    updated_at: Moment
    triggered_at: Moment | None
    released_at: Moment | None
    closed_at: Moment | None


class OrderWithLegs(Order):
    """An order with the legs of its group, the take profit first."""

    legs: list[Order]


class BatchProblem(Shape):
    """Why one order of a batch was refused, as a problem without a request of its own."""

    type: Annotated[str, Meta(pattern="^urn:bengi:problem:[a-z_]+$")]
    title: str
    status: int
    code: str
    detail: str
    errors: list[Reason]


class BatchOutcome(Shape):
    """What a POST of this one would have answered: the order, or why there is none."""

    status: int
    replayed: bool
    order: OrderWithLegs | None
    problem: BatchProblem | None


class SeenQuote(Shape):
    """The quote that a preview looked at; spread_bps in basis points of the middle."""

    bid: Amount | None
    bid_size: Amount
    ask: Amount | None
    ask_size: Amount
    last: Amount | None
    as_of: Moment
    spread: Amount | None
    spread_bps: Amount | None


class Sketch(Shape):
    """What would happen at once, from the sizes on display: no promise."""

    quantity: Amount
    average_price: Amount | None
    rest: Amount
    rest_does: Literal["none", "rests", "waits", "canceled"]
    text: str


class Verdict(Shape):
    """One check; limit may be a range, lowest first."""

    code: str
    field: str | None
    limit: str | list[str] | None
    value: str | None
    passed: bool


class OrderPreview(Shape):
    """What an order would cost and hold, and in errors why it would be refused."""

    symbol: str
    currency: Currency
    quantity: Amount
    estimated_price: Amount | None
    gross_amount: Amount | None
    commission: Amount | None
    fees: Amount | None
    reserve: Amount
    buying_power_before: Amount
    buying_power_after: Amount
    is_estimate: bool
    quote: SeenQuote | None
    quote_age_s: Annotated[float | None, Meta(description="In seconds.")]
    sketch: Sketch | None
    checks: list[Verdict]
    notes: list[str]
    errors: list[Reason]


class AccountLimits(Shape):
    """How far an account's orders may go; trading_halted says why it may place none."""

    max_notional: Amount
    max_quantity: Amount
    max_open_orders: int
    max_open_orders_here: int
    collar: Amount
    low_price: Amount
    low_price_collar: Amount
    trading_halted: str | None
