"""The spans people choose by a word: a week, a year, since New Year. Pure."""

from calendar import monthrange
from datetime import date, timedelta

PERIODS = ("1W", "1M", "3M", "6M", "YTD", "1Y", "All")
MONTHS = {"1M": 1, "3M": 3, "6M": 6, "1Y": 12}


def first_day(period: str, today: date) -> date | None:
    """Return the first day of a period that ends today; None for All, which has no first day.

    The day before it is the one whose end is compared with: of a month the same day of the month
    before, or its last one where it has none such.
    """
    assert period in PERIODS
    if period == "All":
        return None
    if period == "YTD":
        return date(today.year, 1, 1)
    if period == "1W":
        return today - timedelta(days=6)
    return _months_before(today, MONTHS[period]) + timedelta(days=1)


def _months_before(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
