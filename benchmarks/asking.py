"""Which orders a benchmark places: everybody in turn, a buy of one share, then its sale.

Numbers say it all: order n is of person n % people; person p trades PER_PERSON symbols from place p
on, each bought and sold before the next. So nobody runs out of money or shares.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

PER_PERSON = 10
STOCKED = 10
"""Shares that everybody holds of theirs before the first order: sales may overtake their buys."""


class Trader(NamedTuple):
    """Somebody, as it is written in the job of another process."""

    account_id: str
    portfolio_id: str
    key: str


def what(number: int, people: int, symbols: Sequence[str]) -> tuple[int, str, str]:
    """Return whose order it is, its symbol and its side."""
    person, turn = number % people, number // people
    symbol = symbols[(person + turn // 2 % PER_PERSON) % len(symbols)]
    return person, symbol, ("buy", "sell")[turn % 2]


def body(name: str, number: int, people: int, symbols: Sequence[str]) -> bytes:
    """Return the order as the API wants it."""
    _, symbol, side = what(number, people, symbols)
    return (
        f'{{"symbol":"{symbol}","side":"{side}","type":"market","time_in_force":"day",'
        f'"quantity":"1","client_order_id":"{name}-{number}","confirm_duplicate":true}}'
    ).encode()


def ticket(name: str, number: int, traders: Sequence[Trader], symbols: Sequence[str]) -> Any:
    """Return the same order as place_orders() wants it."""
    person, symbol, side = what(number, len(traders), symbols)
    return _ticket(traders[person], f"{name}-{number}", symbol, side, 1)


def stocking(traders: Sequence[Trader], symbols: Sequence[str]) -> list[Any]:
    """Return the orders by which everybody comes to their shares; keys begin with stock-."""
    return [
        _ticket(trader, f"stock-{person}-{n}", symbols[(person + n) % len(symbols)], "buy", STOCKED)
        for n in range(PER_PERSON)
        for person, trader in enumerate(traders)
    ]


def _ticket(trader: Trader, key: str, symbol: str, side: str, quantity: int) -> Any:
    from uuid import UUID

    from bengi.terms import OrderType, Side, TimeInForce
    from orders.tickets import OrderTicket

    return OrderTicket(
        account_id=UUID(trader.account_id),
        portfolio_id=UUID(trader.portfolio_id),
        symbol=symbol,
        side=Side(side),
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        quantity=Decimal(quantity),
        client_order_id=key,
        confirm_duplicate=True,
    )
