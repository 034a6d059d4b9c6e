"""Manual execution: one of staff fills an open order by hand, at a price and quantity they name.

It is booked by the engine's own booking, behind the shard's version, so that a running engine
builds its books anew; the trade's event and the order's story say that it was done by hand, the
event also by whom.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.idempotency import known_answer, remember
from accounts.models import User
from accounts.services import lock_accounts
from bengi.audit.services import note
from bengi.bus import NUDGE, get_bus
from bengi.errors import BengiError, Conflict, Forbidden, Malformed, NotFound, Refused
from bengi.events.selectors import newest_seq
from bengi.money import plain
from bengi.realtime.publish import publish
from bengi.retries import retried
from bengi.terms import InstrumentStatus, Liquidity, OrderStatus, Side, TimeInForce
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.selectors import latest_quotes
from orders.facts import DEFAULT_LIMITS, Limits
from orders.limits import read_limits
from orders.models import Order
from trades.booking import book
from trades.claiming import claim
from trades.decisions import ByHand, Decision, SeenQuote
from trades.matching.fixed import to_fixed
from trades.matching.outcomes import Fill
from trades.models import Trade
from trades.payloads import trade_payload
from trades.selectors import standing_trades
from trades.terms import beyond_limit, off_the_grid

EXECUTE = "trades.execute_trade"
"""The permission to execute orders by hand."""

ROUTE = "trades/execute"


@dataclass(frozen=True, slots=True)
class ManualFill:
    """What is to be booked by hand: shares of an open order, at a price, for a reason."""

    order_id: UUID
    quantity: Decimal
    price: Decimal
    reason: str

    @property
    def body(self) -> list[str]:
        return [str(self.order_id), plain(self.quantity), plain(self.price), self.reason]


@dataclass(frozen=True, slots=True)
class Executed:
    """The answer to a manual execution; replayed when its key had made it before."""

    body: dict[str, Any]
    replayed: bool = False


@retried
def execute(by: User, wanted: ManualFill, *, key: str, now: datetime) -> Executed:
    """Fill an order by hand and return its trade; the same key of the same person does it once.

    Raises Forbidden, NotFound, Malformed without a reason, Conflict order_not_executable, and
    Refused with every rule that says no: quantity_above_leaves, invalid_step, invalid_tick,
    price_beyond_limit, price_collar, symbol_halted.
    """
    if not by.has_perm(EXECUTE):
        raise Forbidden("forbidden", "Only who may execute by hand does that.")
    if not wanted.reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    found = Order.objects.filter(id=wanted.order_id).select_related("instrument").first()
    if found is None:
        raise NotFound
    known = known_answer(by.id, ROUTE, key, wanted.body, now)
    if known is not None:
        return Executed(known, replayed=True)
    claim(found.instrument.shard)
    lock_accounts([found.account_id])
    order = Order.objects.select_related("instrument").get(id=wanted.order_id)
    tick = latest_quotes([order.instrument]).get(order.instrument.symbol)
    check_executable(order)
    limits = read_limits([order.account_id]).get(order.account_id, DEFAULT_LIMITS)
    errors = list(_errors(order, wanted, tick, limits))
    if errors:
        raise errors[0] if len(errors) == 1 else Refused(errors=errors)
    trade = _book(order, wanted, tick, by, now)
    answer = trade_payload(trade, order.instrument.symbol)
    remember(by.id, ROUTE, key, wanted.body, answer, now)
    return Executed(answer)


def check_executable(order: Order) -> None:
    """Raise Conflict unless the order is at work: the engine knows it and it may trade."""
    if not order.is_open or order.status == OrderStatus.HELD:
        reason = f"The order is {order.status}."
    elif order.priority is None:
        reason = "The engine has not taken it up yet."
    elif order.stop_price is not None and order.triggered_at is None:
        reason = "Its stop has not fired."
    elif order.group_id is not None:
        reason = "It belongs to a group, whose orders the engine sizes by each other's fills."
    elif order.is_buy_of_amount:
        reason = "It is of an amount, which the engine sizes anew by each price."
    else:
        return
    raise Conflict("order_not_executable", reason, order_status=str(order.status))


def _errors(
    order: Order, wanted: ManualFill, tick: Tick | None, limits: Limits
) -> Iterator[BengiError]:
    instrument, leaves = order.instrument, order.leaves_quantity
    if instrument.status != InstrumentStatus.ACTIVE:
        detail = f"{instrument.symbol} is {instrument.status}; it cannot be traded now."
        yield Refused("symbol_halted", detail, instrument_status=str(instrument.status))
    if wanted.quantity > leaves:
        yield Refused(
            "quantity_above_leaves",
            f"The order still wants {plain(leaves)}.",
            field="quantity",
            limit=plain(leaves),
            value=plain(wanted.quantity),
        )
    elif wanted.quantity < leaves:
        yield from off_the_grid(instrument, "quantity", wanted.quantity)
        if order.time_in_force == TimeInForce.FOK:
            detail = f"The order is filled whole or not at all: {plain(leaves)}."
            yield Refused("quantity_below_leaves", detail, field="quantity", limit=plain(leaves))
    yield from off_the_grid(instrument, "price", wanted.price)
    yield from beyond_limit(order, wanted.price)
    yield from _outside_the_band(instrument, wanted.price, tick, limits)


def _outside_the_band(
    instrument: Instrument, price: Decimal, tick: Tick | None, limits: Limits
) -> Iterator[BengiError]:
    """Yield the error of a price too far from the last one; where none is known any will do."""
    last = tick.last if tick is not None else None
    if last is None:
        return
    collar = limits.low_price_collar if last < limits.low_price else limits.collar
    lowest, highest = last * (1 - collar), last * (1 + collar)
    if not lowest <= price <= highest:
        yield Refused(
            "price_collar",
            f"The price must be within {plain(collar * 100)} % of the last price of "
            f"{instrument.symbol}, from {plain(lowest)} to {plain(highest)}.",
            field="price",
            limit=[plain(lowest), plain(highest)],
            value=plain(price),
            last=plain(last),
        )


def _book(order: Order, wanted: ManualFill, tick: Tick | None, by: User, now: datetime) -> Trade:
    """Book the fill as the engine books its own, and return the trade."""
    decision = Decision(
        account_id=order.account_id,
        outcome=Fill(
            order_id=str(order.id),
            side=Side(order.side),
            quantity=to_fixed(wanted.quantity),
            price=to_fixed(wanted.price),
            liquidity=Liquidity.MANUAL,
            match_id=None,
            counter_order_id=None,
            leaves=to_fixed(order.leaves_quantity - wanted.quantity),
        ),
        decided_at=now,
        seen=_seen(tick),
        by_hand=ByHand(str(by.id), wanted.reason.strip()),
    )
    heads = book([decision])
    note(
        "order.executed_by_hand",
        by=by,
        now=now,
        target=f"order {order.id}",
        details={
            "quantity": plain(wanted.quantity),
            "price": plain(wanted.price),
            "reason": wanted.reason.strip(),
        },
        event=newest_seq(order.account_id, "trade.executed"),
    )
    shard = order.instrument.shard

    def tell() -> None:
        get_bus().publish(NUDGE, shard)
        publish(heads)

    transaction.on_commit(tell, robust=True)
    return standing_trades().filter(order=order).latest("exec_id")


def _seen(tick: Tick | None) -> SeenQuote:
    if tick is None:
        return SeenQuote(None, None, None)
    return SeenQuote(tick.bid, tick.ask, tick.as_of, tick.bid_size, tick.ask_size, tick.last)
