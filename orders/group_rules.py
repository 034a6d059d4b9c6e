"""What a ticket with legs must satisfy: each leg by itself, and how their prices lie.

Pure, like orders/rules.py, whose rules hold for the entry and, as far as they apply, for each leg.
Source: docs/trading-rules.md, "Order groups".
"""

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from bengi.errors import BengiError, Malformed, Refused
from bengi.money import plain
from bengi.sentences import Sentence, sentence
from bengi.terms import Leg, OrderClass, OrderType, Side, TimeInForce
from orders.facts import Facts, QuoteFacts, TicketFacts
from orders.legs import PAIRS, TRIGGERED
from orders.rules import check_leg, check_order, first_stop

TIMES = frozenset({TimeInForce.DAY, TimeInForce.GTC})
OF_A_LEG = frozenset({"type", "limit_price", "stop_price", "trail_price", "trail_percent"})
"""What a leg has of its own; quantity, side and time in force are the ticket's."""


def check_ticket(facts: Facts) -> list[BengiError]:
    """Return every reason why an order, with the legs of its group, must be refused.

    A leg's errors name its field below it: take_profit.limit_price, stop_loss.stop_price.
    """
    errors = check_order(facts)
    if facts.account.halt is not None:
        return errors
    if facts.ticket.order_class is OrderClass.SIMPLE and not _named(facts.ticket):
        return errors
    errors += _shape(facts.ticket)
    for leg, ticket in legs_of(facts.ticket).items():
        own = check_leg(replace(facts, ticket=ticket))
        errors += (_below(leg, error) for error in own if error.field in OF_A_LEG)
    if any(isinstance(error, Malformed) for error in errors):
        return errors
    return [*errors, *_count(facts), *check_prices(facts)]


def legs_of(ticket: TicketFacts) -> dict[Leg, TicketFacts]:
    """Return the orders that a ticket asks for besides its own. An oco is its own take profit."""
    other = Side.SELL if ticket.side is Side.BUY else Side.BUY
    is_pair = ticket.order_class is OrderClass.OCO
    blank = replace(
        ticket,
        side=ticket.side if is_pair else other,
        limit_price=None,
        stop_price=None,
        trail_price=None,
        trail_percent=None,
        lots=(),
        order_class=OrderClass.SIMPLE,
        take_profit=None,
        stop_loss=None,
    )
    found = {}
    if ticket.take_profit is not None and not is_pair:
        found[Leg.TAKE_PROFIT] = replace(
            blank,
            type=OrderType.LIMIT,
            limit_price=ticket.take_profit.limit_price,
            leg=Leg.TAKE_PROFIT,
        )
    stop = ticket.stop_loss
    if stop is not None:
        found[Leg.STOP_LOSS] = replace(
            blank,
            type=stop.type,
            limit_price=stop.limit_price,
            stop_price=stop.stop_price,
            trail_price=stop.trail_price,
            trail_percent=stop.trail_percent,
            leg=Leg.STOP_LOSS,
        )
    return found


def check_prices(facts: Facts) -> Iterator[BengiError]:
    """Yield what is wrong with where the legs stand: the profit above, the stop below, by a tick.

    Above and below the price at which the entry buys; the stop of an oco stands below its limit. A
    stop stands below the market too, unless the entry is a stop itself and waits elsewhere.
    """
    ticket, tick = facts.ticket, facts.instrument.tick_size
    entry = _entry_price(ticket, facts.quote, tick)
    if ticket.take_profit is not None and ticket.order_class is not OrderClass.OCO and entry:
        yield from _at_least(Leg.TAKE_PROFIT, ticket.take_profit.limit_price, entry + tick)
    stop = ticket.stop_loss.stop_price if ticket.stop_loss else None
    if stop is None:
        return
    waits = ticket.type in {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP}
    market = () if waits else (facts.quote.ask, facts.quote.last)
    bases = [price for price in (entry, *market) if price is not None]
    if bases:
        yield from _at_most(Leg.STOP_LOSS, stop, min(bases) - tick)


def _entry_price(ticket: TicketFacts, quote: QuoteFacts, tick: Decimal) -> Decimal | None:
    """Return the price the legs are measured from: the order's own, else the market's."""
    if ticket.type in {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP}:
        return first_stop(ticket, quote.last, tick)
    if ticket.type is OrderType.LIMIT:
        return ticket.limit_price
    return quote.ask if quote.ask is not None else quote.last


def _at_least(leg: Leg, price: Decimal, least: Decimal) -> Iterator[BengiError]:
    if price < least:
        detail = sentence("The take profit must be at {least} or above.", least=least)
        yield _misplaced(f"{leg}.limit_price", detail, least, price)


