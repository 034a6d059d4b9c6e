"""The same scenario, over HTTP and the socket, in each mode as real processes."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from scripts.supervisor.processes import SCALE, STANDARD, processes
from tests.supervised import EMBEDDED, SHARDS, Mode, running_mode

SYMBOLS = ("AAPL", "MSFT", "NVDA", "KO", "JPM", "XOM")
"""Of both shards."""
HEARD_WITHIN_S = 15
DEMO = {"email": "demo@bengi.example", "password": "paper-trading-demo"}
TOLD: dict[str, list[tuple[str, ...]]] = {}
"""What each mode's log told of the scenario, for the comparison at the end."""


class Trader:
    """The demo trader, signed in over the API, with a socket that follows the account."""

    def __init__(self, mode: Mode, socket: ClientConnection, token: str) -> None:
        self.mode, self.socket = mode, socket
        self._headers = {"Authorization": f"Bearer {token}"}
        self.account = self.get("accounts")["results"][0]["id"]
        self.portfolio = self.get("portfolios")["results"][0]["id"]

    def get(self, path: str) -> Any:
        return self._answer(requests.get(self._url(path), headers=self._headers, timeout=10))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = requests.post(self._url(path), json=body, headers=self._headers, timeout=10)
        return self._answer(answer)

    def order(self, symbol: str, side: str, **terms: str) -> Any:
        """Place an order for one share."""
        ticket = {"symbol": symbol, "side": side, "quantity": "1", "time_in_force": "day", **terms}
        ids = {"portfolio_id": self.portfolio}
        key = {"client_order_id": f"{symbol}-{side}-{terms['type']}"}
        return self.post("orders", {**ticket, **ids, **key})

    def subscribe(self) -> None:
        self.socket.send(json.dumps({"type": "SUBSCRIBE", "topics": [f"account:{self.account}"]}))
        self._hear(lambda message: message["type"] == "SUBSCRIBED")

    def hear(self, event: str, order_id: str) -> None:
        """Return once an event of an order is told; what comes before it is let by."""
        self._hear(
            lambda message: (
                message.get("event") == event and message.get("order", {}).get("id") == order_id
            )
        )

    def _hear(self, is_it: Callable[[dict[str, Any]], bool]) -> None:
        deadline = time.monotonic() + HEARD_WITHIN_S
        while (left_s := deadline - time.monotonic()) > 0:
            if is_it(json.loads(self.socket.recv(timeout=left_s))):
                return
        raise AssertionError("it was not heard")

    def _url(self, path: str) -> str:
        return f"{self.mode.url}/api/v1/{path}"

    @staticmethod
    def _answer(answer: requests.Response) -> Any:
        assert answer.ok, answer.text
        return answer.json()


@contextmanager
def signed_in(mode: Mode) -> Iterator[Trader]:
    answer = requests.post(f"{mode.url}/api/v1/auth/login", json=DEMO, timeout=10)
    token = answer.json()["access_token"]
    with connect(
        mode.stream_url, additional_headers={"Authorization": f"Bearer {token}"}
    ) as socket:
        trader = Trader(mode, socket, token)
        trader.subscribe()
        yield trader


def scenario(trader: Trader) -> None:
    """Buy one of each, sell one, let one rest and cancel it; wait for each to be heard of."""
    for symbol in SYMBOLS:
        bought = trader.order(symbol, "buy", type="market")
        trader.hear("order.filled", bought["id"])
    sold = trader.order("KO", "sell", type="market")
    trader.hear("order.filled", sold["id"])
    paid = Decimal(trader.get(f"orders/{bought['id']}")["average_price"])
    above = str((paid * Decimal("1.08")).quantize(Decimal("0.01")))
    rests = trader.order(SYMBOLS[-1], "sell", type="limit", limit_price=above)
    trader.hear("order.new", rests["id"])
    trader.post(f"orders/{rests['id']}/cancel", {})
    trader.hear("order.canceled", rests["id"])


def log_of(trader: Trader) -> list[tuple[str, ...]]:
    """Return what the account's log tells, without times, ids and the market's prices."""
    found = []
    for event in trader.get(f"events?account={trader.account}&limit=500")["results"]:
        what = event.get("order") or event.get("trade") or {}
        words = [str(what.get(name, "")) for name in ("symbol", "side", "quantity", "status")]
        found.append((event["event"], *words))
    return found


def await_ready(mode: Mode) -> dict[str, Any]:
    """Return what /readyz tells once everything works and prices are there."""
    deadline = time.monotonic() + 30
    while True:
        answer = requests.get(f"{mode.url}/readyz", timeout=10)
        told = dict(answer.json())
        if answer.status_code == 200 and told["feed"]["status"] == "ok":
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.2)


def play(mode: Mode) -> None:
    """Play the scenario; at the end the books are clean and the log folds to the tables."""
    told = await_ready(mode)
    shards = {"0"} if mode.name == EMBEDDED else {str(shard) for shard in range(SHARDS)}
    assert set(told["engines"]["age_s"]) == shards
    with signed_in(mode) as trader:
        scenario(trader)
        TOLD[mode.name] = log_of(trader)
    assert "The books are clean" in mode.manage("check_books")
    assert "fold to the tables" in mode.manage("replay_events")


@pytest.mark.slow
def test_the_embedded_mode(tmp_path: Path) -> None:
    with running_mode(EMBEDDED, tmp_path) as mode:
        play(mode)


@pytest.mark.slow
@pytest.mark.parametrize("name", [STANDARD, SCALE])
def test_a_mode_of_several_processes(
    name: str, postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    servers = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with running_mode(name, tmp_path, **servers) as mode:
        play(mode)
        started = set(re.findall(r"^ *([\w-]+) \|", mode.output(), re.MULTILINE))
    output = mode.output()
    assert mode.process.returncode == 0, output[-3000:]
    assert "starts again" not in output
    assert "had to be killed" not in output
    assert "Traceback" not in output
    assert started <= {each.name for each in processes(name, SHARDS)} | {"reshard", "kafka"}


@pytest.mark.slow
def test_the_modes_have_told_the_same() -> None:
    if len(TOLD) < 3:
        pytest.skip("the modes have not all been run in this process")
    assert len(TOLD[EMBEDDED]) > 3 * len(SYMBOLS)
    assert TOLD[STANDARD] == TOLD[EMBEDDED]
    assert TOLD[SCALE] == TOLD[EMBEDDED]
