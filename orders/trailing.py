"""Where a trailing stop stands: the decimal twin of trades/matching/trails.py, for acceptance."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from bengi.terms import Side

_EXACT = Context(prec=60)
_HUNDRED = Decimal(100)


def stop_behind(
    side: Side,
    mark: Decimal,
    *,
    trail_price: Decimal | None,
    trail_percent: Decimal | None,
    tick_size: Decimal,
) -> Decimal:
    """Return the stop behind mark, the best print so far, on the tick away from the market.

    A sell's stop is below the mark and rounded down, a buy's above it and rounded up, so that the
    gap is never narrower than asked for. Zero or less: the gap is wider than the price.
    """
    gap = trail_price
    if gap is None:
        assert trail_percent is not None
        gap = _EXACT.divide(_EXACT.multiply(mark, trail_percent), _HUNDRED)
    exact = _EXACT.subtract(mark, gap) if side is Side.SELL else _EXACT.add(mark, gap)
    rounding = ROUND_FLOOR if side is Side.SELL else ROUND_CEILING
    ticks = _EXACT.divide(exact, tick_size).to_integral_value(rounding=rounding)
    return ticks * tick_size
