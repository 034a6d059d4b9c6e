"""Explain one order: read its story and the market as it is now, and put both into words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from accounts.models import User
from bengi.terms import OrderStatus, OrderType, Side, TimeInForce
from instruments.lines import zone_of
from orders.models import Order
from orders.payloads import moment
from orders.selectors import order_of
from trades.decisions import seen_of
from trades.explanation.costs import Costs, Filled, costs_of
from trades.explanation.facts import market_facts
from trades.explanation.now import reason_now
from trades.explanation.quotes import quote_shape
from trades.explanation.status import Standing, status_sentence
from trades.explanation.subject import Step, Subject
from trades.explanation.telling import Told
from trades.explanation.timeline import Timeline, arrival_quote, tell, timeline
from trades.explanation.why import why
from trades.market_now import market_now, situation_of
from trades.matching.fixed import to_fixed
from trades.selectors import Story, story_of
from trades.steps import quote_of
from trades.working_orders import working_order


@dataclass(frozen=True, slots=True)
class Now:
    """Why an open order has not filled, as of a moment; facts are (label, text) of the quote."""

    at: str
    code: str
    text: str
    numbers: dict[str, str]
    quote: Step | None
    facts: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One order with its story. now is None once it is closed."""

    order: Order
    text: str
    timeline: Timeline
    now: Now | None
    costs: Costs
    arrival: Step | None


def explain(user: User, order_id: UUID, *, now: datetime) -> Explanation:
    """Explain an order of the user's. Raises NotFound for an absent one and for others'.

    Two statements, one or two more for the market of an open order, three for the moves of a
    trailing stop, two for a story too long to read.
    """
    order = order_of(user, order_id)
    subject = subject_of(order)
    story = story_of(order)
    told = _told(story)
    arrival = arrival_quote(told)
    return Explanation(
        order=order,
        text=status_sentence(_standing(order), subject),
        timeline=timeline(
            told,
            subject,
            moves_unread=max(0, story.moves - 2),
            events_unread=story.events_unread,
        ),
        now=_now(order, subject, user, now) if order.is_open else None,
        costs=costs_of(_filled(order), arrival),
        arrival=quote_shape(arrival, arrival["as_of"]) if arrival else None,
    )


def subject_of(order: Order) -> Subject:
    """Return the order as the sentences about it are written."""
    instrument = order.instrument
    return Subject(
        symbol=instrument.symbol,
        currency=instrument.currency,
        side=Side(order.side),
        type=OrderType(order.type),
        time_in_force=TimeInForce(order.time_in_force),
        places=instrument.price_places,
        zone=zone_of(instrument.mic),
    )


def _told(story: Story) -> list[Told]:
    return [
        told
        for event in story.events
        for told in tell(event.type, event.seq, moment(event.occurred_at) or "", event.payload)
    ]


def _standing(order: Order) -> Standing:
    is_asleep = order.is_open and order.triggered_at is None
    took = None if order.closed_at is None else order.closed_at - order.accepted_at
    return Standing(
        status=OrderStatus(order.status),
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        average_price=order.average_price,
        reason=order.reason,
        stop=order.stop_price if is_asleep else None,
        busted_quantity=order.busted_quantity,
        took_s=None if took is None else Decimal(took // timedelta(milliseconds=1)) / 1000,
    )


def _filled(order: Order) -> Filled:
    return Filled(
        side=Side(order.side),
        currency=order.instrument.currency,
        quantity=order.filled_quantity,
        value=order.filled_value,
        average_price=order.average_price,
        commission=order.commission,
        fees=order.fees,
    )


def _now(order: Order, subject: Subject, user: User, now: datetime) -> Now:
    """Return what the engine would say of the order if it looked at the newest quote."""
    quote, last = market_now(order, user, now)
    reason = reason_now(
        working_order(order, order.priority or 0, settings.GUARD_S_MIN),
        quote,
        situation_of(order, now),
        last=None if last is None else to_fixed(last),
        now=now,
    )
    at = moment(now) or ""
    seen = quote_of(seen_of(quote, last))
    phrase = why(reason.code, reason.numbers, seen, at, subject)
    return Now(
        at=at,
        code=reason.code,
        text=phrase.sentence,
        numbers=reason.numbers,
        quote=quote_shape(seen, at),
        facts=[] if seen is None else market_facts(seen, at, subject),
    )
