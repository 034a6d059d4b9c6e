"""What will become of a group, in words, before it is sent."""

from collections.abc import Iterator

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
        ways.append(stop_words(ticket.stop_loss))
    if ways:
        first = ", whichever comes first" if len(ways) > 1 else ""
        yield f"What it buys is for sale when it fills: {' or '.join(ways)}{first}."


def stop_words(stop: StopLoss) -> str:
    """Return where a stop loss sells: "at a stop of 95", "at a stop 2 % behind the price"."""
    if stop.trail_price is not None:
        return f"at a stop {plain(stop.trail_price)} behind the price"
    if stop.trail_percent is not None:
        return f"at a stop {plain(stop.trail_percent)} % behind the price"
    limit = "" if stop.limit_price is None else f", limit {plain(stop.limit_price)}"
    return f"at a stop of {'' if stop.stop_price is None else plain(stop.stop_price)}{limit}"
