"""Instruments, quotes and bars as JSON. Decimals are strings, times RFC 3339 in UTC."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ErrorDetail, ValidationError

from bengi.inputs import (
    ApiField,
    CountField,
    FlagField,
    Input,
    MomentField,
    NameField,
    PositiveDecimalField,
    SearchField,
    TextField,
    WordField,
)
from bengi.listing import OrderingField
from bengi.money import MINOR_UNITS, PLACES, plain, plain_or_none, round_money
from bengi.pagination import LIMIT_MAX, PageInput
from bengi.realtime.protocol import moment
from bengi.terms import InstrumentStatus, InstrumentType
from instruments.bars import MINUTE, NUMBERS, BarValue
from instruments.calendar import (
    MICS,
    NAMES,
    Mode,
    Session,
    extended_hours_on,
    is_open,
    next_close,
    next_open,
    phase,
    session_date,
    session_on,
    special_day,
    zone_of,
)
from instruments.indicator_words import (
    EXAMPLES,
    INDICATORS_MAX,
    PERIOD_MAX,
    PERIOD_MIN,
    SESSION,
    Asked,
    BadIndicator,
    read_indicators,
)
from instruments.intervals import INTERVALS, LENGTH_S
from instruments.models import Instrument
from instruments.movers import KINDS, Market, Mover
from instruments.quotes import Tick
from instruments.series import BARS_MAX

_SYMBOL = re.compile(r"[0-9A-Za-z][0-9A-Za-z.=_^-]*")
PERCENT_PLACES = Decimal("0.0001")
MOVERS_MAX = 50


class SymbolField(TextField):
    """What can be a symbol: letters, digits and what stands in an address without a blank."""

    def json_schema(self) -> dict[str, Any]:
        return {**super().json_schema(), "pattern": f"^{_SYMBOL.pattern}$"}

    def to_internal_value(self, data: Any) -> str:
        symbol = super().to_internal_value(data)
        if not _SYMBOL.fullmatch(symbol):
            self.refuse("Send letters, digits and . = _ ^ - only.")
        return symbol.upper()


class InstrumentsInput(PageInput):
    """Filters of the list; q searches symbols and names, and is one page, best match first."""

    q = SearchField(max_length=64, default="")
    mic = WordField(MICS, default=None)
    type = WordField(list(InstrumentType), default=None)
    currency = WordField(list(MINOR_UNITS), default=None)
    status = WordField(list(InstrumentStatus), default=None)
    ordering = OrderingField(
        {"symbol": ("symbol", "mic"), "name": ("name", "symbol", "mic")}, default="symbol"
    )


class SearchInput(Input):
    """What is looked for, and how many of the best matches are wanted."""

    q = NameField(max_length=64)
    limit = CountField(1, LIMIT_MAX, default=20)


class ActionsInput(PageInput):
    """The order of corporate actions."""

    ordering = OrderingField({"ex_date": ("ex_date", "id")}, default="-ex_date")


class NewInstrumentInput(Input):
    """An instrument that staff list. Without a feed it trades on customers' orders alone."""

    symbol = SymbolField(max_length=16)
    name = NameField(max_length=120)
    mic = WordField(MICS)
    type = WordField(list(InstrumentType))
    currency = WordField(list(MINOR_UNITS))
    tick_size = PositiveDecimalField()
    quantity_step = PositiveDecimalField(default=Decimal(1))
    exchange_step = PositiveDecimalField(default=None, allow_null=True)
    has_feed = FlagField(default=False)


class MoversInput(Input):
    """How many of each kind are wanted, or of one kind, at one exchange or at all."""

    limit = CountField(1, MOVERS_MAX, default=10)
    mic = WordField(MICS, default=None)
    kind = WordField(KINDS, default=None)


class IndicatorsField(ApiField):
    """Indicators by name, with their numbers: sma:20,rsi:14,macd:12:26:9."""

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "maxLength": INDICATORS_MAX * 32,
            "pattern": r"^[a-z]+(:[0-9.]+)*(,[a-z]+(:[0-9.]+)*)*$",
            "description": f"At most {INDICATORS_MAX} of {', '.join(EXAMPLES)}; "
            f"periods from {PERIOD_MIN} to {PERIOD_MAX}.",
        }

    def to_internal_value(self, data: Any) -> list[Asked]:
        try:
            return read_indicators(data) if isinstance(data, str) else self.refuse("Send a string.")
        except BadIndicator as error:
            self.refuse(str(error))


