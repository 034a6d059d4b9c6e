"""Bars move into MongoDB and are read from there as if they had stayed."""

import logging
import socket
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from bengi import clock, mongo
from instruments import archive
from instruments.adjusting import adjust_market
from instruments.archive import archive_bars, known_bars
from instruments.bars import STORED, BarValue
from instruments.corporate_actions import split_of
from instruments.indicator_words import read_indicators
from instruments.intervals import INTERVALS, LENGTH_S, SOURCE, length_of
from instruments.models import Bar, CorporateAction, Instrument
from instruments.series import Wanted, read_indicated, read_series
from instruments.services import KEEP_BARS, import_history
from instruments.tests.factories import InstrumentFactory

pytestmark = pytest.mark.django_db
D = Decimal
NOW = datetime(2026, 11, 24, 17, 20, tzinfo=UTC)
AROUND = 70
"""So many bars on each side of the horizon: more minutes than AHEAD."""
ASKED = "sma:20,ema:9,rsi:14,macd:5:9:4,bollinger:20:2,atr:14"


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(archive, "BATCH", 100)


@pytest.fixture
def acme() -> Instrument:
    instrument = InstrumentFactory(symbol="ACME", mic="XNYS")
    import_history([bar for interval in STORED for bar in bars_around(instrument, interval)])
    return instrument


def bars_around(instrument: Instrument, interval: str) -> list[BarValue]:
    """Return bars up and down, with gaps, on both sides of where the table is to end."""
    random, length = Random(interval), length_of(interval)
    horizon = NOW - KEEP_BARS.get(interval, timedelta(days=90))
    first = horizon - (horizon - datetime(2020, 1, 1, tzinfo=UTC)) % length
    bars = []
    for n in range(-AROUND, AROUND):
        if random.random() < 0.2:
            continue
        low = 100 + D(random.randrange(10**9)).scaleb(-8)
        prices = (low + D("0.3"), low + D("1.00000001"), low, low + D("0.7"))
        bars.append(
            BarValue(
                str(instrument.id),
                interval,
                first + n * length,
                *prices,
                D(random.randrange(10**12)).scaleb(-8),
            )
        )
    return bars


def everything(instrument: Instrument) -> dict[str, object]:
    """Return what is read of an instrument over the horizon, in every way there is."""
    told: dict[str, object] = {}
    for interval in INTERVALS:
        length, kept = length_of(interval), KEEP_BARS.get(SOURCE[interval], timedelta(days=90))
        start, end = NOW - kept - 20 * length, NOW - kept + 20 * length
        for name, wanted in {
            "all": Wanted(interval, NOW),
            "newest": Wanted(interval, NOW, limit=3),
            "between": Wanted(interval, NOW, start=start, end=end),
            "old": Wanted(interval, NOW, end=start, limit=5),
            "filled": Wanted(interval, NOW, start=start, end=end, is_filled=True),
        }.items():
            told[f"{interval} {name}"] = list(read_series(instrument, wanted).bars)
        between = Wanted(interval, NOW, start=start, end=end)
        asked = read_indicators(ASKED + (",vwap" if interval in LENGTH_S else ""))
        told[f"{interval} indicated"] = read_indicated(instrument, between, asked)
    return told


def differing(one: dict[str, object], other: dict[str, object]) -> list[str]:
    """Return the names of what is not the same: told in full it would take pytest a minute."""
    return [name for name in one | other if one.get(name) != other.get(name)]


def documents() -> list[dict]:
    return mongo.ask(lambda database: list(database["bars"].find({}, {"_id": False})))


def old_rows():
    return [
        row
        for row in Bar.objects.values_list("interval", "starts_at")
        if row[1] < NOW - KEEP_BARS.get(row[0], timedelta(days=9999))
    ]


def test_what_is_read_is_what_was_read_before_it_was_archived(acme, mongodb):
    other = InstrumentFactory(symbol="OTHR")
    import_history(bars_around(other, "5min"))
    before, old = everything(acme), old_rows()
    assert len(before["1min all"]) > AROUND
    assert len(old) > 2 * AROUND
    assert archive_bars(NOW) == len(old)
    assert old_rows() == []
    assert len(documents()) == len(old)
    assert differing(before, everything(acme)) == []


def test_numbers_are_exact(acme, mongodb):
    tiny, huge = D("0.00000001"), D("12345678901.12345678")  # beyond what a float can hold
    at = NOW.replace(minute=0) - timedelta(days=421)
    Bar.objects.all().delete()
    import_history([BarValue(str(acme.id), "1h", at, tiny, huge, tiny, huge, huge)])
    archive_bars(NOW)
    (found,) = known_bars(acme, "1h", 9, now=NOW)
    assert (found.low, found.high, found.volume, found.starts_at) == (tiny, huge, huge, at)


