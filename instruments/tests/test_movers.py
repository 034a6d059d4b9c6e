"""What moves in the market: a table worked by hand, who is left out, and how often it is read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import ModuleType

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.tests.factories import UserFactory
from bengi import clock
from instruments import movers
from instruments.board import board
from instruments.models import Instrument
from instruments.movers import KINDS, Market, market_at, reckon
from instruments.services import record_quotes
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from instruments.tests.ticks import make_tick
from trades.tests.sandbox import Sandbox, source_of

D = Decimal
NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
URL = "/api/v1/markets/movers"
MODULE = "instruments.movers"

# symbol | exchange | currency | close before | last | low | high | volume | minutes old
DAY = """
AAA | XNAS | USD | 100 | 110 | 99  | 110 | 500  | 0
BBB | XNAS | USD | 10  | 9   | 9   | 10.5| 9000 | 0
CCC | XNYS | USD | 50  | 50  | 49  | 51  | 0    | 0
DDD | XNYS | USD | 200 | 210 | 205 | 211 | 800  | 20
EEE | XNYS | USD | 1   | 2   | 2   | 2   | 10   | 0
TTT | XTKS | JPY | 1000| 990 | 980 | 999 | 7000 | 600
OLD | XNYS | USD | 10  | 20  | 10  | 20  | 9999 | 1440
NEW | XNYS | USD | -   | 20  | 20  | 21  | 9999 | 0
MUM | XNYS | USD | 10  | -   | -   | -   | 0    | 0
"""
TOLD = {
    "gainers": "EEE AAA DDD",
    "losers": "BBB TTT",
    "most_active": "BBB TTT DDD AAA EEE",
    "most_traded": "DDD BBB AAA EEE",
}


def number(cell: str) -> Decimal | None:
    return None if cell == "-" else D(cell)


def quotes(table: str = DAY):
    """Return instruments with ticks, in the order of symbols."""
    return [quote(line) for line in sorted(table.strip().splitlines())]


def quote(line: str):
    symbol, mic, currency, before, last, low, high, volume, age = (
        cell.strip() for cell in line.split("|")
    )
    instrument = Instrument(symbol=symbol, mic=mic, currency=currency, name=symbol)
    tick = make_tick(
        instrument,
        last=number(last),
        previous_close=number(before),
        day_low=number(low),
        day_high=number(high),
        volume=D(volume),
        as_of=NOW - timedelta(minutes=int(age)),
    )
    return instrument, tick


def symbols(found) -> str:
    return " ".join(mover.instrument.symbol for mover in found)


def as_told(module: ModuleType) -> bool:
    """Return whether the table's day comes out as on paper."""
    market = module.reckon(quotes(), NOW, "exchange")
    breadth = market.breadth
    aaa = market.movers[0]
    return (
        all(symbols(market.top(kind, 9)) == TOLD[kind] for kind in KINDS)
        and symbols(market.top("most_active", 2)) == "BBB TTT"
        and (breadth.advancers, breadth.decliners, breadth.unchanged) == (3, 2, 1)
        and (breadth.at_high, breadth.at_low, breadth.left_out) == (1, 1, 3)
        and (aaa.change, aaa.change_percent, aaa.value) == (10, 10, 55_000)
        and symbols(mover for mover in market.movers if mover.is_stale) == "DDD"
        and market.currency == "USD"
    )


def test_a_day_worked_by_hand() -> None:
    assert as_told(movers)


def test_equals_keep_the_order_of_symbols() -> None:
    table = "\n".join(f"{name} | XNAS | USD | 10 | 11 | 9 | 12 | 5 | 0" for name in "DACB")
    market = reckon(quotes(table), NOW, "exchange")
    assert {symbols(market.top(kind, 3)) for kind in KINDS if kind != "losers"} == {"A B C"}
    assert market.top("losers", 3) == []


def test_yesterdays_figures_are_not_todays() -> None:
    """In New York the session opens at 14:30 UTC; Tokyo's has closed at 06:30 and still counts."""
    opened = NOW.replace(hour=14, minute=30)
    for mic, age, is_in in (("XNYS", 90, True), ("XNYS", 91, False), ("XTKS", 960, True)):
        table = f"ABC | {mic} | USD | 10 | 11 | 9 | 12 | 5 | {age}"
        assert len(reckon(quotes(table), NOW, "exchange").movers) == is_in
    assert NOW - timedelta(minutes=90) == opened
    assert reckon([], NOW, "always") == Market([], 0)
    assert reckon([], NOW, "always").currency is None


cents = st.integers(1, 6).map(lambda n: D(n) / 2)


@given(st.lists(st.tuples(cents, cents, st.integers(0, 3), st.sampled_from(["USD", "EUR"]))))
def test_the_tops_against_a_plain_sort(rows) -> None:
    table = "\n".join(
        f"S{n:02} | XNAS | {currency} | {before} | {last} | - | - | {volume} | 0"
        for n, (before, last, volume, currency) in enumerate(rows)
    )
    market = reckon(quotes(table), NOW, "exchange")
    named = [(f"S{n:02}", *row) for n, row in enumerate(rows)]
    dollars = sum(row[3] == "USD" for row in rows)
    most = "USD" if dollars > len(rows) - dollars else "EUR"
    ranked = {
        "gainers": [((last - before) / before, name) for name, before, last, _, _ in named],
        "losers": [((before - last) / before, name) for name, before, last, _, _ in named],
        "most_active": [(volume, name) for name, _, _, volume, _ in named],
        "most_traded": [(last * volume, name) for name, _, last, volume, c in named if c == most],
    }
    for kind, pairs in ranked.items():
        expected = [name for rank, name in sorted(pairs, key=lambda p: (-p[0], p[1])) if rank > 0]
        assert symbols(market.top(kind, 99)).split() == expected
        assert symbols(market.top(kind, 2)).split() == expected[:2]


