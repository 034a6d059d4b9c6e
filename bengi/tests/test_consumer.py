"""The socket, driven through the ASGI application: who may, what is refused, how it ends."""

import asyncio
import json
from contextlib import suppress

import pytest
from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session

from accounts.identity.sign_ins import end_all
from accounts.tests.factories import UserFactory
from bengi import consumers
from bengi.asgi import application
from bengi.realtime import hub as hub_module
from bengi.tests.sockets import (
    NOW,
    WAIT_S,
    Socket,
    cookie_of,
    socket_of,
    topic_of,
)
from instruments.tests.factories import QuoteFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_board")]


# -- who ---------------------------------------------------------------------------------------


async def test_who_is_not_signed_in_is_let_in_and_told_so(monkeypatch):
    monkeypatch.setattr(consumers, "AUTH_WAIT_S", 0.05)
    async with socket_of(None) as socket:
        assert await socket.closed_with() == 4401


async def test_a_session_that_has_ended_is_not_signed_in(cookie):
    await database_sync_to_async(Session.objects.all().delete)()
    async with socket_of(cookie) as socket:
        assert await socket.closed_with() == 4401


@pytest.mark.parametrize(
    ("origin", "host", "welcome"),
    [
        (b"http://testserver", b"testserver", True),
        (b"https://TestServer:8000", b"testserver:8000", True),
        (b"https://trusted.example", b"testserver", True),
        (b"https://charts.example", b"testserver", True),
        (b"https://charts.example:444", b"testserver", False),
        (b"http://evil.example", b"testserver", False),
        (b"http://evil.example", b"evil.example", False),
        (b"http://testserver:81", b"testserver", False),
        (b"http://testserver.evil.example", b"testserver", False),
        (b"null", b"testserver", False),
        (b"", b"", False),
        (b"http://[", b"testserver", False),
    ],
)
async def test_only_pages_of_this_site_open_a_socket(cookie, settings, origin, host, welcome):
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example"]
    settings.STREAM_ORIGINS = ["https://charts.example"]
    headers = [(b"cookie", cookie), (b"origin", origin), (b"host", host)]
    socket = Socket(application, "/ws", headers=headers)
    accepted, _ = await socket.connect(timeout=WAIT_S)
    await socket.disconnect(timeout=WAIT_S)
    assert accepted is welcome


@pytest.mark.parametrize(
    ("origin", "host", "welcome"),
    [
        (b"http://testserver:8000", b"testserver:8001", True),
        (b"http://testserver.evil.example:8000", b"testserver:8001", False),
        (b"http://evil.example:8001", b"testserver:8001", False),
        (b"http://evil.example", b"evil.example:8001", False),
        (b"null", b"testserver:8001", False),
        (b"", b"", False),
    ],
)
async def test_where_pages_have_another_port_ports_do_not_count(
    cookie, settings, origin, host, welcome
):
    settings.BENGI_STREAM_URL = "ws://testserver:8001/ws"
    headers = [(b"cookie", cookie), (b"origin", origin), (b"host", host)]
    socket = Socket(application, "/ws", headers=headers)
    accepted, _ = await socket.connect(timeout=WAIT_S)
    await socket.disconnect(timeout=WAIT_S)
    assert accepted is welcome


async def test_another_address_is_refused(cookie):
    socket = Socket(application, "/elsewhere", headers=[(b"cookie", cookie)])
    accepted, _ = await socket.connect(timeout=WAIT_S)
    await socket.disconnect(timeout=WAIT_S)
    assert not accepted


async def test_signing_out_closes_the_socket(cookie, swift):
    async with socket_of(cookie) as socket:
        await socket.ask(type="PING")
        await database_sync_to_async(Session.objects.all().delete)()
        assert await socket.closed_with() == 4401


@pytest.mark.slow
async def test_signing_out_everywhere_closes_the_socket_within_five_seconds(cookie, account):
    """At the pace of the product: nothing here is made quicker."""
    async with socket_of(cookie) as socket:
        await socket.ask(type="PING")
        await database_sync_to_async(end_all)(account.user, because="test", by=None, now=NOW)
        async with asyncio.timeout(5):
            assert await socket.closed_with() == 4401


