"""The endpoints that cost a credit for each symbol: one function each, for one symbol."""

from datetime import datetime, timedelta
from decimal import Decimal

from instruments.calendar import phase
from instruments.standin import figures
from instruments.standin.figures import Numbers
from instruments.standin.history import Bar, since
from instruments.standin.listings import CURRENCIES, PAIR, Listed
from instruments.standin.market import Market
from instruments.standin.parameters import Parameters
from instruments.standin.refusals import Refused, no_data, not_found

OUTPUT_MAX = 5000
_YEAR = timedelta(days=365)


def quote(market: Market, token: str, asked: Parameters, now: datetime) -> Numbers:
    """Answer /quote: the newest bar of an interval, and what the year was like."""
    each = find(market, token, asked)
    interval, places = asked.interval("1day"), asked.places()
    bars = market.history(each).bars(interval)
    last = market.last(each)
    if not bars or last is None:
        raise no_data()
    bar, zone = bars[-1], asked.zone(each.venue.zone)
    before = _close_before(market, each, bars, interval)
    newest = market.history(each).newest_minute() or bar
    answer: Numbers = {
        "symbol": each.symbol,
        "name": each.name,
        "exchange": each.venue.name,
        **({"mic_code": each.venue.code} if each.venue.code else {}),
        **each.currencies,
        "datetime": figures.label(bar, interval, zone),
        "timestamp": figures.seconds(bar.starts_at),
        "last_quote_at": figures.seconds(newest.starts_at),
        "open": figures.price(bar.open, places),
        "high": figures.price(bar.high, places),
        "low": figures.price(bar.low, places),
        "close": figures.price(last, places),
        **_volumes(each, bars, asked.number("volume_time_period", 9, 1, 5000)),
        "previous_close": figures.price(before, places),
        "change": figures.price(figures.change(last, before), places),
        "percent_change": figures.price(figures.percent(last, before), places),
        "is_market_open": market.is_open(each, now),
        "fifty_two_week": _year(market.history(each).bars("1day"), last, places),
    }
    if asked.flag("prepost"):
        answer |= _extended(market, each, last, places, now)
    return answer


def price(market: Market, token: str, asked: Parameters, now: datetime) -> Numbers:
    """Answer /price."""
    last = market.last(find(market, token, asked))
    if last is None:
        raise no_data()
    return {"price": figures.price(last, asked.places())}


def time_series(market: Market, token: str, asked: Parameters, now: datetime) -> Numbers:
    """Answer /time_series, the newest bar first unless asked otherwise."""
    each = find(market, token, asked)
    interval = asked.interval()
    bars = market.history(each).bars(interval)
    before = dict(zip([bar.starts_at for bar in bars[1:]], bars, strict=False))
    values = []
    for bar in _chosen(bars, interval, asked, each.venue.zone):
        values.append(_row(each, bar, interval, asked))
        if asked.flag("previous_close"):
            earlier = before.get(bar.starts_at)
            close = figures.price(earlier.close if earlier else None, asked.places())
            values[-1]["previous_close"] = close
    if not values:
        raise no_data()
    if asked.text("order", "desc").lower() == "desc":
        values.reverse()
    return {"meta": _meta(each, interval), "values": values, "status": "ok"}


def eod(market: Market, token: str, asked: Parameters, now: datetime) -> Numbers:
    """Answer /eod: the close of a day, of the newest that is over where none is named."""
    each = find(market, token, asked)
    days = market.history(each).bars("1day")
    wanted = asked.day("date")
    if wanted is not None:
        days = [bar for bar in days if bar.day == wanted]
    elif days and market.is_open(each, now):
        days = days[:-1]
    if not days:
        raise no_data()
    return {
        "symbol": each.symbol,
        "exchange": each.venue.name,
        **({"mic_code": each.venue.code} if each.venue.code else {}),
        **({} if each.is_pair else {"currency": each.currency}),
        "datetime": days[-1].day.isoformat(),
        "close": figures.price(days[-1].close, asked.places()),
    }


def exchange_rate(market: Market, token: str, asked: Parameters, now: datetime) -> Numbers:
    """Answer /exchange_rate: a number, not a string, with the time of the newest quote."""
    rate, as_of = _rate(market, token, now)
    places = asked.number("dp", 5, 0, 11)
    rounded = float(figures.price(rate, places) or 0)
    return {"symbol": token.upper(), "rate": rounded, "timestamp": figures.seconds(as_of)}


def currency_conversion(market: Market, token: str, asked: Parameters, now: datetime) -> Numbers:
    """Answer /currency_conversion."""
    try:
        amount = Decimal(asked.text("amount", "1"))
    except ArithmeticError as error:
        raise Refused(400, "**amount** parameter is invalid.") from error
    answer = exchange_rate(market, token, asked, now)
    rate = Decimal(str(answer["rate"]))
    return {**answer, "amount": float(round(rate * amount, 5))}


def find(market: Market, token: str, asked: Parameters) -> Listed:
    """Return what a token names, on the exchange that is asked for. Raises Refused."""
    return market.book.find(token, asked.text("exchange"), asked.text("mic_code"))


