"""When the street fills an order that rests on the book, with how much and at what price.

The market comes to an order's price (touch) or goes beyond it (through); a quote on the other side
and a print both do. What a touch is worth is the realism profile's word. A quote has its sizes to
give, a print at most what was traded, where the feed tells that.
"""

from bengi.terms import Side
from instruments.realism import Touch
from trades.matching.street import Street
from trades.matching.working import WorkingOrder, is_within

_BUY = Side.BUY
_NOTHING = (0, 0)


def meet(order: WorkingOrder, street: Street) -> tuple[int, int]:
    """Fill a resting limit order as far as the street meets it; return (quantity, price).

    A quote fills at its own price, which may be better than the limit; a print at the limit, which
    the market passed on its way. The queue ahead of the order is counted down: to be called once
    for each word of the market.
    """
    limit, quote, touch = order.limit, street.quote, order.profile.touch
    if limit is None or quote is None or not street.serves(order):
        return _NOTHING
    offered, last, ahead = street.price(order), quote.last, 0
    is_good = offered is not None and is_within(offered, limit, order.side)
    if touch is not Touch.FILLS:
        if _is_beyond(offered, limit, order.side) or _is_beyond(last, limit, order.side):
            order.queue_ahead = 0
        elif touch is Touch.NEVER:
            return _NOTHING
        else:
            join_queue(order, street)
            ahead = order.queue_ahead or 0
            if last == limit:
                order.queue_ahead = max(0, ahead - quote.volume)
    if is_good and offered is not None and not order.queue_ahead:
        return street.give(order), offered
    if last is None or not is_within(last, limit, order.side):
        return _NOTHING
    return street.give_of_print(order, ahead), limit


def join_queue(order: WorkingOrder, street: Street) -> None:
    """Put an order that comes to rest behind what is displayed at its price, if that is known.

    What is displayed on its own side at a worse price says that nobody is ahead of it. A better
    one tells nothing of its own price: the first quote that comes there will. A profile that asks
    for no queue has none.
    """
    quote, limit = street.quote, order.limit
    if order.profile.touch is not Touch.AFTER_QUEUE or quote is None or not street.serves(order):
        return
    own, size = (quote.bid, quote.bid_size) if order.side is _BUY else (quote.ask, quote.ask_size)
    if own == limit:
        if order.queue_ahead is None and quote.has_sizes:
            order.queue_ahead = size
    elif own is not None and is_within(own, limit, order.side):
        order.queue_ahead = 0


def _is_beyond(price: int | None, limit: int, side: Side) -> bool:
    return price is not None and price != limit and is_within(price, limit, side)
