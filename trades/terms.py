"""What terms a trade may have when staff name them, by hand or as a correction.

Everything that is wrong is told together.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from bengi.errors import BengiError, Malformed, Refused
from bengi.money import plain
from bengi.terms import CorrectionKind, Side
from instruments.models import Instrument
from orders.models import Order
from trades.models import Trade, TradeCorrection


def check_terms(row: TradeCorrection, sides: Iterable[Trade]) -> None:
    """Raise unless the trade can have the terms that an adjustment names, on all its sides.

    Raises Malformed when nothing would change, Refused invalid_tick, price_beyond_limit,
    invalid_step or quantity_above_trade.
    """
    if row.kind == CorrectionKind.BUST:
        return
    trade = row.trade
    if row.price in {None, trade.price} and row.quantity in {None, trade.quantity}:
        detail = "Name another price than the trade's, or fewer shares."
        raise Malformed("invalid_field", detail, field="price")
    errors = [*_price_errors(row, sides), *_quantity_errors(row)]
    if errors:
        raise errors[0] if len(errors) == 1 else Refused(errors=errors)


def beyond_limit(order: Order, price: Decimal) -> Iterator[BengiError]:
    """Yield the error of a price that is worse than the order's limit or protection price."""
    bound = order.limit_price or order.protection_price
    is_buy = order.side == Side.BUY
    if bound is not None and (price > bound if is_buy else price < bound):
        yield Refused(
            "price_beyond_limit",
            f"The {order.side} order trades at {plain(bound)} or better only.",
            field="price",
            limit=plain(bound),
            value=plain(price),
        )


def off_the_grid(instrument: Instrument, field: str, value: Decimal) -> Iterator[BengiError]:
    """Yield the error of a price off the tick, or a quantity off the step, or not above zero.

    field: price or quantity.
    """
    is_price = field == "price"
    step = instrument.tick_size if is_price else instrument.quantity_step
    if value <= 0 or value % step:
        words = "Prices of {} move" if is_price else "{} trades"
        yield Refused(
            "invalid_tick" if is_price else "invalid_step",
            f"{words.format(instrument.symbol)} in steps of {plain(step)}.",
            field=field,
            limit=plain(step),
            value=plain(value),
        )


def _price_errors(row: TradeCorrection, sides: Iterable[Trade]) -> Iterator[BengiError]:
    if row.price is None:
        return
    yield from off_the_grid(row.trade.instrument, "price", row.price)
    for side in sides:
        yield from beyond_limit(side.order, row.price)


def _quantity_errors(row: TradeCorrection) -> Iterator[BengiError]:
    if row.quantity is None:
        return
    yield from off_the_grid(row.trade.instrument, "quantity", row.quantity)
    if row.quantity > row.trade.quantity:
        yield Refused(
            "quantity_above_trade",
            f"The trade was of {plain(row.trade.quantity)}; a correction only takes away.",
            field="quantity",
            limit=plain(row.trade.quantity),
            value=plain(row.quantity),
        )
