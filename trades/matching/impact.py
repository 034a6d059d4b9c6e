"""What taking a share of the volume does to its price."""

from bengi.terms import Side

CAP_PERCENT = 5
_WHOLE = 100


def slipped(
    price: int, side: Side, *, taken: int, volume: int, impact_percent: int, tick: int
) -> int:
    """Return the price of shares of which, with these, taken of volume have gone.

    price x (1 +- c x (taken / volume)^2), at most 5 % away; c is impact_percent / 100. Rounded to
    the tick away from the order, inside the 5 %. Source: the volume-share slippage model of
    zipline, with the taken share of one bar; there c is 0.1 as well.
    """
    parts = _WHOLE * volume * volume
    move = price * impact_percent * taken * taken
    cap = price * CAP_PERCENT
    if side is Side.BUY:
        exact = -(-(price * parts + move) // (parts * tick)) * tick
        return max(price, min(exact, (price * _WHOLE + cap) // (_WHOLE * tick) * tick))
    exact = (price * parts - move) // (parts * tick) * tick
    return min(price, max(exact, -(-(price * _WHOLE - cap) // (_WHOLE * tick)) * tick))
