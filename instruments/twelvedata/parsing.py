"""Documents of Twelve Data as small values: strict, because what is misread is traded against.

Pure. Numbers come as strings or as numbers, in ASCII and finite, and never pass through a float;
zero and below are let through here, because a quote of that kind is kept for staff to see
(instruments.quotes.check_tick). Whatever has another form raises Unreadable, and nothing of the
document counts. Of a batch each symbol stands for itself.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NoReturn, TypeVar

import msgspec

from bengi.money import QUANTUM
from instruments.twelvedata.errors import TwelveDataError, Unreadable, error_in

T = TypeVar("T")

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,20})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
_TOO_LARGE = Decimal(10) ** 18
_TEXT_MAX = 300
_YEARS = (1970, 2200)


class Quoted(msgspec.Struct, frozen=True):
    """/quote of one symbol: the day so far, close being the newest price.

    last_quote_at: when the minute began in which it was last traded. There is no bid and no ask.
    """

    symbol: str
    mic: str
    currency: str
    session_date: date | None
    last_quote_at: datetime | None
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal
    volume: Decimal
    previous_close: Decimal | None
    is_market_open: bool | None


class Ohlcv(msgspec.Struct, frozen=True):
    """One row of a time series; starts_at is UTC, of a day its midnight."""

    starts_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Series(msgspec.Struct, frozen=True):
    """/time_series, oldest first. rejected: how many rows were not to be believed."""

    symbol: str
    mic: str
    currency: str
    interval: str
    bars: list[Ohlcv]
    rejected: int = 0


class Listed(msgspec.Struct, frozen=True):
    """What is listed where, from /stocks, /etfs or /symbol_search."""

    symbol: str
    name: str
    mic: str
    type: str
    currency: str
    country: str


class RateTold(msgspec.Struct, frozen=True):
    """One unit of base costs rate of quote."""

    base: str
    quote: str
    rate: Decimal
    as_of: datetime


class MarketState(msgspec.Struct, frozen=True):
    """What an exchange does now. code is its MIC."""

    name: str
    code: str
    is_open: bool


class Usage(msgspec.Struct, frozen=True):
    """/api_usage: credits of this minute and, where it tells, of this day."""

    minute_used: int
    minute_limit: int
    day_used: int | None = None
    day_limit: int | None = None


def read_document(text: str) -> Any:
    """Return a JSON document; numbers with a point are Decimals. Raises Unreadable.

    Raises the error that the document tells of, if it does: one can come with HTTP 200.
    """
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    told = error_in(document)
    if told is not None:
        raise told
    return document


def read_batch(
    document: Any, tokens: Sequence[str], read_one: Callable[[Any], T]
) -> dict[str, T | TwelveDataError]:
    """Return the answer of every token that was asked for: its value, or what is wrong with it.

    One symbol comes as it is, several under the tokens as they were sent.
    """
    if len(tokens) == 1:
        return {tokens[0]: _one(document, read_one)}
    if not isinstance(document, dict):
        raise Unreadable("a batch is no object")
    missing = Unreadable("the batch says nothing of it")
    return {
        token: _one(document[token], read_one) if token in document else missing for token in tokens
    }


def read_quote(document: Any) -> Quoted:
    """Return one symbol's /quote."""
    fields = _fields(document)
    opened_on = fields.get("datetime")
    return Quoted(
        symbol=_text(fields, "symbol"),
        mic=_text(fields, "mic_code", ""),
        currency=_text(fields, "currency", ""),
        session_date=None if opened_on is None else _moment(opened_on, "datetime").date(),
        last_quote_at=_second(fields, "last_quote_at"),
        open=_number_or_none(fields, "open"),
        high=_number_or_none(fields, "high"),
        low=_number_or_none(fields, "low"),
        close=_number(fields, "close"),
        volume=_number_or_none(fields, "volume") or Decimal(0),
        previous_close=_number_or_none(fields, "previous_close"),
        is_market_open=_truth(fields, "is_market_open"),
    )


def read_price(document: Any) -> Decimal:
    """Return one symbol's /price."""
    return _number(_fields(document), "price")


def read_close(document: Any) -> Decimal:
    """Return one symbol's /eod."""
    return _number(_fields(document), "close")


def read_series(document: Any) -> Series:
    """Return /time_series that was asked for in UTC. Rows that cannot be are left out, counted."""
    fields = _fields(document)
    meta, rows = _fields(fields.get("meta")), fields.get("values")
    if not isinstance(rows, list):
        _unreadable("values is no list")
    bars: dict[datetime, Ohlcv] = {}
    rejected = 0
    for row in rows:
        bar = _bar(row)
        if bar is None or bar.starts_at in bars:
            rejected += 1
        else:
            bars[bar.starts_at] = bar
    return Series(
        symbol=_text(meta, "symbol"),
        mic=_text(meta, "mic_code", ""),
        currency=_text(meta, "currency", ""),
        interval=_text(meta, "interval"),
        bars=[bars[at] for at in sorted(bars)],
        rejected=rejected,
    )


def read_listings(document: Any) -> list[Listed]:
    """Return /stocks, /etfs or /symbol_search without lines that name no listing."""
    rows = _fields(document).get("data")
    if not isinstance(rows, list):
        _unreadable("data is no list")
    return [listed for listed in map(_listed, rows) if listed is not None]


def read_rate(document: Any) -> RateTold:
    """Return one pair's /exchange_rate."""
    fields = _fields(document)
    base, slash, quote = _text(fields, "symbol").partition("/")
    rate, as_of = _number(fields, "rate"), _second(fields, "timestamp")
    if not (slash and base and quote) or as_of is None or rate <= 0:
        _unreadable("no rate of a pair at a time")
    return RateTold(base, quote, rate, as_of)


