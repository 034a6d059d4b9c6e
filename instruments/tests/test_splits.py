"""Prices, volumes and bars over splits, and which bars are of before."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments import splits
from instruments.bars import BarValue
from instruments.withholding import COUNTRIES, RATES, withholding_rate

CENT = Decimal("0.01")
EX_DATE = date(2014, 6, 9)
MIDNIGHT = datetime(2014, 6, 9, 4, 0, tzinfo=UTC)  # in New York

# price | ratio | in history | as a bid | as an ask
PRICES = """
645.57  | 7:1  | 92.22428571 | 92.22 | 92.23
644.00  | 7:1  | 92          | 92.00 | 92.00
10.00   | 3:2  | 6.66666667  | 6.66  | 6.67
0.05    | 7:1  | 0.00714286  | none  | 0.01
2.01    | 1:10 | 20.10       | 20.10 | 20.10
0.00000001 | 2:1 | 0         | none  | 0.01
0.00000003 | 2:1 | 0.00000002 | none | 0.01
"""


def ratio_of(text, subject=splits):
    new, old = text.strip().split(":")
    return subject.Ratio(int(new), int(old))


def compare_prices(line, subject):
    price, ratio, history, bid, ask = (part.strip() for part in line.split("|"))
    at, over = Decimal(price), ratio_of(ratio, subject)
    assert subject.new_price(at, over) == Decimal(history)
    assert subject.new_bid(at, over, CENT) == (None if bid == "none" else Decimal(bid))
    assert subject.new_ask(at, over, CENT) == Decimal(ask)


@pytest.mark.parametrize("line", PRICES.strip().splitlines())
def test_a_price_of_the_past_in_new_shares(line):
    compare_prices(line, splits)


def test_what_is_not_known_stays_unknown():
    assert splits.new_price(None, ratio_of("7:1")) is None
    assert splits.new_bid(None, ratio_of("7:1"), CENT) is None
    assert splits.new_ask(None, ratio_of("7:1"), CENT) is None


def bar(interval, starts_at, close="70"):
    price = Decimal(close)
    return BarValue("apple", interval, starts_at, price, price, price, price, Decimal(100))


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# interval | start | is it of before?
BARS = """
1min | 2014-06-09T03:59 | before
1min | 2014-06-09T04:00 | after
1h | 2014-06-06T19:00 | before
1h | 2014-06-09T13:00 | after
1day | 2014-06-06T00:00 | before
1day | 2014-06-09T00:00 | after
1day | 2014-06-10T00:00 | after
"""


def compare_bars(line, subject):
    interval, starts_at, word = (part.strip() for part in line.split("|"))
    split = subject.Split("apple", subject.Ratio(7, 1), EX_DATE, MIDNIGHT)
    found = subject.in_new_shares(bar(interval, utc(starts_at)), [split])
    closes, volume = (10, 700) if word == "before" else (70, 100)
    assert (found.close, found.volume) == (closes, volume)


@pytest.mark.parametrize("line", BARS.strip().splitlines())
def test_bars_before_the_day_are_adjusted(line):
    compare_bars(line, splits)


def test_a_daily_bar_goes_by_its_label_where_the_day_begins_the_evening_before():
    """In Tokyo a day begins at 15:00 UTC, its daily bar is labelled with midnight UTC."""
    split = splits.Split("apple", splits.Ratio(7, 1), EX_DATE, utc("2014-06-08T15:00"))
    assert split.changes(bar("1day", utc("2014-06-08T00:00")))
    assert not split.changes(bar("1day", utc("2014-06-09T00:00")))
    assert not split.changes(bar("1h", utc("2014-06-08T15:00")))


def test_a_bar_of_another_instrument_stays():
    split = splits.Split("pear", splits.Ratio(7, 1), EX_DATE, MIDNIGHT)
    old = bar("1day", utc("2014-06-06T00:00"))
    assert splits.in_new_shares(old, [split]) == old


ratios = st.builds(splits.Ratio, st.integers(1, 12), st.integers(1, 12))


def compare_chain(case, subject):
    cents, chosen = case
    price = Decimal(cents) / 100
    days = [subject.Split("apple", subject.Ratio(r.new, r.old), EX_DATE, MIDNIGHT) for r in chosen]
    found = subject.in_new_shares(bar("1day", utc("2014-06-06T00:00"), str(price)), days)
    factor = Fraction(1)
    for ratio in chosen:
        factor *= Fraction(ratio.new, ratio.old)
    assert abs(Fraction(found.close) - Fraction(price) / factor) <= Fraction(1, 2 * 10**8)
    assert abs(Fraction(found.volume) - 100 * factor) <= Fraction(1, 2 * 10**8)


chain_cases = st.tuples(st.integers(1, 10**6), st.lists(ratios, max_size=4))


@given(chain_cases)
def test_several_splits_are_rounded_once(case):
    compare_chain(case, splits)


def test_every_exchange_of_a_country_has_its_rate():
    assert set(COUNTRIES.values()) == set(RATES)
    assert (withholding_rate("XNAS"), withholding_rate("XLON")) == (Decimal("0.30"), 0)
    assert withholding_rate("BNGI") == 0
