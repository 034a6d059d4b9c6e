"""A stage for labs: a database of their own with one funded trader and one quoted instrument.

Labs are processes: DATABASE_URL or BENGI_DATABASE names the database before Django is set up.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import django

SYMBOL = "LAB"
PRICE = Decimal(100)


@dataclass(frozen=True)
class Stage:
    """Who may order what."""

    account_id: UUID
    portfolio_id: UUID
    instrument_id: UUID


def set_up(cash: Decimal) -> Stage:
    """Migrate the database and put the trader and the instrument on it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.test")
    django.setup()
    from django.core.management import call_command

    from accounts.models import FeeSchedule, User
    from accounts.services import deposit, open_account
    from instruments.models import Instrument
    from portfolios.models import Portfolio

    call_command("migrate", verbosity=0, interactive=False)
    now = datetime.now(UTC)
    zero, _ = FeeSchedule.objects.get_or_create(code="zero", defaults={"kind": "zero"})
    user = User.objects.create(email=f"lab{now.timestamp()}@bengi.example")
    account = open_account(user, name="Lab", currency="USD", now=now, schedule=zero)
    deposit(account, cash, "USD", key="lab", now=now)
    portfolio = Portfolio.objects.create(account=account, name="Lab")
    instrument, _ = Instrument.objects.get_or_create(
        symbol=SYMBOL,
        mic="XNAS",
        defaults={
            "name": "Lab",
            "type": "stock",
            "currency": "USD",
            "tick_size": Decimal("0.01"),
        },
    )
    return Stage(account.id, portfolio.id, instrument.id)


def quote(
    stage: Stage, size: int = 100_000, price: Decimal = PRICE, at: datetime | None = None
) -> None:
    """Publish a quote of the instrument, fresh or of at: price asked, a cent less bid."""
    from instruments.quotes import Tick
    from instruments.services import record_quotes

    bid = price - Decimal("0.01")
    record_quotes(
        [
            Tick(
                symbol=SYMBOL,
                instrument_id=str(stage.instrument_id),
                shard=0,
                bid=bid,
                ask=price,
                bid_size=Decimal(size),
                ask_size=Decimal(size),
                last=price,
                last_size=Decimal(1),
                volume=Decimal(1),
                day_open=price,
                day_high=price,
                day_low=price,
                previous_close=None,
                as_of=at or datetime.now(UTC),
                source="lab",
            )
        ]
    )
