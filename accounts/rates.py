"""The rates a fresh installation starts with: plausible, kept by staff from then on."""

import logging
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from accounts.fx import Rate
from accounts.models import FxRate
from accounts.selectors import rates_at

log = logging.getLogger(__name__)

SOURCE = "demo"
BAND = Decimal("0.20")
"""A rate further from the newest one of its pair is not believed: staff may add it by hand."""
_TABLE = """
EUR/USD 1.0845
GBP/USD 1.2710
AUD/USD 0.6565
USD/CHF 0.8860
USD/CAD 1.3680
USD/HKD 7.8120
USD/JPY 150.55
USD/KRW 1372.4
USD/KWD 0.30695
"""


def import_rates(now: datetime) -> None:
    """Add the rates of pairs that have none, as of now; change none that is there."""
    known = set(FxRate.objects.values_list("base", "quote"))
    rows = [line.split() for line in _TABLE.strip().splitlines()]
    FxRate.objects.bulk_create(
        FxRate(base=base, quote=quote, rate=Decimal(rate), as_of=now, source=SOURCE)
        for (base, quote), rate in ((pair.split("/"), rate) for pair, rate in rows)
        if (base, quote) not in known
    )


def keep_rates(rates: Iterable[Rate], source: str, now: datetime) -> int:
    """Store a source's rates and return how many were news.

    One that is known, of a time to come, older than the newest of its pair, or far from it, is left
    out. Two statements, whoever else does the same at the same moment.
    """
    newest = {(rate.base, rate.quote): rate for rate in rates_at(now)}
    fresh = [rate for rate in rates if _is_news(rate, newest.get((rate.base, rate.quote)), now)]
    FxRate.objects.bulk_create(
        [
            FxRate(base=r.base, quote=r.quote, rate=r.rate, as_of=r.as_of, source=source)
            for r in fresh
        ],
        ignore_conflicts=True,
    )
    return len(fresh)


def _is_news(rate: Rate, known: Rate | None, now: datetime) -> bool:
    if rate.rate <= 0 or rate.as_of > now or (known is not None and rate.as_of <= known.as_of):
        return False
    if known is not None and not 1 - BAND <= rate.rate / known.rate <= 1 + BAND:
        log.warning("%s/%s at %s is not believed", rate.base, rate.quote, rate.rate)
        return False
    return True
