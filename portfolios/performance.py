"""How a portfolio did over a span: its days with what came and went, returns, falls, comparison.

Days are those of portfolios/history.py; today is valued at the newest quotes, so that the curve
ends at what the portfolio is worth now. The days before it are kept a while, by portfolios/kept.py.
The arithmetic is in portfolios/analytics.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from accounts.selectors import flows_by_day
from bengi.errors import Malformed
from bengi.listing import midnight
from bengi.money import ZERO, minor_unit, nearest_to, plain, plain_or_none
from bengi.realtime.protocol import moment
from instruments.models import Instrument
from instruments.selectors import latest_quotes
from portfolios.analytics.benchmark import Beside, beside, returned
from portfolios.analytics.curve import Grown, Known, Point, gain, growth, is_ever_at_work, known
from portfolios.analytics.money_weighted import MoneyWeighted, NoRate, money_weighted
from portfolios.analytics.returns import Fall, Month, by_month, deepest_fall, time_weighted
from portfolios.history import Day, Market, day_of, days_of, read_market, shares_of
from portfolios.kept import Moved, Past, Span, keep, kept, kept_by
from portfolios.models import Portfolio
from portfolios.selectors import moved_by_others

DAYS_MAX = 1830
"""Five years: what one answer holds."""
_PLACES = Decimal("1e-8")
_NOTHING = MoneyWeighted(None, None, NoRate.NOTHING_PUT_IN)


Read = tuple[list[Instrument], Market]
"""What was held or is compared with, and what its days went by."""


def percent(rate: Decimal | None) -> Decimal | None:
    """Return a rate in percent, as pages write it."""
    return None if rate is None else rate * 100


@dataclass(frozen=True, slots=True)
class Comparison:
    """The instrument beside which the portfolio is shown, by point of its curve."""

    instrument: Instrument
    days: list[Beside]

    @property
    def rate(self) -> Decimal | None:
        return returned(self.days)

    @property
    def percent(self) -> Decimal | None:
        return percent(self.rate)


@dataclass(frozen=True, slots=True)
class Performance:
    """A portfolio from since to until in the base currency of its account.

    days begin with the one before since, whose end is the start; points are those of them that are
    known, none where a flow has no rate; curve is empty where no money was ever at work.
    """

    portfolio: Portfolio
    since: date
    until: date
    as_of: datetime
    days: list[Day]
    points: list[Known]
    curve: list[Grown]
    money_weighted: MoneyWeighted
    comparison: Comparison | None
    is_from_first: bool

    @property
    def currency(self) -> str:
        return str(self.portfolio.account.base_currency)

    @property
    def time_weighted(self) -> Decimal | None:
        return time_weighted(self.curve)

    @property
    def fall(self) -> Fall | None:
        return deepest_fall(self.curve)

    @property
    def months(self) -> list[Month]:
        return by_month(self.curve)

    @property
    def rate_percent(self) -> Decimal | None:
        return percent(self.time_weighted)

    @property
    def money_percent(self) -> Decimal | None:
        return percent(self.money_weighted.rate)

    @property
    def fall_percent(self) -> Decimal | None:
        return percent(self.fall.depth if self.fall else None)

    @property
    def gain(self) -> Decimal | None:
        return gain(self.points) if len(self.points) > 1 else None

    @property
    def deposited(self) -> Decimal:
        return sum((each.deposited for each in self.points[1:]), ZERO)

    @property
    def withdrawn(self) -> Decimal:
        return sum((each.withdrawn for each in self.points[1:]), ZERO)


def performance_of(
    portfolio: Portfolio, span: Span, now: datetime, benchmark: Instrument | None = None
) -> Performance:
    """Return how a portfolio did, its account read with it. A fixed number of statements.

    Without a first day five years are the most there is. Raises Malformed for a longer span.
    """
    today = now.astimezone(UTC).date()
    until = min(span.until or today, today)
    key = kept_by(portfolio, span, until, today, benchmark)
    past, read = kept(key), None
    if past is None:
        past, read = _past(portfolio, span, until, today, benchmark)
        keep(key, past)
    days, points, prices = past.days, past.points, past.prices
    if until == today:
        days, points, prices = _with_today(portfolio, past, today, benchmark, read)
    told = known(points) if points is not None else []
    is_at_work = is_ever_at_work(told)
    return Performance(
        portfolio=portfolio,
        since=past.since,
        until=until,
        as_of=now,
        days=days,
        points=told,
        curve=growth(told) if is_at_work else [],
        money_weighted=money_weighted(told) if is_at_work else _NOTHING,
        comparison=Comparison(benchmark, beside(told, prices)) if benchmark else None,
        is_from_first=past.is_from_first,
    )


def _past(
    portfolio: Portfolio, span: Span, until: date, today: date, benchmark: Instrument | None
) -> tuple[Past, Read]:
    """Reckon the days before today, and what the account's log says of today; with what was read.

    Raises Malformed for a longer span than DAYS_MAX.
    """
    moved, held = _moved(portfolio), shares_of(portfolio)
    since = _first(span.since, min(moved, default=until), until)
    instruments = _instruments(held, benchmark)
    wanted = [row.id for row in instruments]
    currency = portfolio.account.base_currency
    market = read_market(wanted, currency, since - timedelta(days=1), until)
    days = days_of(portfolio, held, instruments, market)
    last = days[-1]
    if until == today:
        days.pop()
    end = midnight(today + timedelta(days=1))
    counts = {key: next(shares.at([end])) for key, shares in held.items()}
    past = Past(
        since=since,
        is_from_first=since <= min(moved, default=until),
        days=days,
        points=_points(days, moved, market),
        prices=_prices(benchmark, days, market) if benchmark else {},
        held={key: count for key, count in counts.items() if count},
        cash={currency: each.cash for currency, each in last.by_currency.items()},
        moved=moved.get(today, {}),
    )
    return past, (instruments, market)


def _with_today(
    portfolio: Portfolio,
    past: Past,
    today: date,
    benchmark: Instrument | None,
    read: Read | None,
) -> tuple[list[Day], list[Point] | None, dict[date, Fraction]]:
    """Return days, points and prices of the comparison with today, at the newest quotes."""
    if read is None:
        found = _instruments(past.held, benchmark)
        wanted = [row.id for row in found]
        read = found, read_market(wanted, portfolio.account.base_currency, today, today)
    instruments = read[0]
    market = _at_newest_quotes(read[1], instruments, today)
    shares = {row: past.held[row.id] for row in instruments if row.id in past.held}
    days = [day_of(today, past.cash, shares, market)]
    points = _points(days, {today: past.moved}, market)
    prices = past.prices | (_prices(benchmark, days, market) if benchmark else {})
    if past.points is None or points is None:
        return [*past.days, *days], None, prices
    return [*past.days, *days], [*past.points, *points], prices


def _first(asked: date | None, first: date, until: date) -> date:
    if asked is None:
        return max(min(first, until), until - timedelta(days=DAYS_MAX - 1))
    if (until - asked).days >= DAYS_MAX:
        detail = f"Ask for at most {DAYS_MAX} days."
        raise Malformed("invalid_parameter", detail, field="from", limit=DAYS_MAX)
    return min(max(asked, first), until)


def _moved(portfolio: Portfolio) -> Moved:
    """Return by day and currency what came from outside of the portfolio, and what went there.

    Money that other portfolios of the account turned over within a day is no more capital than
    what was left of it in the end, or was gone: theirs is netted, what comes and goes for real not.
    """
    flows = flows_by_day(portfolio.account)
    net: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for at, currency, amount in moved_by_others(portfolio):
        net[at.astimezone(UTC).date(), currency] += amount
    for (on, currency), amount in net.items():
        day = flows.setdefault(on, {})
        came, went = day.get(currency, (ZERO, ZERO))
        day[currency] = (came + max(amount, ZERO), went + max(-amount, ZERO))
    return flows


def _instruments(held: Mapping[Any, Any], benchmark: Instrument | None) -> list[Instrument]:
    found = list(Instrument.objects.filter(id__in=held))
    if benchmark is not None and benchmark.id not in held:
        found.append(benchmark)
    return found


def _at_newest_quotes(market: Market, instruments: Iterable[Instrument], today: date) -> Market:
    """Return the market with the last prices of now as today's closes, where there are such."""
    rows = list(instruments)
    quotes = latest_quotes(rows)
    prices = dict(market.prices)
    for row in rows:
        tick = quotes.get(row.symbol)
        if tick is not None and tick.last is not None:
            earlier = [each for each in prices.get(row.id, []) if each[0] < today]
            prices[row.id] = [*earlier, (today, tick.last)]
    return replace(market, prices=prices)


