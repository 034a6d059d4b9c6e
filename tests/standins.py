"""Stand-ins of Twelve Data for tests: on a free port of loopback, ended with the test.

standin         a running one: plan pro, eight symbols, a clock that the test moves
start_standin   starts one with another plan, market or clock
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
import requests

from instruments.calendar import Mode
from instruments.standin.credits import PLANS, Plan
from instruments.standin.market import Market, simulated
from instruments.standin.server import StandIn
from instruments.standin.service import Service

STARTS_AT = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""A Wednesday; New York has been trading for half an hour."""

KEYS = frozenset({"AAPL", "MSFT", "IBM", "SPY", "SHEL", "BTCUSD", "EUR/USD", "USD/JPY"})
TIMEOUT_S = 20


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = STARTS_AT) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> datetime:
        """Move on and return the new time."""
        self.at += timedelta(seconds=seconds)
        return self.at


class RunningStandIn(StandIn):
    """A stand-in whose clock, the market's and the machine's in one, is the test's."""

    def __init__(self, service: Service, clock: Clock) -> None:
        super().__init__(service, now=clock, wall=clock)
        self.clock = clock

    @property
    def market(self) -> Market:
        return self.service.market

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass in steps, so that the market trades all the way."""
        for _ in range(int(seconds / step)):
            self.clock.forward(step)
            self.pulse()

    def get(self, path: str, key: str = "k", **params: Any) -> requests.Response:
        """Ask with a key in the header."""
        headers = {"Authorization": f"apikey {key}"} if key else {}
        return requests.get(self.url + path, params=params, headers=headers, timeout=TIMEOUT_S)

    def fault(self, fault: str, **more: Any) -> dict[str, Any]:
        """Let a fault begin."""
        body = {"fault": fault, **more}
        answer = requests.post(f"{self.url}/_faults", json=body, timeout=TIMEOUT_S)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def mend(self) -> None:
        """End all faults."""
        requests.delete(f"{self.url}/_faults", timeout=TIMEOUT_S)

    def state(self) -> dict[str, Any]:
        """Return what it is at."""
        return requests.get(f"{self.url}/_state", timeout=TIMEOUT_S).json()


Start = Callable[..., RunningStandIn]


@cache
def _begun(mode: Mode) -> bytes:
    market = simulated(seed=1, speed=1, mode=mode, keys=KEYS)
    market.advance(STARTS_AT)
    return pickle.dumps(market)


def begun_market(mode: Mode = "always") -> Market:
    """Return a simulated market that has begun at STARTS_AT; its past is drawn once a run."""
    return pickle.loads(_begun(mode))


@pytest.fixture
def start_standin() -> Iterator[Start]:
    """Return a function that starts a stand-in; all of them end with the test."""
    with ExitStack() as running:

        def start(
            plan: str | Plan = "pro",
            *,
            keys: tuple[str, ...] = (),
            mode: Mode = "always",
            market: Market | None = None,
            clock: Clock | None = None,
        ) -> RunningStandIn:
            market = market or begun_market(mode)
            which = PLANS[plan] if isinstance(plan, str) else plan
            service = Service(market, which, keys)
            return running.enter_context(RunningStandIn(service, clock or Clock()))

        yield start


@pytest.fixture
def standin(start_standin: Start) -> RunningStandIn:
    """Return a running stand-in of plan pro."""
    return start_standin()
