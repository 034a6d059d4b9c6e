"""What an order must satisfy before it is accepted. Every rule runs; all failures are returned.

Pure: the facts are passed in, each with the moment it was true; nothing is looked up here.
Source of the numbers: docs/trading-rules.md, "Risk checks before acceptance".
"""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any

from accounts.commission import CommissionSchedule, commission_due
from bengi.errors import BengiError, Conflict, Forbidden, Malformed, Refused, Unavailable
from bengi.money import ZERO, plain, round_up_money
from bengi.sentences import apart, sentence
from bengi.terms import AccountStatus, InstrumentStatus, Leg, OrderType, Side, TimeInForce
from orders.facts import Facts, InstrumentFacts, QuoteFacts, TicketFacts
from orders.fractions import check_fraction, check_worth
from orders.hours import check_hours, works_now
from orders.means import check_means
from orders.notional import cash_for, check_notional, shares_at_most
from orders.picks import check_picks
from orders.trailing import stop_behind

PROTECTION = Decimal("1.04")
"""A market or stop buy reserves, and pays at most, this much of the price it was placed at."""

HALT_RETRY_S = 60
"""When to ask again while trading is halted: nobody knows, but not every second."""

PRICES_OF: dict[OrderType, frozenset[str]] = {
    OrderType.MARKET: frozenset(),
    OrderType.LIMIT: frozenset({"limit_price"}),
    OrderType.STOP: frozenset({"stop_price"}),
    OrderType.STOP_LIMIT: frozenset({"stop_price", "limit_price"}),
    OrderType.TRAILING_STOP: frozenset(),
}
"""The prices each type of order needs, and takes. A trailing stop's own stop is not named."""

STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
"""The times in force of orders that may wait for a price; the others have one look."""

AT_A_MOMENT = frozenset({TimeInForce.OPG, TimeInForce.CLS})


def check_order(facts: Facts) -> list[BengiError]:
    """Return every reason why the order must be refused, shape first; empty when there is none.

    Each error names its code, the field at fault and the numbers behind it. A ticket whose shape
    is wrong is checked no further than its account and instrument, because no price can be told;
    while trading is halted that is the only reason.
    """
    if facts.account.halt is not None:
        return [halted(facts.account.halt)]
    errors = [*_standing(facts), *_shape(facts.ticket, facts.instrument), *check_notional(facts)]
    if any(isinstance(error, Malformed) for error in errors):
        return errors
    picks = check_picks(
        facts.ticket.side, facts.ticket.quantity, facts.ticket.lots, facts.account.available_lots
    )
    errors += [*check_hours(facts), *check_fraction(facts), *_window(facts)]
    errors += [*picks, *_steps(facts), *_sizes(facts), *_prices(facts)]
    needed = cash_needed(facts) if facts.ticket.side is Side.BUY else None
    errors += check_means(facts, needed)
    for error in errors:
        if facts.ticket.notional is not None and error.field == "quantity":
            error.field = "notional"
    return [*errors, *_twin(facts)]


def check_leg(facts: Facts) -> list[BengiError]:
    """Return what is wrong with a leg of a group by itself.

    Its size and its means are its entry's, and it may stand as far from the market as it likes.
    """
    errors = [*_standing(facts), *_shape(facts.ticket, facts.instrument)]
    if any(isinstance(error, Malformed) for error in errors):
        return errors
    return [*errors, *_steps(facts), *_prices(facts)]


def first_stop(ticket: TicketFacts, last: Decimal | None, tick_size: Decimal) -> Decimal | None:
    """Return where the order's stop stands when it is accepted; None when it has none.

    A trailing stop starts behind the last print; None while there is no print.
    """
    if ticket.type is not OrderType.TRAILING_STOP:
        return ticket.stop_price
    if last is None or (ticket.trail_price is None and ticket.trail_percent is None):
        return None
    return stop_behind(
        ticket.side,
        last,
        trail_price=ticket.trail_price,
        trail_percent=ticket.trail_percent,
        tick_size=tick_size,
    )


def protection_price(
    ticket: TicketFacts, ask: Decimal | None, tick_size: Decimal, last: Decimal | None = None
) -> Decimal | None:
    """Return the most a market or stop buy may pay: 1.04 x the ask (or a higher stop), on a tick.

    Rounded up to the tick. A trailing stop counts where it starts, behind last: it only falls from
    there. None for sells and orders with a limit, which need none, and for a market buy that nobody
    offers to.
    """
    if ticket.side is Side.SELL or "limit_price" in PRICES_OF[ticket.type]:
        return None
    stop = first_stop(ticket, last, tick_size)
    offers = [price for price in (ask, stop) if price is not None]
    if not offers:
        return None
    ticks = (max(offers) * PROTECTION / tick_size).to_integral_value(rounding=ROUND_CEILING)
    return ticks * tick_size


