"""The rows one batch works on: read in sets under the accounts' locks, written back in sets."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from accounts.fees import Sold
from accounts.ledger import NewTransaction, post
from accounts.models import CashBalance, RegulatoryRate
from bengi.ahead import block_here, sent_ahead
from bengi.bulk import insert_rows, save_rows, update_rows
from bengi.crash_points import crash_point
from bengi.events.services import Log, NewEvent, heads_of
from bengi.ids import new_id
from instruments.models import Instrument
from orders.models import Order
from portfolios.models import Lot, LotClosing, Position
from trades.models import Trade
from trades.reading import owing_fees, read
from trades.selectors import standing_trades
from trades.settling import Purse, Settling, load_settling, save_settling

Holding = tuple[UUID, UUID]
"""(portfolio id, instrument id)."""


@dataclass(slots=True)
class Rows:
    """Everything a batch may change, keyed as the batch asks for it. Nothing here is lazy.

    successors: the orders that replace, or are to replace, another one, by that one's id.
    """

    orders: dict[UUID, Order]
    instruments: dict[UUID, Instrument]
    balances: dict[Purse, CashBalance]
    positions: dict[Holding, Position]
    lots: dict[Holding, list[Lot]]
    successors: dict[UUID, list[Order]] = field(default_factory=dict)
    changed_lots: dict[UUID, Lot] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    transactions: list[NewTransaction] = field(default_factory=list)
    closings: list[LotClosing] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    settling: Settling = field(default_factory=Settling)
    picking: list[Order] = field(default_factory=list)
    rates: list[RegulatoryRate] = field(default_factory=list)
    sold: dict[UUID, list[Sold]] = field(default_factory=dict)
    log: Log = field(default_factory=Log)

    def balance(self, account_id: UUID, currency: str) -> CashBalance:
        """Return the account's balance in currency, a new one when it has none yet."""
        key = (account_id, currency)
        found = self.balances.get(key)
        if found is None:
            found = self.balances[key] = CashBalance(account_id=account_id, currency=currency)
        return found

    def position(self, order: Order) -> Position:
        """Return the position the order works on, a new one when there is none yet."""
        key = (order.portfolio_id, order.instrument_id)
        found = self.positions.get(key)
        if found is None:
            found = Position(id=new_id(), portfolio_id=key[0], instrument_id=key[1])
            self.positions[key] = found
        return found

    def open_lots(self, order: Order) -> list[Lot]:
        """Return the open lots the order works on, oldest first."""
        return self.lots.setdefault((order.portfolio_id, order.instrument_id), [])

    def claims(self, order: Order) -> dict[UUID, Decimal]:
        """Return the shares of lots that other open orders have picked, by lot."""
        claims: dict[UUID, Decimal] = defaultdict(Decimal)
        for other in self.picking:
            if other.id != order.id:
                for pick in other.picks:
                    claims[pick.lot_id] += pick.quantity
        return claims


def load(
    order_ids: Iterable[UUID],
    account_ids: Iterable[UUID],
    since: datetime,
    *,
    is_correction: bool = False,
    is_locked: bool = True,
) -> Rows:
    """Read what the orders' fills and closings can touch, from the moment since on.

    is_correction: fills are taken back too, and unsettled proceeds with them. is_locked: the
    accounts are locked; else they are locked first. At most twenty-three statements, however many
    orders; on PostgreSQL they are waited for twice.
    """
    accounts = set(account_ids)
    known = read(set(order_ids), accounts, since, is_correction=is_correction, is_locked=is_locked)
    # What an order replaces stands beside it as it was, whatever the batch does to that one.
    orders = {order.id: order for order in [*known.waiting, *known.orders]}
    lots: dict[Holding, list[Lot]] = {}
    for lot in sorted(known.lots, key=lambda lot: (lot.opened_at, lot.id)):
        lots.setdefault((lot.portfolio_id, lot.instrument_id), []).append(lot)
    balances = {(balance.account_id, balance.currency): balance for balance in known.balances}
    spare = None if is_correction else _spare(balances, orders.values())
    return Rows(
        orders=orders,
        instruments={order.instrument_id: order.instrument for order in orders.values()},
        balances=balances,
        positions={(each.portfolio_id, each.instrument_id): each for each in known.positions},
        lots=lots,
        successors=_successors(orders.values()),
        settling=load_settling(accounts, since, spare, known.unsettled, known.uses),
        rates=known.rates,
        sold=_sold(owing_fees(orders.values())),
        picking=[orders.get(order.id, order) for order in known.picking],
        log=Log() if known.heads is None else Log(heads_of(accounts, known.heads)),
    )


def _spare(balances: dict[Purse, CashBalance], orders: Iterable[Order]) -> dict[Purse, Decimal]:
    """Return what is left of each balance when the orders have spent all they hold."""
    spare = {purse: balance.amount for purse, balance in balances.items()}
    for order in orders:
        if order.reserved:
            spare[order.account_id, order.instrument.currency] -= order.reserved
    return spare


def _successors(orders: Iterable[Order]) -> dict[UUID, list[Order]]:
    found: dict[UUID, list[Order]] = {}
    for order in orders:
        if order.replaces_id is not None:
            found.setdefault(order.replaces_id, []).append(order)
    return found


def _sold(orders: Iterable[Order]) -> dict[UUID, list[Sold]]:
    """Return what each order has sold so far, by its id."""
    partly = [order.id for order in orders if order.filled_quantity]
    sold: dict[UUID, list[Sold]] = {}
    trades = standing_trades().filter(order_id__in=partly) if partly else []
    for trade in trades:
        part = Sold(trade.trade_date, trade.quantity, trade.quantity * trade.price)
        sold.setdefault(trade.order_id, []).append(part)
    return sold


def save(rows: Rows) -> dict[UUID, int]:
    """Write the batch back and append its events; return each stream's newest seq.

    On PostgreSQL nothing waits for an answer before all has been sent.
    """
    with sent_ahead():
        update_rows(Order, rows.orders.values(), ORDER_CHANGES)
        save_rows(CashBalance, rows.balances.values(), ["amount", "reserved"])
        save_rows(Position, rows.positions.values(), ["quantity", "reserved_quantity"])
        save_rows(Lot, rows.changed_lots.values(), LOT_CHANGES)
        crash_point("book.orders")
        insert_rows(Trade, rows.trades)
        crash_point("book.trades")
        save_settling(rows.settling)
        _write_rest(rows)
        return rows.log.close()


def send_news(rows: Rows) -> None:
    """Write what no later decision of the batch can change, and forget it: trades, ledger, events.

    Where statements are sent ahead the database works on it meanwhile; elsewhere save() is soon
    enough.
    """
    if block_here() is not None:
        insert_rows(Trade, rows.trades)
        _write_rest(rows)
        for written in (rows.trades, rows.closings, rows.transactions, rows.events):
            written.clear()


def _write_rest(rows: Rows) -> None:
    insert_rows(LotClosing, rows.closings)
    post(rows.transactions)
    rows.log.write(rows.events)


LOT_CHANGES = ["remaining_quantity", "remaining_cost", "cost_shift", "busted_by"]
ORDER_CHANGES = [
    "status",
    "quantity",
    "replaced_by",
    "released_at",
    "stop_price",
    "high_water_mark",
    "filled_quantity",
    "busted_quantity",
    "filled_value",
    "busted_value",
    "reserved",
    "commission",
    "fees",
    "priority",
    "reason",
    "updated_at",
    "triggered_at",
    "closed_at",
]
"""What can change of an order after it was accepted."""
