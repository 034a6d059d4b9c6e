"""The audit log: what a row says, and that the database lets nobody change it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import IntegrityError, InternalError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.tests.factories import UserFactory
from bengi.audit.models import AuditEntry
from bengi.audit.origin import OriginMiddleware, coming_from, current, origin_of
from bengi.audit.services import Note, note, note_all, seqs_of
from bengi.events.services import NewEvent, append
from bengi.ids import new_id

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
REFUSED = (IntegrityError, InternalError)  # SQLite's trigger raises the one, PostgreSQL's the other
TABLE = "audit_auditentry"


@pytest.fixture
def entry(db: None) -> AuditEntry:
    return note("drill.held", by=UserFactory(), now=NOW, target="hall", details={"reason": "Fire"})


def as_written(entry: AuditEntry) -> dict[str, Any]:
    return AuditEntry.objects.filter(id=entry.id).values()[0]


def change_by_save(entry: AuditEntry) -> None:
    entry.action = "nothing.happened"
    entry.save()


def change_by_update(entry: AuditEntry) -> None:
    AuditEntry.objects.filter(id=entry.id).update(actor=None)


def change_by_sql(entry: AuditEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET target = 'elsewhere'")


def delete_one(entry: AuditEntry) -> None:
    entry.delete()


def delete_all(entry: AuditEntry) -> None:
    AuditEntry.objects.all().delete()


def delete_by_sql(entry: AuditEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")


@pytest.mark.parametrize(
    "change",
    [change_by_save, change_by_update, change_by_sql, delete_one, delete_all, delete_by_sql],
)
def test_the_database_lets_nobody_change_a_row(entry: AuditEntry, change: Any) -> None:
    before = as_written(entry)
    row = AuditEntry.objects.get(id=entry.id)
    with pytest.raises(REFUSED, match="rows of the audit log never change"), transaction.atomic():
        change(row)
    assert as_written(entry) == before


@pytest.mark.django_db(transaction=True)
def test_only_emptying_the_whole_database_empties_it() -> None:
    """As the tests do, and `manage.py flush`; the refusal stands again afterwards."""
    note("drill.held", by=None, now=NOW)
    call_command("flush", interactive=False, verbosity=0)
    assert not AuditEntry.objects.exists()
    note("drill.held", by=None, now=NOW)
    with pytest.raises(REFUSED):
        AuditEntry.objects.all().delete()


def test_a_row_says_who_what_when_and_to_what(entry: AuditEntry) -> None:
    row = AuditEntry.objects.get()
    assert (row.at, row.action, row.target) == (NOW, "drill.held", "hall")
    assert (row.actor, row.details) == (entry.actor, {"reason": "Fire"})
    assert (row.address, row.request_id, row.stream, row.seq) == (None, "", None, None)
    assert str(row) == "drill.held hall"


def test_it_takes_address_and_id_from_the_request(db: None) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="2001:db8::7")
    request.request_id = "abcdefgh"  # type: ignore[attr-defined]
    with coming_from(request):
        row = note("drill.held", by=None, now=NOW)
    assert (row.address, row.request_id, row.actor_id) == ("2001:db8::7", "abcdefgh", None)
    request.META["REMOTE_ADDR"] = "fe80::1%eth0"
    assert origin_of(request).address == "fe80::1"
    request.META["REMOTE_ADDR"] = "a pipe"
    assert origin_of(request).address is None


def test_behind_a_proxy_of_ours_it_takes_the_address_that_the_proxy_tells(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    headers = {"X-Forwarded-For": "192.0.2.1, 2001:db8::7"}
    for proxy, address in (("10.0.0.2", "2001:db8::7"), ("192.0.2.9", "192.0.2.9")):
        request = RequestFactory().get("/", REMOTE_ADDR=proxy, headers=headers)
        assert origin_of(request).address == address


def test_it_knows_the_request_that_is_being_answered(db: None) -> None:
    def view(request: Any) -> HttpResponse:
        note("drill.held", by=None, now=NOW)
        return HttpResponse("done")

    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.9")
    request.request_id = "abcdefgh"  # type: ignore[attr-defined]
    OriginMiddleware(view)(request)
    row = AuditEntry.objects.get()
    assert (row.address, row.request_id) == ("192.0.2.9", "abcdefgh")
    assert (current().address, current().request_id) == (None, "")


async def test_threads_of_an_asynchronous_request_know_it_too() -> None:
    seen = []

    async def view(request: Any) -> HttpResponse:
        seen.append(await sync_to_async(current)())
        return HttpResponse("done")

    await OriginMiddleware(view)(RequestFactory().get("/", REMOTE_ADDR="192.0.2.9"))
    assert [each.address for each in seen] == ["192.0.2.9"]
    assert current().address is None


def test_an_event_is_noted_once(db: None) -> None:
    stream = new_id()
    note("drill.held", by=None, now=NOW, event=(stream, 1))
    with pytest.raises(IntegrityError), transaction.atomic():
        note("drill.held", by=None, now=NOW, event=(stream, 1))
    note("drill.held", by=None, now=NOW, event=(stream, 2))


def test_many_rows_take_one_statement(db: None, django_assert_num_queries: Any) -> None:
    notes = [Note("drill.held", f"hall {number}") for number in range(20)]
    with django_assert_num_queries(1):
        note_all(notes, by=None, now=NOW)
    assert AuditEntry.objects.count() == 20


@pytest.mark.django_db
def test_every_event_of_a_batch_is_found_by_its_seq() -> None:
    one, two = new_id(), new_id()
    append([NewEvent(one, "cash.posted", {}, NOW)])
    events = [NewEvent(stream, "cash.posted", {}, NOW) for stream in (one, two, one, one, two)]
    assert seqs_of(events, append(events)) == [(one, 2), (two, 1), (one, 3), (one, 4), (two, 2)]
