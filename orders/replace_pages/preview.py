"""What a replace would come to before it is asked for: what changes, what is held, why not."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Account
from bengi.errors import BengiError, Refused
from bengi.ids import new_id
from bengi.money import ZERO
from bengi.numerals import money, own_money, price, quantity
from bengi.sentences import Sentence
from bengi.terms import Side
from orders.desk import Fact
from orders.facts import Facts
from orders.models import Order
from orders.preview import notes_on
from orders.replacing import CHANGEABLE, cash_meanwhile, changed_ticket, judged
from orders.rules import cash_needed, protection_price
from orders.tickets import Desk, OrderTicket, read_desk


@dataclass(frozen=True, slots=True)
class ReplacePreview:
    """The answer to "what if": amounts in the instrument's currency, all zero for a sell.

    reserve_before is held by the order that stands, reserve_after by the one that takes its place;
    held_meanwhile comes on top until the engine has decided. buying_power_after is what is free
    once it has. notes: what it will probably do first. errors: why it would be refused; then only
    what is free before is told.
    """

    ticket: OrderTicket
    reserve_before: Decimal
    reserve_after: Decimal | None
    held_meanwhile: Decimal
    buying_power_before: Decimal
    buying_power_after: Decimal | None
    errors: list[BengiError]
    notes: list[str | Sentence]


def preview_replace(order: Order, changes: dict[str, Any], *, now: datetime) -> ReplacePreview:
    """Judge a replace of an order as request_replace() would; nothing is locked or written."""
    ticket = changed_ticket(order, changes, str(new_id()))
    found = Account.objects.filter(id=order.account_id).select_related("fee_schedule")
    desk = read_desk([ticket], {account.id: account for account in found}, now)
    free = _free(desk, order)
    try:
        facts = judged(desk, ticket, order, changes, now)
        meanwhile = ZERO if order.side == Side.SELL else _meanwhile(order, facts, free)
    except BengiError as error:
        errors = error.errors if isinstance(error, Refused) else [error]
        return ReplacePreview(ticket, order.reserved, None, ZERO, free, None, errors, [])
    after = ZERO if order.side == Side.SELL else cash_needed(facts) or ZERO
    left = free + order.reserved - after
    notes = notes_on(facts) if not order.leg else []
    return ReplacePreview(ticket, order.reserved, after, meanwhile, free, left, [], notes)


def _meanwhile(order: Order, facts: Facts, free: Decimal) -> Decimal:
    ticket, quote, tick_size = facts.ticket, facts.quote, facts.instrument.tick_size
    price = ticket.limit_price or protection_price(ticket, quote.ask, tick_size, quote.last)
    return ZERO if price is None else cash_meanwhile(order, facts, price, free)


def replace_facts(order: Order, outcome: ReplacePreview) -> list[Fact]:
    """Return the lines of the review: what changes, then what is held and free, before and after.

    Amounts name their currency.
    """
    currency = order.instrument.currency

    def amount(value: Decimal | None) -> str:
        return "not known yet" if value is None else f"{money(value, currency)} {currency}"

    def own(value: Decimal | None) -> str:
        return "not known yet" if value is None else f"{own_money(value, currency)} {currency}"

    changed = [
        Fact(_label(name), _change(order, outcome.ticket, name), True) for name in CHANGEABLE
    ]
    if order.side == Side.SELL:
        held = [
            Fact("Shares reserved before", quantity(order.leaves_quantity)),
            Fact(
                "Shares reserved after", quantity(outcome.ticket.quantity - order.worked_quantity)
            ),
        ]
    else:
        held = [
            Fact("Reserved before", amount(outcome.reserve_before)),
            Fact("Reserved after", amount(outcome.reserve_after)),
            *(
                [Fact("On top until it has taken over", amount(outcome.held_meanwhile))]
                if outcome.held_meanwhile
                else []
            ),
        ]
    return [
        *(fact for fact in changed if fact.text),
        *held,
        Fact("Buying power before", own(outcome.buying_power_before)),
        Fact("Buying power after", own(outcome.buying_power_after), True),
    ]


def _free(desk: Desk, order: Order) -> Decimal:
    balance = desk.balances.get((order.account_id, order.instrument.currency))
    return balance.amount - balance.reserved if balance else ZERO


def _change(order: Order, ticket: OrderTicket, name: str) -> str:
    """Write what is different of one field: before → after; empty where nothing is."""
    before, after = getattr(order, name), getattr(ticket, name)
    if before == after or (name == "stop_price" and after is None):
        return ""
    return f"{_written(order, name, before)} → {_written(order, name, after)}"


def _written(order: Order, name: str, value: Any) -> str:
    if value is None:
        return "none"
    if name == "quantity":
        return quantity(value)
    if name in {"limit_price", "stop_price", "trail_price"}:
        return price(value, order.instrument.price_places)
    return f"{quantity(value)} %" if name == "trail_percent" else str(value)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
