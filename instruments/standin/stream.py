"""The words of the WebSocket: what a client may ask for, what it is told. No input or output."""

import json
from datetime import datetime

import msgspec

from instruments.quotes import Tick
from instruments.standin import faults, figures
from instruments.standin.faults import STREAM, Json
from instruments.standin.listings import Listed
from instruments.standin.refusals import Refused
from instruments.standin.service import Service

SOCKETS_MAX = 3
"""Connections of one key; another one closes the oldest."""


class Wanted(msgspec.Struct, frozen=True):
    """A symbol in the extended form of a subscription."""

    symbol: str
    mic_code: str = ""
    exchange: str = ""
    type: str = ""


class _Params(msgspec.Struct, frozen=True):
    symbols: str | list[Wanted] = ""


class _Action(msgspec.Struct, frozen=True):
    action: str
    params: _Params = _Params()


class Subscriber:
    """One connection: the symbols it has, answers to what it asks, and what prices it is told."""

    def __init__(self, service: Service, key: str) -> None:
        self.key = key
        self.listed: dict[str, Listed] = {}
        self._service = service

    def hear(self, text: str | bytes, used: int, wall: datetime) -> list[str]:
        """Return the answers to a frame; used is what the key has subscribed to elsewhere."""
        try:
            asked = msgspec.json.decode(text, type=_Action)
        except msgspec.DecodeError:
            return [_json({"event": "error", "status": "error", "messages": ["Invalid JSON"]})]
        match asked.action:
            case "subscribe":
                return [self._subscribe(_wanted(asked.params.symbols), used, wall)]
            case "unsubscribe":
                return [self._unsubscribe(_wanted(asked.params.symbols))]
            case "reset":
                self.listed.clear()
                return [_json({"event": "reset-status", "status": "ok"})]
            case "heartbeat":
                silence = self._service.faults.take(faults.Silence, STREAM, wall)
                if silence and not silence.heartbeats:
                    return []
                return [_json({"event": "heartbeat", "status": "ok"})]
        messages = [f"Unknown action: {asked.action}"]
        return [_json({"event": "error", "status": "error", "messages": messages})]

    def tell(self, each: Listed, tick: Tick, wall: datetime) -> str | None:
        """Return the frame that tells of a tick; None where there is nothing to tell."""
        price = _price(each, tick)
        if each.key not in self.listed or price is None:
            return None
        active = self._service.faults
        if active.take(faults.Silence, STREAM, wall, [each.symbol]):
            return None
        if garbage := active.take(faults.Garbage, STREAM, wall, [each.symbol]):
            return garbage.text
        return _json(active.spoil(_event(each, tick, price), STREAM, each.symbol, wall))

    def _subscribe(self, wanted: list[Wanted], used: int, wall: datetime) -> str:
        success: list[Json] = []
        fails: list[Json] = []
        for want in wanted:
            try:
                success.append(self._add(want, used, wall))
            except Refused as refused:
                fails.append({"symbol": want.symbol, "message": refused.message})
        status = "ok" if not fails else "warning" if success else "error"
        answer: Json = {"event": "subscribe-status", "status": status, "success": success}
        return _json({**answer, "fails": fails or None})

    def _add(self, want: Wanted, used: int, wall: datetime) -> Json:
        each = self._service.market.book.find(want.symbol, want.exchange, want.mic_code)
        self._service.admit(each)
        if fault := self._service.faults.take(faults.Error, STREAM, wall, [each.symbol]):
            raise Refused(fault.code, fault.message)
        limit = self._service.plan.stream_credits
        if each.key not in self.listed and used + len(self.listed) >= limit:
            raise Refused(429, f"You have run out of WebSocket credits: the limit is {limit}.")
        self.listed[each.key] = each
        return _status(each)

    def _unsubscribe(self, wanted: list[Wanted]) -> str:
        success: list[Json] = []
        fails: list[Json] = []
        for want in wanted:
            try:
                each = self._service.market.book.find(want.symbol, want.exchange, want.mic_code)
                del self.listed[each.key]
                success.append(_status(each))
            except (Refused, KeyError):
                fails.append({"symbol": want.symbol})
        status = "ok" if not fails else "warning" if success else "error"
        answer: Json = {"event": "unsubscribe-status", "status": status, "success": success}
        return _json({**answer, "fails": fails or None})


def _wanted(symbols: str | list[Wanted]) -> list[Wanted]:
    if isinstance(symbols, str):
        return [Wanted(token.strip()) for token in symbols.split(",") if token.strip()]
    return symbols


def _status(each: Listed) -> Json:
    mic_code = {"mic_code": each.venue.code} if each.venue.code else {}
    where: Json = {"symbol": each.symbol, "exchange": each.venue.name, **mic_code}
    return {**where, "country": each.venue.country, "type": each.type}


def _price(each: Listed, tick: Tick) -> float | None:
    """Return the price that a tick makes: a print's, or of a pair the middle of the quote."""
    if each.is_pair:
        both = tick.bid is not None and tick.ask is not None
        return float((tick.bid + tick.ask) / 2) if both else None  # type: ignore[operator]
    return float(tick.last) if tick.is_new_print and tick.last is not None else None


def _event(each: Listed, tick: Tick, price: float) -> Json:
    event: Json = {"event": "price", "symbol": each.symbol, **each.currencies}
    event["exchange"] = each.venue.name
    if each.venue.code:
        event["mic_code"] = each.venue.code
    event |= {"type": each.type, "timestamp": figures.seconds(tick.as_of), "price": price}
    if not each.is_pair:
        return {**event, "day_volume": int(tick.volume)}
    return {**event, "bid": float(tick.bid or 0), "ask": float(tick.ask or 0)}


def _json(words: Json) -> str:
    return json.dumps(words)
