"""Past bars of a provider: which are stored, over what; and telling them again does nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.db import IntegrityError

from bengi.money import plain
from instruments import backfill
from instruments.backfill import Span, backfill_bars
from instruments.bars import BarValue
from instruments.board import board
from instruments.models import Bar, CorporateAction, Instrument
from instruments.services import flush_quotes, record_quotes
from instruments.tests.factories import InstrumentFactory
from instruments.tests.ticks import make_tick
from instruments.upserts import insert_bars

pytestmark = pytest.mark.django_db
D = Decimal
MINUTE = timedelta(minutes=1)
OPENS = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
NOW = OPENS + timedelta(hours=3)


@pytest.fixture(autouse=True)
def _hours(settings):
    settings.MARKET_HOURS = "exchange"


@pytest.fixture
def acme() -> Instrument:
    return InstrumentFactory(symbol="ACME", mic="XNYS")


def bar(instrument: Instrument, minute: int, prices: str = "5 5 5 5", **fields) -> BarValue:
    values = [D(price) for price in prices.split()]
    told = {
        "instrument_id": str(instrument.id),
        "interval": "1min",
        "starts_at": OPENS + minute * MINUTE,
        **dict(zip(("open", "high", "low", "close"), values, strict=True)),
        "volume": D(10),
    }
    return BarValue(**{**told, **fields})


def tell(instrument: Instrument, bars, start: int = 0, end: int = 60, now=NOW, as_printed=False):
    span = Span(OPENS + start * MINUTE, OPENS + end * MINUTE)
    return backfill_bars(instrument, bars, span, now=now, as_printed=as_printed)


def table(interval: str) -> list[str]:
    rows = Bar.objects.filter(interval=interval).order_by("starts_at")
    return [
        f"{row.starts_at:%H:%M} "
        + " ".join(plain(each) for each in (row.open, row.high, row.low, row.close, row.volume))
        for row in rows
    ]


def trade(instrument: Instrument, second: int, price: str, volume: int) -> None:
    at = OPENS + timedelta(seconds=second)
    fields = {"last": D(price), "last_size": D(volume), "volume": D(volume)}
    record_quotes([make_tick(instrument, as_of=at, **fields)])
    flush_quotes()


def test_what_a_provider_says_of_a_bar_that_is_over_wins(acme):
    trade(acme, 20, "5", 100)
    assert table("1min") == ["14:30 5 5 5 5 100"]
    tell(acme, [bar(acme, 0, "4 7 3 6"), bar(acme, 1, "6 6 6 6")])
    assert table("1min") == ["14:30 4 7 3 6 10", "14:31 6 6 6 6 10"]


def test_a_running_bar_is_ours_until_it_has_settled(acme):
    trade(acme, 20, "5", 100)
    word = [bar(acme, 0, "4 7 3 6")]
    moment = OPENS + MINUTE + backfill.SETTLED
    assert tell(acme, word, now=moment - timedelta(seconds=1)).stored == 0
    assert table("1min") == ["14:30 5 5 5 5 100"]
    assert tell(acme, word, now=moment).stored == 1
    assert table("1min") == ["14:30 4 7 3 6 10"]


def test_a_day_is_over_after_its_after_hours(acme):
    day = bar(acme, 0, interval="1day", starts_at=OPENS.replace(hour=0, minute=0))
    ends = OPENS.replace(hour=1, minute=2) + timedelta(days=1)  # 20:00 in New York, and settled
    assert tell(acme, [day], now=ends - timedelta(seconds=1)).stored == 0
    assert tell(acme, [day], now=ends).stored == 1


def test_wider_bars_are_folded_where_the_span_holds_them_whole(acme):
    bars = [bar(acme, n, f"{n + 1} {n + 2} {n + 1} {n + 1}") for n in range(28, 50)]
    assert tell(acme, bars, 28, 50).stored == 22 + 4 + 1
    assert table("5min") == [
        *("15:00 31 36 31 35 50", "15:05 36 41 36 40 50"),
        *("15:10 41 46 41 45 50", "15:15 46 51 46 50 50"),
    ]
    assert table("15min") == ["15:00 31 46 31 45 150"]
    assert table("1h") == []


def test_an_hour_without_trades_at_its_edges_is_whole_all_the_same(acme):
    tell(acme, [bar(acme, 32), bar(acme, 80)], 30, 90)
    assert table("1h") == ["15:00 5 5 5 5 20"]
    assert table("1day") == []


def test_telling_it_again_in_any_order_and_in_parts_does_nothing(acme):
    random = Random(5)
    bars = [
        bar(acme, n, f"{low + 2} {low + 9} {low} {low + 1}")
        for n in random.sample(range(90), 60)
        for low in [random.randrange(1, 50)]
    ]
    tell(acme, bars, 0, 90)
    known = {interval: table(interval) for interval in ("1min", "5min", "15min", "1h")}
    assert [len(rows) for rows in known.values()] == [60, 18, 6, 1]
    for _ in range(20):
        begins, ends = sorted(random.sample(range(91), 2))
        part = [each for each in bars if begins <= (each.starts_at - OPENS) / MINUTE < ends]
        random.shuffle(part)
        tell(acme, part, begins, ends)
        assert {interval: table(interval) for interval in known} == known


# what is told | why it is no bar
REFUSED = [
    ({"interval": "30min"}, "30min is not stored"),
    ({"interval": "1m"}, "1m is not stored"),
    ({"starts_at": OPENS + timedelta(seconds=1)}, "no 1min bar begins at"),
    ({"starts_at": OPENS, "interval": "1h"}, "no 1h bar begins at"),
    ({"starts_at": OPENS.replace(tzinfo=None)}, "has no zone"),
    ({"close": D("NaN")}, "not every number is one"),
    ({"volume": D("Infinity")}, "not every number is one"),
    ({"low": D(0)}, "a price is not above zero"),
    ({"low": D(-5)}, "a price is not above zero"),
    ({"volume": D(-1)}, "or a volume below"),
    ({"close": D("5.01")}, "outside of low to high"),
    ({"high": D(4)}, "outside of low to high"),
    ({"instrument_id": "another"}, "of another instrument"),
]


@pytest.mark.parametrize(("fields", "words"), REFUSED, ids=lambda each: str(each)[:40])
def test_what_is_no_bar_is_refused_and_the_rest_stored(acme, fields, words):
    told = tell(acme, [bar(acme, 3, **fields), bar(acme, 4)])
    assert [words in reason for _, reason in told.refused] == [True]
    assert table("1min") == ["14:34 5 5 5 5 10"]


def test_the_log_tells_of_refused_bars_once(acme, caplog):
    tell(acme, [bar(acme, 3, low=D(0)), bar(acme, 4), bar(acme, 5, interval="30min")])
    (line,) = caplog.messages
    assert "2 bars of ACME are none" in line
    assert "the first because: a price is not above zero" in line
    tell(acme, [bar(acme, 6)])
    assert len(caplog.messages) == 1


def test_what_would_be_pruned_is_left_out(acme):
    old = bar(acme, 0, starts_at=OPENS - timedelta(days=7))
    hour = bar(acme, 0, starts_at=old.starts_at.replace(minute=0), interval="1h")
    assert tell(acme, [old]).stored == 0
    assert tell(acme, [hour]).stored == 1


def test_bars_as_printed_take_applied_splits_in(acme):
    applied = {"status": "applied", "applied_at": NOW, "effective_at": OPENS + 10 * MINUTE}
    CorporateAction.objects.create(
        instrument=acme,
        kind="split",
        ratio_to=5,
        ratio_from=1,
        ex_date=OPENS.date(),
        requested_by=acme.id,
        requested_at=NOW,
        **applied,
    )
    bars = [bar(acme, 9), bar(acme, 10, "1 1 1 1", volume=D(50))]
    tell(acme, bars, as_printed=True)
    assert table("1min") == ["14:39 1 1 1 1 50", "14:40 1 1 1 1 50"]
    tell(acme, bars, as_printed=True)
    assert table("1min") == ["14:39 1 1 1 1 50", "14:40 1 1 1 1 50"]
    tell(acme, [bar(acme, 9)], as_printed=False)
    assert table("1min")[0] == "14:39 5 5 5 5 10"


def test_statements_do_not_grow_with_bars(acme, django_assert_num_queries):
    for count in (2, 60):
        with django_assert_num_queries(4):  # begin, splits, bars, commit
            tell(acme, [bar(acme, n) for n in range(count)], as_printed=True)


BUGS = {
    "running bars are told too": ("_is_over", lambda *_: True),
    "a day ends with its midnight": ("extended_hours_on", lambda *_: None),
    "pruned bars come back": ("_is_kept", lambda *_: True),
    "everything is a bar": ("_wrong", lambda _: ""),
    "splits are forgotten": ("as_stored", lambda bars: bars),
    "what stands there stays": ("overwrite_bars", insert_bars),
    "wider bars are not folded": ("fold", lambda _: []),
    "what was is what will be": ("SETTLED", timedelta(0)),
}
CAUGHT_BY = {
    "running bars are told too": test_a_running_bar_is_ours_until_it_has_settled,
    "a day ends with its midnight": test_a_day_is_over_after_its_after_hours,
    "pruned bars come back": test_what_would_be_pruned_is_left_out,
    "everything is a bar": lambda acme: test_what_is_no_bar_is_refused_and_the_rest_stored(
        acme, {"close": D("5.01")}, "outside"
    ),
    "splits are forgotten": test_bars_as_printed_take_applied_splits_in,
    "what stands there stays": test_what_a_provider_says_of_a_bar_that_is_over_wins,
    "wider bars are not folded": test_wider_bars_are_folded_where_the_span_holds_them_whole,
    "what was is what will be": test_a_day_is_over_after_its_after_hours,
}


@pytest.mark.parametrize("name", BUGS)
def test_planted_bugs_are_caught(name: str, acme, monkeypatch):
    CAUGHT_BY[name](acme)
    Bar.objects.all().delete()
    CorporateAction.objects.all().delete()
    board.clear()
    monkeypatch.setattr(backfill, *BUGS[name])
    with pytest.raises((AssertionError, IntegrityError)):
        CAUGHT_BY[name](acme)
