"""The event log is copied into MongoDB: all of it, once, and only of these books."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from bengi import clock, mongo
from bengi.events import archive
from bengi.events.archive import LASTS, OtherBooks, archive_events
from bengi.events.models import ArchivedStream, Event, Stream
from bengi.events.services import NewEvent, append, chain_hash
from bengi.ids import new_id
from bengi.leases.services import LeaseLost, take
from instruments.archive_loop import archive_all

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 24, 17, 20, 0, 123_456, tzinfo=UTC)
MICRO = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(archive, "BATCH", 7)


def happen(stream_id: UUID, count: int) -> None:
    """Let count things happen on a stream; what they carry has the shapes that payloads have."""
    payload = {"order": {"price": "1.00000001", "legs": [{"n": 1}, None], "é": True}, "n": 2**53}
    subject = new_id()
    with transaction.atomic():
        append(
            [
                NewEvent(stream_id, f"order.{n}", payload | {"n": n}, AT + n * MICRO, 1, subject)
                for n in range(count)
            ]
        )


@pytest.fixture
def streams() -> list[UUID]:
    streams = [new_id() for _ in range(9)]
    for n, stream_id in enumerate(streams):
        happen(stream_id, n * 3 + 1)
    return streams


def archived() -> list[tuple]:
    """Return the archive as rows of the log, by stream and seq."""
    found = mongo.ask(lambda database: list(database["events"].find({})))
    rows = [
        (
            *(each["event"], each["stream"], each["seq"], each["type"], each["version"]),
            each["payload"],
            each["occurred_at"] + each["occurred_us"] * MICRO,
            *(each["subject"], each["hash"]),
        )
        for each in found
    ]
    return sorted(rows, key=lambda row: row[1:3])


def logged() -> list[tuple]:
    names = ("id", "stream_id", "seq", "type", "version", "payload", "occurred_at", "subject")
    rows = Event.objects.values_list(*names, "hash")
    return sorted(rows, key=lambda row: row[1:3])


def test_the_archive_is_the_log(streams, mongodb):
    assert archive_events() == Event.objects.count() == 117
    assert archived() == logged()
    for row in archived():
        _, stream_id, seq, kind, version, payload, _, _, digest = row
        before = Event.objects.filter(stream_id=stream_id, seq=seq - 1).first()
        assert chain_hash(before.hash if before else "", seq, kind, version, payload) == digest


def test_only_what_is_new_is_copied(streams, mongodb):
    archive_events()
    assert archive_events() == 0
    happen(streams[3], 11)
    happen(new_id(), 1)
    assert archive_events() == 12
    assert archived() == logged()


def test_a_crash_after_copying_doubles_nothing(streams, mongodb, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(archive, "move", crash)
        with pytest.raises(KeyboardInterrupt):
            archive_events()
    assert len(archived()) == 7
    assert ArchivedStream.objects.count() == 0
    assert archive_events() == 117
    assert archived() == logged()


def test_an_emptied_archive_is_filled_again(streams, mongodb, capsys):
    archive_events()
    mongo.ask(lambda database: database.client.drop_database(database.name))
    assert archive_events() == 0
    call_command("archive_events", "--from-start")
    assert capsys.readouterr().out == "117 events copied into the archive.\n"
    assert archived() == logged()


def test_one_that_copies_while_all_is_to_be_copied_anew_notes_nothing(
    streams, mongodb, monkeypatch
):
    """It has read and stored a batch when the archive is emptied and filled from the start."""
    stored, fills = archive._store, []

    def empties_and_begins_anew(events):
        stored(events)
        if not fills:
            fills.append("once")
            mongo.ask(lambda database: database.client.drop_database(database.name))
            with monkeypatch.context() as patched:
                patched.setattr(archive, "_store", stop)
                with pytest.raises(KeyboardInterrupt):
                    archive_events(from_start=True)

    def stop(_events):
        raise KeyboardInterrupt

    monkeypatch.setattr(archive, "_store", empties_and_begins_anew)
    with pytest.raises(LeaseLost):
        archive_events()
    assert ArchivedStream.objects.count() == 0
    assert archive_events() == 117
    assert archived() == logged()


def test_one_copies_at_a_time_and_who_is_killed_is_missed_for_a_minute(streams, mongodb):
    killed = new_id()
    take("archive", killed, "process 7 on a", AT, LASTS)
    with pytest.raises(LeaseLost):
        archive_events(wall=lambda: AT + LASTS - MICRO)
    assert ArchivedStream.objects.count() == 0
    assert archive_events(wall=lambda: AT + LASTS) == 117
    take("archive", killed, "process 7 on a", clock.wall(), LASTS)
    with pytest.raises(CommandError, match="Another process copies events now"):
        call_command("archive_events")
    assert not archive_all(AT), "it is tried again soon: the other may have been killed"


def test_other_books_are_not_written_over(streams, mongodb):
    archive_events()
    before = archived()
    Event.objects.all().delete()
    ArchivedStream.objects.all().delete()
    Stream.objects.all().delete()
    for stream_id in streams:
        with transaction.atomic():
            append([NewEvent(stream_id, "order.other", {}, AT)])
    with pytest.raises(OtherBooks, match="E11000"):
        archive_events()
    with pytest.raises(CommandError, match="Nothing more is copied: the archive is of other books"):
        call_command("archive_events")
    assert archived() == before
    assert ArchivedStream.objects.count() == 0


def test_a_lost_server_costs_no_event(streams, mongodb_standin, monkeypatch):
    monkeypatch.setattr(mongo, "CONNECT_MS", 100)
    monkeypatch.setattr(mongo, "PAUSE_S", 0)
    archive_events()
    mongodb_standin.stop()
    happen(streams[0], 5)
    with pytest.raises(CommandError, match="MongoDB is away"):
        call_command("archive_events")
    mongodb_standin.start()
    assert archive_events() == 5
    assert archived() == logged()


def test_without_the_setting_there_is_no_archive():
    with pytest.raises(CommandError, match="MONGODB_URI is not set"):
        call_command("archive_events")


def test_statements_do_not_grow_with_events(mongodb, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(archive, "BATCH", 1000)
    archive_events()  # the lease is there
    for count in (2, 90):
        happen(new_id(), count)
        # The lease with a savepoint; streams, events; lease and positions with a savepoint; then no
        # stream is behind, and the lease is let go.
        with django_assert_num_queries(11):
            assert archive_events() == count
