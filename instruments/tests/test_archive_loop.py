"""The archive is kept in the background: once an hour, again soon after a failure, never loudly."""

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction

from bengi import mongo
from bengi.embedded import Embedded
from bengi.events.models import ArchivedStream
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.management.commands import run
from instruments import archive_loop, feed, tasks
from instruments.archive_loop import ArchiveLoop, archive_all
from instruments.bars import BarValue
from instruments.models import Bar
from instruments.services import import_history
from instruments.tests.factories import InstrumentFactory
from instruments.tests.test_feed import Script, run_until
from instruments.tests.ticks import NOON


def fill() -> None:
    """Store a bar past its keeping time, and an event."""
    acme = InstrumentFactory(symbol="ACME")
    old = BarValue(str(acme.id), "1min", NOON - timedelta(days=8), 5, 5, 5, 5, 1)
    import_history([old])
    append([NewEvent(new_id(), "order.accepted", {}, NOON)])


def held() -> tuple[int, int]:
    """Return how many bars and events the archive has."""
    return mongo.ask(
        lambda database: tuple(len(list(database[name].find())) for name in ("bars", "events"))
    )


@pytest.mark.django_db
def test_a_round_archives_bars_and_events(mongodb):
    fill()
    assert archive_all(NOON)
    assert held() == (1, 1)
    assert Bar.objects.count() == 0


@pytest.mark.django_db
def test_the_standard_mode_has_a_task(mongodb):
    fill()
    assert tasks.archive()
    assert held() == (1, 1)


@pytest.mark.django_db
def test_without_an_archive_the_task_deletes_old_bars(settings, monkeypatch):
    settings.MONGODB_URI = ""
    monkeypatch.setattr(tasks.clock, "now", lambda: NOON)
    fill()
    acme = Bar.objects.get().instrument
    import_history([BarValue(str(acme.id), "1min", NOON - timedelta(days=7), 5, 5, 5, 5, 1)])
    assert tasks.archive()
    assert [bar.starts_at for bar in Bar.objects.all()] == [NOON - timedelta(days=7)]


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_until_stopped_and_comes_back_soon_after_a_failure(
    mongodb_standin, monkeypatch, caplog
):
    monkeypatch.setattr(mongo, "CONNECT_MS", 100)
    monkeypatch.setattr(mongo, "PAUSE_S", 0)
    monkeypatch.setattr(archive_loop, "AGAIN_S", 0.01)
    went_well, has_failed = threading.Event(), threading.Event()
    real = archive_loop.archive_all

    def watched(now):
        is_good = real(now)
        (went_well if is_good else has_failed).set()
        return is_good

    monkeypatch.setattr(archive_loop, "archive_all", watched)
    with transaction.atomic():
        fill()
    mongodb_standin.stop()
    loop = ArchiveLoop(lambda: NOON)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        assert has_failed.wait(20)
        assert Bar.objects.count() == 1
        mongodb_standin.start()
        assert went_well.wait(20)
    finally:
        loop.stop()
        thread.join(5)
    assert not thread.is_alive()
    assert held() == (1, 1)


@pytest.mark.django_db
def test_whatever_goes_wrong_ends_in_the_log(mongodb, monkeypatch, caplog):
    def fail(*_):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(archive_loop, "archive_events", fail)
    assert not archive_all(NOON)
    assert "archiving has failed and is tried again" in caplog.text
    assert ArchivedStream.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("uri", "left"), [("", 0), ("mongodb://127.0.0.1:1/", 1)])
def test_the_feed_deletes_only_where_there_is_no_archive(monkeypatch, settings, uri, left):
    settings.MONGODB_URI = uri
    monkeypatch.setattr(feed.clock, "now", lambda: NOON)
    with transaction.atomic():
        fill()
    provider = Script(Bar.objects.get().instrument)
    run_until(lambda: provider.asked > 5, provider)
    assert Bar.objects.filter(starts_at__lt=NOON - timedelta(days=7)).count() == left


@pytest.mark.parametrize(("uri", "has_one"), [("", False), ("mongodb://127.0.0.1:1/", True)])
def test_one_process_has_a_thread_for_it_where_there_is_an_archive(settings, uri, has_one):
    settings.MONGODB_URI = uri
    parts = Embedded(provider=None)
    assert (parts._archive is not None) == has_one


def test_a_replay_leaves_the_archive_alone(settings, monkeypatch, tmp_path):
    settings.MONGODB_URI, settings.GUARD_S_MIN = "mongodb://127.0.0.1:1/", 0
    settings.MARKET_HOURS = "exchange"
    used = []
    for name in ("_use_database", "check_port"):
        monkeypatch.setattr(run, name, lambda *_: None)
    monkeypatch.setattr(run.Command, "_prepare", lambda *_: None)
    monkeypatch.setattr(run.Command, "_serve", lambda *_: used.append(settings.MONGODB_URI))
    call_command("run", "--feed", "simulator")
    call_command("run", "--feed", "replay", "--data", str(tmp_path), "--day", "2013-10-07")
    assert used == ["mongodb://127.0.0.1:1/", ""]
