"""Eight months of somebody's trading, written into the database of a running product.

Run as a process of its own: python -m tests.browser.past EMAIL, BENGI_DATABASE in the environment.
Prices are the closes that the product has; every sale and purchase is an order with its fill.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.browser.product import ROOT, Product

# days ago, side, symbol, quantity; a sale closes shares of the symbol's first lot
TRADES = """
220 buy  NVDA 120
215 buy  AAPL 60
206 buy  MSFT 20
190 buy  KO   150
170 buy  ASML 12
160 sell NVDA 40
140 buy  SPY  15
118 sell AAPL 20
100 buy  XOM  80
 90 buy  JPM  30
 61 sell KO   90
 33 sell NVDA 20
 12 buy  7203 200
"""


def give_a_past(product: Product, email: str) -> None:
    """Give a person of the product the past below."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
        "BENGI_DATABASE": str(product.log.parent / "product.sqlite3"),
    }
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "tests.browser.past", email]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def main(email: str) -> None:
    """Write it: money first, then trade by trade, each at its day's close."""
    import django

    django.setup()
    from accounts.models import FxRate
    from accounts.services import deposit, withdraw
    from bengi import clock
    from portfolios.models import Portfolio

    portfolio = Portfolio.objects.get(account__user__email=email)
    now, account = clock.now(), portfolio.account
    past = now - timedelta(days=230)
    for base, quote, rate in (("EUR", "USD", "1.0810"), ("USD", "JPY", "151.20")):
        FxRate.objects.create(base=base, quote=quote, rate=Decimal(rate), as_of=past, source="test")
    withdraw(account.id, Decimal(100_000), "USD", key="again", now=now)  # today's first deposit
    deposit(account, Decimal(160_000), "USD", key="past", now=past)
    deposit(account, Decimal(15_000), "EUR", key="euro", now=past)
    deposit(account, Decimal(900_000), "JPY", key="yen", now=past)
    withdraw(account.id, Decimal(4_000), "USD", key="out", now=now - timedelta(days=75))
    _trade(portfolio, now)


def _trade(portfolio: Any, now: datetime) -> None:
    from instruments.models import Instrument
    from portfolios.tests.story import Story

    story, lots = Story(portfolio, _Fills(portfolio)), {}
    for line in TRADES.split("\n"):
        if not line:
            continue
        ago, side, symbol, quantity = line.split()
        instrument = Instrument.objects.get(symbol=symbol)
        at = (now - timedelta(days=int(ago))).replace(hour=15, minute=0)
        price = _close(instrument, at)
        if side == "buy":
            lots[symbol] = story.buy(instrument, quantity, price, at)
        else:
            story.sell(lots[symbol], quantity, price, at)


def _close(instrument: Any, at: datetime) -> Decimal:
    from instruments.models import Bar

    bars = Bar.objects.filter(instrument=instrument, interval="1day", starts_at__lte=at)
    close: Decimal = bars.latest("starts_at").close
    return close


class _Fills:
    """Writes the order and the trade of each."""

    def __init__(self, portfolio: Any) -> None:
        self.portfolio = portfolio

    def __call__(
        self, exec_id: Any, instrument: Any, side: str, quantity: str, price: Any, at: datetime
    ) -> None:
        from orders.tests.factories import OrderFactory
        from trades.tests.factories import TradeFactory

        gross = Decimal(quantity) * price
        order = OrderFactory(
            portfolio=self.portfolio,
            instrument=instrument,
            client_order_id=f"past-{exec_id}",
            side=side,
            type="market",
            limit_price=None,
            quantity=Decimal(quantity),
            filled_quantity=Decimal(quantity),
            filled_value=gross,
            status="filled",
            accepted_at=at,
            updated_at=at,
            closed_at=at,
        )
        TradeFactory(
            order=order,
            exec_id=exec_id,
            quantity=order.quantity,
            price=price,
            gross_amount=gross,
            net_amount=gross if side == "sell" else -gross,
            currency=instrument.currency,
            executed_at=at,
            trade_date=at.date(),
            settles_on=at.date() + timedelta(days=1),
        )


if __name__ == "__main__":
    main(sys.argv[1])
