"""A market of this run's own: people who hold money and shares, symbols, and prices if need be.

The books are whole: every share was bought, every deposit stands in the ledger, so check_books has
something to say. benchmarks/modes.py starts a mode's processes on it.
"""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.admission_stage import Person, analyze, own_servers
from benchmarks.asking import Trader
from benchmarks.usage import family_cpu_s
from scripts.supervisor import processes as table
from scripts.supervisor.__main__ import HOST, ROOT
from scripts.supervisor.servers import free_port

PEOPLE = 120
"""As each may place 10 orders a second and 200 a minute, together 400 a second for long."""
SYMBOLS = 18
CASH = Decimal(1_000_000_000)
PRICE = Decimal(100)
FILLED_WITHIN_S = 120


@dataclass
class Floor:
    """Who trades what, and what processes have to be told. postgres: its first process."""

    people: list[Person]
    symbols: list[str]
    environment: dict[str, str]
    postgres: int
    folder: Path

    @property
    def traders(self) -> list[Trader]:
        return [Trader(str(p.account_id), str(p.portfolio_id), p.key) for p in self.people]

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of manage.py on these books to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=surroundings(self.environment),
            capture_output=True,
            text=True,
            timeout=600,
        )


@contextlib.contextmanager
def floor(*, shards: int = 1, mode: str = table.STANDARD, **more: str) -> Iterator[Floor]:
    """Prepare books on servers of this run's own. more: of the environment of all processes."""
    told = {"BENGI_MODE": mode, "BENGI_SHARDS": str(shards), **more}
    if mode == table.SCALE:
        told["BENGI_KAFKA"] = f"{HOST}:{free_port()}"
    with own_servers(**told) as environment, tempfile.TemporaryDirectory() as folder:
        from django.core.management import call_command

        from bengi import bus

        call_command("prepare", stdout=io.StringIO())
        people, symbols = _people(), _symbols()
        analyze()
        environment["BENGI_VAR"] = folder
        try:
            yield Floor(people, symbols, environment, _postmaster(), Path(folder))
        finally:
            bus.reset()


def _people() -> list[Person]:
    import secrets

    from accounts.identity.api_keys import PREFIX
    from accounts.identity.models import ApiKey
    from accounts.identity.sealing import digest
    from accounts.models import User
    from accounts.services import deposit, open_account
    from orders.models import RiskLimits
    from portfolios.models import Portfolio

    made, now = [], datetime.now(UTC)
    for number in range(PEOPLE):
        user = User.objects.create(email=f"floor{number}@bengi.example")
        account = open_account(user, name="Floor", currency="USD", now=now)
        deposit(account, CASH, "USD", key="floor", now=now)
        RiskLimits.objects.update_or_create(
            account=account, defaults={"max_open_orders": 10**6, "max_open_orders_here": 10**6}
        )
        word = secrets.token_hex(32)
        key = ApiKey.objects.create(
            user=user, name="bench", digest=digest(word), scopes=["read", "trade"], created_at=now
        )
        portfolio = Portfolio.objects.create(account=account, name="Floor")
        made.append(Person(account.id, portfolio.id, f"{PREFIX}{key.id.hex}_{word}"))
    return made


def _symbols() -> list[str]:
    """Return some of what is quoted in dollars, in turn of the one and of the other of two shards,
    so that benchmarks of one shard and of two trade the same.
    """
    from instruments.selectors import feed_instruments
    from instruments.services import shard_of

    found: dict[int, list[str]] = {0: [], 1: []}
    for each in feed_instruments():
        if each.currency == "USD" and each.type in {"stock", "etf"}:
            found[shard_of(each.symbol, each.mic, 2)].append(each.symbol)
    return [symbol for pair in zip(*found.values(), strict=False) for symbol in pair][:SYMBOLS]


def _postmaster() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    stat = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    return int(stat[1])


def surroundings(environment: dict[str, str], **more: str) -> dict[str, str]:
    """Return the environment of a process of this run's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    quiet = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    return {**plain, **environment, **quiet, "PATH": path, **more}


def postgres_cpu_s(place: Floor) -> float:
    """Return the CPU seconds of the server and its sessions, those that have ended too."""
    return family_cpu_s(place.postgres)


# -- prices and shares ---------------------------------------------------------------------------


@contextlib.contextmanager
def quoted(place: Floor) -> Iterator[None]:
    """Quote every symbol five times a second from a thread of this process, deep on both sides."""
    from instruments.models import Instrument

    ids = {
        each.symbol: (str(each.id), each.shard)
        for each in Instrument.objects.filter(symbol__in=place.symbols)
    }
    stop, is_quoted = threading.Event(), threading.Event()

    def quote() -> None:
        from instruments.services import flush_quotes, record_quotes

        rounds = 0
        while not stop.wait(0.2):
            now = datetime.now(UTC)
            record_quotes([steady_tick(symbol, *known, now) for symbol, known in ids.items()])
            if rounds % 5 == 0:
                flush_quotes()
                is_quoted.set()
            rounds += 1

    thread = threading.Thread(target=quote, daemon=True)
    thread.start()
    assert is_quoted.wait(30), "no quote was stored"
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def steady_tick(symbol: str, instrument_id: str, shard: int, at: datetime) -> Any:
    """Return a quote around PRICE, of more shares than anybody asks for."""
    from instruments.quotes import Tick

    return Tick(
        symbol=symbol,
        instrument_id=instrument_id,
        shard=shard,
        bid=PRICE - Decimal("0.05"),
        ask=PRICE + Decimal("0.05"),
        bid_size=Decimal(1_000_000),
        ask_size=Decimal(1_000_000),
        last=PRICE,
        last_size=Decimal(1),
        volume=Decimal(1),
        day_open=PRICE,
        day_high=PRICE,
        day_low=PRICE,
        previous_close=None,
        as_of=at,
        source="floor",
    )


def place_all(tickets: Sequence[Any]) -> None:
    """Place orders, 200 at a time; none may be refused."""
    from orders.services import Placement, place_orders

    for first in range(0, len(tickets), 200):
        answers = place_orders(tickets[first : first + 200], now=datetime.now(UTC))
        refused = [each for each in answers if not isinstance(each, Placement)]
        assert not refused, refused[0]


def stock(place: Floor) -> None:
    """Let everybody buy what they will sell, and wait until engines have filled it all."""
    from benchmarks.asking import stocking

    place_all(stocking(place.traders, place.symbols))
    assert not unfilled("stock-"), "what is to be sold was not bought in time"
    analyze()


def unfilled(beginning: str, within_s: float = FILLED_WITHIN_S) -> int:
    """Wait until all orders whose keys begin so are filled; return how many are not by then."""
    from orders.models import Order

    rows = Order.objects.filter(client_order_id__startswith=beginning).exclude(status="filled")
    until = time.monotonic() + within_s
    while (count := rows.count()) and time.monotonic() < until:
        time.sleep(0.25)
    return count
