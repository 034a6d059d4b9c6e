"""What the order ticket shows around its fields: the quote, the money, and what an order costs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Account
from bengi.ids import new_id
from bengi.money import QUANTUM, ZERO
from bengi.numerals import money, own_money, price, quantity
from bengi.terms import OrderClass, Side
from bengi.typed import in_field
from instruments.lines import Line
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.selectors import latest_quotes
from orders.book_quotes import book_quotes
from orders.forms import PRICES, TicketForm
from orders.group_notes import stop_words
from orders.legs import StopLoss
from orders.preview import Preview
from orders.sketch import Sketch
from orders.tickets import OrderTicket
from portfolios.models import Portfolio


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the review: a label, what it says, and whether it is a sum."""

    label: str
    text: str
    is_sum: bool = False


def quotes_of(instruments: Iterable[Instrument], now: datetime) -> dict[str, Tick]:
    """Return the newest quote of each instrument: the market's, else that of resting orders.

    Where customers alone make the market, the last trade is kept from the stored quote.
    """
    listed = list(instruments)
    quotes = latest_quotes(listed, now)
    for symbol, tick in book_quotes(listed, now).items():
        quotes.setdefault(symbol, tick)
    return quotes


def line_of(instrument: Instrument, now: datetime) -> Line:
    """Return one instrument with its newest quote."""
    return Line(instrument, quotes_of([instrument], now).get(instrument.symbol), now)


def ticket_context(portfolio: Portfolio, line: Line, form: TicketForm) -> dict[str, Any]:
    """Return what orders/_ticket.html needs. At most one statement.

    ticket_key makes one order of it, however often it is sent; a form that came back keeps its own.
    """
    return {
        "line": line,
        "portfolio": portfolio,
        "form": form,
        "ticket_key": form["client_order_id"].value() or new_id(),
        **estimate_context(portfolio.account, line.instrument.currency, None),
    }


def estimate_context(
    account: Account, currency: str, outcome: Preview | None, ticket: OrderTicket | None = None
) -> dict[str, Any]:
    """Return what orders/_estimate.html needs; without an outcome only the buying power."""
    power = buying_power(account, currency)
    known = outcome if outcome and outcome.gross_amount is not None else None
    is_sell = ticket is not None and ticket.side is Side.SELL
    return {
        "currency": currency,
        "buying_power": power,
        "estimate": known,
        "shares": known.quantity if known and ticket and ticket.notional is not None else None,
        "is_sell": is_sell,
        "power_after": known and (_once_sold(known) if is_sell else known.buying_power_after),
        "is_estimate": known is not None and known.is_estimate,
        "meter": _meter(power, known),
    }


def buying_power(account: Account, currency: str) -> Decimal:
    """Return what the account has free in a currency. Its balances may have been prefetched."""
    found = [balance for balance in account.balances.all() if balance.currency == currency]
    return found[0].amount - found[0].reserved if found else ZERO


def review_facts(ticket: OrderTicket, outcome: Preview) -> list[Fact]:
    """Return the lines of the review. Estimates say so; amounts name their currency."""
    currency = outcome.instrument.currency

    def amount(value: Decimal | None) -> str:
        return "not known yet" if value is None else f"{money(value, currency)} {currency}"

    def own(value: Decimal | None) -> str:
        return "not known yet" if value is None else f"{own_money(value, currency)} {currency}"

    places = outcome.instrument.price_places
    about = "Estimated " if outcome.is_estimate else ""
    is_sell = ticket.side is Side.SELL
    return [
        *(
            [Fact("Would fill at once", sketch_words(outcome.sketch, places))]
            if outcome.sketch
            else []
        ),
        *([] if ticket.notional is None else [Fact("Shares, about", quantity(outcome.quantity))]),
        Fact(_gross_label(ticket, outcome), amount(outcome.gross_amount)),
        Fact(f"{about}commission".capitalize(), amount(outcome.commission)),
        *([Fact(f"{about}fees".capitalize(), amount(outcome.fees))] if outcome.fees else []),
        Fact("Shares reserved until it fills or ends", quantity(outcome.quantity), True)
        if is_sell
        else Fact("Reserved until it fills or ends", amount(outcome.reserve), True),
        Fact("Buying power before", own(outcome.buying_power_before)),
        Fact("Buying power after", own(outcome.buying_power_after), True),
        *([Fact("Buying power once sold, about", own(_once_sold(outcome)))] if is_sell else []),
        *exit_facts(ticket, outcome.instrument.price_places),
    ]


