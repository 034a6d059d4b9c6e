"""Portfolios, positions and lots for tests."""

from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from accounts.tests.factories import OPENED_AT, AccountFactory
from bengi.ids import new_id
from instruments.tests.factories import InstrumentFactory
from portfolios.models import Lot, Portfolio, Position


class PortfolioFactory(DjangoModelFactory[Portfolio]):
    account = factory.SubFactory(AccountFactory)
    name = "Main"

    class Meta:
        model = Portfolio


class PositionFactory(DjangoModelFactory[Position]):
    portfolio = factory.SubFactory(PortfolioFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    quantity = Decimal(10)

    class Meta:
        model = Position


class LotFactory(DjangoModelFactory[Lot]):
    portfolio = factory.SubFactory(PortfolioFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    trade_id = factory.LazyFunction(new_id)
    opened_at = OPENED_AT
    quantity = Decimal(10)
    remaining_quantity = factory.SelfAttribute("quantity")
    cost = Decimal("1000")
    remaining_cost = factory.SelfAttribute("cost")

    class Meta:
        model = Lot