# -- messages that cannot be read ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed_json"),
        ("[" * 10_000, "malformed_json"),
        ("[]", "malformed_json"),
        ("null", "malformed_json"),
        ("{}", "malformed_json"),
        ('{"type": 1}', "malformed_json"),
        ('{"type": "PING", "type": "PING"}', "malformed_json"),
        ('{"type": "PING", "id": NaN}', "malformed_json"),
        ('{"type": "PING", "id": "\\ud800"}', "malformed_json"),
        ('{"type": "SUBSCRIBE"}', "malformed_json"),
        ('{"type": "SUBSCRIBE", "topics": "prices:ABC"}', "malformed_json"),
        ('{"type": "SUBSCRIBE", "topics": [1]}', "malformed_json"),
        ('{"type": "UNSUBSCRIBE", "topics": {}}', "malformed_json"),
        ('{"type": "ping"}', "unknown_type"),
        ('{"type": "PONG"}', "unknown_type"),
        ('{"type": "RESUME"}', "unknown_topic"),
        ('{"type": "RESUME", "topic": ["x"], "after": 1}', "unknown_topic"),
        ('{"type": "RESUME", "topic": "prices:ABC", "after": 1}', "unknown_topic"),
    ],
)
async def test_a_mistake_is_told_and_the_socket_stays(cookie, text, code):
    async with socket_of(cookie) as socket:
        await socket.send_to(text_data=text)
        answer = await socket.hear()
        assert (answer["type"], answer["code"]) == ("ERROR", code)
        assert answer["message"]
        assert (await socket.ask(type="PING", id=1))["type"] == "PONG"


async def test_a_binary_frame_is_a_mistake(cookie):
    async with socket_of(cookie) as socket:
        await socket.send_to(bytes_data=b"{}")
        assert (await socket.hear())["code"] == "malformed_json"


async def test_mistakes_without_end_close_the_socket(cookie):
    async with socket_of(cookie) as socket:
        for _ in range(consumers.MISTAKES_MAX + 1):
            await socket.send_to(text_data="{")
        assert await socket.closed_with() == 4400


async def test_a_message_that_is_too_big_closes_the_socket(cookie):
    async with socket_of(cookie) as socket:
        await socket.say(type="PING", id="x" * 20_000)
        assert await socket.closed_with() == 1009


async def test_too_many_messages_are_not_read(cookie, monkeypatch):
    monkeypatch.setattr(consumers, "MESSAGES_PER_S", 5)
    async with socket_of(cookie) as socket:
        for number in range(8):
            await socket.say(type="PING", id=number)
        answers = [await socket.hear() for _ in range(6)]
        assert [a["type"] for a in answers] == ["PONG"] * 5 + ["ERROR"]
        assert answers[-1]["code"] == "rate_limited"


async def test_too_many_messages_without_end_close_the_socket(cookie, monkeypatch):
    monkeypatch.setattr(consumers, "MESSAGES_PER_S", 1)
    async with socket_of(cookie) as socket:
        for number in range(consumers.REFUSED_MAX + 10):
            await socket.say(type="PING", id=number)
        assert await socket.closed_with() == 1008


@pytest.mark.parametrize("given", [None, 7, "seven", [1.5, {"a": "é"}], "\U0001f600"])
async def test_a_ping_comes_back_with_its_id(cookie, given):
    async with socket_of(cookie) as socket:
        answer = await socket.ask(type="PING", id=given)
        assert answer["type"] == "PONG"
        assert answer["id"] == given
        assert answer["now"].endswith("Z")


# -- ends ------------------------------------------------------------------------------------


async def test_a_socket_that_is_cut_leaves_nothing_behind(cookie, account):
    """A server that stops cancels the application without a disconnect."""
    socket = Socket(application, "/ws", headers=[(b"cookie", cookie)])
    await socket.connect(timeout=WAIT_S)
    await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
    socket.future.cancel()
    with suppress(asyncio.CancelledError):
        await socket.future
    assert hub_module._hubs == {}
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_messages_are_what_the_documentation_says(cookie):
    """Frames are JSON text; nothing is sent that a strict reader would refuse."""
    async with socket_of(cookie) as socket:
        await socket.say(type="PING", id=1)
        output = await socket.receive_output(timeout=WAIT_S)
        assert json.loads(output["text"])["type"] == "PONG"
        assert output.get("bytes") is None


async def test_users_without_an_account_watch_prices_only():
    user = await database_sync_to_async(UserFactory)()
    await database_sync_to_async(QuoteFactory)(instrument__symbol="ABC")
    cookie = await database_sync_to_async(cookie_of)(user)
    async with socket_of(cookie) as socket:
        answer = await socket.ask(type="SUBSCRIBE", topics=["prices:ABC"])
        assert answer["type"] == "SUBSCRIBED"
