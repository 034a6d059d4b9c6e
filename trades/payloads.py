"""A trade as JSON: the one shape that the API, the socket and the event log share."""

from typing import Any
from uuid import UUID

from bengi.money import plain
from orders.payloads import moment
from trades.models import Trade, TradeCorrection


def trade_payload(trade: Trade, symbol: str) -> dict[str, Any]:
    """Return the trade as a client sees it. net_amount is signed: what cash changed by.

    A bust has the quantity and the amounts of the trade it busts with their signs turned.
    """
    told = trade_event(trade, symbol)
    return {name: str(each) if isinstance(each, UUID) else each for name, each in told.items()}


def trade_event(trade: Trade, symbol: str) -> dict[str, Any]:
    """Return the trade's payload as an event takes it, with ids that are written as text there."""
    of = vars(trade)
    return {
        "exec_id": trade.exec_id,
        "kind": trade.kind.value,
        "busts": of["busts_id"],
        "corrects": of["corrects_id"],
        "order_id": of["order_id"],
        "account_id": of["account_id"],
        "portfolio_id": of["portfolio_id"],
        "symbol": symbol,
        "side": str(trade.side),
        "quantity": plain(trade.quantity),
        "price": plain(trade.price),
        "gross_amount": plain(trade.gross_amount),
        "commission": plain(trade.commission),
        "fees": plain(trade.fees),
        "net_amount": plain(trade.net_amount),
        "currency": trade.currency,
        "liquidity": str(trade.liquidity),
        "executed_at": moment(trade.executed_at),
        "booked_at": moment(trade.booked_at),
        "trade_date": trade.trade_date.isoformat(),
        "settles_on": trade.settles_on.isoformat(),
    }


def trade_state(trade: Trade) -> dict[str, Any]:
    """Return what the tables know of a trade beyond its payload, so that a replay can fold it.

    Ids stand as such, for an event to write.
    """
    of = vars(trade)
    return {
        "instrument_id": of["instrument_id"],
        "match_id": trade.match_id,
        "correction_id": of["correction_id"],
        "quote_bid": None if trade.quote_bid is None else plain(trade.quote_bid),
        "quote_ask": None if trade.quote_ask is None else plain(trade.quote_ask),
        "quote_as_of": moment(trade.quote_as_of),
    }


def correction_payload(row: TradeCorrection) -> dict[str, Any]:
    """Return a correction as staff and the event log see it."""
    return {
        "id": str(row.id),
        "exec_id": str(row.trade_id),
        "kind": str(row.kind),
        "price": None if row.price is None else plain(row.price),
        "quantity": None if row.quantity is None else plain(row.quantity),
        "reason": row.reason,
        "requested_by": str(row.requested_by_id),
        "requested_at": moment(row.requested_at),
        "outcome": str(row.outcome),
        "decided_by": _id(row.decided_by_id),
        "decided_at": moment(row.decided_at),
    }


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)
