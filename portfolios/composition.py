"""What a portfolio is made of now, in the base currency: by instrument, by currency, by sector."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bengi.money import ZERO, plain, plain_or_none
from bengi.realtime.protocol import moment
from bengi.terms import InstrumentType
from instruments.models import Instrument
from portfolios.analytics.allocation import Part, Piece, parts_of
from portfolios.selectors import Holding
from portfolios.summary import PositionSummary, Summary

BY = ("instrument", "currency", "sector")
CASH = "cash"
_KINDS = {InstrumentType.ETF: "funds", InstrumentType.CRYPTO: "coins"}
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Worth:
    """A holding with what it is worth, and has made, in the base currency; None is not known."""

    summary: PositionSummary
    value: Decimal | None
    gain: Decimal | None
    percent: Decimal | None

    @property
    def holding(self) -> Holding:
        return self.summary.holding

    @property
    def instrument(self) -> Instrument:
        return self.holding.instrument


@dataclass(frozen=True, slots=True)
class Composition:
    """The parts of equity by one of BY, greatest first; they sum to equity."""

    by: str
    parts: list[Part]
    equity: Decimal | None


def worths_of(summary: Summary) -> list[Worth]:
    """Return what is held, the greatest first, in the base currency.

    Each currency's worths sum to what the summary converts it to: every one is what it adds to the
    converted sum of those before it, so that no cent is made or lost.
    """
    held = [each for each in summary.positions if each.holding.quantity]
    values = _converted(held, summary, "market_value")
    gains = _converted(held, summary, "unrealized_pnl")
    equity = summary.total.equity
    told = [
        Worth(each, value, gain, value / equity * 100 if equity and value is not None else None)
        for each, value, gain in zip(held, values, gains, strict=True)
    ]
    return sorted(told, key=lambda each: (each.value is None, -(each.value or ZERO)))


def _converted(
    held: Iterable[PositionSummary], summary: Summary, name: str
) -> list[Decimal | None]:
    sums: dict[str, Decimal] = {}
    told: list[Decimal | None] = []
    for each in held:
        currency, amount = each.holding.instrument.currency, getattr(each.holding, name)
        before = sums.get(currency, ZERO)
        if amount is None:
            told.append(None)
            continue
        sums[currency] = before + amount
        one = summary.valuer.total({currency: before})
        other = summary.valuer.total({currency: sums[currency]})
        told.append(other - one if one is not None and other is not None else None)
    return told


def composition_of(summary: Summary, by: str) -> Composition:
    """Return the parts of the portfolio's equity by instrument, currency or sector.

    By currency cash is of its own currency; else it is a part for itself.
    """
    assert by in BY
    pieces = [Piece(_key(each.instrument, by), each.value) for each in worths_of(summary)]
    for currency, figures in summary.by_currency.items():
        worth = summary.valuer.total({currency: figures.cash})
        pieces.append(Piece(currency if by == "currency" else CASH, worth))
    parts = [part for part in parts_of(pieces) if part.amount != ZERO]
    return Composition(by, parts, summary.total.equity)


def composition_shape(summary: Summary) -> dict[str, Any]:
    """Return all three compositions as JSON; the parts of each sum to equity."""
    return {
        "portfolio_id": str(summary.portfolio.id),
        "as_of": moment(summary.as_of),
        "base_currency": summary.valuer.currency,
        "equity": plain_or_none(summary.total.equity),
        **{f"by_{by}": _part_shapes(composition_of(summary, by)) for by in BY},
        "missing_rates": sorted(summary.valuer.missing),
    }


def _part_shapes(told: Composition) -> list[dict[str, Any]]:
    return [
        {
            told.by: part.key,
            "amount": plain_or_none(part.amount),
            "percent": None if part.percent is None else plain(round(part.percent, 4)),
        }
        for part in told.parts
    ]


def _key(instrument: Instrument, by: str) -> str:
    if by == "instrument":
        return instrument.symbol
    if by == "currency":
        return instrument.currency
    return instrument.sector or _KINDS.get(InstrumentType(instrument.type), OTHER)