def reservation(
    schedule: CommissionSchedule,
    price: Decimal,
    leaves_quantity: Decimal,
    currency: str,
    *,
    filled_quantity: Decimal = ZERO,
    filled_value: Decimal = ZERO,
    paid: Decimal = ZERO,
) -> Decimal:
    """Return the cash a buy must hold for leaves_quantity more shares at or below price.

    The value of all its fills is rounded up to the minor unit and the commission on it is added;
    what the order has paid so far (gross amounts and commission booked) is taken off. As long as
    amounts are booked on the order's running totals, no sequence of fills costs more, and each
    fill frees at least what it spends.
    """
    value = filled_value + price * leaves_quantity
    quantity = filled_quantity + leaves_quantity
    commission = commission_due(schedule, quantity, value, currency)
    return round_up_money(value, currency) + commission - paid


def cash_needed(facts: Facts) -> Decimal | None:
    """Return the cash that a buy has to hold when it is accepted; None while no price is known."""
    ticket, instrument, quote = facts.ticket, facts.instrument, facts.quote
    price = ticket.limit_price
    if price is None:
        price = protection_price(ticket, quote.ask, instrument.tick_size, quote.last)
    if price is None:
        return None
    schedule, currency = facts.account.schedule, instrument.currency
    if ticket.notional is not None:
        most = shares_at_most(ticket.notional, price, instrument.quantity_step)
        return cash_for(schedule, ticket.notional, most, currency)
    return reservation(schedule, price, ticket.quantity, currency)


def order_value(facts: Facts) -> Decimal | None:
    """Return what the order is worth: its amount, or its quantity at reference_price()."""
    ticket = facts.ticket
    if ticket.notional is not None:
        return ticket.notional
    price = reference_price(ticket, facts.quote, facts.instrument.tick_size)
    return None if price is None else price * ticket.quantity


def reference_price(ticket: TicketFacts, quote: QuoteFacts, tick_size: Decimal) -> Decimal | None:
    """Return the price the order's size is judged at: its limit, or the market's own."""
    if ticket.limit_price is not None:
        return ticket.limit_price
    stop = first_stop(ticket, quote.last, tick_size)
    if ticket.side is Side.SELL:
        return stop or quote.bid or quote.last
    offers = [price for price in (quote.ask, stop) if price is not None]
    return max(offers) if offers else quote.last


# --- may this account trade this instrument this way at all


def _standing(facts: Facts) -> Iterator[BengiError]:
    status = facts.account.status
    if status is AccountStatus.FROZEN:
        yield Forbidden("account_frozen", "The account is frozen; nothing can be ordered.")
    elif status is not AccountStatus.ACTIVE:
        yield Forbidden("forbidden", "The account is closed.", account_status=str(status))
    instrument = facts.instrument
    if instrument.status is not InstrumentStatus.ACTIVE:
        yield Refused(
            "symbol_halted",
            f"{instrument.symbol} is {instrument.status}; it cannot be traded now.",
            field="symbol",
            instrument_status=str(instrument.status),
        )


def halted(reason: str) -> BengiError:
    """Return what everybody is told while trading is halted, for a reason."""
    detail = f"Trading is halted: {_as_sentence(reason)} Orders can still be canceled."
    return Unavailable("trading_halted", detail, reason=reason, retry_after_s=HALT_RETRY_S)


def _as_sentence(reason: str) -> str:
    """Return what staff have written with a point at its end."""
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


def _twin(facts: Facts) -> Iterator[BengiError]:
    """The same order twice within seconds is asked about, not placed."""
    twin, ticket = facts.account.twin, facts.ticket
    if twin is not None and not ticket.is_confirmed:
        detail = sentence(
            "The same order, {side} {quantity} {symbol}, came in a moment ago. "
            "Confirm it if you mean both.",
            side=ticket.side,
            quantity=ticket.quantity,
            symbol=facts.instrument.symbol,
        )
        yield Conflict("possible_duplicate", detail, field="confirm_duplicate", order=str(twin))


def _shape(ticket: TicketFacts, instrument: InstrumentFacts) -> Iterator[BengiError]:
    if ticket.quantity <= 0 and ticket.notional is None:
        yield Malformed(
            "invalid_quantity",
            "The quantity must be above zero.",
            field="quantity",
            value=plain(ticket.quantity),
        )
    yield from _combination(ticket, instrument)
    for field in ("limit_price", "stop_price"):
        yield from _price_shape(ticket, field)
    yield from _trail_shape(ticket)
    yield from _expiry_shape(ticket)


