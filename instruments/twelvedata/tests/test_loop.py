"""The embedded mode's threads and the standard mode's tasks, over one server of the test's own."""

import threading
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.bus import NUDGE, STALE, get_bus
from bengi.celery import app
from instruments import tasks
from instruments.board import board
from instruments.models import Bar, Quote
from instruments.tests.factories import InstrumentFactory
from instruments.twelvedata import lease, wiring
from instruments.twelvedata import loop as subject
from instruments.twelvedata.governor import Priority
from instruments.twelvedata.loop import TwelveDataLoop
from instruments.twelvedata.poller import Want
from instruments.twelvedata.provider import TwelveDataProvider
from instruments.twelvedata.tests.server import BAD_KEY, Said, quote_document, serving
from instruments.upserts import upsert_quotes

NOON = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


class Market:
    """Answers quotes as of the clock; everything else is refused for the plan's sake."""

    def __init__(self):
        self.now = NOON
        self.volume = 1000

    def __call__(self, asked):
        if asked.path != "/quote":
            return Said({"code": 403, "message": "plan", "status": "error"}, 403)
        self.volume += 10
        tokens = asked.parameters["symbol"].split(",")
        fields = {"last_quote_at": int(self.now.timestamp()), "volume": str(self.volume)}
        documents = {token: quote_document(token, **fields) for token in tokens}
        return documents if len(tokens) > 1 else documents[tokens[0]]


@pytest.fixture
def market(settings, tmp_path):
    settings.MARKET_HOURS = "exchange"
    settings.TWELVE_DATA_API_KEY = "key"
    settings.VAR_DIR = tmp_path
    cache.clear()
    board.clear()
    tasks.forget()
    before = wiring.in_use()
    market = Market()
    clock.use(lambda: market.now)
    with serving(market) as server:
        settings.TWELVE_DATA_BASE_URL = server.url
        market.server = server
        yield market
    clock.reset()
    wiring.use(before)
    cache.clear()
    board.clear()
    tasks.forget()


def until(condition):
    give_up_s = time.monotonic() + 10
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_s, "it never came true"
        pause.wait(0.005)


def quotes_asked(market):
    return [a.parameters["symbol"] for a in market.server.asked if a.path == "/quote"]


@pytest.fixture
def running(market):
    """Yield a function that starts the loop; it is stopped, and must have ended, afterwards."""
    started = []

    def start():
        provider = TwelveDataProvider()
        loop = TwelveDataLoop(provider, lambda: market.now)
        thread = threading.Thread(target=loop.run)
        thread.start()
        started.append((loop, thread))
        return loop, provider

    yield start
    for loop, thread in started:
        loop.stop()
        thread.join(5)
        assert not thread.is_alive()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("twelvedata")]


@pytest.mark.django_db(transaction=True)
def test_it_asks_is_nudged_and_ends(market, running, monkeypatch):
    monkeypatch.setattr(TwelveDataLoop, "LOOK_S", 0.01)
    rows = {symbol: InstrumentFactory(symbol=symbol) for symbol in ("AAPL", "KO")}
    wants = []
    wiring.use(wiring.Wiring(wants=lambda now: wants))
    _, provider = running()
    ticks = []
    until(lambda: ticks.extend(provider.ticks(NOON)) or len(ticks) == 2)
    market.now += timedelta(seconds=3)
    wants.append(Want(str(rows["KO"].id), Priority.ORDER, since=market.now))
    get_bus().publish(NUDGE, None)
    until(lambda: quotes_asked(market)[-1] == "KO")
    until(lambda: [tick.symbol for tick in provider.ticks(NOON)] == ["KO"])


@pytest.mark.django_db(transaction=True)
def test_who_finds_a_price_too_old_gets_a_newer_one_but_not_at_every_try(market, running):
    rows = [InstrumentFactory(symbol=symbol) for symbol in ("AAPL", "KO", "MSFT")]
    loop, provider = running()
    until(lambda: len(provider.ticks(NOON)) == 3)
    get_bus().publish(STALE, str(rows[0].id))  # it was asked for this very moment
    market.now += timedelta(seconds=subject.TwelveDataLoop.AGAIN_S)
    for row in rows[1:]:
        get_bus().publish(STALE, str(row.id))
    until(lambda: len(quotes_asked(market)) == 2)
    assert set(quotes_asked(market)[1].split(",")) == {"KO", "MSFT"}  # one question for both
    assert loop.desk.governor.standing(market.now).day_by["page"] == 2
    until(lambda: not loop._coalescer._wishes)
    market.now = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)
    get_bus().publish(STALE, str(rows[0].id))  # closed: nothing newer can be had
    assert len(loop._coalescer._wishes) == 0


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_fails_is_logged_and_the_next_one_tries_again(
    market, running, monkeypatch, caplog
):
    monkeypatch.setattr(TwelveDataLoop, "PAUSE_S", 0.01)
    InstrumentFactory(symbol="AAPL")
    fails = [True, True, True]

    def wants(now):
        if fails:
            fails.pop()
            raise ValueError("a bug of another part")
        return []

    wiring.use(wiring.Wiring(wants=wants))
    _, provider = running()
    until(lambda: provider.ticks(NOON))
    assert "the next one tries again" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_it_ends_while_a_question_is_out(market, running):
    silent = threading.Event()
    market.server.answer = lambda asked: Said({}, before=lambda handler: silent.wait(20))
    InstrumentFactory(symbol="AAPL")
    loop, _ = running()
    until(lambda: market.server.asked)
    loop.stop()
    silent.set()


