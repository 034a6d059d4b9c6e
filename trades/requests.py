"""What there is to work on: ticks, new orders and requests, each at the moment it happened."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from django.db import connection
from django.db.models import Q, QuerySet

from bengi.bulk import has_arrays, read_rows
from bengi.terms import InstrumentStatus, Leg, MessageKind, OrderStatus, TimeInForce
from instruments.models import Instrument
from instruments.quotes import Tick
from orders.models import Order
from orders.rules import AT_A_MOMENT
from trades.groups import members_of
from trades.session import SessionHours

BY_SESSION = frozenset({TimeInForce.DAY, *AT_A_MOMENT})
"""The times in force of orders that end with a session."""


_ASKING = (OrderStatus.ACCEPTED, OrderStatus.HELD, OrderStatus.PENDING_CANCEL)
_GLANCE = f"""
    SELECT DISTINCT o.status FROM orders_order o
    JOIN instruments_instrument i ON i.id = o.instrument_id
    WHERE i.shard = %s AND o.closed_at IS NULL
      AND o.status IN ({", ".join(f"'{status.value}'" for status in _ASKING)})"""  # noqa: S608


class Command(msgspec.Struct, frozen=True):
    """One thing to work on, at the moment it happened; at equal moments the lower rank is first.

    members: the open orders of the group, the order's own among them.
    """

    at: datetime
    rank: int
    tick: Tick | None = None
    submit: Order | None = None
    cancel: Order | None = None
    replace: Order | None = None
    expire: str | None = None
    turn: str | None = None
    members: Sequence[Order] = ()

    @property
    def key(self) -> tuple[MessageKind, str]:
        """What kind of message it is, and the id of what it is about.

        Of a tick: its instrument; of a turn: its exchange.
        """
        if self.tick is not None:
            return MessageKind.TICK, self.tick.instrument_id
        if self.expire is not None:
            return MessageKind.EXPIRY, self.expire
        if self.turn is not None:
            return MessageKind.TURN, self.turn
        if self.cancel is not None:
            return MessageKind.CANCEL, str(self.cancel.id)
        if self.replace is not None:
            return MessageKind.REPLACE, str(self.replace.id)
        assert self.submit is not None, "a command is about something"
        return MessageKind.ORDER, str(self.submit.id)

    @classmethod
    def of_tick(cls, tick: Tick) -> "Command":
        return cls(at=tick.as_of, rank=2, tick=tick)

    @classmethod
    def of_order(cls, order: Order, since: datetime, members: Sequence[Order] = ()) -> "Command":
        """Return what an order asks for; one that waited for a session comes as it begins, since.

        Then it is there before the first quote.
        """
        if order.status == OrderStatus.PENDING_CANCEL:
            return cls(at=order.updated_at, rank=1, cancel=order, members=members)
        at = max(order.accepted_at, since)
        if order.status == OrderStatus.HELD:
            return cls(at=at, rank=1, replace=order, members=members)
        return cls(at=at, rank=1 if at == since else 3, submit=order, members=members)


def read_requests(
    shard_id: int, hours: SessionHours, now: datetime, limit: int, since: Callable[[str], datetime]
) -> list[Command]:
    """Return the shard's new orders that can be worked now, and all its cancel requests.

    since tells when the part of the day began that the markets of an exchange are in.
    The stop of an oco comes with its take profit, the legs of an entry with that. What is to
    replace an order of a group that is at work waits until its market trades.
    """
    standing = _standing(shard_id)
    if not standing:
        return []
    waiting = Order.objects.filter(instrument__shard=shard_id, closed_at__isnull=True)
    new = waiting.filter(_may_be_worked(hours, now), status=OrderStatus.ACCEPTED)
    new = new.exclude(leg=Leg.STOP_LOSS)
    cancels = waiting.filter(status=OrderStatus.PENDING_CANCEL)
    replacements = waiting.filter(
        Q(group_id__isnull=True) | Q(replaces__priority__isnull=True) | _trades(hours, now),
        status=OrderStatus.HELD,
        replaces__status=OrderStatus.PENDING_REPLACE,
    )
    # Requests are read first: what is asked for in between then hides its order from this batch,
    # instead of meeting it in the very batch that takes the order up.
    found: list[Order] = []
    if OrderStatus.PENDING_CANCEL in standing:
        found += _read(cancels, OrderStatus.PENDING_CANCEL, limit)
    if OrderStatus.HELD in standing:
        held = _read(replacements, OrderStatus.HELD, limit, "replaces")
        found += [order for order in held if order.waits_to_replace]
    if OrderStatus.ACCEPTED in standing:
        found += _read(new, OrderStatus.ACCEPTED, limit)
    members = members_of(found)
    return [
        Command.of_order(
            order,
            since(order.instrument.mic),
            members[order.group_id] if order.group_id else (),
        )
        for order in found
    ]


def _standing(shard_id: int) -> set[str]:
    """Return in which states that ask for something the shard has open orders.

    Mostly in none, or in one: a glance costs less than the three questions that follow from it.
    Whoever asks for something after it nudges the engine once that is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GLANCE, [shard_id])
        return {status for (status,) in cursor.fetchall()}


def _read(wanted: QuerySet[Order], status: OrderStatus, limit: int, *related: str) -> list[Order]:
    """Return the first orders that are wanted, by id; those that have status when they are read."""
    if has_arrays():  # where rows are read in sets, a join costs more than a second statement
        ids = list(wanted.order_by("id").values_list("id", flat=True)[:limit])
        found = read_rows(Order, "id", ids, related=("instrument", *related))
        still = [order for order in found if order.status == status]
        return sorted(still, key=lambda order: order.id)
    return list(wanted.select_related("instrument", *related).order_by("id")[:limit])


def read_halted(shard_id: int) -> set[str]:
    """Return the ids of the shard's instruments that nobody may trade now."""
    halted = Instrument.objects.filter(shard=shard_id).exclude(status=InstrumentStatus.ACTIVE)
    return {str(instrument_id) for instrument_id in halted.values_list("id", flat=True)}


def _trades(hours: SessionHours, now: datetime) -> Q:
    """Say of orders: their market trades, and they work in this part of the day."""
    is_theirs = Q(instrument__mic__in=hours.open_mics(now)) | Q(
        instrument__mic__in=hours.extended_mics(now), extended_hours=True
    )
    return is_theirs & Q(instrument__status=InstrumentStatus.ACTIVE)


def _may_be_worked(hours: SessionHours, now: datetime) -> Q:
    """Say of orders: their market trades, or their time was over before they were seen."""
    found = _trades(hours, now) | Q(expires_at__lte=now)
    for extended in (False, True):
        of_a_day = Q(time_in_force__in=BY_SESSION, extended_hours=extended)
        for mic, closed_at in hours.last_closes(now, extended_hours=extended).items():
            found |= of_a_day & Q(instrument__mic=mic, accepted_at__lt=closed_at)
    return found