def _combination(ticket: TicketFacts, instrument: InstrumentFacts) -> Iterator[BengiError]:
    word = ticket.time_in_force
    if ticket.type not in STOPS:
        if word in AT_A_MOMENT and not instrument.has_feed:
            detail = f"{instrument.symbol} has no market feed, so no opening and no closing quote."
            yield _unsupported(detail, "time_in_force", word)
        return
    if word not in LASTING:
        yield _unsupported(
            f"A stop order waits for its trigger; it cannot be {word}.", "time_in_force", word
        )
    if not instrument.has_feed:
        detail = f"{instrument.symbol} has no market feed whose prints could trigger a stop."
        yield _unsupported(detail, "type", ticket.type)


def _unsupported(detail: str, field: str, value: str) -> BengiError:
    return Refused("unsupported_combination", detail, field=field, value=str(value))


def _price_shape(ticket: TicketFacts, field: str) -> Iterator[BengiError]:
    price: Decimal | None = getattr(ticket, field)
    if field in PRICES_OF[ticket.type]:
        if price is None:
            detail = f"A {_words(ticket.type)} order needs a {_words(field)}."
            yield Malformed("missing_price", detail, field=field)
    elif price is not None:
        detail = f"A {_words(ticket.type)} order takes no {_words(field)}."
        yield Malformed("unexpected_price", detail, field=field, value=plain(price))


def _trail_shape(ticket: TicketFacts) -> Iterator[BengiError]:
    has_none = ticket.trail_price is None and ticket.trail_percent is None
    if has_none and ticket.type is not OrderType.TRAILING_STOP:
        return
    trails = {"trail_price": ticket.trail_price, "trail_percent": ticket.trail_percent}
    named = {field: value for field, value in trails.items() if value is not None}
    if ticket.type is not OrderType.TRAILING_STOP:
        for field, value in named.items():
            detail = f"A {_words(ticket.type)} order takes no {_words(field)}."
            yield Malformed("unexpected_price", detail, field=field, value=plain(value))
    elif not named:
        detail = "A trailing stop order needs a trail price or a trail percent."
        yield Malformed("missing_price", detail, field="trail_price")
    elif len(named) > 1:
        detail = "A trailing stop order takes a trail price or a trail percent, not both."
        percent = plain(named["trail_percent"])
        yield Malformed("unexpected_price", detail, field="trail_percent", value=percent)


def _expiry_shape(ticket: TicketFacts) -> Iterator[BengiError]:
    if ticket.time_in_force is TimeInForce.GTD:
        if ticket.expires_at is None:
            detail = "An order good until a time says which."
            yield Malformed("missing_expiry", detail, field="expires_at")
    elif ticket.expires_at is not None:
        detail = f"Time in force {ticket.time_in_force} takes no expiry."
        yield Malformed("unexpected_expiry", detail, field="expires_at")


def _window(facts: Facts) -> Iterator[BengiError]:
    """gtd ends later than now; orders for the opening come before it."""
    ticket, session = facts.ticket, facts.session
    if ticket.expires_at is not None and ticket.expires_at <= session.now:
        yield Refused("expiry_in_the_past", "The order would be over already.", field="expires_at")
    if ticket.time_in_force is TimeInForce.OPG and session.opened_at is not None:
        symbol = facts.instrument.symbol
        if session.never_closes:
            detail = f"{symbol} trades round the clock, so it has no opening."
        else:
            detail = f"{symbol} is open; orders for the opening are taken before it."
        opened_at = session.opened_at.isoformat()
        yield Refused("opening_is_over", detail, field="time_in_force", opened_at=opened_at)


def _words(name: str) -> str:
    return name.replace("_", " ")


# --- steps and sizes


def _steps(facts: Facts) -> Iterator[BengiError]:
    ticket, instrument = facts.ticket, facts.instrument
    for field in ("limit_price", "stop_price", "trail_price"):
        price: Decimal | None = getattr(ticket, field)
        if price is not None and (price <= 0 or price % instrument.tick_size):
            yield Refused(
                "invalid_tick",
                sentence(
                    "Prices of {symbol} move in steps of {step}.",
                    symbol=instrument.symbol,
                    step=instrument.tick_size,
                ),
                field=field,
                limit=plain(instrument.tick_size),
                value=plain(price),
            )
    if ticket.quantity % instrument.quantity_step:
        yield Refused(
            "invalid_step",
            sentence(
                "{symbol} trades in steps of {step}.",
                symbol=instrument.symbol,
                step=instrument.quantity_step,
            ),
            field="quantity",
            limit=plain(instrument.quantity_step),
            value=plain(ticket.quantity),
        )


