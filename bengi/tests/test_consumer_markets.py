"""What markets do, over the socket; and what sockets do, for staff."""

from datetime import UTC, datetime

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.realtime import hub as hub_module
from bengi.realtime import stats
from bengi.terms import InstrumentStatus
from bengi.tests.sockets import NOW, socket_of, topic_of
from instruments.halts import set_status
from instruments.tests.factories import InstrumentFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_board")]


async def test_what_the_markets_do_is_told_at_once_and_when_it_changes(
    cookie, swift, settings, monkeypatch
):
    monkeypatch.setattr(hub_module, "MARKETS_S", 0.02)
    settings.MARKET_HOURS = "exchange"
    clock.use(lambda: datetime(2026, 3, 2, 14, 29, tzinfo=UTC))
    try:
        async with socket_of(cookie) as socket:
            answer = await socket.ask(type="SUBSCRIBE", topics=["markets"])
            assert answer["topics"] == [{"topic": "markets"}]
            assert (await market(socket))["status"] == "pre"
            await socket.says_nothing()
            clock.use(lambda: datetime(2026, 3, 2, 14, 30, tzinfo=UTC))
            told = await market(socket)
            assert (told["status"], told["next_close"]) == ("open", "2026-03-02T21:00:00.000000Z")
            answer = await socket.ask(type="UNSUBSCRIBE", topics=["markets"])
            assert answer["topics"] == [{"topic": "markets"}]
            clock.use(lambda: datetime(2026, 3, 2, 21, 30, tzinfo=UTC))
            await socket.says_nothing()
    finally:
        clock.reset()


async def test_a_halt_is_told_as_part_of_the_whole_and_so_is_its_end(cookie, swift, monkeypatch):
    monkeypatch.setattr(hub_module, "MARKETS_S", 0.02)
    abc = await database_sync_to_async(InstrumentFactory)(symbol="ABC", mic="XNAS")
    switch = database_sync_to_async(set_status)
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=["markets"])
        assert (await socket.hear())["halted"] == []
        await switch(abc.id, InstrumentStatus.HALTED, by="test", now=NOW)
        assert (await socket.hear())["halted"] == [{"symbol": "ABC", "mic": "XNAS"}]
        await socket.says_nothing()
        await switch(abc.id, InstrumentStatus.ACTIVE, by="test", now=NOW)
        assert (await socket.hear())["halted"] == []
        await switch(abc.id, InstrumentStatus.DELISTED, by="test", now=NOW)
        await socket.says_nothing()


async def market(socket) -> dict:
    message = await socket.hear()
    assert message["type"] == "MARKET_STATUS"
    return next(each for each in message["markets"] if each["mic"] == "XNAS")


def test_the_statistics_are_for_staff():
    for is_staff, status in [(False, 403), (True, 200)]:
        client = Client()
        client.force_login(UserFactory(is_staff=is_staff))
        answer = client.get("/api/v1/stream/stats")
        assert answer.status_code == status
    assert answer.json()["sockets"] == 0
    assert Client().get("/api/v1/stream/stats").status_code == 401


async def test_the_statistics_count_what_sockets_do(account, cookie, swift):
    before = stats.read()
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        await socket.ask(type="RESUME", topic=topic_of(account), after=0)
        now = stats.read()
        assert (now["sockets"], now["event_topics"]) == (1, 1)
        grown = {name: now[name] - before[name] for name in ("messages_received", "resumes")}
        assert grown == {"messages_received": 2, "resumes": 1}
        assert now["frames_sent"] - before["frames_sent"] >= 2
        assert now["bytes_sent"] - before["bytes_sent"] >= 100
        for _ in range(21):
            await socket.send_to(text_data="{")
        assert await socket.closed_with() == 4400
    assert stats.read()["closed"]["4400"] == before["closed"].get("4400", 0) + 1
