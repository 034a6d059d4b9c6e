"""A walk that chance came across: the first print of a night is far off, and an oco has no collar.

Kept as it was found, without the moves that did not matter.
"""

from decimal import Decimal

import pytest
from django.db import transaction

from tests.state.machine import Broker
from tests.state.stage import FED, quote, set_up

FAR = Decimal("11.80")


@pytest.mark.django_db
def test_the_limit_of_an_oco_may_stand_as_far_as_it_likes():
    walk = type("Walk", (Broker,), {"stage": set_up()})()
    try:
        walk.here.now = walk.now.replace(hour=23, minute=59, second=59)
        walk.pass_time(2)
        tick = quote(FED, FAR - 1, FAR + 1, 5, walk.now)
        walk.hear(tick)
        assert walk.model.board.newest[FED].last == FAR
        price = Decimal("10.02")
        asked = {"above": Decimal(0), "below": Decimal(0), "entry": "market", "kind": "oco"}
        asked |= {"loss": "stop", "name": "ann", "price": price, "quantity": Decimal("1.5")}
        group = Broker.group.hypothesis_stateful_rule.function
        group(walk, after=0, is_soon=True, key=None, size=None, tif="day", **asked)
        assert walk.seen["unsupported_combination"]
        assert not walk.seen["price_collar"]
    finally:
        walk.product.stop()
        transaction.set_rollback(True)
        walk.savepoint.__exit__(None, None, None)