def _at_most(leg: Leg, price: Decimal, most: Decimal) -> Iterator[BengiError]:
    if price > most:
        detail = sentence("The stop loss must be at {most} or below.", most=most)
        yield _misplaced(f"{leg}.stop_price", detail, most, price)


def _misplaced(field: str, detail: Sentence, limit: Decimal, value: Decimal) -> BengiError:
    code = "unsupported_combination"
    return Refused(code, detail, field=field, limit=plain(limit), value=plain(value))


def _named(ticket: TicketFacts) -> list[Leg]:
    legs = {Leg.TAKE_PROFIT: ticket.take_profit, Leg.STOP_LOSS: ticket.stop_loss}
    return [leg for leg, asked in legs.items() if asked is not None]


def _shape(ticket: TicketFacts) -> Iterator[BengiError]:
    yield from _legs_shape(ticket)
    if ticket.order_class is OrderClass.SIMPLE:
        return
    words = ticket.order_class
    if ticket.time_in_force not in TIMES:
        detail = f"The orders of a group are day or gtc; it cannot be {ticket.time_in_force}."
        yield _unsupported(detail, "time_in_force", ticket.time_in_force)
    if ticket.lots:
        yield _unsupported("An order of a group names no lots.", "lots", str(len(ticket.lots)))
    if words in TRIGGERED and ticket.side is not Side.BUY:
        detail = f"The legs of {_a(words)} sell what it buys; there is no selling short."
        yield _unsupported(detail, "side", ticket.side)
    if words is OrderClass.OCO:
        yield from _pair_shape(ticket)


def _pair_shape(ticket: TicketFacts) -> Iterator[BengiError]:
    if ticket.side is not Side.SELL:
        detail = "An oco sells what is there; to buy, place a bracket."
        yield _unsupported(detail, "side", ticket.side)
    if ticket.type is not OrderType.LIMIT:
        detail = "An oco is a limit order, its take profit, beside a stop loss."
        yield _unsupported(detail, "type", ticket.type)
    wanted = ticket.take_profit.limit_price if ticket.take_profit else None
    if ticket.limit_price is not None and wanted is not None and ticket.limit_price != wanted:
        detail = "The limit of an oco is that of its take profit."
        value = plain(ticket.limit_price)
        yield Malformed("unexpected_price", detail, field="limit_price", value=value)


def _legs_shape(ticket: TicketFacts) -> Iterator[BengiError]:
    """Say which legs are missing, or too many, for the order's class."""
    words, named = ticket.order_class, _named(ticket)
    if words is OrderClass.SIMPLE:
        for leg in named:
            detail = f"A simple order takes no {_words(leg)}; say which order_class it is."
            yield Malformed("unexpected_price", detail, field=str(leg))
    elif words in PAIRS:
        for leg in (leg for leg in Leg if leg not in named):
            detail = f"{_a(words).capitalize()} order needs a {_words(leg)}."
            yield Malformed("missing_price", detail, field=str(leg))
    elif not named:
        detail = "An oto order needs a take profit or a stop loss."
        yield Malformed("missing_price", detail, field="take_profit")
    elif len(named) > 1:
        detail = "An oto order takes one leg; with both it is a bracket."
        yield Malformed("unexpected_price", detail, field="stop_loss")


def _count(facts: Facts) -> Iterator[BengiError]:
    """The legs count as open orders, on their own side."""
    limits, account = facts.limits, facts.account
    legs = len(legs_of(facts.ticket))
    is_pair = facts.ticket.order_class is OrderClass.OCO
    here = account.open_orders_here + 1 if is_pair else account.open_orders_opposite
    for open_orders, more, most, words in (
        (here, legs, limits.max_open_orders_here, f"open orders of {facts.instrument.symbol}"),
        (account.open_orders + 1, legs, limits.max_open_orders, "open orders"),
    ):
        if open_orders <= most < open_orders + more:
            detail = sentence(
                "At most {most} {words} at a time, and the legs count.", most=most, words=words
            )
            value = open_orders + more
            yield Refused("too_many_open_orders", detail, limit=most, value=value)


def _below(leg: Leg, error: BengiError) -> BengiError:
    """Name the leg in the field of one of its errors."""
    error.field = f"{leg}.{error.field}"
    return error


def _unsupported(detail: str, field: str, value: str) -> BengiError:
    return Refused("unsupported_combination", detail, field=field, value=str(value))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _a(words: str) -> str:
    return f"an {words}" if words.startswith("o") else f"a {words}"
