"""Clients behind a line that loses, repeats and reorders end in the state that the API tells.

The product's own consumer, hub, engine and API; 200 clients, each behind a line of its own seed, in
four plays of fifty. While they listen, orders are placed, filled, replaced and canceled, and
trades are taken back. At the end each has the orders, shares, cash and prices of the snapshot.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import Client as HttpClient

from bengi import clock
from bengi.asgi import application
from bengi.errors import BengiError
from bengi.realtime import hub, protocol
from bengi.tests.sockets import cookie_of
from instruments.models import Instrument
from orders.models import Order
from tests.labs.lossy import Client, Frame, Link
from tests.realparts import note_lab
from trades.models import Trade
from trades.selectors import standing_trades
from trades.tests.desk import Desk
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PLAYS = 4
CLIENTS = 50
STEPS = 24
JOINS = 10
"""Steps over which the clients come, one after the other."""
REPLAY_MAX = 12
"""So few events, that some who come late to a gap have to load the state anew."""
WAIT_S = 120
SYMBOLS = ["AAA", "BBB"]


@dataclass(frozen=True)
class State:
    """What the API tells of an account, and the seq it fits."""

    seq: int
    orders: dict[str, Frame]
    shares: dict[str, Decimal]
    cash: Decimal
    prices: dict[str, Frame]


class Product:
    """A small market with a trader whose account is followed, and the API as they see it."""

    def __init__(self, world: World, seed: int) -> None:
        self._random = Random(seed)
        self._world = world
        self._instruments = [world.instrument(symbol) for symbol in SYMBOLS]
        self._prices = [Decimal(100), Decimal(50)]
        self.trader: Trader = world.trader("1000000")
        self._other = world.trader("1000000")
        self._desk = Desk(world)
        self._http = HttpClient()
        self._http.force_login(self.trader.user)
        self._states: dict[int, State] = {}
        for number in range(len(SYMBOLS)):
            self._move(number)

    def step(self) -> None:
        """Let something happen; what the rules refuse has not happened."""
        deeds = (self._order, self._order, self._order, self._cancel, self._replace, self._bust)
        self._move(self._random.randrange(len(SYMBOLS)))
        with suppress(BengiError):
            self._random.choice(deeds)()

    def state(self, after: int) -> State:
        """Read the state, and the log before and after it, until nothing has come between."""
        while True:
            seq = self._head(after)
            if seq not in self._states:
                self._states[seq] = self._read(seq)
            if self._head(seq) == seq:
                return self._states[seq]

    def end(self) -> State:
        """Read the state now that nothing happens any more."""
        self._states.clear()
        return self.state(0)

    def _read(self, seq: int) -> State:
        account = self._get(f"accounts/{self.trader.account.id}")
        (cash,) = [each["cash"] for each in account["balances"] if each["currency"] == "USD"]
        held = self._get(f"portfolios/{self.trader.portfolio.id}/positions")["results"]
        return State(
            seq=seq,
            orders={each["id"]: each for each in self._orders()},
            shares={each["symbol"]: Decimal(each["quantity"]) for each in held},
            cash=Decimal(cash),
            prices={symbol: self._get(f"instruments/{symbol}/quote") for symbol in SYMBOLS},
        )

    def _orders(self) -> Iterator[Frame]:
        cursor = ""
        while cursor is not None:
            page = self._get(f"orders?limit=200&account={self.trader.account.id}{cursor}")
            yield from page["results"]
            cursor = page["next"] and f"&cursor={page['next']}"

    def _head(self, after: int) -> int:
        path = f"events?account={self.trader.account.id}&limit=500&after={after}"
        events = self._get(path)["results"]
        return events[-1]["seq"] if events else after

    def _get(self, path: str) -> Any:
        answer = self._http.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    # -- what happens ----------------------------------------------------------------------

    def _move(self, number: int) -> None:
        price = self._prices[number] + self._random.randint(-20, 20) * Decimal("0.01")
        self._prices[number] = price
        bid, ask = str(price - Decimal("0.01")), str(price + Decimal("0.01"))
        size = self._random.choice((3, 10, 1000))
        self._world.tick(self._instruments[number], bid, ask, last=str(price), size=size)

    def _order(self) -> None:
        number = self._random.randrange(len(SYMBOLS))
        instrument: Instrument = self._instruments[number]
        off = self._random.randint(-10, 10) * Decimal("0.01")
        limit = self._random.choice((None, str(self._prices[number] + off)))
        who = self._random.choice((self.trader, self.trader, self._other))
        side = self._random.choice(("buy", "buy", "sell"))
        quantity = self._random.randint(1, 20)
        drain = self._random.random() < 0.5
        self._world.place(who, instrument, side, quantity, limit=limit, drain=drain)

    def _open_order(self) -> Order | None:
        found = Order.objects.filter(account=self.trader.account, closed_at=None).order_by("id")
        return self._random.choice(found) if found else None

    def _cancel(self) -> None:
        if order := self._open_order():
            self._world.cancel(self.trader, order)

    def _replace(self) -> None:
        if order := self._open_order():
            quantity = Decimal(self._random.randint(1, 20))
            self._world.replace(self.trader, order, quantity=quantity)

    def _bust(self) -> None:
        found = standing_trades().filter(account=self.trader.account)
        trades: list[Trade] = list(found.order_by("exec_id"))
        if trades and self._random.random() < 0.5:
            self._desk.bust(self._random.choice(trades))


class Visit:
    """One client on one socket of the product, with a bad line between them."""

    def __init__(
        self, product: Product, cookie: bytes, seed: int, kind: type[Client] = Client
    ) -> None:
        random = Random(seed)
        self.up, self.down = Link(random), Link(random)
        self._inbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        load = database_sync_to_async(product.state)
        self.client = kind(str(product.trader.account.id), SYMBOLS, self._say, load)
        scope = {
            "type": "websocket",
            "path": "/ws",
            "query_string": b"",
            "headers": [(b"cookie", cookie)],
            "subprotocols": [],
        }
        self._task = asyncio.ensure_future(application(scope, self._inbox.get, self._send))

    def _say(self, message: Frame) -> None:
        for text in self.up.carry(json.dumps(message)):
            self._inbox.put_nowait({"type": "websocket.receive", "text": text})

    async def _send(self, message: Frame) -> None:
        assert message["type"] != "websocket.close", message
        if message["type"] == "websocket.accept":
            self.client.nag()
        for text in self.down.carry(message["text"]) if "text" in message else ():
            self.client.hear(text)

    @property
    def is_read(self) -> bool:
        return self._inbox.empty()

    async def leave(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._task


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "FLUSH_S", 0.02)
    monkeypatch.setattr(protocol, "REPLAY_MAX", REPLAY_MAX)


@pytest.mark.parametrize("play", range(PLAYS))
async def test_a_lossy_line_costs_nothing_but_time(play: int, pytestconfig: pytest.Config) -> None:
    with open_world() as world:
        clock.use(lambda: world.now)
        try:
            visits, final = await watched(world, play)
        finally:
            clock.reset()
        await database_sync_to_async(assert_books_are_clean)()
    fates: Counter[str] = sum((v.down.done + v.up.done for v in visits), Counter())
    seen: Counter[str] = sum((v.client.seen for v in visits), Counter())
    harmed = 1 - fates["carried"] / fates.total()
    assert 0.25 < harmed < 0.35, fates
    assert {"gap", "TRADE_EXECUTED", "TRADE_BUSTED", "ORDER_UPDATE"} <= seen.keys(), seen
    right = sum(differences(visit.client, final) == [] for visit in visits)
    told = f"{right} of {len(visits)} clients end in the state of the snapshot at seq {final.seq}"
    words = f"{told}; {fates.total():,} frames, {harmed:.0%} lost, repeated or held back"
    words += f"; {seen['gap']} gaps, {seen['resync']} loaded anew"
    note_lab(pytestconfig, f"lossy stream, play {play + 1}", words)
    wrong = {n: differences(v.client, final) for n, v in enumerate(visits)}
    assert {n: lines for n, lines in wrong.items() if lines} == {}


class Forgetful(Client):
    """Takes whatever is newer for the next one."""

    def _hear_event(self, message: Frame) -> None:
        assert self.seq is not None
        if message["seq"] > self.seq:
            self.seq = message["seq"] - 1
            super()._hear_event(message)


class Credulous(Client):
    """Takes every event for a new one."""

    def _hear_event(self, message: Frame) -> None:
        assert self.seq is not None
        if message["seq"] <= self.seq and "trade" in message:
            self._book(message["trade"])
        super()._hear_event(message)


@pytest.mark.parametrize("kind", [Forgetful, Credulous])
async def test_a_client_that_does_not_count_is_found_out(
    kind: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is made to load the state anew, which would cover up what was lost before."""
    monkeypatch.setattr(protocol, "REPLAY_MAX", 5_000)
    with open_world() as world:
        clock.use(lambda: world.now)
        try:
            visits, final = await watched(world, 0, count=20, kind=kind)
        finally:
            clock.reset()
    wrong = [visit for visit in visits if differences(visit.client, final)]
    assert len(wrong) >= 3


