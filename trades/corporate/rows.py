"""The rows a split touches: read in sets under the accounts' locks, written back in sets."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models.functions import Coalesce

from accounts.ledger import NewTransaction, post
from accounts.models import CashBalance
from accounts.services import lock_accounts
from bengi.events.services import NewEvent, append
from bengi.money import ZERO
from instruments.models import CorporateAction, Instrument, Quote
from instruments.splits import Ratio
from orders.models import Order
from portfolios.models import Lot, LotClosing, LotSplit, Portfolio, Position, PositionSplit
from trades.selectors import standing_trades

LOCKED_AT_ONCE = 500


@dataclass(slots=True)
class SplitRows:
    """Everything a split may change, and what it adds. now is when it is being applied.

    price: what a new share is worth where fractions are paid, exactly. orders come in the order
    in which they were placed; balances hold the instrument's currency only.
    """

    action: CorporateAction
    ratio: Ratio
    now: datetime
    price: Fraction
    positions: dict[UUID, Position]
    lots: dict[UUID, list[Lot]]
    orders: list[Order]
    balances: dict[UUID, CashBalance]
    changed_lots: list[Lot] = field(default_factory=list)
    new_orders: list[Order] = field(default_factory=list)
    position_splits: list[PositionSplit] = field(default_factory=list)
    lot_splits: list[LotSplit] = field(default_factory=list)
    closings: list[LotClosing] = field(default_factory=list)
    transactions: list[NewTransaction] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)

    @property
    def instrument(self) -> Instrument:
        return self.action.instrument

    @property
    def at(self) -> datetime:
        """From when on shares are new ones."""
        assert self.action.effective_at is not None, "approval fixes when an action counts"
        return self.action.effective_at

    def balance(self, account_id: UUID) -> CashBalance:
        """Return the account's balance in the instrument's currency, a new one if need be."""
        if account_id not in self.balances:
            currency = self.instrument.currency
            self.balances[account_id] = CashBalance(account_id=account_id, currency=currency)
        return self.balances[account_id]

    def claims(self) -> dict[UUID, Decimal]:
        """Return by lot the shares that open sells name."""
        claims: dict[UUID, Decimal] = defaultdict(Decimal)
        for order in [*self.orders, *self.new_orders]:
            for pick in order.picks:
                claims[pick.lot_id] += pick.quantity
        return claims

    def held_shares(self) -> dict[UUID, Decimal]:
        """Return by portfolio the shares that open sells hold."""
        held: dict[UUID, Decimal] = defaultdict(Decimal)
        for order in [*self.orders, *self.new_orders]:
            held[order.portfolio_id] += order.held_shares
        return held


def lock_holders(instrument: Instrument) -> None:
    """Lock the accounts that hold the instrument or have open orders in it, in id order."""
    holding = Portfolio.objects.filter(positions__instrument=instrument, positions__quantity__gt=0)
    ordering = Order.objects.filter(instrument=instrument, closed_at__isnull=True)
    ids = {*holding.values_list("account_id", flat=True)}
    ids |= {*ordering.values_list("account_id", flat=True)}
    lock_in_turn(ids)


def lock_in_turn(account_ids: Iterable[UUID]) -> None:
    """Lock accounts in id order, some hundreds with each statement."""
    ordered = sorted(account_ids)
    for first in range(0, len(ordered), LOCKED_AT_ONCE):
        lock_accounts(ordered[first : first + LOCKED_AT_ONCE])


def load(action: CorporateAction, now: datetime) -> SplitRows:
    """Read what the split can touch: seven statements, however many accounts. Changes nothing."""
    instrument = action.instrument
    positions = Position.objects.filter(instrument=instrument, quantity__gt=0)
    lots: dict[UUID, list[Lot]] = {}
    open_lots = Lot.objects.filter(instrument=instrument, remaining_quantity__gt=0)
    for lot in open_lots.order_by("opened_at", "id"):
        lots.setdefault(lot.portfolio_id, []).append(lot)
    orders = Order.objects.filter(instrument=instrument, closed_at__isnull=True)
    related = ("instrument", "fee_schedule", "replaces")
    return SplitRows(
        action=action,
        ratio=action.ratio,
        now=now,
        price=_price_in_lieu(action),
        positions={
            row.portfolio_id: row for row in positions.select_related("portfolio").order_by("id")
        },
        lots=lots,
        orders=list(orders.select_related(*related).order_by("id")),
        balances={
            row.account_id: row
            for row in CashBalance.objects.filter(currency=instrument.currency).filter(
                models.Q(account__portfolios__positions__instrument=instrument)
                | models.Q(account__orders__in=orders)
            )
        },
    )


def save(rows: SplitRows) -> dict[UUID, int]:
    """Write everything back and append the events; return each stream's newest seq."""
    _upsert(Order, rows.orders, ORDER_CHANGES)
    Order.objects.bulk_create(rows.new_orders)
    _upsert(CashBalance, rows.balances.values(), ["amount", "reserved"])
    _upsert(Position, rows.positions.values(), ["quantity", "reserved_quantity"])
    _upsert(Lot, rows.changed_lots, LOT_CHANGES)
    PositionSplit.objects.bulk_create(rows.position_splits)
    LotSplit.objects.bulk_create(rows.lot_splits)
    LotClosing.objects.bulk_create(rows.closings)
    post(rows.transactions)
    return append(rows.events)


LOT_CHANGES = ["quantity", "remaining_quantity", "remaining_cost", "cost_shift"]
ORDER_CHANGES = [
    "status",
    "quantity",
    "limit_price",
    "stop_price",
    "protection_price",
    "trail_price",
    "high_water_mark",
    "lots",
    "replaced_by",
    "reserved",
    "reason",
    "updated_at",
    "closed_at",
]


def _price_in_lieu(action: CorporateAction) -> Fraction:
    """Return what a new share is worth: as staff say, else by the last price that is known.

    That is one of old shares, but where the split comes late and the market has opened already.
    """
    if action.cash_in_lieu_price is not None:
        return Fraction(action.cash_in_lieu_price)
    quote = Quote.objects.filter(instrument_id=action.instrument_id).first()
    last = quote.last if quote else None
    assert action.effective_at is not None, "approval fixes when an action counts"
    if quote is not None and last is not None and quote.as_of >= action.effective_at:
        return Fraction(last)
    if last is None:
        done = standing_trades().filter(instrument_id=action.instrument_id)
        newest = done.order_by(Coalesce("corrects_id", "exec_id").desc())
        last = newest.values_list("price", flat=True).first()
    return action.ratio.price(last or ZERO)


def _upsert(model: type[models.Model], rows: Iterable[Any], fields: Sequence[str]) -> None:
    manager: Any = model._default_manager
    manager.bulk_create(
        list(rows), update_conflicts=True, unique_fields=["id"], update_fields=list(fields)
    )
