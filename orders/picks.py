"""The lots that a sell order names: whether they are there, each with enough left."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from bengi.errors import BengiError, Malformed, Refused
from bengi.money import ZERO, plain
from bengi.terms import Side
from portfolios.lots import Pick


def check_picks(
    side: Side, quantity: Decimal, picks: Sequence[Pick], available: Mapping[UUID, Decimal]
) -> Iterator[BengiError]:
    """Yield why a ticket's lots cannot be had.

    available: shares left by lot of the portfolio's open lots of the instrument, less what other
    open orders have picked. The picks must add up to the order's quantity.
    """
    if not picks:
        return
    if side is not Side.SELL:
        yield Malformed("invalid_field", "Only a sell order names lots.", field="lots")
        return
    if len({pick.lot_id for pick in picks}) != len(picks):
        yield Malformed("invalid_field", "Name each lot once.", field="lots")
        return
    named = sum((pick.quantity for pick in picks), ZERO)
    if named != quantity:
        detail = f"The lots name {plain(named)} shares, the order {plain(quantity)}."
        yield Malformed("invalid_field", detail, field="lots", value=plain(named))
        return
    for pick in picks:
        there = available.get(pick.lot_id, ZERO)
        if pick.quantity > there:
            yield Refused(
                "insufficient_position",
                f"{plain(pick.quantity)} shares of lot {pick.lot_id} to sell, "
                f"{plain(there)} available.",
                field="lots",
                lot_id=str(pick.lot_id),
                needed=plain(pick.quantity),
                available=plain(there),
            )