BUGS = {
    "yesterday counts": (" or tick.as_of < opened[mic]", ""),
    "the close is old": ("tick.as_of < opened[mic]", "now - tick.as_of > STALE_AFTER"),
    "a closed exchange is stale": (" and is_open(mic, now, mode)", ""),
    "a change is no percentage": ("tick.change, tick.change_percent", "tick.change, tick.change"),
    "losers rise": ('"losers": lambda mover: -mover', '"losers": lambda mover: mover'),
    "yen are dollars": (" if mover.instrument.currency == currency]", "]"),
    "shares are value": ("return self.last * self.tick.volume", "return self.tick.volume"),
    "what stands still moves": ("if rank(mover) > 0]", "if rank(mover) >= 0]"),
    "one price is a high": ("high is not None and low != high and", "high is not None and"),
    "one price is a low": ("low is not None and low != high and", "low is not None and"),
    "nobody is left out": ("len(quotes) - len(movers)", "0"),
}


@pytest.mark.parametrize("name", BUGS)
def test_planted_bugs_are_caught(name: str) -> None:
    old, new = BUGS[name]
    source = source_of(MODULE)
    assert source.count(old) == 1, f"stale: {old!r} occurs {source.count(old)} times"
    module = Sandbox({MODULE: source.replace(old, new)}, (MODULE,)).load(MODULE)
    assert not as_told(module)


@pytest.fixture
def client():
    board.clear()
    clock.use(lambda: NOW)
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())
    yield client
    clock.reset()


def quoted(symbol: str, last: str, **fields) -> Instrument:
    return QuoteFactory(
        instrument__symbol=symbol,
        last=D(last),
        previous_close=D(100),
        as_of=NOW - timedelta(seconds=2),
        **fields,
    ).instrument


@pytest.mark.django_db
def test_over_http(client):
    quoted("ABC", "101", day_volume=D("12.5"))
    quoted("XYZ", "98")
    quoted("OUT", "98", instrument__status="delisted")
    quoted("OWN", "98", instrument__has_feed=False)
    quoted("LON", "98", instrument__mic="XLON", instrument__currency="GBP")
    InstrumentFactory(symbol="MUM")
    body = client.get(f"{URL}?kind=gainers&mic=XNAS").json()
    assert body == {
        "breadth": {
            "advancers": 1,
            "decliners": 1,
            "unchanged": 0,
            "at_high": 1,
            "at_low": 1,
            "left_out": 1,
        },
        "value_currency": "USD",
        "gainers": [
            {
                "symbol": "ABC",
                "name": "ABC Incorporated",
                "mic": "XNAS",
                "currency": "USD",
                "last": "101",
                "change": "1",
                "change_percent": "1",
                "day_volume": "12.5",
                "value": "1262.5",
                "as_of": "2026-11-24T15:59:58.000000Z",
                "age_s": 2.0,
                "is_stale": False,
            }
        ],
        "losers": None,
        "most_active": None,
        "most_traded": None,
    }
    everything = client.get(f"{URL}?limit=1").json()
    assert [[each["symbol"] for each in everything[kind]] for kind in KINDS] == [
        *(["ABC"], ["LON"], ["LON"], ["XYZ"]),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["limit=0", "limit=51", "mic=XXXX", "kind=best", "sort=1"])
def test_wrong_queries(client, query):
    response = client.get(f"{URL}?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert response.json()["errors"][0]["field"] == query.split("=")[0]


@pytest.mark.django_db
def test_the_board_comes_first_and_costs_nothing(client, django_assert_num_queries):
    abc = quoted("ABC", "101")
    with django_assert_num_queries(2):  # instruments, quotes
        market_at(NOW)
    record_quotes([make_tick(abc, last=D(120), previous_close=D(100), as_of=NOW)])
    with django_assert_num_queries(1):
        (mover,) = market_at(NOW).movers
    assert mover.change_percent == 20


@pytest.mark.django_db
def test_who_asks_within_a_second_gets_the_same_quotes(
    client, settings, monkeypatch, django_assert_num_queries
):
    settings.MARKET_TTL_S = 1
    real_s = [1000.0]
    monkeypatch.setattr(movers.time, "monotonic", lambda: real_s[0])
    monkeypatch.setattr(movers, "_kept", (0.0, []))
    quoted("ABC", "101")
    market_at(NOW)
    quoted("NEW", "102")
    real_s[0] += 0.9
    with django_assert_num_queries(0):
        assert symbols(market_at(NOW, "XNAS").movers) == "ABC"
    real_s[0] += 0.1
    assert symbols(market_at(NOW).movers) == "ABC NEW"
