"""What is told of events outside: one schema for each topic, as JSON. See docs/kafka.md.

A schema names what is told; what an event holds beyond that stays inside: names and addresses of
people, what they typed (client_order_id, notes, names of accounts) and who of staff did what and
why. A version is changed only by fields with a default at the end: old readers pass over what they
do not know, new ones fill in what is missing. Anything else is another version, on a topic of its
own. Decimals are strings, times RFC 3339 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

import msgspec

ORDERS, TRADES, ACCOUNTS, INSTRUMENTS = TOPICS = ("orders", "trades", "accounts", "instruments")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What every message says: which event it tells, of what kind, and when it happened."""

    VERSION: ClassVar[int] = 1
    event_id: UUID
    event: str
    occurred_at: datetime


class OrderMessage(Told, frozen=True, kw_only=True):
    """An order as it stands after something has become of it. Key: instrument_id."""

    id: UUID
    account_id: UUID
    portfolio_id: UUID
    instrument_id: UUID
    symbol: str
    side: str
    type: str
    time_in_force: str
    status: str
    quantity: Decimal
    filled_quantity: Decimal
    leaves_quantity: Decimal
    average_price: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool = False
    expires_at: datetime | None = None
    order_class: str = "simple"
    group_id: UUID | None = None
    parent_id: UUID | None = None
    leg: str | None = None
    replaces: UUID | None = None
    replaced_by: UUID | None = None
    busted_quantity: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    accepted_at: datetime | None = None
    updated_at: datetime | None = None
    triggered_at: datetime | None = None
    closed_at: datetime | None = None


class TradeMessage(Told, frozen=True, kw_only=True):
    """A trade that was booked, or the bust of one with its signs turned. Key: instrument_id.

    The two sides of a match between customers are two messages with one match_id.
    """

    exec_id: UUID
    kind: str
    order_id: UUID
    account_id: UUID
    portfolio_id: UUID
    instrument_id: UUID
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    gross_amount: Decimal
    net_amount: Decimal
    currency: str
    liquidity: str
    executed_at: datetime
    booked_at: datetime
    trade_date: date
    settles_on: date
    match_id: UUID | None = None
    busts: UUID | None = None
    corrects: UUID | None = None
    commission: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)


class CashMoved(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger transaction has changed an account's cash by, in one currency."""

    transaction_id: UUID
    kind: str
    currency: str
    amount: Decimal


class AccountMessage(Told, frozen=True, kw_only=True):
    """What became of an account or of what is in it, beside orders and trades. Key: account_id.

    subject: the row it tells of, such as a dividend's; cash: what it moved.
    """

    account_id: UUID
    subject: UUID | None = None
    cash: tuple[CashMoved, ...] = ()


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What can be traded, and in what steps."""

    symbol: str
    mic: str
    name: str
    type: str
    currency: str
    tick_size: Decimal
    quantity_step: Decimal = Decimal(1)


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A corporate action that has been agreed on."""

    id: UUID
    kind: str
    status: str
    ex_date: date
    ratio_to: int | None = None
    ratio_from: int | None = None
    amount: Decimal | None = None
    record_date: date | None = None
    pay_date: date | None = None


class InstrumentMessage(Told, frozen=True, kw_only=True):
    """An instrument was listed, corrected, halted, split and so on. Key: instrument_id."""

    instrument_id: UUID
    status: str | None = None
    terms: Terms | None = None
    action: Action | None = None


SCHEMAS: Mapping[str, type[Told]] = {
    ORDERS: OrderMessage,
    TRADES: TradeMessage,
    ACCOUNTS: AccountMessage,
    INSTRUMENTS: InstrumentMessage,
}