def _points(days: Iterable[Day], moved: Moved, market: Market) -> list[Point] | None:
    """Return the points of the days; None where a flow has no rate on its day."""
    told = []
    for each in days:
        flows, valuer = moved.get(each.date, {}), market.valuer(each.date)
        came = valuer.total({currency: both[0] for currency, both in flows.items()})
        went = valuer.total({currency: both[1] for currency, both in flows.items()})
        if came is None or went is None:
            return None
        told.append(Point(each.date, each.equity, came, went))
    return told


def _prices(benchmark: Instrument, days: Iterable[Day], market: Market) -> dict[date, Fraction]:
    """Return what the benchmark cost in the base currency at the end of each day, where known."""
    prices = {}
    for day in days:
        close = market.close(benchmark.id, day.date)
        rate = _rate(benchmark.currency, market, day.date)
        if close is not None and rate is not None:
            prices[day.date] = Fraction(close) * rate
    return prices


def _rate(currency: str, market: Market, day: date) -> Fraction | None:
    """Return what one unit of a currency is worth in the market's, exactly."""
    if currency == market.currency:
        return Fraction(1)
    for rate in market.rates[day]:
        if {rate.base, rate.quote} == {currency, market.currency}:
            return Fraction(rate.rate) if rate.base == currency else 1 / Fraction(rate.rate)
    return None