def _close_before(market: Market, each: Listed, bars: list[Bar], interval: str) -> Decimal | None:
    tick = market.newest(each)
    is_today = tick is not None and tick.session_date == bars[-1].day
    if tick is not None and interval == "1day" and is_today and tick.previous_close is not None:
        return tick.previous_close
    return bars[-2].close if len(bars) > 1 else None


def _volumes(each: Listed, bars: list[Bar], period: int) -> Numbers:
    if each.is_pair:
        return {}
    over = bars[-1 - period : -1] or bars[-1:]
    mean = sum((bar.volume for bar in over), Decimal(0)) / len(over)
    return {"volume": figures.whole(bars[-1].volume), "average_volume": figures.whole(mean)}


def _year(days: list[Bar], last: Decimal, places: int) -> Numbers:
    year = since(days, days[-1].day - _YEAR)
    low, high = min(bar.low for bar in year), max(bar.high for bar in year)
    return {
        "low": figures.price(low, places),
        "high": figures.price(high, places),
        "low_change": figures.price(last - low, places),
        "high_change": figures.price(last - high, places),
        "low_change_percent": figures.price(figures.percent(last, low), places),
        "high_change_percent": figures.price(figures.percent(last, high), places),
        "range": f"{low:.6f} - {high:.6f}",
    }


def _extended(market: Market, each: Listed, last: Decimal, places: int, now: datetime) -> Numbers:
    """Return the middle of the quote before or after the session; nulls within it."""
    tick = market.newest(each)
    middle = None
    is_outside = phase(each.venue.mic, now, market.mode) in {"pre", "post"}
    if is_outside and tick is not None and tick.bid is not None and tick.ask is not None:
        middle = (tick.bid + tick.ask) / 2
    return {
        "extended_price": figures.price(middle, places),
        "extended_change": figures.price(figures.change(middle, last), places),
        "extended_percent_change": figures.price(figures.percent(middle, last), places),
        "extended_timestamp": figures.seconds(tick.as_of) if middle and tick else None,
    }


def _within(bars: list[Bar], interval: str, asked: Parameters, exchange_zone: str) -> list[Bar]:
    zone = asked.zone(exchange_zone)
    start, end = asked.moment("start_date", zone), asked.moment("end_date", zone)
    if (day := asked.day("date")) is not None:
        return [bar for bar in bars if bar.day == day]
    if interval.endswith(("day", "week", "month")):
        found = since(bars, start.date()) if start else bars
        return [bar for bar in found if end is None or bar.day <= end.date()]
    found = since(bars, start) if start else bars
    return [bar for bar in found if end is None or bar.starts_at <= end]


def _chosen(bars: list[Bar], interval: str, asked: Parameters, zone: str) -> list[Bar]:
    """Return the newest bars of the stretch that is asked for: all of it where it has a start."""
    is_bounded = bool(asked.text("start_date")) and not asked.text("outputsize")
    size = asked.number("outputsize", OUTPUT_MAX if is_bounded else 30, 1, OUTPUT_MAX)
    return _within(bars, interval, asked, zone)[-size:]


def _row(each: Listed, bar: Bar, interval: str, asked: Parameters) -> Numbers:
    places = asked.places()
    row: Numbers = {
        "datetime": figures.label(bar, interval, asked.zone(each.venue.zone)),
        "open": figures.price(bar.open, places),
        "high": figures.price(bar.high, places),
        "low": figures.price(bar.low, places),
        "close": figures.price(bar.close, places),
    }
    return row if each.is_pair else {**row, "volume": figures.whole(bar.volume)}


def _meta(each: Listed, interval: str) -> Numbers:
    meta: Numbers = {"symbol": each.symbol, "interval": interval, **each.currencies}
    if not each.is_pair:
        meta["exchange_timezone"] = each.venue.zone
    if each.type != PAIR:
        meta["exchange"] = each.venue.name
    if each.venue.code:
        meta["mic_code"] = each.venue.code
    return {**meta, "type": each.type}


def _rate(market: Market, token: str, now: datetime) -> tuple[Decimal, datetime]:
    """Return what one of a pair's first currency costs in its second, both told in dollars."""
    base, _, quote_ = token.upper().partition("/")
    if not {base, quote_} <= set(CURRENCIES) or base == quote_:
        raise not_found()
    (first, first_at), (second, second_at) = _in_dollars(market, base), _in_dollars(market, quote_)
    known = [at for at in (first_at, second_at) if at is not None]
    return first / second, min(known, default=now)


def _in_dollars(market: Market, currency: str) -> tuple[Decimal, datetime | None]:
    if currency == "USD":
        return Decimal(1), None
    for symbol, is_inverse in ((f"{currency}/USD", False), (f"USD/{currency}", True)):
        try:
            each = market.book.find(symbol)
        except Refused:
            continue
        last, tick = market.last(each), market.newest(each)
        if last is not None and tick is not None:
            return (1 / last if is_inverse else last), tick.as_of
    raise not_found()
