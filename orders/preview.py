"""What an order would cost and hold, and why it would be refused: nothing is written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.commission import commission_due
from accounts.models import Account
from bengi.errors import BengiError, Malformed, Refused
from bengi.money import ZERO, round_money
from bengi.sentences import Sentence, sentence
from bengi.terms import OrderType, Side
from instruments.calendar import EXTENDED
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.realism import NO_TIME, profile_of
from orders.costs import fees_on_sale
from orders.depth import offers_to
from orders.facts import Facts
from orders.group_notes import leg_notes
from orders.group_rules import check_ticket
from orders.hours import waits_for, works_now
from orders.rules import (
    cash_needed,
    first_stop,
    protection_price,
    reference_price,
)
from orders.sketch import Sketch, sketch
from orders.tickets import Desk, OrderTicket, as_offered, read_desk
from orders.verdicts import Verdict, verdicts


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer to "what if": amounts in the instrument's currency.

    quantity is what an amount comes to at estimated_price: the limit, or what the market offers;
    None while nobody offers anything. gross_amount, commission and fees, the regulators' on a sale,
    follow from it. reserve is the cash a buy holds until it fills or ends (0 for a sell);
    buying_power_after is what stays free while it does. is_estimate: the order may trade at another
    price than estimated. errors: every rule that would refuse it; checks: every rule with its limit
    and value, whether it passed or not. sketch: what it would do at once, None for a ticket that
    cannot be read.
    """

    instrument: Instrument
    quantity: Decimal
    estimated_price: Decimal | None
    gross_amount: Decimal | None
    commission: Decimal | None
    fees: Decimal | None
    reserve: Decimal
    buying_power_before: Decimal
    buying_power_after: Decimal
    is_estimate: bool
    errors: list[BengiError]
    checks: list[Verdict]
    sketch: Sketch | None
    notes: list[str | Sentence]
    quote: Tick | None
    quote_age: timedelta | None


def preview(ticket: OrderTicket, *, now: datetime) -> Preview:
    """Judge a ticket as place_orders would. Raises Refused unknown_symbol when there is none."""
    accounts = Account.objects.filter(id=ticket.account_id).select_related("fee_schedule")
    desk = read_desk([ticket], {account.id: account for account in accounts}, now)
    instrument = desk.instruments.get(ticket.symbol.upper())
    if instrument is None:
        detail = f"There is no instrument {ticket.symbol}."
        raise Refused("unknown_symbol", detail, field="symbol")
    facts = desk.facts(ticket, instrument, now)
    desk.tell_stale()
    errors = check_ticket(facts)
    is_readable = not any(isinstance(error, Malformed) for error in errors)
    price = reference_price(facts.ticket, facts.quote, instrument.tick_size)
    quantity = facts.ticket.quantity
    gross = None if price is None else round_money(price * quantity, instrument.currency)
    reserve = _reserve(facts)
    tick = desk.quotes.get(instrument.symbol)
    return Preview(
        instrument=instrument,
        quantity=quantity,
        estimated_price=price,
        gross_amount=gross,
        commission=None if gross is None else _commission(facts, gross),
        fees=None if gross is None else _fees(facts, instrument, gross, now),
        reserve=reserve,
        buying_power_before=facts.account.buying_power,
        buying_power_after=facts.account.buying_power - reserve,
        is_estimate=ticket.limit_price is None,
        errors=errors,
        checks=verdicts(facts, errors),
        sketch=_sketch(ticket, desk, facts, instrument) if is_readable else None,
        notes=[] if errors else [*notes_on(facts), *leg_notes(facts.ticket)],
        quote=tick,
        quote_age=None if tick is None else max(timedelta(0), now - tick.as_of),
    )


def _sketch(ticket: OrderTicket, desk: Desk, facts: Facts, instrument: Instrument) -> Sketch:
    quote, bound = facts.quote, ticket.limit_price
    tick = desk.quotes.get(instrument.symbol)
    profile = profile_of(desk.accounts[ticket.account_id].realism)
    if bound is None:
        bound = protection_price(facts.ticket, quote.ask, instrument.tick_size, quote.last)
    if tick is not None:
        tick = as_offered(tick, instrument, profile, facts.ticket.quantity)
    return sketch(
        facts,
        offers_to(
            ticket.side,
            instrument,
            ticket.account_id,
            tick,
            is_extended=facts.session.phase in EXTENDED,
        ),
        bound=bound,
        is_slow=profile.latency > NO_TIME,
        is_open=works_now(facts.session, ticket.extended_hours),
        places=instrument.price_places,
    )


def _commission(facts: Facts, gross: Decimal) -> Decimal:
    currency = facts.instrument.currency
    return commission_due(facts.account.schedule, facts.ticket.quantity, gross, currency)


def _fees(facts: Facts, instrument: Instrument, gross: Decimal, now: datetime) -> Decimal:
    if facts.ticket.side is Side.BUY:
        return ZERO
    return fees_on_sale(instrument, facts.ticket.quantity, gross, now)


def _reserve(facts: Facts) -> Decimal:
    if facts.ticket.side is Side.SELL or facts.ticket.quantity <= 0:
        return ZERO
    return cash_needed(facts) or ZERO


def notes_on(facts: Facts) -> list[str | Sentence]:
    """Say in words what will probably happen first."""
    waits = waits_for(facts)
    if waits and facts.ticket.type is OrderType.LIMIT:
        return [waits]
    return [*([waits] if waits else []), *_of_its_type(facts)]


def _of_its_type(facts: Facts) -> list[str | Sentence]:
    ticket, quote = facts.ticket, facts.quote
    is_buy = ticket.side is Side.BUY
    offered = quote.ask if is_buy else quote.bid
    name = "ask" if is_buy else "bid"
    if ticket.type is OrderType.MARKET:
        limit = "It pays at most 4 % above the ask. " if is_buy else ""
        if is_buy and ticket.notional is not None:
            limit += "It spends the amount at most, the commission comes on top. "
        return [f"{limit}What is not there at once waits for the next quote."]
    if ticket.type is OrderType.STOP:
        return ["It sleeps until a trade reaches the stop, then it goes to market."]
    if ticket.type is OrderType.STOP_LIMIT:
        return ["It sleeps until a trade reaches the stop, then it is a limit order."]
    if ticket.type is OrderType.TRAILING_STOP:
        stop = first_stop(ticket, quote.last, facts.instrument.tick_size)
        where = "" if stop is None else sentence("The stop starts at {stop}. ", stop=stop)
        form = "{where}It follows the price {way}; reached by a trade, it goes to market."
        return [sentence(form, where=where, way="down" if is_buy else "up")]
    limit_price = ticket.limit_price
    if offered is None or limit_price is None:
        return ["Nobody is on the other side now, so the order will rest in the book."]
    gap = limit_price - offered if is_buy else offered - limit_price
    if gap >= 0:
        form = "The limit reaches the {name} of {offered}, so it can fill at once."
        return [sentence(form, name=name, offered=offered)]
    form = "The limit is {gap} {side} the {name}, so the order will rest in the book."
    return [sentence(form, gap=-gap, side="under" if is_buy else "over", name=name)]