def sketch_words(sketch: Sketch, places: int) -> str:
    """Say shortly how much would fill at once, and what the rest does."""
    filled = "nothing"
    if sketch.average_price is not None:
        average = sketch.average_price.quantize(QUANTUM)
        filled = f"{quantity(sketch.quantity)} at {price(average, places)}"
    if not sketch.rest:
        return filled
    does = {"rests": "rest", "waits": "wait", "canceled": "canceled"}[sketch.rest_does]
    return f"{filled}, {quantity(sketch.rest)} {does}"


def exit_facts(ticket: OrderTicket, places: int) -> list[Fact]:
    """Return a line for each leg that a ticket has besides its own order."""
    found, stop = [], ticket.stop_loss
    is_pair = ticket.order_class is OrderClass.OCO
    if ticket.take_profit is not None and not is_pair:
        at = price(ticket.take_profit.limit_price, places)
        found.append(Fact("Take profit, once it fills", f"{at} or better"))
    if stop is not None:
        label = "Stop loss, one cancels the other" if is_pair else "Stop loss, once it fills"
        found.append(Fact(label, stop_words(stop, lambda value: price(value, places))))
    return found


def ticket_fields(ticket: OrderTicket, *, is_asked_twice: bool) -> list[tuple[str, str]]:
    """Return the ticket as hidden form fields: what the review sends on, its key included.

    is_asked_twice: the review says that it looks like another order, so sending it confirms that.
    """
    prices = {name: getattr(ticket, name) for name in PRICES}
    return [
        ("client_order_id", ticket.client_order_id),
        ("portfolio_id", str(ticket.portfolio_id)),
        ("symbol", ticket.symbol),
        ("side", str(ticket.side)),
        ("type", str(ticket.type)),
        ("time_in_force", str(ticket.time_in_force)),
        *_size_fields(ticket),
        *([("extended_hours", "on")] if ticket.extended_hours else []),
        *([("expires_at", ticket.expires_at.isoformat())] if ticket.expires_at else []),
        *([("confirm_duplicate", "on")] if is_asked_twice or ticket.confirm_duplicate else []),
        *((name, in_field(price)) for name, price in prices.items() if price is not None),
        *_exit_fields(ticket),
    ]


def _size_fields(ticket: OrderTicket) -> list[tuple[str, str]]:
    if ticket.notional is None:
        return [("quantity", in_field(ticket.quantity))]
    return [("sized_by", "notional"), ("notional", in_field(ticket.notional))]


def _exit_fields(ticket: OrderTicket) -> list[tuple[str, str]]:
    """Return the legs as the form has them; an oco is its own take profit."""
    profit, stop = ticket.take_profit, ticket.stop_loss or StopLoss()
    is_pair = ticket.order_class is OrderClass.OCO
    values = {
        "take_profit": profit.limit_price if profit and not is_pair else None,
        "stop_loss": stop.stop_price,
        "stop_loss_trail_price": stop.trail_price,
        "stop_loss_trail_percent": stop.trail_percent,
    }
    return [(name, in_field(value)) for name, value in values.items() if value is not None]


def _gross_label(ticket: OrderTicket, outcome: Preview) -> str:
    if outcome.is_estimate:
        return "Estimated proceeds" if ticket.side is Side.SELL else "Estimated cost"
    return "Proceeds at least" if ticket.side is Side.SELL else "Cost at most"


def _once_sold(outcome: Preview) -> Decimal | None:
    if outcome.gross_amount is None:
        return None
    costs = (outcome.commission or ZERO) + (outcome.fees or ZERO)
    return outcome.buying_power_after + outcome.gross_amount - costs


def _meter(power: Decimal, outcome: Preview | None) -> dict[str, str]:
    """Return how much of the buying power stays and how much goes, in percent of it."""
    used = min(outcome.reserve / power, Decimal(1)) if outcome and power > 0 else ZERO
    return {"left": f"{100 * (1 - used):.1f}", "used": f"{100 * used:.1f}"}
