"""The modes of several processes, as people start them: the same story as in one process."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from scripts.supervisor.processes import SCALE, STANDARD
from tests.modes import processes
from tests.modes import scenario as story
from tests.modes.processes import Fleet
from tests.supervised import SHARDS, Mode, running_mode

SYMBOLS = ("AAPL", "MSFT", "NVDA", "KO", "JPM", "XOM")
"""Of both shards."""
HEARD_WITHIN_S = 15
DEMO = {"email": "demo@bengi.example", "password": "paper-trading-demo"}


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

    def hear(self, event: str, order_id: str, within_s: float = HEARD_WITHIN_S) -> None:
        """Return once an event of an order is told; what comes before it is let by."""
        self._hear(
            lambda message: (
                message.get("event") == event and message.get("order", {}).get("id") == order_id
            ),
            within_s,
        )

    def _hear(
        self, is_it: Callable[[dict[str, Any]], bool], within_s: float = HEARD_WITHIN_S
    ) -> None:
        deadline = time.monotonic() + within_s
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


def trade_with_the_street(trader: Trader) -> None:
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


def lose_the_engines(mode: Mode, trader: Trader) -> None:
    """Kill every engine: the supervisor starts them again, and they find what was placed."""
    killed = mode.kill("matching-" if mode.name == STANDARD else "engine-")
    assert len(killed) == 2
    order = trader.order("AAPL", "sell", type="market")
    trader.hear("order.filled", order["id"], within_s=90)
    for name in killed:
        assert f"{name} ended with code -9; it starts again in 1 s" in mode.output()


def go_on_with_one_shard(mode: Mode, trader: Trader) -> None:
    """Reshard while everything runs, and restart the feed, as docs/operations.md tells."""
    assert "there are 1 shards" in mode.manage("reshard", "--shards", "1")
    assert mode.kill("feed") == ["feed"]
    for symbol in ("NVDA", "JPM", "XOM"):
        order = trader.order(symbol, "sell", type="market")
        trader.hear("order.filled", order["id"], within_s=60)
    assert set(await_ready(mode)["engines"]["age_s"]) == {"0"}


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


@pytest.fixture(scope="module")
def events_of_one_process(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the events are after the story was played in the embedded mode."""
    with processes.embedded(tmp_path_factory.mktemp("embedded")) as fleet:
        story.play(fleet)
        return events_of(fleet)


def events_of(fleet: Fleet) -> list[Any]:
    return list(json.loads(fleet.run([processes.PYTHON, "-m", "tests.modes.digest"])))


@pytest.mark.slow
@pytest.mark.parametrize("name", [STANDARD, SCALE])
def test_a_mode_as_the_supervisor_starts_it(
    name: str,
    events_of_one_process: list[Any],
    postgres_url: str,
    redis_url: str,
    tmp_path: Path,
) -> None:
    """Every command of the table runs, and comes to the events that one process comes to."""
    servers = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with running_mode(name, tmp_path, **servers) as mode:
        assert set(await_ready(mode)["engines"]["age_s"]) == {str(n) for n in range(SHARDS)}
        fleet = Fleet(tmp_path, mode.environment, mode.url, mode.stream_url)
        story.play(fleet)
        assert events_of(fleet) == events_of_one_process
        with signed_in(mode) as trader:
            trade_with_the_street(trader)
            lose_the_engines(mode, trader)
            go_on_with_one_shard(mode, trader)
        assert "The books are clean" in mode.manage("check_books")
        assert "fold to the tables" in mode.manage("replay_events")
    assert mode.process.returncode == 0, mode.output()[-3000:]
    assert "had to be killed" not in mode.output()
