"""A trade as JSON: the one shape that the API, the socket and the event log share."""

from typing import Any

from bengi.money import plain
from orders.payloads import moment
from trades.models import Trade


def trade_payload(trade: Trade, symbol: str) -> dict[str, Any]:
    """Return the trade as a client sees it. net_amount is signed: what cash changed by."""
    return {
        "exec_id": str(trade.exec_id),
        "order_id": str(trade.order_id),
        "account_id": str(trade.account_id),
        "portfolio_id": str(trade.portfolio_id),
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
        "trade_date": trade.trade_date.isoformat(),
        "settles_on": trade.settles_on.isoformat(),
    }


def trade_state(trade: Trade) -> dict[str, Any]:
    """Return what the tables know of a trade beyond its payload, so that a replay can fold it."""
    return {
        "instrument_id": str(trade.instrument_id),
        "match_id": str(trade.match_id) if trade.match_id else None,
        "quote_bid": None if trade.quote_bid is None else plain(trade.quote_bid),
        "quote_ask": None if trade.quote_ask is None else plain(trade.quote_ask),
        "quote_as_of": moment(trade.quote_as_of),
    }
