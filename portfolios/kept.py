"""The days of a portfolio before today, reckoned once for each state of its account's log.

Whatever moves money or shares is an event of the account, so that its log's seq says whether they
still hold. Bars and rates of the past may come late or be put right without one: nothing is kept
for longer than KEPT_S. Without the cache all is reckoned anew.
"""

import logging
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.core.cache import cache

from bengi.events.selectors import head_seq
from bengi.line import Line
from instruments.models import Instrument
from portfolios.analytics.curve import Point
from portfolios.history import Day
from portfolios.models import Portfolio

KEPT_S = 300
"""Seconds."""
_line = Line(logging.getLogger(__name__), "the days of portfolios are reckoned anew each time")

Moved = dict[date, dict[str, tuple[Decimal, Decimal]]]
"""What came from outside and what went there, by day in UTC and currency."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which days are asked for; since None is the first one on which there was money."""

    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """Days up to the span's last one, at most yesterday; points None where a flow has no rate.

    prices: the benchmark's in the base currency, by day. Of today, where the span ends with it:
    what is held, in shares by instrument, cash by currency, and what came and went by currency.
    """

    since: date
    is_from_first: bool
    days: list[Day]
    points: list[Point] | None
    prices: dict[date, Fraction]
    held: dict[UUID, Fraction]
    cash: dict[str, Decimal]
    moved: dict[str, tuple[Decimal, Decimal]]


def kept_by(
    portfolio: Portfolio, span: Span, until: date, today: date, benchmark: Instrument | None
) -> str:
    """Return under which name the past is kept. Read it first: what comes later is of another."""
    beside = benchmark.id if benchmark else None
    seq = head_seq(portfolio.account_id)
    return f"bengi:past:{portfolio.id}:{seq}:{span.since}:{until}:{beside}:{today}"


def kept(key: str) -> Past | None:
    """Return what is kept under a name, if anything is."""
    found: Past | None = _line.ask(lambda: cache.get(key), None)
    return found


def keep(key: str, past: Past) -> None:
    """Keep the past for a while."""
    _line.ask(lambda: cache.set(key, past, KEPT_S), None)
