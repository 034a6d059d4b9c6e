"""People with money and keys, and instruments with quotes, on a PostgreSQL that syncs to disk."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from benchmarks.load import PEOPLE, look

SYMBOLS = 50
CASH = Decimal(1_000_000_000)
SECRET = "a-key-for-benchmarks-" * 3


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who trades; key is what their program says."""

    account_id: UUID
    portfolio_id: UUID
    key: str


@dataclass(frozen=True, slots=True)
class AdmissionStage:
    people: list[Person]
    symbols: list[str]
    environment: dict[str, str]


@contextlib.contextmanager
def admission_stage() -> Iterator[AdmissionStage]:
    """Fill servers of this run's own; yield what is on them."""
    from django.core.management import call_command

    with own_servers() as environment:
        call_command("migrate", verbosity=0, interactive=False)
        people, symbols = _people(), _instruments()
        analyze()
        yield AdmissionStage(people, symbols, environment)


@contextlib.contextmanager
def own_servers(**more: str) -> Iterator[dict[str, str]]:
    """Start PostgreSQL and Redis of this run's own, empty, and set this process up for them.

    Yield the environment that other processes need; more is added to it. The settings are those of
    production: limits, sessions and quotes are shared through Redis.
    """
    from scripts.parts import PARTS, find
    from tests import servers

    postgres, redis = find(PARTS["postgresql"]), find(PARTS["redis"])
    assert postgres is not None, "PostgreSQL is needed: scripts/parts.py says how"
    assert redis is not None, "Redis is needed: scripts/parts.py says how"
    with (
        servers.postgres(postgres[0], is_durable=True) as server_url,
        servers.database(server_url) as url,
        servers.redis_server(redis[0]) as redis_url,
    ):
        environment = {
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "BENGI_SECRET_KEY": SECRET,
            "DJANGO_SETTINGS_MODULE": "bengi.settings.prod",
            **more,
        }
        os.environ |= environment
        import django
        from django.db import connections

        django.setup()
        try:
            yield environment
        finally:
            connections.close_all()
            pool = getattr(connections["default"], "pool", None)
            if pool is not None:
                connections["default"].close_pool()


def tickets(stage: AdmissionStage, name: str, start: int, size: int) -> list[Any]:
    """Return tickets of one account after the other, each for an order like no other."""
    from bengi.terms import OrderType, Side, TimeInForce
    from orders.tickets import OrderTicket

    made = []
    for number in range(start, start + size):
        person = stage.people[number % len(stage.people)]
        symbol, quantity, price = look(number, stage.symbols)
        made.append(
            OrderTicket(
                account_id=person.account_id,
                portfolio_id=person.portfolio_id,
                symbol=symbol,
                side=Side.BUY,
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                quantity=Decimal(quantity),
                limit_price=Decimal(price),
                client_order_id=f"{name}-{number}",
            )
        )
    return made


def _people() -> list[Person]:
    import secrets

    from accounts.identity.api_keys import PREFIX
    from accounts.identity.models import ApiKey
    from accounts.identity.sealing import digest
    from accounts.models import Account, CashBalance, FeeSchedule, User
    from orders.models import RiskLimits
    from portfolios.models import Portfolio

    now = datetime.now(UTC)
    schedule, _ = FeeSchedule.objects.get_or_create(code="zero", defaults={"kind": "zero"})
    users = [User(email=f"bench{n}@bengi.example") for n in range(PEOPLE)]
    User.objects.bulk_create(users)
    accounts = [
        Account(user=u, name="Bench", base_currency="USD", fee_schedule=schedule, created_at=now)
        for u in users
    ]
    Account.objects.bulk_create(accounts)
    CashBalance.objects.bulk_create(
        CashBalance(account=a, currency="USD", amount=CASH) for a in accounts
    )
    RiskLimits.objects.bulk_create(
        RiskLimits(account=a, max_open_orders=10**6, max_open_orders_here=10**6) for a in accounts
    )
    portfolios = [Portfolio(account=a, name="Bench") for a in accounts]
    Portfolio.objects.bulk_create(portfolios)
    words = [secrets.token_hex(32) for _ in users]
    keys = [
        ApiKey(user=u, name="bench", digest=digest(w), scopes=["read", "trade"], created_at=now)
        for u, w in zip(users, words, strict=True)
    ]
    ApiKey.objects.bulk_create(keys)
    return [
        Person(p.account_id, p.id, f"{PREFIX}{k.id.hex}_{w}")
        for p, k, w in zip(portfolios, keys, words, strict=True)
    ]


def _instruments() -> list[str]:
    from instruments.models import Instrument, Quote

    symbols = [f"B{n:03}" for n in range(SYMBOLS)]
    fields: dict[str, Any] = {"type": "stock", "currency": "USD", "tick_size": Decimal("0.01")}
    rows = [Instrument(symbol=s, mic="XNAS", name=s, **fields) for s in symbols]
    Instrument.objects.bulk_create(rows)
    prices = {"bid": Decimal("99.99"), "ask": Decimal(100), "last": Decimal(100)}
    Quote.objects.bulk_create(
        Quote(
            instrument=row,
            bid_size=Decimal(1000),
            ask_size=Decimal(1000),
            as_of=datetime.now(UTC),
            source="bench",
            **prices,
        )
        for row in rows
    )
    return symbols


def analyze() -> None:
    """Let the planner know the tables; sessions opened on empty ones plan for empty ones."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
