"""What the API answers about accounts and their money, for its document."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from bengi.schema.shapes import Amount, Currency, Day, Id, Moment, Shape
from bengi.terms import AccountStatus, LedgerKind, Realism


class Cash(Shape):
    """One currency's cash: what is there, is held of it and may be done with it."""

    currency: Currency
    cash: Amount
    reserved: Amount
    settled: Amount
    unsettled: Amount
    buying_power: Amount
    withdrawable: Amount


class Violation(Shape):
    """A good-faith violation: shares bought with unsettled cash were sold before it settled."""

    id: Id
    bought_by: Id
    sold_by: Id
    trade_id: Id
    currency: Currency
    amount: Amount
    settles_at: Moment
    occurred_at: Moment


class NamedPortfolio(Shape):
    """A portfolio of an account."""

    id: Id
    name: str


class Account(Shape):
    """An account with its cash by currency and its violations of the last year."""

    id: Id
    name: str
    base_currency: Currency
    kind: str
    status: AccountStatus
    fee_schedule: str
    created_at: Moment
    realism: Realism
    balances: list[Cash]
    violations: list[Violation]
    portfolios: list[NamedPortfolio]


class LedgerLine(Shape):
    """What a transaction did to the account's cash in one currency."""

    currency: Currency
    amount: Amount


class Transaction(Shape):
    """A transaction of the ledger, with the customer's own entries."""

    id: Id
    account_id: Id
    kind: LedgerKind
    reference: str
    occurred_at: Moment
    description: str
    reverses: Id | None
    entries: list[LedgerLine]


class Movement(Shape):
    """Money that came in or went out, and what is there now."""

    transaction: Transaction
    balance: Cash


class Conversion(Shape):
    """What went, what came, at which rate, and what rounding took."""

    transaction_id: Id
    source_currency: Currency
    source_amount: Amount
    target_currency: Currency
    target_amount: Amount
    rounding: Amount
    rate: Amount
    rate_pair: Annotated[str, Meta(pattern="^[A-Z]{3}/[A-Z]{3}$")]
    rate_as_of: Moment


class Exchange(Shape):
    """A conversion that was booked, and what is there of both currencies now."""

    transaction: Transaction
    conversion: Conversion
    balances: list[Cash]


class CashAfter(Shape):
    """What there would be of a currency."""

    currency: Currency
    amount: Amount


class Offer(Shape):
    """What a conversion would give: what goes, what comes, at which rate, what there is of both."""

    source_currency: Currency
    source_amount: Amount
    target_currency: Currency
    target_amount: Amount
    fee: Amount
    rounding: Amount
    rate: Amount
    rate_pair: Annotated[str, Meta(pattern="^[A-Z]{3}/[A-Z]{3}$")]
    rate_as_of: Moment
    balances: list[Cash]
    cash_after: list[CashAfter]


class StatementRow(Shape):
    """One movement of cash and the balance right after it."""

    occurred_at: Moment
    kind: LedgerKind
    description: str
    transaction_id: Id
    trade_id: Id | None
    amount: Amount
    balance: Amount


class Statement(Shape):
    """One currency of an account over whole days in UTC, oldest line first.

    opening + movements = closing are of all kinds; listed is the sum of the lines.
    """

    account_id: Id
    currency: Currency
    kind: LedgerKind | None
    since: Day | None = field(name="from")
    to: Day | None
    opening: Amount
    movements: Amount
    closing: Amount
    listed: Amount
    lines: list[StatementRow]


class FxRate(Shape):
    """One unit of base costs rate units of quote."""

    base: Currency
    quote: Currency
    rate: Amount
    as_of: Moment


class Message(Struct):
    """One message of the stream, see docs/stream.md: what happened under one seq."""

    type: Literal[
        "ORDER_UPDATE",
        "TRADE_EXECUTED",
        "TRADE_BUSTED",
        "ACCOUNT_UPDATE",
        "ALERT",
        "ALERT_UPDATE",
    ]
    topic: str
    seq: int
    event: str


MOVING_MONEY = ("account_frozen", "invalid_amount", "max_balance")
TAKING_MONEY = ("account_frozen", "invalid_amount", "insufficient_available")
OPENING = ("account_frozen", "invalid_amount", "limit_reached", "max_balance")
