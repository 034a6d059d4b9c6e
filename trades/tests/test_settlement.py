"""Settlement dates by the exchange's own business days, holidays included."""

from datetime import UTC, date, datetime, time

import pytest

from instruments import calendar
from instruments.calendar import Calendar, SpecialDay
from instruments.special_days import known_days
from trades.models import Trade
from trades.settlement import settles_on
from trades.tests.world import World

# The exchange, the trade date and when it settles, worked out by hand.
DATES = """
    XNYS  2026-11-24  2026-11-25
    XNYS  2026-11-25  2026-11-27  over Thanksgiving; a short day settles
    XNAS  2026-11-27  2026-11-30  over the weekend
    XNAS  2026-07-02  2026-07-06  over July 3rd
    XNYS  2026-12-24  2026-12-28
    XNYS  2026-12-31  2027-01-04
    XNYS  2024-05-24  2024-05-29  two days, over Memorial Day: the last Friday of the old rule
    XNYS  2024-05-28  2024-05-29  the first day of the new one
    XNYS  2024-05-23  2024-05-28
    XNYS  2013-10-07  2013-10-09
    XNYS  2012-10-26  2012-11-01  a hurricane kept it closed for two days
    XLON  2026-12-24  2026-12-29
    XLON  2026-11-25  2026-11-26  no Thanksgiving in London
    XTKS  2026-11-20  2026-11-24
    XTKS  2026-12-30  2027-01-04
    XHKG  2026-02-16  2026-02-20  over the new year
    XETR  2026-12-23  2026-12-28
    XAMS  2026-04-02  2026-04-07  over Easter
    XNYS  2026-11-28  2026-11-30  a Saturday, in the simulated market
    BNGI  2026-12-24  2026-12-25  the house venue knows weekends only
    BNGI  2026-12-25  2026-12-28
"""


@pytest.mark.parametrize(
    "row", [line.split() for line in DATES.strip().splitlines()], ids=lambda row: "-".join(row[:2])
)
def test_settlement_date(row: list[str]) -> None:
    """Cash, settlement: T+1 since 2024-05-28, T+2 before, in business days of the exchange."""
    mic, traded, settles = row[:3]
    assert settles_on(mic, date.fromisoformat(traded)) == date.fromisoformat(settles)


def test_a_day_that_staff_closed_is_no_business_day() -> None:
    before = calendar.in_use()
    tuesday = date(2026, 11, 24)
    short = SpecialDay(time(10), time(11))
    calendar.use(
        Calendar(known_days(), {("XNYS", tuesday): SpecialDay(), ("XNAS", tuesday): short})
    )
    try:
        assert settles_on("XNYS", date(2026, 11, 23)) == date(2026, 11, 25)
        assert settles_on("XNAS", date(2026, 11, 23)) == tuesday
    finally:
        calendar.use(before)


def test_a_booked_trade_skips_thanksgiving(world: World) -> None:
    world.now = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
    abc = world.instrument()
    trader = world.trader()
    world.tick(abc, "9.90", "10.00")
    world.place(trader, abc, "buy", 5)
    trade = Trade.objects.get()
    assert (trade.trade_date, trade.settles_on) == (date(2026, 11, 25), date(2026, 11, 27))
