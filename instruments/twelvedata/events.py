"""Frames of the stream: what we say, and what is said to us as small values. Pure."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from instruments.twelvedata.errors import BadKey, PlanTooLow, TwelveDataError, Unreadable, error_of
from instruments.twelvedata.parsing import exact, moment_of
from instruments.twelvedata.tape import Priced

HEARTBEAT = '{"action":"heartbeat"}'
_FATAL = (401, 403)


class Subscribed(msgspec.Struct, frozen=True):
    """What became of a subscription: a warning is one too, of those that went well."""

    succeeded: list[str]
    failed: dict[str, str]
    is_error: bool = False


class Noted(msgspec.Struct, frozen=True):
    """A frame that only shows that somebody is there."""

    event: str


Event = Priced | Subscribed | Noted


def subscribe(tokens: Sequence[str]) -> str:
    """Return the frame that subscribes to tokens."""
    return _action("subscribe", tokens)


def unsubscribe(tokens: Sequence[str]) -> str:
    """Return the frame that ends subscriptions."""
    return _action("unsubscribe", tokens)


def read_event(text: str | bytes) -> Event:
    """Return what a frame says.

    Raises Unreadable, and BadKey or PlanTooLow where the frame says that nothing will ever come.
    """
    try:
        frame = json.loads(text, parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError):
        raise Unreadable("a frame is not JSON") from None
    if not isinstance(frame, dict):
        raise Unreadable("a frame is no object")
    event = frame.get("event")
    if event == "price":
        return _priced(frame)
    fatal = fatal_error(frame)
    if fatal is not None:
        raise fatal
    if event == "subscribe-status":
        return _subscribed(frame)
    return Noted(event if isinstance(event, str) else "")


def fatal_error(document: Any) -> TwelveDataError | None:
    """Return the error of a document that says that the key, or the plan, will not do."""
    if not isinstance(document, dict) or document.get("code") not in _FATAL:
        return None
    said = document.get("message")
    error = error_of(document["code"], said if isinstance(said, str) else "")
    assert isinstance(error, BadKey | PlanTooLow)
    return error


def _priced(frame: dict[str, Any]) -> Priced:
    symbol = frame.get("symbol")
    price, as_of = exact(frame.get("price")), moment_of(frame.get("timestamp"))
    if not isinstance(symbol, str) or not symbol or price is None or as_of is None:
        raise Unreadable("a price without a symbol, a number or a time")
    return Priced(
        symbol=symbol,
        mic=_text(frame.get("mic_code")),
        currency=_text(frame.get("currency") or frame.get("currency_quote")),
        price=price,
        as_of=as_of,
        day_volume=exact(frame.get("day_volume")),
        bid=exact(frame.get("bid")),
        ask=exact(frame.get("ask")),
    )


def _subscribed(frame: dict[str, Any]) -> Subscribed:
    succeeded = [symbol for symbol, _ in _symbols(frame.get("success"))]
    failed = dict(_symbols(frame.get("fails")))
    return Subscribed(succeeded, failed, is_error=frame.get("status") == "error")


def _symbols(rows: Any) -> list[tuple[str, str]]:
    """Return (symbol, message) of the rows that have a symbol; there may be none at all."""
    return [
        (row["symbol"], _text(row.get("message")))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("symbol"), str)
    ]


def _action(action: str, tokens: Sequence[str]) -> str:
    return json.dumps({"action": action, "params": {"symbols": ",".join(tokens)}})


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""
