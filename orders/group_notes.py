"""What will become of a group, in words, before it is sent."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from bengi.money import plain
from bengi.terms import OrderClass
from orders.facts import TicketFacts
from orders.legs import StopLoss


def leg_notes(ticket: TicketFacts) -> Iterator[str]:
    """Say what the legs of a ticket will do; nothing for a simple order."""
    if ticket.order_class is OrderClass.OCO:
        yield "What one of the two orders sells, the other does not."
        return
    ways = []
    if ticket.take_profit is not None:
        ways.append(f"at {plain(ticket.take_profit.limit_price)} or better")
    if ticket.stop_loss is not None:
        trails = ticket.stop_loss.stop_price is None
        ways.append(f"at a stop {'' if trails else 'of '}{stop_words(ticket.stop_loss)}")
    if ways:
        first = ", whichever comes first" if len(ways) > 1 else ""
        yield f"What it buys is for sale when it fills: {' or '.join(ways)}{first}."


def stop_words(stop: StopLoss, price: Callable[[Decimal], str] = plain) -> str:
    """Return where a stop loss stands: "95", "95, limit 94", "2 % behind the price".

    price writes prices.
    """
    if stop.trail_price is not None:
        return f"{price(stop.trail_price)} behind the price"
    if stop.trail_percent is not None:
        return f"{plain(stop.trail_percent)} % behind the price"
    where = "" if stop.stop_price is None else price(stop.stop_price)
    return where if stop.limit_price is None else f"{where}, limit {price(stop.limit_price)}"
