"""Orders for tests: rows as they stand in the table, with no reservation behind them."""

from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from accounts.tests.factories import OPENED_AT
from bengi.terms import OrderStatus, OrderType, Side, TimeInForce
from instruments.tests.factories import InstrumentFactory
from orders.models import Order
from portfolios.tests.factories import PortfolioFactory


class OrderFactory(DjangoModelFactory[Order]):
    portfolio = factory.SubFactory(PortfolioFactory)
    account = factory.SelfAttribute("portfolio.account")
    instrument = factory.SubFactory(InstrumentFactory)
    client_order_id = factory.Sequence("order-{}".format)
    body_hash = ""
    fee_schedule = factory.SelfAttribute("account.fee_schedule")
    side = Side.BUY
    type = OrderType.LIMIT
    time_in_force = TimeInForce.DAY
    quantity = Decimal(10)
    limit_price = Decimal("100.00")
    status = OrderStatus.NEW
    accepted_at = OPENED_AT
    updated_at = OPENED_AT

    class Meta:
        model = Order
