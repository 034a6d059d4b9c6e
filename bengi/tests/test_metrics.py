"""GET /metrics: for staff, and read back by Prometheus' own parser."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from accounts.roles import grant
from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.events.lease import take_lease
from bengi.events.models import RelayedStream
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.leases.services import take
from bengi.metrics import exposition
from bengi.realtime.stats import counts
from bengi.settings.modes import SCALE, STANDARD
from instruments.board import board
from instruments.drops import NAME, tell_dropped
from instruments.twelvedata.desk import limits, shared_ledger
from instruments.twelvedata.governor import Governor, Priority

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 15, 0, 20, tzinfo=UTC)


def metrics(text: str) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def paid(settings, tmp_path):
    settings.TWELVE_DATA_API_KEY, settings.VAR_DIR = "key", tmp_path
    settings.TWELVE_DATA_CREDITS_MINUTE, settings.TWELVE_DATA_CREDITS_DAY = 8, 800
    return Governor(shared_ledger(), limits())


def test_it_is_for_staff():
    assert Client().get("/metrics").status_code == 401
    trader = Client()
    trader.force_login(UserFactory())
    assert trader.get("/metrics").json()["code"] == "forbidden"


def test_staff_read_it(django_assert_max_num_queries):
    dealer = UserFactory()
    grant(dealer, "dealer", by=None, now=clock.wall())
    dealer.refresh_from_db()
    client = Client()
    client.force_login(dealer)
    client.get("/metrics")
    with django_assert_max_num_queries(5):
        answer = client.get("/metrics")
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = metrics(answer.content.decode())
    assert found["bengi_stream_sockets",] == 0
    assert ("bengi_twelvedata_closed",) not in found


def test_it_tells_what_has_been_counted(monkeypatch):
    monkeypatch.setattr(counts, "frames_sent", 7)
    monkeypatch.setitem(counts.closed, 4401, 3)
    monkeypatch.setitem(board.dropped, "insane", 2)
    found = metrics(exposition(NOW).decode())
    assert found["bengi_stream_frames_sent_total",] == 7
    assert found["bengi_stream_closed_total", "4401"] == 3
    assert found["bengi_ticks_dropped_total", "insane"] == 2
    assert found["bengi_ticks_dropped_total", "doubted"] == 0


def test_it_tells_of_credits(paid):
    assert paid.take(3, Priority.ORDER, NOW) == 3
    assert paid.take(2, Priority.POSITION, NOW + timedelta(seconds=60)) == 2
    found = metrics(exposition(NOW + timedelta(seconds=60)).decode())
    assert found["bengi_twelvedata_credits_used", "minute"] == 2
    assert found["bengi_twelvedata_credits_limit", "minute"] == 8
    assert found["bengi_twelvedata_credits_used", "day"] == 5
    assert found["bengi_twelvedata_credits_limit", "day"] == 800
    assert found["bengi_twelvedata_credits_used_today", "order"] == 3
    assert found["bengi_twelvedata_closed",] == 0
    paid.refuse_key(NOW + timedelta(seconds=60))
    assert (
        metrics(exposition(NOW + timedelta(seconds=61)).decode())["bengi_twelvedata_closed",] == 1
    )


def test_how_far_the_relay_is_behind(settings):
    assert ("bengi_relay_behind",) not in metrics(exposition(NOW).decode())
    settings.BENGI_KAFKA, settings.BENGI_MODE = "127.0.0.1:1", SCALE
    stream = new_id()
    with transaction.atomic():
        append([NewEvent(stream, "order.new", {}, NOW) for _ in range(5)])
    assert metrics(exposition(NOW).decode())["bengi_relay_behind",] == 5
    RelayedStream.objects.create(stream_id=stream, seq=3)
    assert metrics(exposition(NOW).decode())["bengi_relay_behind",] == 2


def test_nothing_waits_for_a_relay_where_there_is_none(settings):
    settings.BENGI_KAFKA, settings.BENGI_MODE = "127.0.0.1:1", STANDARD
    with transaction.atomic():
        append([NewEvent(new_id(), "order.new", {}, NOW)])
    assert ("bengi_relay_behind",) not in metrics(exposition(NOW).decode())
    take_lease(new_id(), NOW)  # somebody runs one all the same
    assert metrics(exposition(NOW).decode())["bengi_relay_behind",] == 1


def test_it_tells_which_process_is_the_feed():
    first, second = new_id(), new_id()
    assert take("feed", first, "process 7 on a", NOW, timedelta(seconds=6))
    assert not take("feed", second, "process 8 on b", NOW, timedelta(seconds=6))
    assert metrics(exposition(NOW).decode())["bengi_lease_held", "process 7 on a", "feed"] == 1
    found = metrics(exposition(NOW + timedelta(seconds=6)).decode())
    assert not [key for key in found if key[0] == "bengi_lease_held"]


def test_it_tells_of_a_feed_in_another_process(monkeypatch):
    monkeypatch.setattr(board, "dropped", Counter(older=4))
    tell_dropped()
    monkeypatch.setattr(board, "dropped", Counter())  # of the process that answers
    found = metrics(exposition(NOW).decode())
    assert found["bengi_ticks_dropped_total", "older"] == 4
    assert found["bengi_ticks_dropped_total", "insane"] == 0
    cache.delete(NAME)
