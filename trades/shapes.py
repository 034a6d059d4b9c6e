"""What the API answers about trades, their corrections and the story of an order, for its document.

Kinds, codes and numbers of a story are open lists, so they are told as text.
"""

from typing import Any, Literal

from msgspec import field

from accounts.shapes import StatementRow
from bengi.schema.shapes import Amount, Currency, Day, Id, Moment, Shape
from bengi.terms import (
    CorrectionKind,
    CorrectionOutcome,
    LedgerKind,
    Liquidity,
    Side,
    TradeKind,
)
from orders.shapes import Order
from portfolios.shapes import Closing

EXECUTING = (
    "order_not_executable",
    "symbol_halted",
    "quantity_above_leaves",
    "quantity_below_leaves",
    "price_collar",
    "price_beyond_limit",
    "invalid_tick",
    "invalid_step",
    "not_found",
)
IN_THE_WAY = (
    "already_busted",
    "already_reversed",
    "changed_since",
    "correction_pending",
    "legs_at_work",
    "lot_in_use",
    "not_bustable",
    "proceeds_in_use",
    "sold_since",
)
ADJUSTING = (
    *IN_THE_WAY,
    "invalid_tick",
    "invalid_step",
    "price_beyond_limit",
    "quantity_above_trade",
)
DECIDING = ("already_approved", "already_declined", "second_person_needed")
APPROVING = (
    *(*DECIDING, *ADJUSTING),
    "insufficient_available",
    "insufficient_position",
)


class TradeTold(Shape):
    """A trade as it was booked; a bust has the amounts of what it takes back, turned around."""

    exec_id: Id
    kind: TradeKind
    busts: Id | None
    corrects: Id | None
    order_id: Id
    account_id: Id
    portfolio_id: Id
    symbol: str
    side: Side
    quantity: Amount
    price: Amount
    gross_amount: Amount
    commission: Amount
    fees: Amount
    net_amount: Amount
    currency: Currency
    liquidity: Liquidity
    executed_at: Moment
    booked_at: Moment
    trade_date: Day
    settles_on: Day


class Trade(TradeTold):
    """A trade, with the bust that took it back."""

    busted_by: Id | None


class TradeWithClosings(Trade):
    """A trade with the lots that it closed or, as a bust, opened again."""

    closings: list[Closing]


class Correction(Shape):
    """What one of staff wants a trade to be, and what another decided."""

    id: Id
    exec_id: Id
    kind: CorrectionKind
    price: Amount | None
    quantity: Amount | None
    reason: str
    requested_by: Id
    requested_at: Moment
    outcome: CorrectionOutcome
    decided_by: Id | None
    decided_at: Moment | None


class StoryQuote(Shape):
    """The quote of a step; age_s in seconds."""

    bid: Amount | None
    bid_size: Amount
    ask: Amount | None
    ask_size: Amount
    last: Amount | None
    as_of: Moment
    age_s: Amount
    mid: Amount | None
    spread: Amount | None
    spread_bps: Amount | None


class WhyNot(Shape):
    """Why an open order has not filled, as of a moment."""

    at: Moment
    code: str
    text: str
    numbers: dict[str, Any]
    quote: StoryQuote | None


class PassedCheck(Shape):
    """A check that an order passed; limit may be a range, lowest first."""

    code: str
    field: str
    limit: str | list[str]
    value: str


class StoryEntry(Shape):
    """One step of an order's story."""

    seq: int
    at: Moment
    kind: str
    code: str | None
    by: Literal["customer", "engine", "clock", "staff"]
    title: str
    text: str
    quote: StoryQuote | None
    numbers: dict[str, Any]
    checks: list[PassedCheck]


class LeftOut(Shape):
    """How many steps are not told."""

    looks: int
    moves: int
    steps: int


class Shortfall(Shape):
    """What trading cost against the middle of the first quote; above zero is worse."""

    arrival_mid: Amount
    per_share: Amount
    amount: Amount
    bps: Amount
    half_spread: Amount
    waiting: Amount
    total: Amount
    total_bps: Amount


class TradingCosts(Shape):
    """What was traded and paid for it; shortfall is null while nothing has filled."""

    currency: Currency
    gross_amount: Amount
    commission: Amount
    fees: Amount
    average_price: Amount | None
    shortfall: Shortfall | None


class Explanation(Shape):
    """An order's story, oldest first, what it cost, and why it has not filled."""

    order: Order
    text: str
    now: WhyNot | None
    timeline: list[StoryEntry]
    left_out: LeftOut
    costs: TradingCosts
    arrival: StoryQuote | None


class Tally(Shape):
    """Trades of one currency, added up; averages are of wins and of losses."""

    currency: Currency
    count: int
    quantity: Amount
    volume: Amount
    bought: Amount
    sold: Amount
    commission: Amount
    fees: Amount
    realized_pnl: Amount
    sales: int
    wins: int
    losses: int
    win_rate: Amount | None
    average_win: Amount | None
    average_loss: Amount | None


class SymbolTally(Tally):
    """The trades of one symbol."""

    symbol: str


class PeriodTally(Tally):
    """The trades of one day, week or month."""

    starts_on: Day


class TradesSummary(Shape):
    """What trading in an account has come to; every row is of one currency."""

    account_id: Id
    since: Day = field(name="from")
    to: Day
    period: Literal["day", "week", "month"]
    totals: list[Tally]
    by_symbol: list[SymbolTally]
    by_period: list[PeriodTally]


class KindTotal(Shape):
    """What movements of one kind came to."""

    kind: LedgerKind
    count: int
    amount: Amount


class CurrencyPeriod(Shape):
    """One currency of a period: opening + movements = closing."""

    currency: Currency
    opening: Amount
    movements: Amount
    closing: Amount
    totals: list[KindTotal]
    lines: list[StatementRow]


class TradeTotal(Shape):
    """The trades of one currency, busts taken off."""

    currency: Currency
    count: int
    bought: Amount
    sold: Amount
    commission: Amount
    fees: Amount
    net_amount: Amount


class Realized(Shape):
    """What sales of one instrument made."""

    symbol: str
    currency: Currency
    quantity: Amount
    cost: Amount
    proceeds: Amount
    realized_pnl: Amount


class PeriodStatement(Shape):
    """Everything of an account in some days in UTC: cash, trades as they were booked, sales."""

    account_id: Id
    since: Day = field(name="from")
    to: Day
    currencies: list[CurrencyPeriod]
    trades: list[Trade]
    trade_totals: list[TradeTotal]
    realized: list[Realized]
