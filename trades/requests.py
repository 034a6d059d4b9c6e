"""What there is to work on: ticks, new orders and requests, each at the moment it happened."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Q, QuerySet

from bengi.ahead import sent_ahead
from bengi.bulk import has_arrays, lead, read_rows
from bengi.compiled import MOMENT, Compiled
from bengi.terms import InstrumentStatus, Leg, MessageKind, OrderStatus, TimeInForce
from instruments.models import Instrument
from instruments.quotes import Tick
from orders.models import Order
from orders.rules import AT_A_MOMENT
from trades.groups import members_of
from trades.session import SessionHours

BY_SESSION = frozenset({TimeInForce.DAY, *AT_A_MOMENT})
"""The times in force of orders that end with a session."""

Mics = tuple[str, ...]
Closes = tuple[tuple[str, datetime], ...]


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
    asked = (
        shard_id,
        tuple(hours.open_mics(now)),
        tuple(hours.extended_mics(now)),
        tuple(hours.last_closes(now).items()),
        tuple(hours.last_closes(now, extended_hours=True).items()),
    )
    # Requests are read first: what is asked for in between then hides its order from this batch,
    # instead of meeting it in the very batch that takes the order up.
    found = (_together if has_arrays() else _in_turn)(asked, now, limit, standing)
    members = members_of(found)
    return [
        Command.of_order(
            order,
            since(order.instrument.mic),
            members[order.group_id] if order.group_id else (),
        )
        for order in found
    ]


Asked = tuple[int, Mics, Mics, Closes, Closes]
"""A shard, the exchanges that trade, those that trade with extended hours alone, and when the
others have closed, without extended hours and with them.
"""

_WANTED = (OrderStatus.PENDING_CANCEL, OrderStatus.HELD, OrderStatus.ACCEPTED)
"""The status of what is asked for: cancels, replacements, new orders."""


def _queries(asked: Asked, now: datetime, limit: int) -> list[QuerySet[Order]]:
    """Return what asks for the first cancels, replacements and new orders, by id."""
    shard_id, open_mics, extended_mics, *_ = asked
    trades = _trades(open_mics, extended_mics)
    waiting = Order.objects.filter(instrument__shard=shard_id, closed_at__isnull=True)
    new = waiting.filter(_may_be_worked(asked, now), status=OrderStatus.ACCEPTED)
    new = new.exclude(leg=Leg.STOP_LOSS)
    cancels = waiting.filter(status=OrderStatus.PENDING_CANCEL)
    replacements = waiting.filter(
        Q(group_id__isnull=True) | Q(replaces__priority__isnull=True) | trades,
        status=OrderStatus.HELD,
        replaces__status=OrderStatus.PENDING_REPLACE,
    )
    return [each.order_by("id")[:limit] for each in (cancels, replacements, new)]


def _in_turn(asked: Asked, now: datetime, limit: int, standing: set[str]) -> list[Order]:
    found: list[Order] = []
    for status, query in zip(_WANTED, _queries(asked, now, limit), strict=True):
        if status in standing:
            of_replaced = ("replaces",) if status == OrderStatus.HELD else ()
            found += query.select_related("instrument", *of_replaced)
    return [o for o in found if o.status != OrderStatus.HELD or o.waits_to_replace]


def _together(asked: Asked, now: datetime, limit: int, standing: set[str]) -> list[Order]:
    """Ask for ids in turn, then for their rows: a join costs more than a second statement.

    What has another status by then has been asked for something, and is found by the next look.
    """
    questions = zip(_WANTED, _compiled(asked, limit), strict=True)
    ids = {status: each.ask(now) for status, each in questions if status in standing}
    wanted = {id_: status for status, rows in ids.items() for id_, *_ in rows}
    if not wanted:
        return []
    with sent_ahead():
        rows = read_rows(Order, "id", wanted)
        told = [row for of in ids.values() for row in of]
        instruments = read_rows(Instrument, "id", {each for _, each, _ in told})
        replaced = read_rows(Order, "id", {each for _, _, each in told} - {None})
    found = sorted((o for o in rows if o.status == wanted[o.id]), key=_turn)
    lead(found, "instrument", instruments)
    lead(found, "replaces", replaced)
    return [o for o in found if o.status != OrderStatus.HELD or o.waits_to_replace]


def _turn(order: Order) -> tuple[int, UUID]:
    return _WANTED.index(OrderStatus(order.status)), order.id


@lru_cache(maxsize=64)
def _compiled(asked: Asked, limit: int) -> list[Compiled]:
    return [
        Compiled(query.values_list("id", "instrument_id", "replaces_id"))
        for query in _queries(asked, MOMENT, limit)
    ]


def _standing(shard_id: int) -> set[str]:
    """Return in which states that ask for something the shard has open orders.

    Mostly in none, or in one: a glance costs less than the three questions that follow from it.
    Whoever asks for something after it nudges the engine once that is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GLANCE, [shard_id])
        return {status for (status,) in cursor.fetchall()}


def read_halted(shard_id: int) -> set[str]:
    """Return the ids of the shard's instruments that nobody may trade now."""
    if has_arrays():
        return {str(instrument_id) for (instrument_id,) in _compiled_halted(shard_id).ask()}
    return {str(instrument_id) for (instrument_id,) in _halted(shard_id)}


def _halted(shard_id: int) -> QuerySet[Instrument, tuple[UUID]]:
    halted = Instrument.objects.filter(shard=shard_id).exclude(status=InstrumentStatus.ACTIVE)
    return halted.values_list("id")


@lru_cache(maxsize=64)
def _compiled_halted(shard_id: int) -> Compiled:
    return Compiled(_halted(shard_id))


def _trades(open_mics: Mics, extended_mics: Mics) -> Q:
    """Say of orders: their market trades, and they work in this part of the day."""
    is_theirs = Q(instrument__mic__in=open_mics) | Q(
        instrument__mic__in=extended_mics, extended_hours=True
    )
    return is_theirs & Q(instrument__status=InstrumentStatus.ACTIVE)


def _may_be_worked(asked: Asked, now: datetime) -> Q:
    """Say of orders: their market trades, or their time was over before they were seen."""
    _, open_mics, extended_mics, *closes = asked
    found = _trades(open_mics, extended_mics) | Q(expires_at__lte=now)
    for extended, closed in zip((False, True), closes, strict=True):
        of_a_day = Q(time_in_force__in=BY_SESSION, extended_hours=extended)
        for mic, closed_at in closed:
            found |= of_a_day & Q(instrument__mic=mic, accepted_at__lt=closed_at)
    return found
