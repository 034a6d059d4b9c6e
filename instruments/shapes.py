"""What the API answers about instruments and markets, for its document."""

from typing import Annotated, Literal

from msgspec import Meta

from bengi.schema.shapes import Amount, Currency, Day, Id, Moment, Shape
from bengi.terms import CorporateActionKind, InstrumentStatus, InstrumentType

Mic = Annotated[str, Meta(pattern="^[A-Z]{4}$", description="An exchange, as ISO 10383 has it.")]

Interval = Literal[
    "1min", "5min", "15min", "30min", "45min", "1h", "2h", "4h", "1day", "1week", "1month"
]


class Instrument(Shape):
    """What can be traded. exchange_step is there where the exchange's own unit is coarser."""

    symbol: str
    name: str
    mic: Mic
    type: InstrumentType
    currency: Currency
    tick_size: Amount
    quantity_step: Amount
    exchange_step: Amount | None
    status: InstrumentStatus
    has_feed: bool


class Quote(Shape):
    """What the market offers; every price is null while there is none."""

    symbol: str
    name: str
    mic: Mic
    currency: Currency
    is_open: bool
    bid: Amount | None
    ask: Amount | None
    bid_size: Amount | None
    ask_size: Amount | None
    last: Amount | None
    previous_close: Amount | None
    day_open: Amount | None
    day_high: Amount | None
    day_low: Amount | None
    change: Amount | None
    change_percent: Amount | None
    day_volume: Amount | None
    as_of: Moment | None
    age_s: Annotated[float | None, Meta(description="In seconds.")]
    source: str | None


class Mover(Shape):
    """One instrument's day; value is its volume at the last price, to the minor unit."""

    symbol: str
    name: str
    mic: Mic
    currency: Currency
    last: Amount
    change: Amount
    change_percent: Amount
    day_volume: Amount
    value: Amount
    as_of: Moment
    age_s: Annotated[float, Meta(description="In seconds.")]
    is_stale: Annotated[
        bool, Meta(description="The exchange is open, and the quote older than 15 minutes.")
    ]


class Breadth(Shape):
    """How many rose, fell and stayed; left_out have no quote of their newest session."""

    advancers: int
    decliners: int
    unchanged: int
    at_high: Annotated[int, Meta(description="Trade at the day's high.")]
    at_low: Annotated[int, Meta(description="Trade at the day's low.")]
    left_out: int


class Movers(Shape):
    """What moves most. A list is null where only another kind was asked for."""

    breadth: Breadth
    value_currency: Annotated[
        Currency | None, Meta(description="What most are traded in; most_traded is of it alone.")
    ]
    gainers: list[Mover] | None
    losers: list[Mover] | None
    most_active: Annotated[list[Mover] | None, Meta(description="By shares.")]
    most_traded: Annotated[list[Mover] | None, Meta(description="By value.")]


class Bar(Shape):
    """What was traded in one interval."""

    starts_at: Moment
    open: Amount
    high: Amount
    low: Amount
    close: Amount
    volume: Amount
    indicators: Annotated[
        dict[str, Amount | None],
        Meta(description="By name, as asked for; null while there are too few bars."),
    ]


class Bars(Shape):
    """Bars of one symbol, oldest first."""

    symbol: str
    interval: Interval
    results: list[Bar]


class Span(Shape):
    """A time in which one trades."""

    opens_at: Moment
    closes_at: Moment


class MarketSession(Shape):
    """A day's trading, with its break where there is one."""

    opens_at: Moment
    closes_at: Moment
    break_starts_at: Moment | None
    break_ends_at: Moment | None


class Market(Shape):
    """What one exchange does now, and when that changes; session is null on a day without one."""

    mic: Mic
    name: str
    time_zone: str
    status: Literal["open", "closed", "break", "pre", "post"]
    next_open: Moment
    next_close: Moment
    date: Day
    session: MarketSession | None
    extended_hours: Span | None
    note: str


class CorporateAction(Shape):
    """A split (ratio_to new shares for ratio_from old ones) or a cash dividend (amount a share)."""

    id: Id
    symbol: str
    kind: CorporateActionKind
    ratio_to: int | None
    ratio_from: int | None
    cash_in_lieu_price: Amount | None
    amount: Amount | None
    currency: str
    withholding_rate: Amount | None
    ex_date: Day
    record_date: Day | None
    pay_date: Day | None
    status: Literal["approved", "applied", "paid"]
    effective_at: Moment | None
    payable_at: Moment | None
    applied_at: Moment | None
    paid_at: Moment | None
