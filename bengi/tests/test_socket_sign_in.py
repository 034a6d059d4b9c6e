"""Sockets of programs: let in by a token or a key, shut when it holds no more, within 5 s."""

from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async
from django.test import RequestFactory

from accounts.identity.api_keys import create_key, revoke_key
from accounts.identity.lifetimes import STATE_S
from accounts.identity.sign_ins import begin_session, begin_tokens, end, end_all, end_one
from accounts.models import User
from accounts.tests.factories import UserFactory
from bengi import consumers
from bengi.realtime import hub
from bengi.tests.sockets import cookie_of, put_in, socket_of, topic_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("empty_board", "swift"),
]


def now():
    return datetime.now(UTC)


def tokens_of(user):
    return begin_tokens(RequestFactory().post("/"), user, now=now())


@pytest.fixture
def pair(account):
    return tokens_of(account.user)


def bearer_socket(token):
    return socket_of(None, authorization=f"Bearer {token}".encode())


in_thread = database_sync_to_async


async def test_a_token_in_the_handshake(account, pair):
    async with bearer_socket(pair.access) as socket:
        assert await socket.hear() == {"type": "AUTHENTICATED"}
        answer = await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        assert answer["type"] == "SUBSCRIBED"
        await put_in(account)
        assert (await socket.hear())["type"] == "ACCOUNT_UPDATE"


async def test_a_token_in_a_message(account, pair):
    async with socket_of(None) as socket:
        assert await socket.ask(type="AUTH", token=pair.access) == {"type": "AUTHENTICATED"}
        answer = await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        assert answer["type"] == "SUBSCRIBED"


@pytest.mark.parametrize("token", [None, 7, "", "bad", "bk_00_00"])
async def test_a_bad_token_closes_the_socket(token):
    async with socket_of(None) as socket:
        answer = await socket.ask(type="AUTH", token=token)
        assert (answer["type"], answer["code"]) == ("ERROR", "not_authenticated")
        assert await socket.closed_with() == 4401


async def test_whoever_asks_before_saying_who_they_are_is_shut_out():
    async with socket_of(None) as socket:
        await socket.say(type="SUBSCRIBE", topics=["prices:ABC"])
        assert await socket.closed_with() == 4401


async def test_a_page_whose_session_has_ended_is_told_at_once(monkeypatch):
    monkeypatch.setattr(consumers, "AUTH_WAIT_S", 3600)
    async with socket_of(b"sessionid=gone") as socket:
        assert await socket.closed_with() == 4401


async def test_a_newer_token_of_the_same_person_goes_on(account, pair):
    other = await in_thread(tokens_of)(account.user)
    async with bearer_socket(pair.access) as socket:
        await socket.hear()
        assert await socket.ask(type="AUTH", token=other.access) == {"type": "AUTHENTICATED"}
        await in_thread(end)(pair.sign_in, because="test", by=None, now=now())
        await socket.says_nothing()
        await in_thread(end)(other.sign_in, because="test", by=None, now=now())
        assert await socket.closed_with() == 4401


async def test_nobody_takes_over_somebody_elses_socket(account, pair):
    stranger = await in_thread(lambda: tokens_of(UserFactory()))()
    async with bearer_socket(pair.access) as socket:
        await socket.hear()
        answer = await socket.ask(type="AUTH", token=stranger.access)
        assert (answer["type"], answer["code"]) == ("ERROR", "forbidden")
        answer = await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        assert answer["type"] == "SUBSCRIBED"


def change(**values):
    return lambda user, pair: User.objects.filter(pk=user.pk).update(**values)


ENDS = {
    "logout": lambda user, pair: end_one(user, pair.sign_in.id, now=now()),
    "logout-all": lambda user, pair: end_all(user, because="test", by=user, now=now()),
    "disabled": change(is_active=False),
    "password": change(password="another"),
    "role": change(is_staff=True),
    "expired": lambda user, pair: type(pair.sign_in).objects.update(
        expires_at=now() - timedelta(seconds=1)
    ),
}


@pytest.mark.parametrize("how", ENDS)
async def test_what_ends_a_sign_in_closes_its_socket(account, pair, how):
    stranger = await in_thread(lambda: tokens_of(UserFactory()))()
    async with bearer_socket(pair.access) as socket:
        await socket.hear()
        await in_thread(ENDS[how])(account.user, pair)
        assert await socket.closed_with() == 4401
    if how != "expired":
        async with bearer_socket(stranger.access) as socket:
            await socket.hear()
            await socket.says_nothing()


def signed_in_browser(user):
    """Return the cookie and the sign-in of a browser."""
    from django.contrib.sessions.backends.db import SessionStore

    request = RequestFactory().post("/")
    request.session = SessionStore()
    sign_in = begin_session(request, user, now=now())
    request.session.save()
    return f"sessionid={request.session.session_key}".encode(), sign_in


@pytest.mark.parametrize("how", ["logout-all", "disabled", "password", "role"])
async def test_a_browsers_socket_closes_too(account, how):
    cookie = await in_thread(cookie_of)(account.user)
    async with socket_of(cookie) as socket:
        await socket.ask(type="PING")
        await in_thread(ENDS[how])(account.user, None)
        assert await socket.closed_with() == 4401


async def test_ending_one_browsers_session_closes_its_socket(account):
    cookie, sign_in = await in_thread(signed_in_browser)(account.user)
    async with socket_of(cookie) as socket:
        await socket.ask(type="PING")
        await in_thread(end_one)(account.user, sign_in.id, now=now())
        assert await socket.closed_with() == 4401


async def test_a_key_reads_until_it_is_revoked(account):
    row, key = await in_thread(create_key)(account.user, "bot", ["read"], now=now())
    async with bearer_socket(key) as socket:
        await socket.hear()
        await in_thread(end_all)(account.user, because="test", by=None, now=now())
        await socket.says_nothing()
        await in_thread(revoke_key)(account.user, row.id, now=now())
        assert await socket.closed_with() == 4401


async def test_a_key_that_may_not_read_hears_nothing(account):
    _, key = await in_thread(create_key)(account.user, "bot", ["trade"], now=now())
    async with bearer_socket(key) as socket:
        assert (await socket.hear())["code"] == "not_authenticated"
        assert await socket.closed_with() == 4401


def test_five_seconds_are_kept(monkeypatch):
    """What the cache believes and the pace of the watch, which `swift` only makes quicker."""
    monkeypatch.undo()
    assert hub.WATCH_S + STATE_S < 5