async def watched(
    world: World, play: int, *, count: int = CLIENTS, kind: type[Client] = Client
) -> tuple[list[Visit], State]:
    """Let things happen while clients come and listen; return them and how it ended."""
    product = await database_sync_to_async(Product)(world, play)
    cookie = await database_sync_to_async(cookie_of)(product.trader.user)
    visits: list[Visit] = []
    step = database_sync_to_async(product.step)
    for number in range(STEPS):
        due = count * (number + 1) // JOINS
        while len(visits) < min(due, count):
            visits.append(Visit(product, cookie, 1000 * play + len(visits), kind))
        await step()
        await asyncio.sleep(0.01)
        if number % 5 == 0:
            nag(visits)
    final: State = await database_sync_to_async(product.end)()
    async with asyncio.timeout(WAIT_S):
        while any(is_behind(visit.client, final) for visit in visits):
            nag(visit for visit in visits if is_behind(visit.client, final))
            await asyncio.sleep(0.05)
    for visit in visits:
        await visit.leave()
    return visits, final


def nag(visits: Iterable[Visit]) -> None:
    """Let those ask again whose last questions have all been read."""
    for visit in visits:
        if visit.is_read:
            visit.client.nag()


def is_behind(client: Client, final: State) -> bool:
    """Return whether a client has not heard of the newest event, or of a price's newest time."""
    heard = {symbol: price["as_of"] for symbol, price in client.prices.items()}
    newest = {symbol: price["as_of"] for symbol, price in final.prices.items()}
    return client.seq != final.seq or heard != newest


def differences(client: Client, final: State) -> list[str]:
    """Return what a client has otherwise than the snapshot, in words."""
    found = []
    if client.cash != final.cash:
        found.append(f"cash {client.cash}, not {final.cash}")
    held = {symbol: shares for symbol, shares in client.shares.items() if shares}
    if held != final.shares:
        found.append(f"shares {held}, not {final.shares}")
    for name, mine, theirs in (
        ("order", client.orders, final.orders),
        ("price", client.prices, final.prices),
    ):
        for key in mine.keys() | theirs.keys():
            has, wanted = mine.get(key, {}), theirs.get(key, {})
            wrong = [field for field in wanted.keys() & has.keys() if has[field] != wanted[field]]
            if wrong or not has or not wanted:
                found.append(f"{name} {key}: {wrong or 'missing'}")
    return found
