"""When a trade settles: one business day after it, two before 2024-05-28 (SEC Rule 15c6-1).

Coins change hands against cash at once, on every day of the week.
"""

from datetime import UTC, date, datetime, time, timedelta

from bengi.terms import InstrumentType
from instruments.calendar import HOURS, is_business_day

T1_SINCE = date(2024, 5, 28)


def settles_on(mic: str, trade_date: date, kind: str = InstrumentType.STOCK) -> date:
    """Return the settlement date of a trade done at mic on trade_date; kind is what was traded.

    That very day for crypto. Else counts the days on which the exchange trades, its holidays left
    out and the simulated market's weekends too. Raises UnknownExchange.
    """
    if kind == InstrumentType.CRYPTO:
        return trade_date
    days_left = 1 if trade_date >= T1_SINCE else 2
    day = trade_date
    while days_left:
        day += timedelta(days=1)
        days_left -= is_business_day(mic, day)
    return day


def settles_at(mic: str, day: date) -> datetime:
    """Return the moment from which what settles on day is settled: midnight where mic is."""
    zone = HOURS[mic].zone if mic in HOURS else UTC
    return datetime.combine(day, time(), zone).astimezone(UTC)
