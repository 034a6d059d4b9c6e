from collections.abc import Iterator

import pytest

from instruments.models import Instrument
from orders.tests.conftest import quote, trader, user  # noqa: F401 - fixtures
from portfolios.models import Portfolio
from trades.tests.desk import Desk
from trades.tests.world import World, assert_books_are_clean, open_world


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A small market; whatever a test does with it, its books must be clean at the end."""
    with open_world() as made:
        yield made
        assert_books_are_clean()


@pytest.fixture
def abc(world: World) -> Instrument:
    return world.instrument()


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture
def portfolio(user):  # noqa: F811
    return Portfolio.objects.get(account__user=user)
