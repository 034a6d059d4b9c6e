"""Quotes for processes without a feed: out of the cache, newest first, and never wrong for long."""

import logging
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.cache import caches
from redis.exceptions import ConnectionError as RedisAway

from bengi import clock, line
from bengi.line import Line
from instruments import quote_cache
from instruments.adjusting import adjust_market
from instruments.board import board
from instruments.models import Instrument, Quote
from instruments.quote_cache import CLOSED_S, OPEN_S, cached_quotes, keep_flushed, keep_read
from instruments.selectors import latest_quotes
from instruments.services import flush_quotes, record_quotes
from instruments.splits import Ratio, Split
from instruments.tests.factories import QuoteFactory
from instruments.tests.ticks import NOON, after, make_instrument, make_tick

pytestmark = pytest.mark.django_db
D = Decimal
MEMORY = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "quotes"}


@pytest.fixture(autouse=True)
def _cache(settings, monkeypatch):
    settings.CACHES = {**settings.CACHES, "quotes": MEMORY}
    monkeypatch.setattr(quote_cache, "_line", Line(quote_cache.log, "quotes are the table's"))
    caches["quotes"].clear()
    clock.use(lambda: NOON)
    yield
    clock.reset()
    caches["quotes"].clear()


def quote(instrument: Instrument, price: str, second: int = 0, **fields) -> None:
    record_quotes([make_tick(instrument, last=D(price), as_of=after(second), **fields)])
    flush_quotes()


def elsewhere(instrument: Instrument) -> Decimal | None:
    """Return the last price as a process without a feed sees it."""
    board.clear()
    return latest_quotes([instrument])[instrument.symbol].last


def test_what_is_flushed_is_there_for_other_processes(django_assert_num_queries):
    acme = make_instrument()
    quote(acme, "101")
    with django_assert_num_queries(0):
        assert elsewhere(acme) == 101
    quote(acme, "102", 1)
    assert elsewhere(acme) == 102
    (tick,) = cached_quotes([acme]).values()
    assert (tick.is_new_quote, tick.is_new_print) == (False, False)
    assert tick == latest_quotes([acme])["ACME"]


def test_nothing_is_cached_that_was_not_stored():
    acme = make_instrument()
    record_quotes([make_tick(acme)])
    assert cached_quotes([acme]) == {}


def test_a_late_flush_takes_nothing_back():
    acme = make_instrument()
    quote(acme, "101", 9)
    board.clear()  # a process that knows nothing yet, and hears an old word
    quote(acme, "50", 3)
    assert elsewhere(acme) == 101


def test_the_table_is_asked_once(django_assert_num_queries):
    acme = QuoteFactory(instrument__symbol="ACME", last=D(77)).instrument
    with django_assert_num_queries(1):
        assert elsewhere(acme) == 77
        assert elsewhere(acme) == 77


def test_a_split_is_told_at_once(django_capture_on_commit_callbacks):
    acme = make_instrument()
    quote(acme, "70", day_low=D(70), day_high=D(70))
    split = Split(str(acme.id), Ratio(7, 1), NOON.date(), after(5), is_applied=True)
    with django_capture_on_commit_callbacks(execute=True):
        adjust_market(split, acme)
        assert elsewhere(acme) == 70  # not before it is committed
    assert elsewhere(acme) == 10
    keep_flushed([make_tick(acme, last=D(71), as_of=after(1))])  # of before, flushed late
    assert elsewhere(acme) == 10
    assert Quote.objects.get(instrument=acme).last == 10


# mode | exchange | now (UTC) | seconds that a quote may be told
TTLS = """
exchange | XNYS | 2026-11-24 15:00 | open
exchange | XNYS | 2026-11-24 22:00 | 600 | after hours
exchange | XNYS | 2026-11-24 08:59 | 60  | trading begins before the session
exchange | XNYS | 2026-11-29 12:00 | 600 | Sunday
exchange | XTKS | 2026-11-24 02:45 | 600 | lunch
exchange | XTKS | 2026-11-24 03:29 | 60
exchange | BNGI | 2026-11-29 12:00 | open
always   | XNYS | 2026-11-29 12:00 | open
"""


@pytest.mark.parametrize("row", TTLS.strip().splitlines())
def test_how_long_a_quote_is_told(row: str, settings, monkeypatch):
    mode, mic, now, expected, *_ = (cell.strip() for cell in row.split("|"))
    settings.MARKET_HOURS = mode
    put: list[int] = []
    monkeypatch.setattr(caches["quotes"], "set_many", lambda _, ttl_s: put.append(ttl_s))
    acme = make_instrument(mic=mic)
    keep_read([(acme, make_tick(acme))], datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert put == [OPEN_S if expected == "open" else int(expected)]
    assert OPEN_S < 60 < CLOSED_S


def test_a_cache_that_is_away_is_left_alone_for_a_while(monkeypatch, caplog):
    acme = make_instrument()
    real_s, asked = [1000.0], []

    def away(_: object) -> dict:
        asked.append(real_s[0])
        raise RedisAway("gone")

    monkeypatch.setattr(line.time, "monotonic", lambda: real_s[0])
    monkeypatch.setattr(caches["quotes"], "get_many", away)
    with caplog.at_level(logging.WARNING):
        quote(acme, "101")
        assert elsewhere(acme) == 101
        quote(acme, "102", 1)
        assert elsewhere(acme) == 102
    assert asked == [1000.0]
    assert "Redis is away, quotes are the table's: gone" in caplog.text
    for seconds in (1, 1, 1, 4, 8, 10):  # it is asked after 1, 2, 4, 8, then 10 at most
        real_s[0] += seconds
        assert elsewhere(acme) == 102
    assert asked == [1000, 1001, 1003, 1007, 1015, 1025]
    assert caplog.text.count("Redis is away") == 1


def test_what_cannot_be_read_is_no_quote(caplog):
    acme = QuoteFactory(instrument__symbol="ACME", last=D(77)).instrument
    caches["quotes"].set(f"quote:{acme.id}", b"\x93 another version")
    assert elsewhere(acme) == 77
    assert "cannot be read" in caplog.text


def test_the_embedded_mode_keeps_none(settings):
    from bengi.settings import base

    settings.CACHES = base.CACHES
    acme = make_instrument()
    quote(acme, "101")
    assert cached_quotes([acme]) == {}
    assert elsewhere(acme) == 101


def test_with_a_real_redis(redis_url: str, settings, django_assert_num_queries):
    cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_url}
    options = {"socket_connect_timeout": 0.2, "socket_timeout": 0.5}  # as in settings/prod.py
    quotes = {**cache, "KEY_PREFIX": "bengi", "OPTIONS": options}
    settings.CACHES = {**settings.CACHES, "quotes": quotes}
    acme = make_instrument()
    quote(acme, "101.25", volume=D("12.5"), previous_close=None)
    with django_assert_num_queries(0):
        assert elsewhere(acme) == D("101.25")
        tick = latest_quotes([acme])["ACME"]
    assert (tick.volume, tick.previous_close, tick.as_of) == (D("12.5"), None, NOON)
    quote(acme, "101.50", 1)
    assert elsewhere(acme) == D("101.50")
    ttl_s = caches["quotes"]._cache.get_client().ttl(f"bengi:1:quote:{acme.id}")
    assert 0 < ttl_s <= OPEN_S
