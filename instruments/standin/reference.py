"""The endpoints that cost one credit a request, whatever they list."""

from datetime import datetime, timedelta

from instruments.calendar import is_open, next_close, next_open, session_of
from instruments.standin import figures
from instruments.standin.credits import Meter
from instruments.standin.figures import Numbers
from instruments.standin.listings import ETF, STOCK, VENUES, Listed, Venue, fits
from instruments.standin.market import Market
from instruments.standin.parameters import Parameters
from instruments.standin.prices import find
from instruments.standin.refusals import missing_parameter, no_data

SEARCH_MAX = 120
_SECOND = timedelta(seconds=1)


def stocks(market: Market, asked: Parameters, now: datetime) -> Numbers:
    """Answer /stocks."""
    return _list(market, asked, STOCK)


def etfs(market: Market, asked: Parameters, now: datetime) -> Numbers:
    """Answer /etfs, which was /etf once."""
    return _list(market, asked, ETF)


def symbol_search(market: Market, asked: Parameters, now: datetime) -> Numbers:
    """Answer /symbol_search, the likeliest first."""
    text = asked.text("symbol")
    if not text:
        raise missing_parameter("symbol")
    size = asked.number("outputsize", 30, 1, SEARCH_MAX)
    found = [
        {
            "symbol": each.symbol,
            "instrument_name": each.name,
            "exchange": each.venue.name,
            "mic_code": each.venue.code,
            "exchange_timezone": each.venue.zone,
            "instrument_type": each.type,
            "country": each.venue.country,
            "currency": each.currency,
        }
        for each in market.book.search(text)[:size]
    ]
    return {"data": found, "status": "ok"}


def market_state(market: Market, asked: Parameters, now: datetime) -> list[Numbers]:
    """Answer /market_state, which is an array: what each exchange does now, and for how long."""
    return [_state(market, venue, now) for venue in _venues(asked)]


def exchanges(market: Market, asked: Parameters, now: datetime) -> Numbers:
    """Answer /exchanges."""
    data = [
        {
            "title": venue.title,
            "name": venue.name,
            "code": venue.whole,
            "country": venue.country,
            "timezone": venue.zone,
        }
        for venue in _venues(asked)
    ]
    return {"data": data, "status": "ok"}


def earliest_timestamp(market: Market, asked: Parameters, now: datetime) -> Numbers:
    """Answer /earliest_timestamp: when the oldest bar of an interval began."""
    each, interval = find(market, asked.text("symbol"), asked), asked.interval()
    bars = market.history(each).bars(interval)
    if not bars:
        raise no_data()
    zone = asked.zone(each.venue.zone)
    return {
        "datetime": figures.label(bars[0], interval, zone),
        "unix_time": figures.seconds(bars[0].starts_at),
    }


def technical_indicators(market: Market, asked: Parameters, now: datetime) -> Numbers:
    """Answer /technical_indicators, which clients read when they start; none is reckoned here."""
    sma = {"enable": True, "full_name": "Simple Moving Average", "overlay": True}
    output = {"sma": {"default_color": "#FF0000", "display": "line", "min_range": 0}}
    return {"data": {"sma": {**sma, "output_values": output}}, "status": "ok"}


def api_usage(meter: Meter, wall: datetime) -> Numbers:
    """Answer /api_usage; only a plan with a limit a day is told about its day."""
    plan = meter.plan
    usage: Numbers = {
        "timestamp": f"{wall:%Y-%m-%d %H:%M:%S}",
        "current_usage": meter.in_minute(wall),
        "plan_limit": plan.credits_per_minute,
    }
    if plan.credits_per_day is not None:
        usage |= {"daily_usage": meter.in_day(wall), "plan_daily_limit": plan.credits_per_day}
    return {**usage, "plan_category": plan.category}


def _list(market: Market, asked: Parameters, kind: str) -> Numbers:
    found = [each for each in market.book.listed if each.type == kind and _matches(each, asked)]
    return {"data": [_row(each) for each in found], "status": "ok"}


def _matches(each: Listed, asked: Parameters) -> bool:
    """Return whether an instrument is on the exchange, in the country and of the name asked for."""
    return (
        fits(each, asked.text("exchange"))
        and fits(each, asked.text("mic_code"))
        and asked.text("country").lower() in {"", each.venue.country.lower()}
        and asked.text("symbol").upper() in {"", each.symbol}
        and asked.text("type").lower() in {"", each.type.lower()}
    )


def _row(each: Listed) -> Numbers:
    row: Numbers = {
        "symbol": each.symbol,
        "name": each.name,
        "currency": each.currency,
        "exchange": each.venue.name,
        "mic_code": each.venue.code,
        "country": each.venue.country,
    }
    codes = dict.fromkeys(("figi_code", "cfi_code", "isin", "cusip"))
    return {**row, **({"type": each.type} if each.type == STOCK else {}), **codes}


def _venues(asked: Parameters) -> list[Venue]:
    wanted = {name: asked.text(name).lower() for name in ("exchange", "code", "country")}
    return [
        venue
        for venue in VENUES.values()
        if wanted["exchange"] in {"", venue.name.lower()}
        and wanted["code"] in {"", venue.code.lower(), venue.whole.lower()}
        and wanted["country"] in {"", venue.country.lower()}
    ]


def _state(market: Market, venue: Venue, now: datetime) -> Numbers:
    open_now = is_open(venue.mic, now, market.mode)
    session = session_of(venue.mic, now, market.mode)
    after_s = (now - session.opens_at) // _SECOND if open_now and session else 0
    opens_s = 0 if open_now else (next_open(venue.mic, now, market.mode) - now) // _SECOND
    closes_s = (next_close(venue.mic, now, market.mode) - now) // _SECOND if open_now else 0
    return {
        "name": venue.name,
        "code": venue.whole,
        "country": venue.country,
        "is_market_open": open_now,
        "time_after_open": figures.clock_face(after_s),
        "time_to_open": figures.clock_face(opens_s),
        "time_to_close": figures.clock_face(closes_s),
    }
