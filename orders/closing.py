"""Sell a position, or part of it, at the market: an order like any other, sized by what is held."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from accounts.idempotency import known_answer, remember
from accounts.models import User
from accounts.services import lock_accounts
from bengi.errors import Malformed, Refused
from bengi.ids import new_id
from bengi.money import plain
from bengi.retries import retried
from bengi.sentences import sentence
from bengi.terms import OrderType, Side, TimeInForce
from orders.models import Order
from orders.services import Placement, place_order
from orders.tickets import OrderTicket
from portfolios.models import Position
from portfolios.selectors import position_of


@dataclass(frozen=True, slots=True)
class Closing:
    """How much is to be sold: a quantity, or a percent of what is held, or, without both, all."""

    quantity: Decimal | None = None
    percent: Decimal | None = None
    confirm_duplicate: bool = False


@retried
def close_position(
    position_id: UUID, user: User, asked: Closing, *, key: str | None, now: datetime
) -> Placement:
    """Place a market sell of the day for a position of the user's.

    key, the client_order_id, does it once: asked the same again, the same order is returned,
    however little is held by then. Raises NotFound, Refused insufficient_position for an empty
    position, Malformed invalid_quantity for less than a step, Refused idempotency_mismatch, and
    what place_order() raises.
    """
    account_id = position_of(user, position_id).portfolio.account_id
    lock_accounts([account_id])
    position = position_of(user, position_id)
    route, body = f"positions/{position_id}/close", _words(asked)
    known = None if key is None else known_answer(user.id, route, key, body, now)
    if known is not None:
        made = Order.objects.select_related("instrument").get(id=known["order_id"])
        return Placement(made, replayed=True)
    placement = place_order(_ticket(position, asked, key or str(new_id())), now=now)
    if key is not None and not placement.replayed:
        remember(user.id, route, key, body, {"order_id": str(placement.order.id)}, now)
    return placement


def _ticket(position: Position, asked: Closing, key: str) -> OrderTicket:
    return OrderTicket(
        account_id=position.portfolio.account_id,
        portfolio_id=position.portfolio_id,
        symbol=position.instrument.symbol,
        side=Side.SELL,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        quantity=_quantity(position, asked),
        client_order_id=key,
        confirm_duplicate=asked.confirm_duplicate,
    )


def _quantity(position: Position, asked: Closing) -> Decimal:
    """Return the shares to sell; of a percent, whole steps, rounded down."""
    if asked.quantity is not None:
        return asked.quantity
    if not position.quantity:
        detail = f"There are no shares of {position.instrument.symbol} left to sell."
        raise Refused("insufficient_position", detail, available="0")
    if asked.percent is None or asked.percent == 100:
        return position.quantity
    step = position.instrument.quantity_step
    quantity = position.quantity * asked.percent / 100 // step * step
    if not quantity:
        little = sentence(
            "{percent} % of the position is less than {step}.", percent=asked.percent, step=step
        )
        raise Malformed("invalid_quantity", little, field="percent", limit=plain(step))
    return quantity


def _words(asked: Closing) -> list[str]:
    sizes = (asked.quantity, asked.percent)
    return ["" if size is None else plain(size) for size in sizes]
