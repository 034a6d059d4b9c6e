"""Durable fills per second of one engine: everything a fill writes, on a PostgreSQL that syncs.

A batch is what one drain takes in: requests read, worked, booked and committed, in one process with
one connection. What places the orders is not timed. The baseline is the same engine with the ORM's
bulk_create and bulk_update in the place of bengi/bulk.py, in turn with it.

    python -m benchmarks fills            starts a PostgreSQL of its own
    DATABASE_URL=postgresql://.. python -m benchmarks.fills      one database, JSON
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from benchmarks.floor import PRICE, steady_tick
from benchmarks.table import Line, report
from benchmarks.usage import cpu_s

ROUNDS = int(os.environ.get("FILLS_ROUNDS", "8"))
TRADERS = 100
SYMBOLS = 10
BATCHES = (200, 20)


def run() -> None:
    """Measure on a server of its own, in a process of its own."""
    from scripts.parts import PARTS, find
    from tests import servers

    found = find(PARTS["postgresql"])
    if not found:
        print("\nfills: no PostgreSQL, not measured")
        return
    with (
        servers.postgres(found[0], is_durable=True) as server,
        servers.database(server) as url,
    ):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.fills"],
            env={**os.environ, "DATABASE_URL": url},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=900,
        )
    told = json.loads(done.stdout.splitlines()[-1])
    report("fills", f"Durable fills of one engine, {found[1]}", list(_lines(told)))


def _lines(told: list[dict[str, Any]]) -> Iterator[Line]:
    for each in told:
        of = f"batches of {each['batch']}, {each['mix']}"
        fast, slow = (Spent(**each[name]) for name in ("arrays", "orm"))
        yield Line(of, fast.per_second, "fills/s", fast.per_second / slow.per_second)
        yield Line(f"{of}: ORM bulk", slow.per_second, "fills/s")
        for name, spent in (("", fast), (": ORM bulk", slow)):
            yield Line(f"{of}{name}, Python", spent.python_us, "us/fill")
            yield Line(f"{of}{name}, PostgreSQL", spent.postgres_us, "us/fill")


@dataclass
class Spent:
    """What a number of fills took, in seconds; the CPU of both sides apart."""

    fills: int = 0
    wall_s: float = 0
    python_s: float = 0
    postgres_s: float = 0

    @property
    def per_second(self) -> float:
        return self.fills / self.wall_s

    @property
    def python_us(self) -> float:
        return self.python_s / self.fills * 1e6

    @property
    def postgres_us(self) -> float:
        return self.postgres_s / self.fills * 1e6


def measure() -> list[dict[str, Any]]:
    """Return for each mix what both ways took; DATABASE_URL names an empty database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.test")
    import django

    django.setup()
    floor = Floor()
    found = []
    for batch in BATCHES:
        for mix in (street, crossing):
            spent = {"arrays": Spent(), "orm": Spent()}
            for _ in range(ROUNDS if batch > 100 else ROUNDS * 2):
                floor.work(mix, batch, spent["arrays"])
                with orm_bulk():
                    floor.work(mix, batch, spent["orm"])
            told = {name: asdict(each) for name, each in spent.items()}
            found.append({"batch": batch, "mix": mix.__name__, **told})
    return found


