"""What a portfolio was worth at the end of each day: cash by the ledger, shares at closing prices.

A day is one of UTC; its price of an instrument is the close of the latest daily bar up to it. Bars
are kept in the shares of today, so what was held is reckoned in those too. Shares come and go when
the ledger's cash for them does: those of a trade that is busted later are there until the bust.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import prod
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Max, Q

from accounts.fx import Rate
from accounts.selectors import cash_by_day, rates_by_day, trade_moments
from accounts.serializers import rate_shape
from accounts.valuing import Valuer
from bengi.listing import midnight
from bengi.money import ZERO, minor_unit, nearest_to, plain, plain_or_none, sum_or_none
from instruments.bars import DAILY
from instruments.models import Bar, Instrument
from portfolios.models import Lot, LotClosing, Portfolio, PositionSplit
from portfolios.selectors import Moments, moments_of, quantities_before_splits

DAYS_MAX = 366

Prices = dict[UUID, list[tuple[date, Decimal]]]


@dataclass(slots=True)
class Shares:
    """How many shares of one instrument were held, change by change, in the shares of each time."""

    changes: list[tuple[datetime, Decimal]] = field(default_factory=list)
    splits: list[tuple[datetime, Fraction]] = field(default_factory=list)

    def at(self, moments: Iterable[datetime]) -> Iterator[Fraction]:
        """Yield what was held right before each moment, oldest first, in the shares of today."""
        coming = sorted(self.changes, key=itemgetter(0), reverse=True)
        held = ZERO
        for moment in moments:
            while coming and coming[-1][0] < moment:
                held += coming.pop()[1]
            ratios = (ratio for at, ratio in self.splits if at >= moment)
            yield prod(ratios, start=Fraction(held))


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One currency at the end of a day; market_value is None where a price is not known."""

    cash: Decimal
    market_value: Decimal | None

    @property
    def equity(self) -> Decimal | None:
        return None if self.market_value is None else self.cash + self.market_value


@dataclass(frozen=True, slots=True)
class Day:
    """The end of a day: figures by currency, what they come to in all, and at which rates."""

    date: date
    by_currency: dict[str, DayFigures]
    cash: Decimal | None
    market_value: Decimal | None
    rates: list[Rate]
    missing_rates: list[str]
    unpriced: list[str]

    @property
    def equity(self) -> Decimal | None:
        if self.cash is None or self.market_value is None:
            return None
        return self.cash + self.market_value


@dataclass(frozen=True, slots=True)
class History:
    """The days of a portfolio, oldest first, in its account's base currency."""

    portfolio: Portfolio
    days: list[Day]


@dataclass(frozen=True, slots=True)
class Market:
    """Closing prices of instruments, each oldest first, and each day's rates to one currency."""

    currency: str
    prices: Prices
    rates: dict[date, list[Rate]]

    def close(self, key: UUID, day: date) -> Decimal | None:
        """Return the latest close of an instrument up to a day; None where there is none yet."""
        rows = self.prices.get(key, [])
        place = bisect_right(rows, day, key=itemgetter(0))
        return rows[place - 1][1] if place else None

    def valuer(self, day: date) -> Valuer:
        """Return what says what amounts come to at a day's rates."""
        return Valuer.of(self.currency, self.rates[day])


def read_market(instrument_ids: Iterable[UUID], currency: str, since: date, until: date) -> Market:
    """Return what the days from since to until went by. Four statements."""
    prices = _closes(instrument_ids, since, until)
    return Market(currency, prices, rates_by_day(currency, since, until))


def history_of(portfolio: Portfolio, since: date, until: date) -> History:
    """Return each day from since to until. A fixed number of statements."""
    held = shares_of(portfolio)
    instruments = Instrument.objects.filter(id__in=held)
    market = read_market(held, portfolio.account.base_currency, since, until)
    return History(portfolio, days_of(portfolio, held, instruments, market))


def days_of(
    portfolio: Portfolio,
    held: Mapping[UUID, Shares],
    instruments: Iterable[Instrument],
    market: Market,
) -> list[Day]:
    """Return what the portfolio was worth at the end of each of market's days. Two statements.

    held: shares_of() it; instruments: those that held names, or more.
    """
    days = sorted(market.rates)
    if not days:
        return []
    cash = cash_by_day(portfolio.account, days[0], days[-1])
    ends = [midnight(day + timedelta(days=1)) for day in days]
    counts = [(row, list(held[row.id].at(ends))) for row in instruments if row.id in held]
    told = []
    for n, day in enumerate(days):
        told.append(day_of(day, cash[day], {row: count[n] for row, count in counts}, market))
    return told


def day_of(
    day: date, cash: Mapping[str, Decimal], shares: Mapping[Instrument, Fraction], market: Market
) -> Day:
    """Return what cash and shares, of today, were worth at the end of one of market's days."""
    closes = {row.id: market.close(row.id, day) for row in shares}
    return _day(day, cash, shares, closes, market.valuer(day))


