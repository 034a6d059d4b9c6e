"""What the acceptance of an order has to tell: the checks it passed and what it holds."""

from typing import Any

from bengi.money import plain, plain_or_none, round_up_money
from bengi.terms import Side
from instruments.quotes import Tick
from orders.checks import passed_checks
from orders.facts import Facts
from orders.models import Order
from orders.payloads import moment


def accepted(order: Order, facts: Facts, tick: Tick | None) -> dict[str, Any]:
    """Return the first step of an order that was just accepted; tick is the quote it met."""
    return {
        "kind": "accepted",
        "at": moment(order.accepted_at),
        "quote": None if tick is None else tick_quote(tick),
        "checks": _checks(facts),
        **_held(order, facts),
    }


def held(order: Order, facts: Facts, tick: Tick | None) -> dict[str, Any]:
    """Return the first step of an order that is held: what it adds to what is reserved.

    It waits to replace another, or for the entry that it is a leg of.
    """
    added = order.reserved if order.side == Side.BUY else order.held_shares
    return {
        "kind": "held",
        "at": moment(order.accepted_at),
        "quote": None if tick is None else tick_quote(tick),
        "checks": _checks(facts),
        "reserved_before": "0",
        "reserved_after": plain(added),
        "replaces": str(order.replaces_id) if order.replaces_id else None,
    }


def tick_quote(tick: Tick) -> dict[str, Any]:
    """Return a tick as the steps of an order tell it."""
    return {
        "bid": plain_or_none(tick.bid),
        "bid_size": plain(tick.bid_size),
        "ask": plain_or_none(tick.ask),
        "ask_size": plain(tick.ask_size),
        "last": plain_or_none(tick.last),
        "as_of": moment(tick.as_of),
    }


def _checks(facts: Facts) -> list[dict[str, Any]]:
    return [
        {"code": code, "field": field, "limit": limit, "value": value}
        for code, field, limit, value in passed_checks(facts)
    ]


def _held(order: Order, facts: Facts) -> dict[str, Any]:
    """Return what was free before and after, what is held now, and how that was reckoned."""
    account = facts.account
    if order.side == Side.SELL:
        left = account.available_quantity - order.held_shares
        return {
            "reserved_before": "0",
            "reserved_after": plain(order.held_shares),
            "available_before": plain(account.available_quantity),
            "available_after": plain(left),
        }
    value = order.notional
    if value is None:
        value = round_up_money(order.bound * order.quantity, facts.instrument.currency)
    return {
        "reserved_before": "0",
        "reserved_after": plain(order.reserved),
        "available_before": plain(account.buying_power),
        "available_after": plain(account.buying_power - order.reserved),
        "formula": {
            "price": plain(order.bound),
            "basis": _basis(order),
            "quantity": plain(order.quantity),
            "commission": plain(order.reserved - value),
        },
    }


def _basis(order: Order) -> str:
    """Name what the cash of a buy is reckoned from."""
    if order.notional is not None:
        return "notional"
    return "limit_price" if order.limit_price is not None else "protection_price"
