"""The page of a portfolio: what it is worth, how it did, what it is made of, what sales made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import dropwhile
from typing import Any
from urllib.parse import urlencode

from accounts.models import User
from bengi.errors import NotFound
from bengi.money import ZERO, nearest_to, plain, plain_or_none
from bengi.numerals import money, signed
from bengi.writing import long_day
from portfolios.analytics.allocation import Part, folded
from portfolios.analytics.benchmark import Beside
from portfolios.analytics.money_weighted import NoRate
from portfolios.analytics.returns import Month
from portfolios.composition import BY, Worth, composition_of, worths_of
from portfolios.drawing import Curve, draw_curve
from portfolios.forms import SpanForm
from portfolios.models import Portfolio
from portfolios.performance import Performance, performance_of, value_beside
from portfolios.realized import realized_in
from portfolios.selectors import open_portfolios_of
from portfolios.summary import Summary, summary_of

TABLE_ROWS = 60
"""Days of the table under the curve; all of them are in the file."""
PARTS_MAX = 8
COLOURS = 5
SMALLER = "smaller_ones"
MONTH_DEPTHS = (Decimal(2), Decimal(5))
DAY_DEPTHS = (Decimal("0.75"), Decimal("1.5"))
"""Moves of as many percent are drawn deeper."""
SIZES = (4, 8, 13, 20, 35)
"""Shares of what is held, in percent, from which on a position is drawn greater."""
TILES_MAX = 16
YEAR_FROM_DAYS = 28
"""A yearly rate is not said of fewer days: it would be far from anything."""
_WORDS = {
    NoRate.TOO_SHORT: "less than a day",
    NoRate.NOTHING_PUT_IN: "no money was at work",
    NoRate.NOTHING_LEFT: "nothing is left of it",
    NoRate.NO_RATE: "no rate fits these flows",
    NoRate.SEVERAL_RATES: "more than one rate fits these flows",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A day of the curve, with what came and went, and the comparison's worth.

    change and beside_change are returns so far, in percent.
    """

    date: date
    equity: Decimal
    deposited: Decimal
    withdrawn: Decimal
    change: Decimal | None
    beside: Decimal | None
    beside_change: Decimal | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A month of the heat map; percent None where the span has none of it."""

    name: str
    percent: Decimal | None = None
    is_whole: bool = True

    @property
    def look(self) -> str:
        """The class that colours the cell."""
        if self.percent is None:
            return ""
        return _look(self.percent, 1, MONTH_DEPTHS)


@dataclass(frozen=True, slots=True)
class Tile:
    """A position by its share of what is held, and what its day did; percent None is not known."""

    symbol: str
    weight: Decimal
    percent: Decimal | None

    @property
    def size(self) -> str:
        return f"size-{1 + sum(self.weight >= each for each in SIZES)}"

    @property
    def look(self) -> str:
        return "heat__cell--flat" if self.percent is None else _look(self.percent, 2, DAY_DEPTHS)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the equity as the page draws it: where its bar starts and how wide it is."""

    part: Part
    name: str
    number: int
    start: str
    width: str


def portfolio_of_page(user: User, wanted: str) -> tuple[Portfolio | None, list[Portfolio]]:
    """Return the portfolio that is named, else the first one, and all there are to choose from.

    Raises NotFound where the named one is none of them.
    """
    owned = list(open_portfolios_of(user))
    if not wanted:
        return (owned[0] if owned else None), owned
    found = [each for each in owned if str(each.id) == wanted]
    if not found:
        raise NotFound
    return found[0], owned


def portfolio_page(
    portfolio: Portfolio, form: SpanForm, now: datetime, *, by: str, is_discreet: bool
) -> dict[str, Any]:
    """Return the context of portfolios/portfolio.html but past_of() it. As many statements always.

    is_discreet: the curve is drawn in percent, and nothing names an amount beside the filters.
    """
    summary = summary_of(portfolio, now)
    told = performance_of(portfolio, form.span, now, form.instrument)
    unit = "%" if is_discreet else told.currency
    rows, worths = _rows(told), worths_of(summary)
    by = by if by in BY else BY[0]
    return {
        "portfolio": portfolio,
        "currency": told.currency,
        "summary": summary,
        "performance": told,
        "year_words": _year_words(told),
        "day_percent": _day_percent(summary),
        "span_words": _span_words(told),
        "rows": rows[: -TABLE_ROWS - 1 : -1],
        "rows_left_out": max(0, len(rows) - TABLE_ROWS),
        "curve": _curve(rows, unit),
        "curve_words": _curve_words(told, rows, unit),
        "curve_data": _curve_data(rows, unit),
        "csv_url": _csv_url(told),
        "by": by,
        "bys": [(each, each.capitalize()) for each in BY],
        "shares": _shares(composition_of(summary, by).parts),
        "worths": worths,
        "tiles": _tiles(worths),
        "cash_percent": _percent(summary.total.cash, summary.total.equity),
        "rates": list(summary.valuer.used.values()),
    }


def past_of(portfolio: Portfolio, told: Performance) -> dict[str, Any]:
    """Return what of the page's context stays while the page is open: months, what sales made."""
    return {
        "years": _years(told.months),
        "realized": realized_in(portfolio, told.since, told.until),
    }


def _year_words(told: Performance) -> str:
    """Say what the money-weighted return is a year, or why it is not said."""
    by_money = told.money_weighted
    if by_money.no_rate is not None:
        return _WORDS[by_money.no_rate]
    if by_money.xirr is None or (told.until - told.since).days < YEAR_FROM_DAYS:
        return "too few days for a year's rate"
    return f"XIRR {signed(by_money.xirr * 100, 2)}% a year"


