"""What an order costs and what a buy may cost at most, written down plainly.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Costs" and "Cash and shares held for orders". What counts from a day on is a list of
(first day, numbers), in any order.
"""

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_UP, Decimal

from tests.state.plain_terms import CENT, TICK_SIZE, ZERO, PlainOrder

HEADROOM = Decimal("1.04")
MILLION = Decimal(1_000_000)


def to_cents(amount: Decimal) -> Decimal:
    """Round half to even."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def up_to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_UP)


def in_force(dated: list[tuple], day: date) -> tuple | None:
    """Return the numbers that count on a day; None before the first."""
    known = [(first_day, numbers) for first_day, numbers in dated if first_day <= day]
    return max(known)[1] if known else None


def commission(fees: tuple, quantity: Decimal, value: Decimal) -> Decimal:
    """Return all that an order owes after quantity shares worth value.

    fees: ("zero",), ("flat", rate) or ("per_share", each, at least, at most of the value or None).
    """
    if fees[0] == "zero" or not quantity:
        return ZERO
    if fees[0] == "flat":
        return to_cents(fees[1] * value)
    _, each, at_least, at_most = fees
    due = max(each * quantity, at_least)
    return to_cents(due if at_most is None else min(due, at_most * value))


def levies(rates: dict[str, list[tuple]], sold: list[tuple]) -> Decimal:
    """Return all that regulators take of an order that sold [(day, quantity, value)].

    rates, by name of the levy: from a day on (a million of value, a share, at most or None). Each
    levy is rounded up to the cent once; the last day's limit counts.
    """
    total = ZERO
    for dated in rates.values():
        amount, at_most = ZERO, None
        for day, quantity, value in sold:
            numbers = in_force(dated, day)
            if numbers is not None:
                of_a_million, of_a_share, at_most = numbers
                amount += of_a_million * value / MILLION + of_a_share * quantity
        total += up_to_cents(amount if at_most is None else min(amount, at_most))
    return total


def worst_cost(order: PlainOrder, filled: Decimal = ZERO, value: Decimal = ZERO) -> Decimal:
    """Return the most a buy can come to in all, its fills of before included."""
    quantity = order.quantity - order.busted
    total = value + order.bound * (quantity - filled)
    return up_to_cents(total) + commission(order.fees, quantity, total)


def held_meanwhile(new: PlainOrder, old: PlainOrder) -> Decimal:
    """Return what a buy that waits to replace old holds beside it.

    Old may fill all or nothing until then; what new needs at its price beyond what old then holds
    at its own, the commission on all that new still wants, and a cent for rounding.
    """
    wanted = new.quantity - old.worked
    gaps = [
        new.bound * (wanted - more) - old.bound * (old.leaves - more) for more in (0, old.leaves)
    ]
    fee = commission(new.fees, wanted, new.bound * wanted)
    return up_to_cents(max(ZERO, *gaps)) + fee + CENT


def capped_price(offers: list[Decimal | None]) -> Decimal | None:
    """Return the most a market or stop buy may pay: 1.04 x the highest offer, on a cent."""
    known = [price for price in offers if price is not None]
    return (max(known) * HEADROOM).quantize(TICK_SIZE, rounding=ROUND_CEILING) if known else None


def start_behind(order: PlainOrder, price: Decimal) -> None:
    """Let a trailing sell begin to follow at a price; it stands a tick above zero at least."""
    ticket = order.ticket
    if ticket.trail is not None:
        least = ticket.trail + TICK_SIZE
    else:
        exact = TICK_SIZE * 100 / (100 - ticket.trail_percent)
        least = exact.quantize(TICK_SIZE, rounding=ROUND_CEILING)
    order.mark = max(price, least)
    order.stop = trailing_stop(order.side, order.mark, ticket.trail, ticket.trail_percent)


def trailing_stop(
    side: str, mark: Decimal, trail: Decimal | None, percent: Decimal | None
) -> Decimal:
    """Return where a stop stands behind the best print, on the tick away from the market."""
    gap = trail if trail is not None else mark * percent / 100
    if side == "sell":
        return (mark - gap).quantize(TICK_SIZE, rounding=ROUND_FLOOR)
    return (mark + gap).quantize(TICK_SIZE, rounding=ROUND_CEILING)
