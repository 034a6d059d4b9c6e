"""What a fill costs: commission and regulatory fees, on the order's running totals."""

from datetime import date
from decimal import Decimal

import msgspec

from accounts.commission import commission_due
from accounts.fees import US_MICS, Sold, regulatory_fees
from bengi.money import ZERO
from bengi.terms import Side
from orders.models import Order
from trades.rows import Rows


class FillCosts(msgspec.Struct, frozen=True):
    """Amounts of one fill, none negative; those of a sale never exceed what it brings."""

    commission: Decimal
    fees: Decimal


def charge(
    rows: Rows, order: Order, *, quantity: Decimal, value: Decimal, gross: Decimal, day: date
) -> FillCosts:
    """Return what a fill pays that its order has counted already, and add it to the order.

    What is due on all fills so far, less what the order has paid. A sale pays out of its gross
    amount; what that does not cover waits for the next fill.
    """
    currency = rows.instruments[order.instrument_id].currency
    due = commission_due(order.schedule, order.filled_quantity, order.filled_value, currency)
    commission = max(ZERO, due - order.commission)
    fees = ZERO
    if order.side == Side.SELL:
        commission = min(commission, gross)
        owed = _regulatory_fees(rows, order, Sold(day, quantity, value), currency)
        fees = min(max(ZERO, owed - order.fees), gross - commission)
    order.commission += commission
    order.fees += fees
    return FillCosts(commission, fees)


def _regulatory_fees(rows: Rows, order: Order, sold: Sold, currency: str) -> Decimal:
    if rows.instruments[order.instrument_id].mic not in US_MICS:
        return ZERO
    so_far = rows.sold.setdefault(order.id, [])
    so_far.append(sold)
    return regulatory_fees(rows.rates, so_far, currency)