@pytest.mark.parametrize("us", [-1001, -1000, -1, 0, 1, 999, 1000])
def test_bounds_are_exact_to_the_microsecond(acme, mongodb, us):
    near = timedelta(microseconds=us)
    starts = [bar.starts_at for bar in known_bars(acme, "1min", 1000, now=NOW)]
    start, end = starts[5] + near, starts[20] + near
    archive_bars(NOW)
    found = known_bars(acme, "1min", 1000, now=NOW, start=start, end=end)
    assert [bar.starts_at for bar in found] == [at for at in starts if start <= at < end]


def test_archived_twice_is_archived_once(acme, mongodb):
    moved = archive_bars(NOW)
    once = documents()
    assert moved == len(once) > 0
    assert archive_bars(NOW) == 0
    import_history([bar for name in KEEP_BARS for bar in bars_around(acme, name)])
    assert archive_bars(NOW) == moved
    assert sorted(map(repr, documents())) == sorted(map(repr, once))


def test_a_crash_before_the_delete_loses_and_doubles_nothing(acme, mongodb, monkeypatch):
    before, old = everything(acme), len(old_rows())

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(archive, "_delete", crash)
        with pytest.raises(KeyboardInterrupt):
            archive_bars(NOW)
    assert len(documents()) == 100
    assert len(old_rows()) == old
    assert differing(before, everything(acme)) == []
    assert archive_bars(NOW) == old
    assert len(documents()) == old
    assert differing(before, everything(acme)) == []


