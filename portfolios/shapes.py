"""What the API answers about portfolios, positions and lots, for its document."""

from typing import Annotated, Literal

from msgspec import Meta, field

from accounts.shapes import FxRate
from bengi.schema.shapes import Amount, Currency, Day, Id, Moment, Shape
from bengi.terms import CostBasisMethod
from portfolios.analytics.money_weighted import NoRate

Term = Literal["short", "long"]
CHANGING = ("account_frozen", "name_taken")


class Portfolio(Shape):
    """A portfolio, and the method by which its sales choose lots."""

    id: Id
    account_id: Id
    name: str
    cost_basis_method: CostBasisMethod


class Position(Shape):
    """A holding; its worth is null while no price is known."""

    id: Id
    portfolio_id: Id
    symbol: str
    name: str
    currency: Currency
    quantity: Amount
    reserved_quantity: Amount
    unit_cost: Amount
    cost_basis: Amount
    last: Amount | None
    market_value: Amount | None
    unrealized_pnl: Amount | None


class Closing(Shape):
    """What one sale took out of a lot or, negative, its bust put back; net of fees."""

    exec_id: Id
    lot_id: Id
    opened_at: Moment
    closed_at: Moment
    method: CostBasisMethod
    quantity: Amount
    cost: Amount
    proceeds: Amount
    fees: Amount
    realized_pnl: Amount
    holding_days: int
    term: Term


class LotSplit(Shape):
    """What a split did to a lot."""

    id: Id
    action_id: Id
    ratio_to: int
    ratio_from: int
    ex_date: Day
    quantity_before: Amount
    quantity_after: Amount
    remaining_before: Amount
    remaining_after: Amount


class Lot(Shape):
    """A tax lot; cost_basis and unit_cost are of what is left of it."""

    lot_id: Id
    exec_id: Id
    symbol: str
    currency: Currency
    opened_at: Moment
    quantity: Amount
    remaining_quantity: Amount
    cost: Amount
    cost_basis: Amount
    unit_cost: Amount | None
    holding_days: int
    term: Term
    busted_by: Id | None
    closings: list[Closing]
    splits: list[LotSplit]


class Figures(Shape):
    """Amounts of one currency; null where a price, or a rate, is not known."""

    market_value: Amount | None
    cost_basis: Amount | None
    cash: Amount | None
    equity: Amount | None
    day_pnl: Amount | None
    unrealized_pnl: Amount | None
    realized_pnl: Amount | None
    dividends: Amount | None
    total_pnl: Amount | None


class CurrencyFigures(Figures):
    """The figures of one of the portfolio's currencies."""

    currency: Currency


class PositionSummary(Position):
    """A holding, which may be empty by now, with what it has made."""

    day_pnl: Amount | None
    realized_pnl: Amount
    dividends: Amount
    total_pnl: Amount | None


class PortfolioSummary(Shape):
    """What a portfolio is worth and has made; total is in base_currency, at rates."""

    portfolio_id: Id
    account_id: Id
    as_of: Moment
    base_currency: Currency
    total: Figures
    by_currency: list[CurrencyFigures]
    positions: list[PositionSummary]
    rates: list[FxRate]
    missing_rates: list[Currency]
    unpriced: list[str]


class CurrencyDay(Shape):
    """One currency at the end of a day."""

    currency: Currency
    cash: Amount
    market_value: Amount | None
    equity: Amount | None


class HistoryDay(Shape):
    """What a portfolio was worth at the end of a day, in the account's base currency."""

    date: Day
    cash: Amount | None
    market_value: Amount | None
    equity: Amount | None
    by_currency: list[CurrencyDay]
    rates: list[FxRate]
    missing_rates: list[Currency]
    unpriced: list[str]


class PortfolioHistory(Shape):
    """The days of a portfolio, oldest first; always one page."""

    portfolio_id: Id
    base_currency: Currency
    results: list[HistoryDay]
    next: None


Fraction = Annotated[Amount, Meta(description="A fraction: 0.05 is five per cent.")]


class Drawdown(Shape):
    """The deepest fall below an earlier peak; depth is zero or less."""

    depth: Fraction
    peak_on: Day
    trough_on: Day
    recovered_on: Day | None


class Benchmark(Shape):
    """The instrument that a portfolio is compared with, its dividends left out."""

    symbol: str
    name: str
    currency: Currency
    rate: Fraction | None = field(name="return")


class MonthReturn(Shape):
    """The return of a calendar month, or of what of it lies in the span."""

    month: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}$")]
    rate: Fraction = field(name="return")
    is_whole: bool


class PerformancePoint(Shape):
    """The end of a day; the first one is the start, and has no flows."""

    date: Day
    equity: Amount
    deposited: Amount
    withdrawn: Amount
    index: Amount | None
    benchmark_index: Amount | None
    benchmark_value: Amount | None


class PortfolioPerformance(Shape):
    """How a portfolio did over a span, in the account's base currency; always one page."""

    portfolio_id: Id
    base_currency: Currency
    as_of: Moment
    since: Day = field(name="from")
    to: Day
    start_equity: Amount | None
    end_equity: Amount | None
    deposited: Amount
    withdrawn: Amount
    gain: Amount | None
    time_weighted: Fraction | None
    money_weighted: Fraction | None
    xirr: Fraction | None
    no_rate: NoRate | None
    drawdown: Drawdown | None
    benchmark: Benchmark | None
    months: list[MonthReturn]
    results: list[PerformancePoint]
    next: None
    missing_rates: list[Currency]
    unpriced: list[str]


class InstrumentPart(Shape):
    """What of the equity is in one instrument, or in cash."""

    instrument: str
    amount: Amount | None
    percent: Amount | None


class CurrencyPart(Shape):
    """What of the equity is in one currency, its cash and what trades in it."""

    currency: Currency
    amount: Amount | None
    percent: Amount | None


class SectorPart(Shape):
    """What of the equity is in one sector, in funds, coins or cash, or in none of these."""

    sector: str
    amount: Amount | None
    percent: Amount | None


class PortfolioAllocation(Shape):
    """What equity is made of, in the base currency, the greatest first; each list sums to it."""

    portfolio_id: Id
    as_of: Moment
    base_currency: Currency
    equity: Amount | None
    by_instrument: list[InstrumentPart]
    by_currency: list[CurrencyPart]
    by_sector: list[SectorPart]
    missing_rates: list[Currency]
