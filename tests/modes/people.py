"""People of a scenario: each signs in over the API, trades, and hears of it on the socket."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack
from typing import Any

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.modes.processes import MANAGE, Fleet

PASSWORD = "correct horse battery"
WAIT_S = 30


def enroll(fleet: Fleet, name: str, role: str = "trader") -> None:
    """Create somebody with an account, from the command line."""
    command = [*MANAGE, "create_user", f"{name}@bengi.example", "--name", name, "--role", role]
    fleet.run(command, given=f"{PASSWORD}\n")


class Person:
    """Somebody who is signed in, with a socket that follows their account."""

    def __init__(self, fleet: Fleet, name: str) -> None:
        self.name = name
        self._site = f"{fleet.site}/api/v1"
        self._stream = fleet.stream
        self._api = requests.Session()
        tokens = self.post("auth/login", email=f"{name}@bengi.example", password=PASSWORD)
        self._api.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        (account,) = self.get("accounts")["results"]
        self.account_id: str = account["id"]
        self.messages: list[dict[str, Any]] = []
        self.prices: dict[str, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._closed_with: int | None = None
        self.follow()

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        self._api.close()

    # -- over HTTP -------------------------------------------------------------------------

    def get(self, path: str, **query: str) -> Any:
        return self._answer(self._api.get(f"{self._site}/{path}", params=query, timeout=WAIT_S))

    def post(self, path: str, *, key: str = "", **body: Any) -> Any:
        return self._answer(self.ask("POST", path, body, key))

    def patch(self, path: str, **body: Any) -> Any:
        return self._answer(self.ask("PATCH", path, body))

    def ask(self, method: str, path: str, body: Any, key: str = "") -> requests.Response:
        """Return the answer as it comes, a refusal too."""
        headers = {"Idempotency-Key": key} if key else {}
        url = f"{self._site}/{path}"
        return self._api.request(method, url, json=body, headers=headers, timeout=WAIT_S)

    def order(self, key: str, side: str, quantity: str, price: str, **more: Any) -> dict[str, Any]:
        """Place a limit order of the class's own stock, which no feed quotes."""
        body = {
            "symbol": "BNGI",
            "side": side,
            "type": "limit",
            "quantity": quantity,
            "limit_price": price,
            "client_order_id": key,
            "time_in_force": "gtc",
            **more,
        }
        placed: dict[str, Any] = self.post("orders", **body)
        return placed

    def _answer(self, answer: requests.Response) -> Any:
        assert answer.ok, (self.name, answer.request.url, answer.status_code, answer.text[:1000])
        return answer.json()

    # -- on the socket ---------------------------------------------------------------------

    def follow(self, after: int | None = None) -> None:
        """Open the socket and follow the account: from now on, or on after a seq."""
        headers = {"Authorization": self._api.headers["Authorization"]}
        self._opened = ExitStack()
        self._socket = self._opened.enter_context(
            connect(self._stream, additional_headers=headers, open_timeout=WAIT_S, close_timeout=5)
        )
        self._closed_with = None
        topic = f"account:{self.account_id}"
        if after is None:
            self._socket.send(json.dumps({"type": "SUBSCRIBE", "topics": [topic]}))
        else:
            self._socket.send(json.dumps({"type": "RESUME", "topic": topic, "after": after}))
        threading.Thread(target=self._listen, args=(self._socket,), daemon=True).start()
        self.until("the topic", lambda message: message["type"] == "SUBSCRIBED")

    def leave(self) -> None:
        """Close the socket."""
        self._opened.close()

    def closed_with(self) -> int:
        """Wait until the server has closed the socket; return its code."""
        with self._news:
            assert self._news.wait_for(lambda: self._closed_with is not None, WAIT_S)
            assert self._closed_with is not None
            return self._closed_with

    def until_order(self, order: dict[str, Any], *events: str) -> dict[str, Any]:
        """Wait until the socket has told that one of events has happened to the order."""

        def is_it(message: dict[str, Any]) -> bool:
            is_told = message.get("event") in {f"order.{event}" for event in events}
            return is_told and message["order"]["id"] == order["id"]

        told: dict[str, Any] = self.until(f"{order['client_order_id']} {events}", is_it)["order"]
        return told

    def until_price(self, symbol: str) -> dict[str, Any]:
        """Wait for a price of the symbol that has not been told yet."""
        self._socket.send(json.dumps({"type": "SUBSCRIBE", "topics": [f"prices:{symbol}"]}))
        give_up_s = time.monotonic() + WAIT_S
        with self._news:
            before = self.prices.get(symbol)
            while self.prices.get(symbol) in (None, before):
                left_s = give_up_s - time.monotonic()
                assert left_s > 0, f"{self.name} never heard a price of {symbol}"
                self._news.wait(left_s)
            return self.prices[symbol]

    def until(self, what: str, is_it: Any) -> dict[str, Any]:
        """Wait for a message, among those that have come and those that will."""
        give_up_s = time.monotonic() + WAIT_S
        with self._news:
            while True:
                for message in reversed(self.messages):
                    if is_it(message):
                        return message
                left_s = give_up_s - time.monotonic()
                heard = [m.get("event", m["type"]) for m in self.messages]
                assert left_s > 0, f"{self.name} never heard of {what}, but of {heard}"
                self._news.wait(left_s)

    def _listen(self, socket: ClientConnection) -> None:
        try:
            for text in socket:
                message = json.loads(text)
                with self._news:
                    if message["type"] == "PRICE_UPDATE":
                        self.prices |= {each["symbol"]: each for each in message["prices"]}
                    else:
                        self.messages.append(message)
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        with self._news:
            self._closed_with = socket.close_code
            self._news.notify_all()
