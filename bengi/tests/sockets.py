"""A browser's side of the socket, and the market's and the engine's side of what it hears."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import transaction
from django.test import Client

from accounts.services import deposit
from bengi.asgi import application
from bengi.bus import ACCOUNT, TICKS, get_bus
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.realtime import hub as hub_module
from instruments.selectors import latest_quotes

WAIT_S = 10
NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


def cookie_of(user) -> bytes:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}".encode()


class Socket(WebsocketCommunicator):
    async def say(self, **message) -> None:
        await self.send_json_to(message)

    async def hear(self, *, heartbeats: bool = False) -> dict:
        """Return the next message; heartbeats are passed over unless asked for."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await self.receive_json_from(timeout=WAIT_S)
                if heartbeats or message != {"type": "PRICE_UPDATE", "prices": []}:
                    return message

    async def ask(self, **message) -> dict:
        await self.say(**message)
        return await self.hear()

    async def closed_with(self) -> int:
        async with asyncio.timeout(WAIT_S):
            while True:
                output = await self.receive_output(timeout=WAIT_S)
                if output["type"] == "websocket.close":
                    return output["code"]

    async def says_nothing(self) -> None:
        """Assert that whatever was on its way does not show before the answer to a PING."""
        await asyncio.sleep(0.15)
        answer = await self.ask(type="PING", id="fence")
        assert answer["type"] == "PONG", answer


@asynccontextmanager
async def socket_of(cookie: bytes | None, **headers: bytes):
    before = {topic: get_bus()._callbacks[topic] for topic in (TICKS, ACCOUNT)}
    sent = [(name.encode(), value) for name, value in headers.items()]
    if cookie:
        sent.append((b"cookie", cookie))
    socket = Socket(application, "/ws", headers=sent)
    accepted, _ = await socket.connect(timeout=WAIT_S)
    assert accepted
    try:
        yield socket
    finally:
        with suppress(asyncio.CancelledError):
            await socket.disconnect(timeout=WAIT_S)
        assert hub_module._hubs == {}
        assert {topic: get_bus()._callbacks[topic] for topic in before} == before
        assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


@database_sync_to_async
def put_in(account, *, times=1) -> None:
    for _ in range(times):
        deposit(account, Decimal(5), "USD", key=str(new_id()), now=NOW)


@database_sync_to_async
def log_silently(account_id, count=1, kind="cash.posted", payload=None) -> None:
    """Append events as if every hint had been lost."""
    with transaction.atomic():
        append([NewEvent(account_id, kind, payload or {}, NOW)] * count)


def hint(account, seq=1) -> None:
    get_bus().publish(ACCOUNT, {"account_id": str(account.id), "seq": seq})


def topic_of(account) -> str:
    return f"account:{account.id}"


class Joined:
    """A second socket beside socket_of, without its checks of a clean end."""

    def __init__(self, cookie: bytes) -> None:
        self.socket = Socket(application, "/ws", headers=[(b"cookie", cookie)])

    async def __aenter__(self) -> Socket:
        await self.socket.connect(timeout=WAIT_S)
        return self.socket

    async def __aexit__(self, *_: object) -> None:
        await self.socket.disconnect(timeout=WAIT_S)


def tick_of(quote, bid: str):
    """Return the quote as a tick with another bid."""
    (tick,) = latest_quotes([quote.instrument]).values()
    return msgspec.structs.replace(tick, bid=Decimal(bid))