def read_market_states(document: Any) -> list[MarketState]:
    """Return /market_state: every exchange there is."""
    if not isinstance(document, list):
        _unreadable("no list of exchanges")
    states = []
    for row in document:
        fields = _fields(row)
        is_open = _truth(fields, "is_market_open")
        if is_open is not None:
            states.append(MarketState(_text(fields, "name", ""), _text(fields, "code"), is_open))
    return states


def read_earliest(document: Any) -> datetime:
    """Return /earliest_timestamp."""
    moment = _second(_fields(document), "unix_time")
    if moment is None:
        _unreadable("unix_time is missing")
    return moment


def read_usage(document: Any) -> Usage:
    """Return /api_usage. The day's figures are not in every answer."""
    fields = _fields(document)
    return Usage(
        minute_used=_whole(fields, "current_usage"),
        minute_limit=_whole(fields, "plan_limit"),
        day_used=_whole_or_none(fields, "daily_usage"),
        day_limit=_whole_or_none(fields, "plan_daily_limit"),
    )


def read_header(value: str | None) -> int | None:
    """Return a count that a response header tells; None where there is none, or not one."""
    return int(value) if value is not None and _WHOLE.fullmatch(value) else None


def exact(value: Any) -> Decimal | None:
    """Return a number of a document, to the places that we keep; None where it is not one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        value = Decimal(value)
    if not isinstance(value, int | Decimal) or not -_TOO_LARGE < value < _TOO_LARGE:
        return None
    return Decimal(value).quantize(QUANTUM, rounding=ROUND_HALF_EVEN)


def moment_of(value: Any) -> datetime | None:
    """Return seconds since 1970, whole or not, as a time; None where they are not such."""
    number = exact(value)
    if number is None or not 0 <= number < 7_258_118_400:  # the year 2200
        return None
    return datetime.fromtimestamp(int(number), UTC)


def _one(document: Any, read_one: Callable[[Any], T]) -> T | TwelveDataError:
    told = error_in(document)
    if told is not None:
        return told
    try:
        return read_one(document)
    except TwelveDataError as error:
        return error


def _bar(row: Any) -> Ohlcv | None:
    """Return a row of a series; None where its prices contradict each other, or are missing."""
    if not isinstance(row, dict):
        return None
    open_, high, low, close = (exact(row.get(name)) for name in ("open", "high", "low", "close"))
    volume = exact(row.get("volume") or "0")
    if open_ is None or high is None or low is None or close is None or volume is None:
        return None
    if not 0 < low <= min(open_, close) or high < max(open_, close) or volume < 0:
        return None
    try:
        starts_at = _moment(row.get("datetime"), "datetime")
    except Unreadable:
        return None
    return Ohlcv(starts_at, open_, high, low, close, volume)


def _listed(row: Any) -> Listed | None:
    if not isinstance(row, dict):
        return None
    found = {name: row.get(name) for name in ("symbol", "mic_code")}
    if not all(isinstance(value, str) and 0 < len(value) <= 40 for value in found.values()):
        return None
    return Listed(
        symbol=found["symbol"] or "",
        name=_first_text(row, ("name", "instrument_name")),
        mic=found["mic_code"] or "",
        type=_first_text(row, ("type", "instrument_type")),
        currency=_first_text(row, ("currency",)),
        country=_first_text(row, ("country",)),
    )


def _first_text(row: dict[str, Any], names: Iterable[str]) -> str:
    found = (row.get(name) for name in names)
    return next((text[:_TEXT_MAX] for text in found if isinstance(text, str)), "")


def _fields(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        _unreadable("no object")
    return document


def _text(fields: dict[str, Any], name: str, absent: str | None = None) -> str:
    value = fields.get(name)
    if value is None and absent is not None:
        return absent
    if not isinstance(value, str) or not value or len(value) > _TEXT_MAX:
        _unreadable(f"{name} is no text")
    return value


def _number(fields: dict[str, Any], name: str) -> Decimal:
    number = _number_or_none(fields, name)
    if number is None:
        _unreadable(f"{name} is missing")
    return number


def _number_or_none(fields: dict[str, Any], name: str) -> Decimal | None:
    value = fields.get(name)
    if value is None:
        return None
    number = exact(value)
    if number is None:
        _unreadable(f"{name} is no number: {str(value)[:40]}")
    return number


def _whole(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        _unreadable(f"{name} is no count")
    return value


def _whole_or_none(fields: dict[str, Any], name: str) -> int | None:
    return None if fields.get(name) is None else _whole(fields, name)


def _truth(fields: dict[str, Any], name: str) -> bool | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        _unreadable(f"{name} is neither true nor false")
    return value


def _second(fields: dict[str, Any], name: str) -> datetime | None:
    value = fields.get(name)
    if value is None:
        return None
    moment = moment_of(value)
    if moment is None:
        _unreadable(f"{name} is no time")
    return moment


def _moment(value: Any, name: str) -> datetime:
    """Return "2026-11-25" or "2026-11-25 14:30:00" as UTC."""
    if isinstance(value, str) and len(value) in (10, 19):
        try:
            moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError:
            moment = None
        if moment is not None and _YEARS[0] <= moment.year < _YEARS[1]:
            return moment
    return _unreadable(f"{name} is no time")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _unreadable(said: str) -> NoReturn:
    raise Unreadable(said)