def performance_shape(told: Performance) -> dict[str, Any]:
    """Return the performance as JSON; rates are fractions, 0.05 is five per cent."""
    by_money, fall = told.money_weighted, told.fall
    return {
        "portfolio_id": str(told.portfolio.id),
        "base_currency": told.currency,
        "as_of": moment(told.as_of),
        "from": told.since.isoformat(),
        "to": told.until.isoformat(),
        "start_equity": plain_or_none(told.points[0].equity if told.points else None),
        "end_equity": plain_or_none(told.points[-1].equity if told.points else None),
        "deposited": plain(told.deposited),
        "withdrawn": plain(told.withdrawn),
        "gain": plain_or_none(told.gain),
        "time_weighted": fraction_shape(told.time_weighted),
        "money_weighted": fraction_shape(by_money.rate),
        "xirr": fraction_shape(by_money.xirr),
        "no_rate": by_money.no_rate,
        "drawdown": None if fall is None else _fall_shape(fall),
        "benchmark": None if told.comparison is None else _comparison_shape(told.comparison),
        "months": [
            {
                "month": f"{each.year}-{each.month:02d}",
                "return": fraction_shape(each.rate),
                "is_whole": each.is_whole,
            }
            for each in told.months
        ],
        "results": _point_shapes(told),
        "next": None,
        "missing_rates": sorted({code for day in told.days for code in day.missing_rates}),
        "unpriced": sorted({symbol for day in told.days for symbol in day.unpriced}),
    }


def fraction_shape(value: Decimal | Fraction | None) -> str | None:
    """Return a rate or an index as JSON, to 8 places."""
    if value is None:
        return None
    return plain(nearest_to(Fraction(value), _PLACES))


def _fall_shape(fall: Fall) -> dict[str, Any]:
    return {
        "depth": fraction_shape(fall.depth),
        "peak_on": fall.peak_on.isoformat(),
        "trough_on": fall.trough_on.isoformat(),
        "recovered_on": fall.recovered_on.isoformat() if fall.recovered_on else None,
    }


def _comparison_shape(comparison: Comparison) -> dict[str, Any]:
    return {
        "symbol": comparison.instrument.symbol,
        "name": comparison.instrument.name,
        "currency": comparison.instrument.currency,
        "return": fraction_shape(comparison.rate),
    }


def _point_shapes(told: Performance) -> list[dict[str, Any]]:
    index = {each.date: each.index for each in told.curve}
    others = {each.date: each for each in told.comparison.days} if told.comparison else {}
    rows = []
    for place, point in enumerate(told.points):
        other = others.get(point.date)
        rows.append(
            {
                "date": point.date.isoformat(),
                "equity": plain(point.equity),
                "deposited": plain(point.deposited if place else ZERO),
                "withdrawn": plain(point.withdrawn if place else ZERO),
                "index": fraction_shape(index.get(point.date)),
                "benchmark_index": fraction_shape(other.index if other else None),
                "benchmark_value": plain_or_none(value_beside(other, told.currency)),
            }
        )
    return rows


def value_beside(other: Beside | None, currency: str) -> Decimal | None:
    """Return what the same money is worth in the benchmark, to the minor unit."""
    if other is None or other.value is None:
        return None
    return nearest_to(other.value, minor_unit(currency))
