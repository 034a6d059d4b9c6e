"""What a batch works on, as it is read: on PostgreSQL in two round trips, elsewhere in turn."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from accounts.fees import US_MICS
from accounts.models import CashBalance, FeeSchedule, RegulatoryRate, UnsettledCash, UnsettledUse
from accounts.services import lock_accounts, lock_in_order
from bengi.ahead import sent_ahead
from bengi.arrays import array_of, columns_of, rows_of
from bengi.bulk import has_arrays, read_rows
from bengi.compiled import ask_planned
from bengi.events.models import Stream
from bengi.events.services import lock_heads
from bengi.terms import OrderStatus, Side
from instruments.models import Instrument
from orders.models import Order
from orders.selectors import picking_orders
from portfolios.models import Lot, Portfolio, Position

Unsettled = tuple[UUID, str, Decimal]
"""(account id, currency, how much of it has not settled)."""


@dataclass(slots=True)
class Known:
    """The rows of a batch's orders and accounts, in no order.

    waiting: orders that are held to replace one of these. heads: of the accounts' streams, locked.
    Heads, unsettled and uses are None where they have not been read.
    """

    orders: list[Order]
    waiting: list[Order]
    balances: list[CashBalance]
    positions: list[Position] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    picking: list[Order] = field(default_factory=list)
    rates: list[RegulatoryRate] = field(default_factory=list)
    heads: list[Stream] | None = None
    unsettled: list[Unsettled] | None = None
    uses: list[UnsettledUse] | None = None


def read(
    order_ids: Collection[UUID],
    accounts: Collection[UUID],
    since: datetime,
    *,
    is_correction: bool,
    is_locked: bool,
) -> Known:
    """Read orders and all that they can touch; see trades.rows.load().

    is_correction: unsettled proceeds are wanted one by one and are not read here. is_locked: the
    accounts are locked already; else this locks them first.
    """
    if has_arrays():
        return _together(
            order_ids, accounts, since, is_correction=is_correction, is_locked=is_locked
        )
    if not is_locked:
        lock_accounts(accounts)
    return _in_turn(order_ids, accounts)


_ON_HAND = ("portfolio_id", "instrument_id")
_IS_OPEN = "remaining_quantity > 0"
_IS_HELD = f"{Order._meta.db_table}.status = '{OrderStatus.HELD}'"


def _holdings(orders: Collection[Order]) -> set[tuple[Any, ...]]:
    return {(order.portfolio_id, order.instrument_id) for order in orders}


def owing_fees(orders: Iterable[Order]) -> list[Order]:
    """Return the sells whose fills owe regulatory fees."""
    return [o for o in orders if o.side == Side.SELL and o.instrument.mic in US_MICS]


def _in_turn(order_ids: Collection[UUID], accounts: Collection[UUID]) -> Known:
    led = Order.objects.select_related("instrument", "portfolio", "fee_schedule", "replaces")
    orders = list(led.filter(id__in=order_ids))
    waiting = list(led.filter(replaces_id__in=order_ids, status=OrderStatus.HELD))
    holdings = _holdings([*orders, *waiting])
    return Known(
        orders,
        waiting,
        read_rows(CashBalance, "account_id", accounts),
        positions=read_rows(Position, _ON_HAND, holdings),
        lots=read_rows(Lot, _ON_HAND, holdings, where=_IS_OPEN),
        picking=list(picking_orders(accounts)),
        rates=read_rows(RegulatoryRate) if owing_fees([*orders, *waiting]) else [],
    )


# -- together ----------------------------------------------------------------------------------


def _together(
    order_ids: Collection[UUID],
    accounts: Collection[UUID],
    since: datetime,
    *,
    is_correction: bool,
    is_locked: bool,
) -> Known:
    """Ask for what the ids lead to, then for what the orders lead to.

    The locks come first: a statement sees what was committed by the time it runs.
    """
    waiting_for = array_of(accounts), since
    with sent_ahead():
        if not is_locked:
            lock_in_order(accounts)
        known = Known(
            read_rows(Order, "id", order_ids),
            read_rows(Order, "replaces_id", order_ids, where=_IS_HELD),
            read_rows(CashBalance, "account_id", accounts),
            picking=read_rows(Order, "account_id", accounts, where=PICKS),
            heads=lock_heads(accounts),
            unsettled=None if is_correction else ask_planned(UNSETTLED, waiting_for),
        )
        used = ask_planned(_uses(), waiting_for)
    known.uses = _uses_of(used)
    orders = [*known.orders, *known.waiting]
    holdings = _holdings(orders)
    with sent_ahead():
        instruments = read_rows(Instrument, "id", {o.instrument_id for o in orders})
        portfolios = read_rows(Portfolio, "id", {o.portfolio_id for o in orders})
        schedules = read_rows(FeeSchedule, "id", {o.fee_schedule_id for o in orders})
        replaced = read_rows(Order, "id", {o.replaces_id for o in orders} - {None})
        known.positions = read_rows(Position, _ON_HAND, holdings)
        known.lots = read_rows(Lot, _ON_HAND, holdings, where=_IS_OPEN)
        known.rates = read_rows(RegulatoryRate) if any(o.side == Side.SELL for o in orders) else []
    _lead_orders(orders, instruments, portfolios, schedules, replaced)
    return known


def _uses_of(rows: Iterable[tuple[Any, ...]]) -> list[UnsettledUse]:
    """Return what was paid with cash that has not settled, each leading to that cash."""
    found = []
    width = len(UnsettledUse._meta.concrete_fields)
    for row in rows:
        use = rows_of(UnsettledUse, [row[:width]])[0]
        use.unsettled = rows_of(UnsettledCash, [row[width:]])[0]
        found.append(use)
    return found


def _lead_orders(orders: list[Order], *related: list[Any]) -> None:
    """Let the orders' foreign keys lead to the rows that were read."""
    instruments, portfolios, schedules, replaced = (
        {row.pk: row for row in rows} for rows in related
    )
    for order in orders:
        values = vars(order)
        order._state.fields_cache = {
            "instrument": instruments[values["instrument_id"]],
            "portfolio": portfolios[values["portfolio_id"]],
            "fee_schedule": schedules[values["fee_schedule_id"]],
            "replaces": replaced.get(values["replaces_id"]),
        }


PICKS = f"closed_at IS NULL AND side = '{Side.SELL}' AND lots <> '[]'"
_OF_THEM = (
    "accounts_unsettledcash.account_id = ANY(%s::uuid[]) AND accounts_unsettledcash.settles_at > %s"
)
UNSETTLED = (
    "SELECT account_id, currency, sum(remaining_amount) FROM accounts_unsettledcash"  # noqa: S608
    f" WHERE {_OF_THEM} GROUP BY account_id, currency"
)


@cache
def _uses() -> str:
    return (
        f"SELECT {columns_of(UnsettledUse)}, {columns_of(UnsettledCash)}"  # noqa: S608
        " FROM accounts_unsettleduse JOIN accounts_unsettledcash"
        f" ON accounts_unsettledcash.id = unsettled_id WHERE {_OF_THEM}"
    )
