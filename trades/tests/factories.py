"""Trades for tests: rows only, no money has moved for them."""

from datetime import date
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from accounts.tests.factories import OPENED_AT
from bengi.terms import Liquidity
from orders.tests.factories import OrderFactory
from trades.models import Trade


class TradeFactory(DjangoModelFactory[Trade]):
    order = factory.SubFactory(OrderFactory)
    account = factory.SelfAttribute("order.account")
    portfolio = factory.SelfAttribute("order.portfolio")
    instrument = factory.SelfAttribute("order.instrument")
    side = factory.SelfAttribute("order.side")
    quantity = Decimal(10)
    price = Decimal("100.00")
    gross_amount = Decimal("1000")
    net_amount = Decimal("-1000")
    currency = "USD"
    liquidity = Liquidity.STREET
    executed_at = OPENED_AT
    booked_at = factory.SelfAttribute("executed_at")
    trade_date = date(2026, 1, 5)
    settles_on = date(2026, 1, 6)

    class Meta:
        model = Trade