@pytest.mark.django_db(transaction=True)
def test_polls_of_the_standard_mode_share_what_they_know(market):
    for symbol in ("AAPL", "KO"):
        InstrumentFactory(symbol=symbol)
    assert tasks.poll_quotes() == 2
    assert Quote.objects.count() == 2
    tasks.forget()  # another worker
    market.now += timedelta(seconds=20)
    assert tasks.poll_quotes() == 0
    cache.add(lease.NAME, "another", 60)  # a second beat has sent it too, and it is at work
    market.now += timedelta(hours=2)
    assert tasks.poll_quotes() == 0
    cache.delete(lease.NAME)
    assert tasks.poll_quotes() == 2
    assert quotes_asked(market) == ["AAPL,KO", "AAPL,KO"]


@pytest.mark.django_db(transaction=True)
def test_what_another_worker_has_polled_is_counted_once(market):
    """Shares traded since this worker's own last poll are mostly in bars already."""
    row = InstrumentFactory(symbol="AAPL")
    tasks.poll_quotes()
    mine = board.newest(str(row.id))
    market.now += timedelta(hours=1)
    market.volume += 5000
    theirs = msgspec.structs.replace(mine, volume=mine.volume + 5000, as_of=market.now)
    upsert_quotes([theirs])
    market.now += timedelta(hours=1)
    tasks.poll_quotes()
    newest = board.newest(str(row.id))
    assert newest.volume == mine.volume + 5010
    assert newest.last_size == 10
    assert sum(bar.volume for bar in Bar.objects.filter(interval="1h")) == 10


@pytest.mark.django_db(transaction=True)
def test_without_a_key_tasks_do_nothing(market, settings):
    settings.TWELVE_DATA_API_KEY = ""
    assert tasks.poll_quotes() == 0
    assert tasks.do_chores() == []
    assert market.server.asked == []


@pytest.mark.django_db(transaction=True)
def test_chores_of_the_standard_mode(market):
    InstrumentFactory(symbol="AAPL")
    market.server.answer = lambda asked: (
        {"current_usage": 1, "plan_limit": 8} if asked.path == "/api_usage" else market(asked)
    )
    assert "usage" in tasks.do_chores()
    assert "usage" not in tasks.do_chores()
    assert len(tasks._desk()._rests) == 1


def test_the_beat_sends_tasks_that_there_are():
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] <= entry["schedule"]
    assert app.conf.task_acks_late
    assert app.conf.timezone == "UTC"


@pytest.mark.django_db
def test_staff_see_what_is_left(market, capsys):
    row = InstrumentFactory(symbol="AAPL")
    wiring.use(wiring.Wiring(wants=lambda now: [Want(str(row.id), Priority.POSITION)]))
    cache.set("twelvedata:states", {"XNAS": "closed"})
    tasks.poll_quotes()
    call_command("twelvedata_usage")
    told = capsys.readouterr().out
    assert "Minute: 1 of 8 credits used" in told
    assert "Day:    1 of 800 credits used" in told
    assert "position      1 instruments  at most 3 min         1 used today" in told
    assert "XNAS: closed there, not by our calendar" in told
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.get(reverse("market-data")).content.decode()
    assert "1 of 8 credits of this minute" in " ".join(page.split())
    assert "XNAS: closed there" in page
    market.server.answer = lambda asked: Said(BAD_KEY, 401)
    market.now += timedelta(hours=1)
    tasks.poll_quotes()
    assert "Nothing is asked until" in client.get(reverse("market-data")).content.decode()
    call_command("twelvedata_usage")
    assert "18:10:00 UTC: key" in capsys.readouterr().out


@pytest.mark.django_db
def test_nobody_else_sees_it(settings):
    settings.TWELVE_DATA_API_KEY = ""
    client = Client()
    assert client.get(reverse("market-data")).status_code == 302
    client.force_login(UserFactory())
    assert client.get(reverse("market-data")).status_code == 302
    client.force_login(UserFactory(is_staff=True))
    assert client.get(reverse("market-data")).status_code == 403
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert "there is no key" in client.get(reverse("market-data")).content.decode()
    with pytest.raises(CommandError, match="TWELVE_DATA_API_KEY"):
        call_command("twelvedata_usage")


@pytest.mark.django_db(transaction=True)
def test_threads_that_fail_begin_anew(market, monkeypatch):
    monkeypatch.setattr(TwelveDataLoop, "PAUSE_S", 0)
    loop, tries = TwelveDataLoop(TwelveDataProvider()), []

    def work():
        tries.append(len(tries))
        if len(tries) < 3:
            raise RuntimeError("once more")

    loop._until_done(work)
    assert tries == [0, 1, 2]
    loop.desk.close()
