"""Which orders work outside of the session, and what those given there wait for. Pure."""

from collections.abc import Iterator

from bengi.errors import BengiError, Refused
from bengi.terms import OrderClass, OrderType, TimeInForce
from instruments.calendar import EXTENDED
from orders.facts import Facts, SessionFacts

EXTENDED_TIMES = frozenset({TimeInForce.DAY, TimeInForce.GTC})


def check_hours(facts: Facts) -> Iterator[BengiError]:
    """Yield why an order cannot work in extended hours; one limit order, day or gtc, may."""
    ticket, session = facts.ticket, facts.session
    if not ticket.extended_hours:
        return
    wrong: list[tuple[str, str, str]] = []
    if ticket.type is not OrderType.LIMIT:
        wrong.append(("type", f"a {ticket.type.replace('_', ' ')} order", ticket.type))
    if ticket.time_in_force not in EXTENDED_TIMES:
        wrong.append(("time_in_force", ticket.time_in_force, ticket.time_in_force))
    if ticket.order_class is not OrderClass.SIMPLE:
        wrong.append(("order_class", "a group of orders", ticket.order_class))
    for field, words, value in wrong:
        detail = f"Only limit orders, day or gtc, work in extended hours; not {words}."
        yield Refused("unsupported_combination", detail, field=field, value=str(value))
    if not session.has_extended_hours and not session.never_closes:
        detail = f"There are no extended hours where {facts.instrument.symbol} trades."
        yield Refused("unsupported_combination", detail, field="extended_hours", value="true")


def works_now(session: SessionFacts, extended_hours: bool) -> bool:
    """Say whether an order given now is worked at once."""
    return session.phase == "open" or (extended_hours and session.phase in EXTENDED)


def waits_for(facts: Facts) -> str | None:
    """Say in words what an order given now waits for; None when it is worked at once."""
    ticket, session = facts.ticket, facts.session
    if works_now(session, ticket.extended_hours):
        return None
    if session.phase == "break":
        return "Its exchange has its lunch break; the order waits for the end of it."
    if ticket.extended_hours:
        return "Its exchange is closed; the order waits for the next pre-market."
    if session.phase in EXTENDED:
        return "The session is not running; the order waits for the next opening."
    return "Its exchange is closed; the order waits for the next opening."