def history_shape(history: History) -> dict[str, Any]:
    """Return the history as JSON; the figures beside the date are in base_currency."""
    return {
        "portfolio_id": str(history.portfolio.id),
        "base_currency": history.portfolio.account.base_currency,
        "results": [_day_shape(day) for day in history.days],
        "next": None,
    }


def _day(
    day: date,
    cash: Mapping[str, Decimal],
    shares: Mapping[Instrument, Fraction],
    closes: Mapping[UUID, Decimal | None],
    valuer: Valuer,
) -> Day:
    worths: dict[str, list[Decimal | None]] = defaultdict(list)
    unpriced = []
    for instrument, held in shares.items():
        if not held:
            continue
        close = closes.get(instrument.id)
        unit = minor_unit(instrument.currency)
        worth = None if close is None else nearest_to(held * Fraction(close), unit)
        worths[instrument.currency].append(worth)
        if worth is None:
            unpriced.append(instrument.symbol)
    by_currency = {
        currency: DayFigures(cash.get(currency, ZERO), sum_or_none(worths.get(currency, [])))
        for currency in sorted({*cash, *worths})
    }
    return Day(
        date=day,
        by_currency=by_currency,
        cash=valuer.total({key: each.cash for key, each in by_currency.items()}),
        market_value=valuer.total({key: each.market_value for key, each in by_currency.items()}),
        rates=sorted(valuer.used.values(), key=lambda rate: (rate.base, rate.quote)),
        missing_rates=sorted(valuer.missing),
        unpriced=sorted(unpriced),
    )


def _day_shape(day: Day) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "cash": plain_or_none(day.cash),
        "market_value": plain_or_none(day.market_value),
        "equity": plain_or_none(day.equity),
        "by_currency": [
            {
                "currency": currency,
                "cash": plain(each.cash),
                "market_value": plain_or_none(each.market_value),
                "equity": plain_or_none(each.equity),
            }
            for currency, each in day.by_currency.items()
        ],
        "rates": [rate_shape(rate) for rate in day.rates],
        "missing_rates": day.missing_rates,
        "unpriced": day.unpriced,
    }


def shares_of(portfolio: Portfolio) -> dict[UUID, Shares]:
    """Return what the portfolio has ever held, by instrument: buys, sales, busts, splits.

    Five statements.
    """
    held: dict[UUID, Shares] = defaultdict(Shares)
    booked = trade_moments(portfolio.account)
    lots = Lot.objects.filter(portfolio=portfolio)
    bought = quantities_before_splits(lots)
    for lot_id, key, trade_id, at, quantity, bust in lots.values_list(
        "id", "instrument_id", "trade_id", "opened_at", "quantity", "busted_by"
    ):
        moments = moments_of(booked, trade_id, at, bust)
        came = bought.get(lot_id, quantity)
        held[key].changes += _there_and_back(moments, came, quantity)
    in_lieu = _add_splits(portfolio, held)
    closings = LotClosing.objects.filter(lot__portfolio=portfolio, reverses=None)
    for key, trade_id, at, quantity, bust in closings.values_list(
        "lot__instrument_id", "trade_id", "closed_at", "quantity", "reversed_by"
    ):
        if trade_id not in in_lieu:
            moments = moments_of(booked, trade_id, at, bust)
            held[key].changes += _there_and_back(moments, -quantity, -quantity)
    return dict(held)


def _there_and_back(
    moments: Moments, came: Decimal, went: Decimal
) -> list[tuple[datetime, Decimal]]:
    """Return what a trade changed, and, where it was taken back, what that did."""
    at, back = moments
    return [(at, came)] if back is None else [(at, came), (back, -went)]


def _add_splits(portfolio: Portfolio, held: dict[UUID, Shares]) -> set[UUID]:
    """Add what splits did to what is held; return the ids of those, which closed some in lieu."""
    applied = PositionSplit.objects.filter(portfolio=portfolio).select_related("action")
    in_lieu = set()
    for split in applied:
        in_lieu.add(split.id)
        effective_at, ratio = split.action.effective_at, split.action.ratio
        assert effective_at is not None, "an applied split has its time"
        shares = held[split.action.instrument_id]
        shares.changes.append((effective_at, split.quantity_after - split.quantity_before))
        shares.splits.append((effective_at, Fraction(ratio.new, ratio.old)))
    return in_lieu


def _closes(instrument_ids: Iterable[UUID], since: date, until: date) -> Prices:
    """Return the closes of the days, and of each instrument the last one before them."""
    daily = Bar.objects.filter(instrument_id__in=list(instrument_ids), interval=DAILY)
    earlier = daily.filter(starts_at__lt=midnight(since)).values_list("instrument_id")
    last = dict(earlier.annotate(newest=Max("starts_at")).order_by())
    wanted = Q(starts_at__gte=midnight(since), starts_at__lt=midnight(until + timedelta(days=1)))
    for key, at in last.items():
        wanted |= Q(instrument_id=key, starts_at=at)
    prices: Prices = defaultdict(list)
    rows = daily.filter(wanted).order_by("starts_at")
    for key, starts_at, close in rows.values_list("instrument_id", "starts_at", "close"):
        prices[key].append((starts_at.date(), close))
    return prices
