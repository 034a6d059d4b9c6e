"""What will become of a group, in words, before it is sent."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

from bengi.numerals import quantity
from bengi.sentences import Number, Sentence, sentence
from bengi.terms import OrderClass
from orders.facts import TicketFacts
from orders.legs import StopLoss, TakeProfit


def leg_notes(ticket: TicketFacts) -> Iterator[str | Sentence]:
    """Say what the legs of a ticket will do; nothing for a simple order."""
    if ticket.order_class is OrderClass.OCO:
        yield "What one of the two orders sells, the other does not."
        return
    gain, loss = _gain(ticket.take_profit), _loss(ticket.stop_loss)
    ways = gain if loss is None else loss
    if gain is not None and loss is not None:
        ways = sentence("{gain} or {loss}, whichever comes first", gain=gain, loss=loss)
    if ways is not None:
        yield sentence("What it buys is for sale when it fills: {ways}.", ways=ways)


def _gain(leg: TakeProfit | None) -> Sentence | None:
    return None if leg is None else sentence("at {limit} or better", limit=leg.limit_price)


def _loss(leg: StopLoss | None) -> Sentence | None:
    if leg is None:
        return None
    form = "at a stop {stop}" if leg.stop_price is None else "at a stop of {stop}"
    return sentence(form, stop=_stop(leg))


def _stop(leg: StopLoss) -> Sentence:
    """Say where a stop loss stands."""
    if leg.trail_price is not None:
        return sentence("{trail} behind the price", trail=leg.trail_price)
    if leg.trail_percent is not None:
        return sentence("{trail} % behind the price", trail=leg.trail_percent)
    if leg.limit_price is None:
        return sentence("{stop}", stop=leg.stop_price)
    return sentence("{stop}, limit {limit}", stop=leg.stop_price, limit=leg.limit_price)


def stop_words(leg: StopLoss, write: Callable[[Decimal], str]) -> str:
    """Return where a stop loss stands: "95", "95, limit 94", "2 % behind the price".

    write writes prices; a percentage is written as a quantity.
    """

    def written(told: Number | datetime) -> str:
        assert isinstance(told, Number), "a stop loss has no times"
        value = Decimal(told.value)
        return write(value) if leg.trail_percent is None else quantity(value)

    return _stop(leg).with_numbers(written)