class Floor:
    """Traders with cash and shares, instruments with a street, and the engine that is timed."""

    def __init__(self) -> None:
        from django.core.management import call_command
        from django.db import connection

        from bengi import clock
        from bengi.bus import TICKS, get_bus
        from trades.engine import Engine
        from trades.session import SessionHours

        call_command("migrate", verbosity=0, interactive=False)
        self.now = clock.now()
        self.placed = 0
        self.symbols = [f"FILL{number}" for number in range(SYMBOLS)]
        self._make_people()
        self.engine = Engine(0, hours=SessionHours("always"))
        get_bus().subscribe(TICKS, self.engine.on_ticks)
        for first in range(0, TRADERS * SYMBOLS, 400):
            self.work(stock, 400, Spent(), first)
        # What a server that has been up for a while knows; plans of new sessions come from it.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        connection.close()
        connection.close_pool()

    def _make_people(self) -> None:
        from accounts.models import User
        from accounts.services import deposit, open_account
        from instruments.models import Instrument
        from portfolios.models import Portfolio

        self.traders = []
        for number in range(TRADERS):
            user = User.objects.create(email=f"fills{number}@bengi.example")
            account = open_account(user, name="Fills", currency="USD", now=self.now)
            deposit(account, Decimal(10**9), "USD", key="fills", now=self.now)
            self.traders.append((account.id, Portfolio.objects.create(account=account).id))
        self.instruments = {
            symbol: Instrument.objects.create(
                symbol=symbol,
                mic="XNAS",
                name=symbol,
                type="stock",
                currency="USD",
                tick_size=Decimal("0.01"),
            ).id
            for symbol in self.symbols
        }

    def work(self, mix: Callable[..., Any], batch: int, spent: Spent, *args: int) -> None:
        """Place a batch of orders and let the engine drain it; add what that took to spent."""
        from orders.services import place_orders
        from trades.models import Trade

        self.now += timedelta(milliseconds=200)
        self._quote()
        before = Trade.objects.count()
        answers = place_orders(mix(self, batch, *args), now=self.now)
        refused = [answer for answer in answers if isinstance(answer, Exception)]
        assert not refused, refused[0]
        self.now += timedelta(milliseconds=200)
        with timed(spent):
            self.engine.drain(self.now)
        fills = Trade.objects.count() - before
        assert fills == batch, f"{fills} fills of {batch} orders"
        spent.fills += fills

    def ticket(self, number: int, side: str, shares: int, limit: Decimal | None = None) -> Any:
        """Return an order of the trader and for the instrument whose turn it is."""
        from bengi.terms import OrderType, Side, TimeInForce
        from orders.tickets import OrderTicket

        self.placed += 1
        account_id, portfolio_id = self.traders[number % TRADERS]
        return OrderTicket(
            account_id=account_id,
            portfolio_id=portfolio_id,
            symbol=self.symbols[number // TRADERS % SYMBOLS],
            side=Side(side),
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            quantity=Decimal(shares),
            limit_price=limit,
            client_order_id=f"fills-{self.placed}",
            confirm_duplicate=True,
        )

    def _quote(self) -> None:
        from instruments.services import record_quotes

        record_quotes(
            [
                steady_tick(symbol, str(self.instruments[symbol]), 0, self.now)
                for symbol in self.symbols
            ]
        )


def stock(floor: Floor, batch: int, first: int) -> list[Any]:
    """Everybody buys some of everything, to sell it later."""
    return [floor.ticket(first + number, "buy", 100) for number in range(batch)]


def street(floor: Floor, batch: int) -> list[Any]:
    """Market orders that the street fills: one buy, one sell in turn."""
    start = floor.placed
    sides = ("buy", "sell")
    return [floor.ticket(start * 7 + n * 3, sides[n % 2], 5) for n in range(batch)]


def crossing(floor: Floor, batch: int) -> list[Any]:
    """Half with the street, a quarter rests inside its spread and trades with the last quarter."""
    start = floor.placed
    inside = PRICE + Decimal("0.01")
    found = street(floor, batch // 2)
    for number in range(batch // 4):
        at = (start * 11 + number * 3) * 2  # even: the next one is for the same symbol
        found.append(floor.ticket(at, "sell", 5, inside))
        found.append(floor.ticket(at + 1, "buy", 5, inside))
    return found


@contextmanager
def timed(spent: Spent) -> Iterator[None]:
    """Add what happens inside to spent: the time, and the CPU of this process and its backend."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    wall, python, postgres = time.perf_counter(), time.process_time(), cpu_s(backend)
    yield
    spent.wall_s += time.perf_counter() - wall
    spent.python_s += time.process_time() - python
    spent.postgres_s += cpu_s(backend) - postgres


@contextmanager
def orm_bulk() -> Iterator[None]:
    """Let bengi/bulk.py do what everybody reaches for first: bulk_create and bulk_update."""
    from bengi import bulk

    def update(model: Any, rows: Sequence[Any], fields: Sequence[str]) -> int:
        written: int = model.objects.bulk_update(rows, fields)
        return written

    def upsert(model: Any, rows: Sequence[Any], fields: Sequence[str]) -> None:
        model.objects.bulk_create([row for row in rows if row._state.adding])
        known = [row for row in rows if not row._state.adding]
        if known:
            model.objects.bulk_update(known, fields)

    with ExitStack() as patches:
        for name in ASKING:
            patches.enter_context(mock.patch(f"{name}.has_arrays", return_value=False))
        patches.enter_context(mock.patch.object(bulk, "_update_in_turn", update))
        patches.enter_context(mock.patch.object(bulk, "_upsert", upsert))
        yield


ASKING = (
    *("bengi.bulk", "bengi.ahead", "bengi.events.services"),
    *("instruments.corporate_actions", "trades.reading", "trades.requests"),
)
"""Who asks whether rows travel as arrays, and whether statements are sent ahead."""


if __name__ == "__main__":
    print(json.dumps(measure()))