class BarsInput(Input):
    """The newest limit bars that begin in [start, end), with indicators, gaps filled if asked."""

    interval = WordField(INTERVALS, default=MINUTE)
    start = MomentField(default=None)
    end = MomentField(default=None)
    limit = CountField(1, BARS_MAX, default=500)
    gaps = WordField(("keep", "fill"), default="keep")
    indicators = IndicatorsField(default=())
    format = WordField(("json", "csv"), default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end, interval = attrs["start"], attrs["end"], attrs["interval"]
        if start is not None and end is not None and start >= end:
            raise _wrong("end", "Must be after start.")
        needs_session = any(each.look_back == SESSION for each in attrs["indicators"])
        if needs_session and interval not in LENGTH_S:
            raise _wrong("indicators", f"vwap is of a session: {interval} is too long for it.")
        return attrs


def _wrong(field: str, detail: str) -> ValidationError:
    return ValidationError({field: [ErrorDetail(detail, code="invalid_field")]})


def instrument_shape(instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol,
        "name": instrument.name,
        "mic": instrument.mic,
        "type": instrument.type,
        "currency": instrument.currency,
        "tick_size": plain(instrument.tick_size),
        "quantity_step": plain(instrument.quantity_step),
        "exchange_step": plain_or_none(instrument.exchange_step),
        "status": instrument.status,
        "has_feed": instrument.has_feed,
    }


def quote_shape(instrument: Instrument, tick: Tick | None, now: datetime) -> dict[str, Any]:
    """Return the market's word on one instrument; every price is null while there is none.

    change is last - previous_close, change_percent of previous_close to 4 places.
    """
    head = {
        "symbol": instrument.symbol,
        "name": instrument.name,
        "mic": instrument.mic,
        "currency": instrument.currency,
        "is_open": is_open(instrument.mic, now, settings.MARKET_HOURS),
    }
    if tick is None:
        return {**head, **dict.fromkeys(_PRICES + _REST)}
    return {
        **head,
        **{name: plain_or_none(getattr(tick, name)) for name in _PRICES},
        "change": plain_or_none(tick.change),
        "change_percent": _percent(tick.change_percent),
        "day_volume": plain(tick.volume),
        "as_of": moment(tick.as_of),
        "age_s": max(0, round((now - tick.as_of).total_seconds(), 1)),
        "source": tick.source,
    }


def market_shape(mic: str, now: datetime, mode: Mode) -> dict[str, Any]:
    """Return what one exchange does now, when trading starts and ends next, and today's session.

    session is null on a day without trading, extended_hours where one trades in sessions only; note
    says what is special about today, if anything.
    """
    day = session_date(mic, now, mode)
    special = special_day(mic, day, mode)
    return {
        "mic": mic,
        "name": NAMES[mic],
        "time_zone": zone_of(mic, mode).key,
        "status": phase(mic, now, mode),
        "next_open": moment(next_open(mic, now, mode)),
        "next_close": moment(next_close(mic, now, mode)),
        "date": day.isoformat(),
        "session": _session_shape(session_on(mic, day, mode)),
        "extended_hours": _span_shape(extended_hours_on(mic, day, mode)),
        "note": special.note if special else "",
    }


def _span_shape(span: tuple[datetime, datetime] | None) -> dict[str, str] | None:
    return None if span is None else {"opens_at": moment(span[0]), "closes_at": moment(span[1])}


def _session_shape(session: Session | None) -> dict[str, str | None] | None:
    if session is None:
        return None
    starts, ends = session.break_starts_at, session.break_ends_at
    return {
        "opens_at": moment(session.opens_at),
        "closes_at": moment(session.closes_at),
        "break_starts_at": moment(starts) if starts else None,
        "break_ends_at": moment(ends) if ends else None,
    }


def bar_shape(bar: BarValue, indicators: Mapping[str, float | None]) -> dict[str, Any]:
    """Return a bar with the values of indicators at it, to 8 places; null where there is none."""
    return {
        "starts_at": moment(bar.starts_at),
        "open": plain(bar.open),
        "high": plain(bar.high),
        "low": plain(bar.low),
        "close": plain(bar.close),
        "volume": plain(bar.volume),
        "indicators": {
            name: None if value is None else plain(Decimal(f"{value:.{PLACES}f}"))
            for name, value in indicators.items()
        },
    }


def movers_shape(market: Market, kinds: Sequence[str], limit: int, now: datetime) -> dict[str, Any]:
    """Return the market's breadth and the lists of kinds; the others are null."""
    lists = {
        kind: [_mover_shape(mover, now) for mover in market.top(kind, limit)]
        if kind in kinds
        else None
        for kind in KINDS
    }
    return {"breadth": asdict(market.breadth), "value_currency": market.currency, **lists}


def _mover_shape(mover: Mover, now: datetime) -> dict[str, Any]:
    instrument, tick = mover.instrument, mover.tick
    return {
        "symbol": instrument.symbol,
        "name": instrument.name,
        "mic": instrument.mic,
        "currency": instrument.currency,
        "last": plain(mover.last),
        "change": plain(mover.change),
        "change_percent": _percent(mover.change_percent),
        "day_volume": plain(tick.volume),
        "value": plain(round_money(mover.value, instrument.currency)),
        "as_of": moment(tick.as_of),
        "age_s": max(0, round((now - tick.as_of).total_seconds(), 1)),
        "is_stale": mover.is_stale,
    }


BAR_COLUMNS = ("starts_at", *NUMBERS)


def bar_line(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bar's shape as a line of a file: each indicator is a column."""
    return {**{name: shape[name] for name in BAR_COLUMNS}, **shape["indicators"]}


_PRICES = (
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "last",
    "previous_close",
    "day_open",
    "day_high",
    "day_low",
)
_REST = ("change", "change_percent", "day_volume", "as_of", "age_s", "source")


def _percent(value: Decimal | None) -> str | None:
    return None if value is None else plain(value.quantize(PERCENT_PLACES))