def test_what_changes_between_is_archived_again_as_it_is_then(acme, mongodb, monkeypatch):
    store, old = archive.store_bars, len(old_rows())

    def change_after(batch):
        store(batch)
        Bar.objects.update(volume=7)
        monkeypatch.setattr(archive, "store_bars", store)

    monkeypatch.setattr(archive, "store_bars", change_after)
    assert archive_bars(NOW) + archive_bars(NOW) == old  # what has changed waits for the next time
    assert old_rows() == []
    assert {each["volume"].to_decimal() for each in documents()} == {7}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_archive_everything_once(acme, mongodb):
    before, old = everything(acme), len(old_rows())
    moved: list[int] = []

    def move() -> None:
        moved.append(archive_bars(NOW))
        connection.close()

    threads = [threading.Thread(target=move) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(moved) + archive_bars(NOW) == old == len(documents())
    assert differing(before, everything(acme)) == []


def test_what_is_in_the_table_counts_before_the_archive(acme, mongodb):
    archive_bars(NOW)
    (first, *_) = bars_around(acme, "1min")
    first.volume = D(4711)
    import_history([first])
    found = known_bars(acme, "1min", 1000, now=NOW)
    assert found[0] == first
    assert len({bar.starts_at for bar in found}) == len(found)


def split(instrument: Instrument, new: int, old: int, at: datetime) -> CorporateAction:
    return CorporateAction.objects.create(
        instrument=instrument,
        kind="split",
        ratio_to=new,
        ratio_from=old,
        ex_date=at.date(),
        effective_at=at,
        status="approved",
        requested_by=instrument.id,
        requested_at=NOW,
    )


def apply(action: CorporateAction) -> None:
    with transaction.atomic():
        adjust_market(split_of(action), action.instrument)
        action.status = "applied"
        action.save()


@pytest.mark.parametrize("archived_after", range(3))
def test_a_split_counts_for_what_is_archived_too(acme, mongodb, archived_after):
    at = NOW - KEEP_BARS["1min"] - timedelta(minutes=30)
    actions = [split(acme, 7, 3, at), split(acme, 3, 7, at + timedelta(days=1))]
    with transaction.atomic():
        for action in actions:
            apply(action)
        expected = everything(acme)
        transaction.set_rollback(True)
    for n, action in enumerate(actions):
        if n == archived_after:
            archive_bars(NOW)
        action.refresh_from_db()
        apply(action)
    archive_bars(NOW)
    assert old_rows() == []
    assert differing(expected, everything(acme)) == []


def test_statements_and_queries_do_not_grow(acme, mongodb, django_assert_num_queries):
    archive_bars(NOW)
    for limit in (60, 70):
        with django_assert_num_queries(2):  # bars, splits
            assert len(read_series(acme, Wanted("1min", NOW, limit=limit)).bars) == limit
    with django_assert_num_queries(1):
        read_series(acme, Wanted("1day", NOW))


def test_new_bars_do_not_ask_the_archive(acme, mongodb_standin):
    newest = Wanted("1min", NOW, start=NOW - timedelta(days=6))
    assert len(read_series(acme, newest).bars) == 0
    assert len(read_series(acme, Wanted("1min", NOW, limit=3)).bars) == 3
    assert "find" not in mongodb_standin.commands
    read_series(acme, Wanted("1min", NOW))
    assert mongodb_standin.commands.count("find") == 1


@pytest.fixture
def seconds(monkeypatch):
    """The machine's seconds, which the test lets pass; connecting is given up fast."""
    passed = {"s": 100}
    monkeypatch.setattr(mongo, "_now_s", lambda: passed["s"])
    monkeypatch.setattr(mongo, "CONNECT_MS", 100)
    return passed


def test_a_lost_server_costs_no_bar_and_it_heals(acme, mongodb_standin, seconds, caplog):
    before = everything(acme)
    archive_bars(NOW)
    table = [bar for bar in before["1min all"] if bar.starts_at >= NOW - KEEP_BARS["1min"]]
    mongodb_standin.stop()
    caplog.set_level(logging.WARNING, "bengi.mongo")
    for _ in range(3):
        assert known_bars(acme, "1min", 1000, now=NOW) == table
    assert caplog.text.count("MongoDB is away") == 1  # asked once, then left alone for a while
    import_history(bars_around(acme, "1h"))
    old = len(old_rows())
    seconds["s"] += mongo.PAUSE_S
    with pytest.raises(mongo.StoreAway):
        archive_bars(NOW)
    assert len(old_rows()) == old > 0
    mongodb_standin.start()
    assert known_bars(acme, "1min", 1000, now=NOW) == table
    seconds["s"] += mongo.PAUSE_S
    assert differing(before, everything(acme)) == []
    assert "MongoDB answers again" in caplog.text
    assert archive_bars(NOW) == old


@pytest.mark.parametrize("uri", ["mongodb://127.0.0.1:port/x", "mongodb://u:p@ss@h/", "http://h/"])
def test_a_wrong_setting_is_as_a_lost_server(acme, settings, uri, caplog):
    settings.MONGODB_URI = uri
    assert known_bars(acme, "1min", 1000, now=NOW)
    assert caplog.text.count("MongoDB is away") == 1
    assert "p@ss" not in caplog.text
    mongo.forget()


def test_a_server_that_says_nothing_is_given_up(acme, settings, monkeypatch, caplog):
    monkeypatch.setattr(mongo, "CONNECT_MS", 100)
    monkeypatch.setattr(mongo, "READ_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.MONGODB_URI = f"mongodb://127.0.0.1:{silent.getsockname()[1]}/"
        for _ in range(2):
            assert known_bars(acme, "1min", 1000, now=NOW)
        mongo.forget()
    assert caplog.text.count("MongoDB is away") == 1


def test_the_command_moves_and_says_so(acme, mongodb, capsys, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    old = len(old_rows())
    call_command("archive_bars")
    assert capsys.readouterr().out == f"{old} bars moved into the archive.\n"


def test_the_command_says_why_not(acme, settings, mongodb_standin, seconds):
    mongodb_standin.stop()
    with pytest.raises(CommandError, match="MongoDB is away, what is not archived has stayed"):
        call_command("archive_bars")
    settings.MONGODB_URI = ""
    with pytest.raises(CommandError, match="MONGODB_URI is not set"):
        call_command("archive_bars")
    mongodb_standin.start()


BUGS = {
    "rows go whatever the archive has": (
        "_delete",
        lambda documents: Bar.objects.filter(pk__in=documents).delete()[0],
    ),
    "a row of the table is left out": (
        "stored_bars",
        lambda *args, **bounds: real_stored_bars(*args, **bounds)[1:],
    ),
    "splits are forgotten": (
        "_adjusted",
        lambda document, splits: real_adjusted(document, []),
    ),
    "splits are worked in twice": (
        "_adjusted",
        lambda document, splits: real_adjusted({**document, "splits": []}, splits),
    ),
    "the archive is asked too late": ("AHEAD", timedelta(days=-400)),
    "bounds are cut to milliseconds": ("_next_ms", lambda moment: moment),
}
CAUGHT_BY = {
    "rows go whatever the archive has": (
        lambda acme, monkeypatch: test_what_changes_between_is_archived_again_as_it_is_then(
            acme, None, monkeypatch
        )
    ),
    "a row of the table is left out": (
        lambda acme, _: test_what_is_in_the_table_counts_before_the_archive(acme, None)
    ),
    "splits are forgotten": (
        lambda acme, _: test_a_split_counts_for_what_is_archived_too(acme, None, 0)
    ),
    "splits are worked in twice": (
        lambda acme, _: test_a_split_counts_for_what_is_archived_too(acme, None, 2)
    ),
    "bounds are cut to milliseconds": (
        lambda acme, _: test_bounds_are_exact_to_the_microsecond(acme, None, 1)
    ),
    "the archive is asked too late": (
        lambda acme, _: test_what_is_read_is_what_was_read_before_it_was_archived(acme, None)
    ),
}
real_stored_bars, real_adjusted = archive.stored_bars, archive._adjusted


@pytest.mark.parametrize("name", BUGS)
def test_planted_bugs_are_caught(name, acme, mongodb, monkeypatch):
    monkeypatch.setattr(archive, *BUGS[name])
    with pytest.raises(AssertionError):
        CAUGHT_BY[name](acme, monkeypatch)
