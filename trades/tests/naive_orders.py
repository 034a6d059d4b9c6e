"""What the naive market reads off one order: a dict, see NaiveMarket."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


def sleeps(order):
    return order["stop"] is not None and not order["triggered"]


def wanted_at(order, price):
    """Return how many an order takes at price: what its money buys in whole steps, if any."""
    if order["money"] is None:
        return order["leaves"]
    affordable = (order["money"] / price / order["step"]).to_integral_value(ROUND_FLOOR)
    return min(affordable * order["step"], order["most"])


def stop_of(order):
    """Return a trailing order's stop: its gap away from the mark, on the cent, never nearer."""
    mark = order["mark"]
    gap = order["trail"] if order["trail"] is not None else mark * order["trail_percent"] / 100
    if order["side"] == "sell":
        return (mark - gap).quantize(Decimal("0.01"), ROUND_FLOOR)
    return (mark + gap).quantize(Decimal("0.01"), ROUND_CEILING)


def least_mark(order):
    """Return the mark at which a sell's trailing stop stands one cent above zero."""
    if order["side"] == "buy":
        return Decimal(0)
    if order["trail"] is not None:
        return order["trail"] + Decimal("0.01")
    return (1 / (100 - order["trail_percent"])).quantize(Decimal("0.01"), ROUND_CEILING)