def _rows(told: Performance) -> list[Row]:
    """Return the curve's days from the first one on which there was money, oldest first."""
    index = {each.date: each.index for each in told.curve}
    others = {each.date: each for each in told.comparison.days} if told.comparison else {}
    start = told.points[:1]
    return [
        Row(
            date=point.date,
            equity=point.equity,
            deposited=ZERO if point in start else point.deposited,
            withdrawn=ZERO if point in start else point.withdrawn,
            change=(index[point.date] - 1) * 100 if point.date in index else None,
            beside=value_beside(others.get(point.date), told.currency),
            beside_change=_change_beside(others.get(point.date)),
        )
        for point in dropwhile(lambda each: not each.equity, told.points)
    ]


def _change_beside(other: Beside | None) -> Decimal | None:
    if other is None or other.index is None:
        return None
    return nearest_to((other.index - 1) * 100, Decimal("0.0001"))


def _drawn(row: Row, unit: str) -> tuple[Decimal, Decimal | None]:
    """Return what the curve shows of a day, and beside it: amounts, or percents."""
    if unit != "%":
        return row.equity, row.beside
    return round(row.change or ZERO, 4), row.beside_change


def _curve(rows: Sequence[Row], unit: str) -> Curve | None:
    pairs = [_drawn(row, unit) for row in rows]
    return draw_curve([value for value, _ in pairs], [beside for _, beside in pairs])


def _day_percent(summary: Summary) -> Decimal | None:
    total = summary.total
    if total.equity is None or total.day_pnl is None:
        return None
    return _percent(total.day_pnl, total.equity - total.day_pnl)


def _percent(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part / whole * 100 if part is not None and whole else None


def _span_words(told: Performance) -> str:
    if told.since == told.until:
        return f"on {_day(told.since)}"
    is_to_now = told.until == told.as_of.astimezone(UTC).date()
    if told.is_from_first and is_to_now:
        return f"since {_day(told.since)}"
    return f"{_day(told.since)} to {_day(told.until)}"


def _day(day: date) -> str:
    return long_day(day)


def _curve_words(told: Performance, rows: Sequence[Row], unit: str) -> str:
    """Say what the curve shows, for those who hear it."""
    if len(rows) < 2:
        return ""
    first, last = rows[0], rows[-1]
    words = [f"Equity from {_day(first.date)} to {_day(last.date)}"]
    if unit == "%":
        words[0] += "."
    else:
        amounts = money(first.equity, unit), money(last.equity, unit)
        words[0] += f", from {amounts[0]} to {amounts[1]} {unit}."
    if told.comparison:
        words.append(f"With {told.comparison.instrument.symbol} beside it.")
    if told.fall:
        depth = signed(told.fall.depth * 100, 1)
        words.append(f"Deepest fall {depth} percent, to {_day(told.fall.trough_on)}.")
    return " ".join(words)


def _curve_data(rows: Sequence[Row], unit: str) -> dict[str, Any]:
    """What the script draws the curve from."""
    points = []
    for row in rows:
        value, beside = _drawn(row, unit)
        points.append([row.date.isoformat(), plain(value), plain_or_none(beside)])
    return {"unit": unit, "points": points}


def _csv_url(told: Performance) -> str:
    named = {"from": told.since, "to": told.until, "format": "csv"}
    if told.comparison:
        named["benchmark"] = told.comparison.instrument.symbol
    return f"/api/v1/portfolios/{told.portfolio.id}/performance?{urlencode(named)}"


def _years(months: Sequence[Month]) -> list[tuple[int, list[Cell], Cell]]:
    """Return a row of twelve months for each year, the newest first, and what they come to."""
    rates = {(each.year, each.month): each for each in months}
    told = []
    for year in sorted({each.year for each in months}, reverse=True):
        cells, whole = [], Decimal(1)
        for month in range(1, 13):
            found = rates.get((year, month))
            name = f"{date(year, month, 1):%b}"
            if found is None:
                cells.append(Cell(name))
                continue
            whole *= 1 + found.rate
            cells.append(Cell(name, found.rate * 100, found.is_whole))
        told.append((year, cells, Cell("Year", (whole - 1) * 100)))
    return told


def _tiles(worths: Sequence[Worth]) -> list[Tile]:
    """Return the positions whose worth is known, the greatest first, at most TILES_MAX."""
    told = []
    whole = sum((each.value or ZERO for each in worths), ZERO)
    for each in worths[:TILES_MAX]:
        tick, weight = each.holding.tick, _percent(each.value, whole)
        if weight is not None:
            change = tick.change_percent if tick else None
            told.append(Tile(each.instrument.symbol, weight, change))
    return told


def _look(percent: Decimal, places: int, depths: Sequence[Decimal]) -> str:
    """Return the class that colours a move, flat where nothing of it is written."""
    shown = round(percent, places)
    if not shown:
        return "heat__cell--flat"
    depth = 1 + sum(abs(percent) >= each for each in depths)
    return f"heat__cell--{'up' if shown > 0 else 'down'} depth-{depth}"


def _shares(parts: Sequence[Part]) -> list[Share]:
    """Return the parts with their bars, at most PARTS_MAX, a little gap after each bar."""
    told, start = [], ZERO
    for number, part in enumerate(folded(parts, PARTS_MAX, SMALLER), start=1):
        width = max(part.percent or ZERO, ZERO)
        told.append(
            Share(
                part,
                _name(part.key),
                min(number, COLOURS),
                f"{start:.2f}%",
                f"{max(width - Decimal('0.3'), ZERO):.2f}%",
            )
        )
        start += width
    return told


def _name(key: str) -> str:
    return key.replace("_", " ").capitalize() if key.islower() else key
