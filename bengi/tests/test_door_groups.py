"""What goes wrong after the orders of a group are placed is told to those alone whom it is of."""

from typing import Any

import pytest
from django.db import OperationalError

from bengi import order_door
from bengi.errors import Refused
from bengi.order_door import Request
from orders.services import Placement


def request() -> Request:
    return Request({}, {}, b"{}")


def test_legs_that_cannot_be_read_are_no_others_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> Any:
        raise OperationalError("the server has gone")

    refused = Refused("unknown_symbol", "There is no instrument X.", field="symbol")
    outcomes = [Placement(order=object()), refused]  # type: ignore[arg-type]
    monkeypatch.setattr(order_door, "_legs_of", away)
    monkeypatch.setattr(order_door, "admit_each", lambda asked, now: outcomes)
    placed, not_placed = request(), request()
    order_door._admit([(placed, None), (not_placed, None)])  # type: ignore[list-item]
    assert placed.answer is not None
    assert not_placed.answer is not None
    assert (placed.answer.status, not_placed.answer.status) == (503, 422)
