"""Who is to blame for a command that could not be worked: itself, or an order it has met."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from orders.models import Order
from trades.booking import Halted, book
from trades.decisions import Decision


class Fenced(Exception):
    """Somebody else has written to the shard since its books were built."""


class Unrestorable(Exception):
    """An order at work could not be put back into the books. Its cause says why."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"order {order_id} cannot be put back")
        self.order_id = order_id


class Unturned(Exception):
    """The market of an instrument could not enter a session, or leave it. Its cause says why."""

    def __init__(self, instrument_id: str) -> None:
        super().__init__(f"the market of {instrument_id} does not turn")
        self.instrument_id = instrument_id


PASSING = (OperationalError, InterfaceError, Fenced, Halted)
"""Failures that no message is to blame for: deadlocks, lost connections, somebody else's write."""


def orders_to_blame(decisions: Sequence[Decision]) -> set[UUID]:
    """Return the orders whose part of a batch cannot be booked by itself; nothing is written.

    Orders of a group stand or fall together: all that were decided on are returned.
    """
    parts: dict[UUID, list[Decision]] = defaultdict(list)
    ids = {UUID(decision.outcome.order_id) for decision in decisions}
    groups = dict(Order.objects.filter(id__in=ids).values_list("id", "group_id"))
    for decision in decisions:
        order_id = UUID(decision.outcome.order_id)
        parts[groups.get(order_id) or order_id].append(decision)
    to_blame = list(parts.values()) if len(parts) == 1 else _that_fail(list(parts.values()))
    return {UUID(decision.outcome.order_id) for part in to_blame for decision in part}


def _that_fail(parts: Sequence[list[Decision]]) -> list[list[Decision]]:
    found = []
    for part in parts:
        try:
            with transaction.atomic():
                book(part)
                transaction.set_rollback(True)
        except PASSING:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
            found.append(part)
    return found
