"""Joins floors: who wants prices and where rates are kept, for instruments/twelvedata; and to the
bus, which stands below them all, the type of ticks."""

from collections.abc import Sequence
from datetime import datetime

from accounts.fx import Rate
from accounts.models import FxRate
from accounts.rates import keep_rates
from bengi.attention import wants
from bengi.bus import TICKS, carry
from instruments.quotes import Tick
from instruments.twelvedata import wiring
from instruments.twelvedata.parsing import RateTold
from instruments.twelvedata.tape import NAME


def connect() -> None:
    """Let this process go by it."""
    carry(TICKS, list[Tick])
    wiring.use(wiring.Wiring(wants=wants, pairs=_pairs, keep_rates=_keep))


def _pairs() -> list[str]:
    pairs = FxRate.objects.values_list("base", "quote").order_by("base", "quote").distinct()
    return [f"{base}/{quote}" for base, quote in pairs]


def _keep(rates: Sequence[RateTold], now: datetime) -> int:
    found = [Rate(r.base, r.quote, r.rate, r.as_of) for r in rates]
    return keep_rates(found, NAME, now)
