"""The invariants of costs: commission and fees are the published formulas, once an order."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from uuid import UUID

from accounts.commission import commission_due
from accounts.fees import US_MICS, Sold, in_force, regulatory_fees
from accounts.models import FeeSchedule, RegulatoryRate
from bengi.money import ZERO, plain
from bengi.terms import Side
from instruments.calendar import session_date
from orders.models import Order
from trades.models import Trade
from trades.selectors import standing_trades


def costs_equal_formulas() -> Iterator[str]:
    """[6] An order's commission and fees are its formulas on all it filled, net of busts.

    A sale pays out of its proceeds: it may owe some as long as its last fill left nothing.
    """
    rates = list(RegulatoryRate.objects.all())
    fills: dict[UUID, list[Trade]] = defaultdict(list)
    for trade in standing_trades().order_by("exec_id").iterator():
        fills[trade.order_id].append(trade)
    for order in Order.objects.select_related("instrument", "fee_schedule").iterator():
        trades = fills[order.id]
        for name, paid, due in (
            ("commission", order.commission, _commission(order, trades)),
            ("fees", order.fees, _fees(order, trades, rates)),
        ):
            owes = order.side == Side.SELL and trades and not trades[-1].net_amount
            if paid != due and not (owes and paid < due):
                yield f"order {order.id}: {name} {plain(paid)}, the formula says {plain(due)}"


def _commission(order: Order, trades: list[Trade]) -> Decimal:
    quantity = sum((trade.quantity for trade in trades), ZERO)
    value = sum((trade.quantity * trade.price for trade in trades), ZERO)
    return commission_due(order.schedule, quantity, value, order.instrument.currency)


def _fees(order: Order, trades: list[Trade], rates: list[RegulatoryRate]) -> Decimal:
    mic = order.instrument.mic
    if order.side == Side.BUY or mic not in US_MICS:
        return ZERO
    days = [session_date(mic, trade.executed_at) for trade in trades]
    sold = [
        Sold(day, trade.quantity, trade.quantity * trade.price)
        for day, trade in zip(days, trades, strict=True)
    ]
    return regulatory_fees(rates, sold, order.instrument.currency)


def schedules_were_in_force() -> Iterator[str]:
    """[6] An order pays the row of its schedule that was in force on the day it was accepted."""
    rows: dict[str, list[FeeSchedule]] = defaultdict(list)
    for row in FeeSchedule.objects.all():
        rows[row.code].append(row)
    for order in Order.objects.select_related("instrument", "fee_schedule").iterator():
        day = session_date(order.instrument.mic, order.accepted_at)
        found = in_force(rows[order.fee_schedule.code], day)
        if found is not None and found.id != order.fee_schedule_id:
            pinned = order.fee_schedule.effective_from
            yield f"order {order.id}: pays the schedule of {pinned}, accepted on {day}"


def amounts_are_not_overspent() -> Iterator[str]:
    """[13] A buy of an amount has filled for no more than that, costs and corrections aside."""
    buys = Order.objects.filter(side=Side.BUY, notional__isnull=False)
    for order in buys.select_related("instrument").iterator():
        assert order.notional is not None
        if order.worked_value > order.notional:
            spent, amount = plain(order.worked_value), plain(order.notional)
            yield f"order {order.id}: filled for {spent} of an amount of {amount}"


COST_CHECKS: list[Callable[[], Iterator[str]]] = [
    costs_equal_formulas,
    schedules_were_in_force,
    amounts_are_not_overspent,
]