def _sizes(facts: Facts) -> Iterator[BengiError]:
    limits, account, quantity = facts.limits, facts.account, facts.ticket.quantity
    if quantity > limits.max_quantity:
        yield _above("max_quantity", "shares in one order", limits.max_quantity, quantity)
    value = order_value(facts)
    if value is not None and value > limits.max_notional:
        currency = facts.instrument.currency
        yield _above("max_notional", f"{currency} in one order", limits.max_notional, value)
    price = reference_price(facts.ticket, facts.quote, facts.instrument.tick_size)
    yield from check_worth(facts, price)
    here, everywhere = account.open_orders_here + 1, account.open_orders + 1
    if here > limits.max_open_orders_here:
        words = f"open {facts.ticket.side} orders of {facts.instrument.symbol}"
        yield _too_many(words, limits.max_open_orders_here, here)
    if everywhere > limits.max_open_orders:
        yield _too_many("open orders", limits.max_open_orders, everywhere)


def _above(code: str, words: str, limit: Decimal, value: Decimal) -> BengiError:
    detail = sentence(
        "At most {limit} {words}; this one is {value}.",
        limit=apart(limit),
        words=words,
        value=apart(value),
    )
    return Refused(code, detail, field="quantity", limit=plain(limit), value=plain(value))


def _too_many(words: str, limit: int, value: int) -> BengiError:
    detail = sentence("At most {limit} {words} at a time.", limit=limit, words=words)
    return Refused("too_many_open_orders", detail, limit=limit, value=value)


# --- prices


def _prices(facts: Facts) -> Iterator[BengiError]:
    ticket, quote = facts.ticket, facts.quote
    if ticket.type is OrderType.MARKET:
        yield from _market_price(facts)
    elif ticket.type is OrderType.TRAILING_STOP:
        yield from _trail(facts)
    is_stop = ticket.type is OrderType.STOP_LIMIT
    middle = ticket.stop_price if is_stop else quote.last
    if ticket.limit_price is None or middle is None or ticket.leg is Leg.TAKE_PROFIT:
        return
    limits = facts.limits
    collar = limits.low_price_collar if middle < limits.low_price else limits.collar
    lowest, highest = middle * (1 - collar), middle * (1 + collar)
    if not lowest <= ticket.limit_price <= highest:
        around: dict[str, Any] = {"stop" if is_stop else "last": plain(middle)}
        yield Refused(
            "price_collar",
            sentence(
                "The limit must be within {collar} % of the {middle} price, "
                "from {lowest} to {highest}.",
                collar=collar * 100,
                middle="stop" if is_stop else "last",
                lowest=lowest,
                highest=highest,
            ),
            field="limit_price",
            limit=[plain(lowest), plain(highest)],
            value=plain(ticket.limit_price),
            **around,
        )


def _trail(facts: Facts) -> Iterator[BengiError]:
    """A trailing stop starts behind a print, above zero."""
    ticket, symbol = facts.ticket, facts.instrument.symbol
    stop = first_stop(ticket, facts.quote.last, facts.instrument.tick_size)
    if stop is None:
        detail = f"{symbol} has not traded yet; a trailing stop has nothing to follow."
        yield Refused("stale_quote", detail, field="type")
    elif stop <= 0:
        field = "trail_percent" if ticket.trail_price is None else "trail_price"
        far = sentence("So far behind the last price the stop would stand at {stop}.", stop=stop)
        yield Refused("invalid_trail", far, field=field, value=plain(stop))


def _market_price(facts: Facts) -> Iterator[BengiError]:
    symbol, quote, side = facts.instrument.symbol, facts.quote, facts.ticket.side
    may_wait = facts.ticket.time_in_force in AT_A_MOMENT or not works_now(facts.session, False)
    if facts.instrument.has_feed and not quote.is_fresh and not may_wait:
        detail = f"There is no fresh quote for {symbol}; place a limit order or try again."
        yield Refused("stale_quote", detail, field="type")
    elif (quote.ask if side is Side.BUY else quote.bid) is None:
        other = "sells" if side is Side.BUY else "buys"
        detail = f"Nobody {other} {symbol} at the moment; place a limit order."
        yield Refused("stale_quote", detail, field="type")
