"""Clients that talk to the stand-in in tests: the official one, and a plain WebSocket."""

from __future__ import annotations

import json
import logging
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twelvedata import TDClient
from twelvedata.utils import patch_endpoints_meta
from websockets.sync.client import ClientConnection, connect

from tests.standins import RunningStandIn

TIMEOUT_S = 20


@contextmanager
def official(standin: RunningStandIn, apikey: str = "k") -> Iterator[TDClient]:
    """Yield Twelve Data's own client, which asks for the indicators when it is made."""
    if hasattr(patch_endpoints_meta, "patched"):
        del patch_endpoints_meta.patched
    client = TDClient(apikey=apikey, base_url=standin.url)
    try:
        yield client
    finally:
        client.ctx.http_client.session.close()


class OfficialStream:
    """Twelve Data's own WebSocket client; what it hears lands in a queue."""

    def __init__(self, client: TDClient, standin: RunningStandIn, symbols: list[str]) -> None:
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        silent = logging.getLogger("instruments.standin.tests")
        self.socket = client.websocket(
            symbols=symbols, on_event=self._events.put, logger=silent, log_level="info"
        )
        self.socket.url = f"{standin.stream_url}?apikey=k"

    def __enter__(self) -> OfficialStream:
        self.socket.connect()
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.ws.close()
        self.socket.event_receiver.join(TIMEOUT_S)

    def next(self, event: str) -> dict[str, Any]:
        """Return the next event of a kind; others are passed over."""
        while True:
            heard = self._events.get(timeout=TIMEOUT_S)
            if heard["event"] == event:
                return heard


class Stream:
    """A plain WebSocket on the stand-in."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def ask(self, action: str, symbols: object = "", **more: object) -> dict[str, Any]:
        """Send an action and return what it is answered with, prices passed over."""
        params = {"params": {"symbols": symbols}} if symbols else {}
        self.connection.send(json.dumps({"action": action, **params, **more}))
        return self.next(but="price")

    def next(self, but: str = "") -> dict[str, Any]:
        """Return the next frame, of kinds but one."""
        while True:
            heard = json.loads(self.connection.recv(timeout=TIMEOUT_S))
            if heard.get("event") != but:
                return heard

    def until_heartbeat(self) -> list[dict[str, Any]]:
        """Send a heartbeat and return everything that was said before it is answered."""
        self.connection.send(json.dumps({"action": "heartbeat"}))
        heard = []
        while (event := self.next())["event"] != "heartbeat":
            heard.append(event)
        return heard

    def price(self) -> dict[str, Any]:
        """Return the next price."""
        return self.next(but="heartbeat")


@contextmanager
def stream(standin: RunningStandIn, key: str = "k", symbols: object = "") -> Iterator[Stream]:
    """Yield a WebSocket, subscribed to symbols if any are named."""
    url = f"{standin.stream_url}?apikey={key}"
    with connect(url, open_timeout=TIMEOUT_S, close_timeout=1, proxy=None) as connection:
        opened = Stream(connection)
        if symbols:
            assert opened.ask("subscribe", symbols)["status"] == "ok"
        yield opened
