"""The lots that a sell order names: whether they are there, each with enough left."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from bengi.errors import BengiError, Malformed, Refused
from bengi.money import ZERO, plain
from bengi.sentences import sentence
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
        detail = sentence(
            "The lots name {named} shares, the order {quantity}.", named=named, quantity=quantity
        )
        yield Malformed("invalid_field", detail, field="lots", value=plain(named))
        return
    for pick in picks:
        there = available.get(pick.lot_id, ZERO)
        if pick.quantity > there:
            yield Refused(
                "insufficient_position",
                sentence(
                    "{wanted} shares of lot {lot} to sell, {there} available.",
                    wanted=pick.quantity,
                    lot=pick.lot_id,
                    there=there,
                ),
                field="lots",
                lot_id=str(pick.lot_id),
                needed=plain(pick.quantity),
                available=plain(there),
            )
