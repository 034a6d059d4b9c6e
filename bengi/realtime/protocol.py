"""The messages of the socket, version 1: JSON text frames, each an object with a type.

In:  AUTH {token}; SUBSCRIBE, UNSUBSCRIBE {topics}; RESUME {topic, after}; PING {id}
Out: AUTHENTICATED; SUBSCRIBED, UNSUBSCRIBED {topics}; PRICE_UPDATE {prices};
     ORDER_UPDATE, TRADE_EXECUTED, TRADE_BUSTED, ACCOUNT_UPDATE {topic, seq, ...};
     ALERT, ALERT_UPDATE {topic, seq, event, alert}; MARKET_STATUS {markets, halted};
     PONG {id, now}; ERROR {code, message, topic?}

docs/stream.md says the same to the people who write clients.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec

from bengi import strictjson
from bengi.errors import Malformed
from bengi.money import plain_or_none

TOPICS_MAX = 200
MARKETS = "markets"
"""The topic of what every market does, and of which instruments are halted."""
TOPIC_LENGTH_MAX = 64
MESSAGE_BYTES_MAX = 16 * 1024
UNREAD_MAX = 256
"""Messages of one socket that may wait to be read; a server that can sees to it."""
REPLAY_MAX = 5_000

CLOSE_PROTOCOL = 4400
CLOSE_NOT_SIGNED_IN = 4401
CLOSE_RATE = 1008
CLOSE_TOO_BIG = 1009
CLOSE_TRY_LATER = 1013
CLOSE_GOING_AWAY = 1001

_NOT_SENT = frozenset(
    {
        *("lots", "closings", "shifts", "transactions", "state"),
        *("order", "trade", "adjustment", "correction"),
    }
)
_OF_TRADES = {"trade.executed": "TRADE_EXECUTED", "trade.busted": "TRADE_BUSTED"}
_Rows = Sequence[Mapping[str, Any]]
_encoder = msgspec.json.Encoder(decimal_format="number")


class Event(Protocol):
    """What a message needs of a row of the event log."""

    seq: int
    type: str
    payload: dict[str, Any]
    occurred_at: datetime


class Topics(NamedTuple):
    """Topics of one message, sorted by kind. unknown holds what is neither."""

    symbols: dict[str, str]
    """topic -> symbol"""
    accounts: dict[str, UUID]
    """topic -> account id"""
    users: dict[str, UUID]
    """topic -> user id: what is a person's own and no account's"""
    markets: list[str]
    """MARKETS, where it is asked for"""
    unknown: list[str]

    @property
    def streams(self) -> dict[str, UUID]:
        """topic -> id of the event stream behind it."""
        return self.accounts | self.users


def encode(message: dict[str, Any]) -> str:
    """Write one message as JSON."""
    return _encoder.encode(message).decode()


def decode(text: str) -> dict[str, Any]:
    """Read one message. Raises Malformed unless it is a JSON object with a type."""
    message = strictjson.loads(text)
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Malformed("malformed_json", "Send a JSON object with a type.")
    return message


def topics_in(message: dict[str, Any]) -> Topics:
    """Read {topics: [..]}; each once. Raises Malformed for another shape."""
    given = message.get("topics")
    if not isinstance(given, list) or not all(isinstance(topic, str) for topic in given):
        raise Malformed("malformed_json", "Send topics as a list of strings.")
    return sort_topics(given)


def sort_topics(given: Iterable[str]) -> Topics:
    """Tell prices:<symbol>, account:<uuid>, user:<uuid>, markets and the rest from each other."""
    topics = Topics({}, {}, {}, [], [])
    for topic in dict.fromkeys(given):
        kind, _, name = topic.partition(":")
        if kind == "prices" and 0 < len(name) <= TOPIC_LENGTH_MAX:
            topics.symbols[topic] = name
        elif kind == "account" and (account_id := _uuid(name)):
            topics.accounts[topic] = account_id
        elif kind == "user" and (user_id := _uuid(name)):
            topics.users[topic] = user_id
        elif topic == MARKETS:
            topics.markets.append(topic)
        else:
            topics.unknown.append(topic)
    return topics


def account_topic(account_id: UUID | str) -> str:
    return f"account:{account_id}"


def user_topic(user_id: UUID | str) -> str:
    return f"user:{user_id}"


def price(tick: Any) -> dict[str, Any]:
    """Return one entry of PRICE_UPDATE: the whole state of the symbol, so the latest wins.

    tick is an instruments.quotes.Tick, which stands above this module.
    """
    return {
        "symbol": tick.symbol,
        "bid": _text(tick.bid),
        "ask": _text(tick.ask),
        "bid_size": _text(tick.bid_size),
        "ask_size": _text(tick.ask_size),
        "last": _text(tick.last),
        "last_size": _text(tick.last_size),
        "volume": _text(tick.volume),
        "day_open": _text(tick.day_open),
        "day_high": _text(tick.day_high),
        "day_low": _text(tick.day_low),
        "previous_close": _text(tick.previous_close),
        "as_of": moment(tick.as_of),
    }


@lru_cache(maxsize=8192)
def _text(value: Decimal | None) -> str | None:
    """Write a number as plain() does. Most of a tick's eleven are those of the tick before."""
    return plain_or_none(value)


def market_frame(markets: _Rows, halted: _Rows) -> str:
    """Write what every market does, and what is halted there, as one MARKET_STATUS."""
    return encode({"type": "MARKET_STATUS", "markets": markets, "halted": halted})


def price_frame(prices: Iterable[str]) -> str:
    """Join prices that are JSON already into one PRICE_UPDATE; none at all is the heartbeat."""
    return '{"type":"PRICE_UPDATE","prices":[' + ",".join(prices) + "]}"


def account_message(account_id: UUID | str, event: Event) -> dict[str, Any]:
    """Return the message that tells an account's event: one per seq."""
    head = _head(account_topic(account_id), event)
    if event.type.startswith("order.") and "order" in event.payload:
        return {"type": "ORDER_UPDATE", **head, "order": event.payload["order"]}
    if event.type in _OF_TRADES:
        return {"type": _OF_TRADES[event.type], **head, "trade": event.payload["trade"]}
    told = {name: value for name, value in event.payload.items() if name not in _NOT_SENT}
    at = {"occurred_at": moment(event.occurred_at)}
    return {**told, "type": "ACCOUNT_UPDATE", **head, **at}


def user_message(user_id: UUID | str, event: Event) -> dict[str, Any]:
    """Return the message that tells an event of a user's own stream: one per seq."""
    kind = "ALERT" if event.type == "alert.fired" else "ALERT_UPDATE"
    return {"type": kind, **_head(user_topic(user_id), event), "alert": event.payload["alert"]}


def _head(topic: str, event: Event) -> dict[str, Any]:
    return {"topic": topic, "seq": event.seq, "event": event.type}


def error(code: str, message: str, topic: str | None = None) -> dict[str, Any]:
    about = {} if topic is None else {"topic": topic[:TOPIC_LENGTH_MAX]}
    return {"type": "ERROR", "code": code, "message": message, **about}


def moment(value: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC, to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Allowance:
    """A bucket of messages: burst at once, then rate_per_s. Time comes in, in seconds."""

    def __init__(self, rate_per_s: float, burst: float, now_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._left = burst
        self._seen_s = now_s

    def take(self, now_s: float) -> bool:
        """Return whether one more message is allowed now, and count it if so."""
        refill = (now_s - self._seen_s) * self._rate_per_s
        self._left = min(self._burst, self._left + refill)
        self._seen_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _uuid(text: str) -> UUID | None:
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
