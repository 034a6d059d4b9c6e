"""Currencies: trading-rules.md, "two ledger legs with the rate, its time and a rounding leg"."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.conversions import convert
from accounts.fx import Rate, exchange
from accounts.models import Account, Conversion, LedgerTransaction
from accounts.tests.money_stage import NOW, cash, funded, rate, reserve, trace, unsettle
from bengi.errors import Malformed, Refused
from bengi.events.models import Event
from trades.tests.world import assert_books_are_clean

UNITS = {"USD": Fraction(1, 100), "JPY": Fraction(1), "KWD": Fraction(1, 1000)}

# amount source, target, pair and rate -> amount, rounding
TABLE = """
100.00 USD | EUR | EUR/USD 1.25    | 80       0
100.00 USD | EUR | EUR/USD 1.08    | 92.59   0.00259259
100.00 EUR | USD | EUR/USD 1.08    | 108     0
0.01   USD | JPY | USD/JPY 150.55  | 1       0.5055
1      JPY | USD | USD/JPY 150.55  | 0       0.00664231
1000   JPY | USD | USD/JPY 150.55  | 6.64    0.00231152
3.00   USD | KWD | USD/KWD 0.30699 | 0.92    0.00097
"""


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_what_an_amount_comes_to(line):
    compare_with_table(line, exchange)


def compare_with_table(line, exchange):
    gone, target, at, came = (part.split() for part in line.split("|"))
    base, quote = at[0].split("/")
    known = Rate(base, quote, Decimal(at[1]), NOW)
    told = exchange(Decimal(gone[0]), gone[1], target[0], known)
    assert (told.amount, told.rounding) == tuple(map(Decimal, came))


currencies = st.permutations(sorted(UNITS)).map(lambda names: names[:2])
rates = st.integers(1, 400_00).map(lambda n: Decimal(n) / 100)


cases = (currencies, st.integers(1, 5000), rates, st.booleans())


@settings(max_examples=1000)
@given(*cases)
def test_conversion_against_fractions(pair, units, value, is_inverse):
    compare_with_fractions((pair, units, value, is_inverse), exchange)


def compare_with_fractions(case, exchange):
    """Every currency sums to zero, nothing is made, and there and back never gains."""
    pair, units, value, is_inverse = case
    source, target = pair
    base, quote = (target, source) if is_inverse else (source, target)
    known = Rate(base, quote, value, NOW)
    amount = Decimal(units) * Decimal(UNITS[source].numerator) / UNITS[source].denominator
    told = exchange(amount, source, target, known)
    exact = Fraction(amount) * (1 / Fraction(value) if is_inverse else Fraction(value))
    assert Fraction(told.amount) == exact // UNITS[target] * UNITS[target]
    assert told.amount + told.rounding == told.value
    assert 0 <= exact - Fraction(told.value) < Fraction(1, 10**8)
    assert 0 <= Fraction(told.rounding) < UNITS[target]
    if told.amount:
        assert exchange(told.amount, target, source, known).amount <= amount


def change(account: Account, amount: str, source="USD", target="EUR", key="k", now=NOW):
    return convert(account.id, source, target, Decimal(amount), key=key, now=now)


@pytest.mark.django_db
def test_a_conversion_is_five_legs_with_the_rate_and_its_time():
    account = funded()
    known = rate("EUR/USD", "1.08")
    body = change(account, "100").body
    assert (cash(account, "USD"), cash(account, "EUR")) == (900, Decimal("92.59"))
    posted = LedgerTransaction.objects.get(kind="fx")
    legs = set(posted.entries.values_list("book", "currency", "amount"))
    assert legs == {
        ("customer_cash", "USD", Decimal(-100)),
        ("fx", "USD", Decimal(100)),
        ("customer_cash", "EUR", Decimal("92.59")),
        ("fx", "EUR", Decimal("-92.59259259")),
        ("rounding", "EUR", Decimal("0.00259259")),
    }
    assert body["conversion"] == {
        "transaction_id": str(posted.id),
        "source_currency": "USD",
        "source_amount": "100",
        "target_currency": "EUR",
        "target_amount": "92.59",
        "rounding": "0.00259259",
        "rate": "1.08",
        "rate_pair": "EUR/USD",
        "rate_as_of": "2026-03-02T15:00:00.000000Z",
    }
    assert Conversion.objects.get().rate_as_of == known.as_of
    event = Event.objects.filter(stream_id=account.id).order_by("seq").last()
    assert (event.type, event.seq) == ("cash.converted", 3)
    assert event.payload["conversion"] == body["conversion"]
    assert [each["currency"] for each in body["balances"]] == ["USD", "EUR"]
    assert_books_are_clean()


@pytest.mark.django_db
def test_the_newest_rate_that_is_known_counts():
    account = funded()
    rate("EUR/USD", "2", NOW - timedelta(days=2))
    rate("USD/EUR", "0.25", NOW - timedelta(days=1))
    rate("EUR/USD", "8", NOW + timedelta(days=1))
    change(account, "100")
    assert cash(account, "EUR") == 25


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hold", "code"),
    [
        (lambda a: unsettle(a, "901", NOW + timedelta(days=1)), "insufficient_available"),
        (lambda a: reserve(a, "900.01"), "insufficient_available"),
        (lambda a: None, None),
    ],
)
def test_only_settled_and_unreserved_cash_can_be_converted(hold, code):
    account = funded()
    rate("EUR/USD", "1.08")
    hold(account)
    before = trace(account)
    if code is None:
        change(account, "100")
        return
    with pytest.raises(Refused) as refused:
        change(account, "100")
    assert refused.value.code == code
    assert trace(account) == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("amount", "source", "target", "error", "code"),
    [
        ("100", "USD", "GBP", Refused, "no_fx_rate"),
        ("100", "USD", "USD", Malformed, "invalid_field"),
        ("0.001", "USD", "EUR", Malformed, "invalid_amount"),
        ("0.01", "USD", "EUR", Malformed, "invalid_amount"),
        ("1", "EUR", "USD", Refused, "insufficient_available"),
    ],
)
def test_a_refused_conversion_leaves_no_trace(amount, source, target, error, code):
    account = funded()
    rate("EUR/USD", "1.08")
    before = trace(account)
    with pytest.raises(error) as refused:
        change(account, amount, source, target)
    assert refused.value.code == code
    assert trace(account) == before


@pytest.mark.django_db
def test_the_same_key_converts_once():
    account = funded()
    rate("EUR/USD", "1.08")
    first = change(account, "100")
    rate("EUR/USD", "9", NOW + timedelta(minutes=1))
    second = change(account, "100", now=NOW + timedelta(minutes=2))
    assert (second.replayed, second.body) == (True, first.body)
    assert cash(account) == 900
    with pytest.raises(Refused, match="idempotency_mismatch"):
        change(account, "101")
