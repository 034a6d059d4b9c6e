"""The desk: one shard's markets in memory, and the commands they are worked with."""

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import UUID

import msgspec
from django.db.models import Q

from bengi.terms import Leg, OrderStatus, OrderType, Side, TimeInForce
from instruments.corporate_actions import newest_splits
from instruments.models import Instrument
from instruments.quotes import Tick
from orders.models import OPEN_STATUSES, Order
from orders.rules import AT_A_MOMENT
from trades.decisions import Decision, seen_of
from trades.groups import Batch, join, members_of, replaced_unseen
from trades.looks import Heard, Looks
from trades.marks import Marks
from trades.matching.fixed import to_fixed
from trades.matching.market import Market
from trades.matching.outcomes import (
    Expired,
    NotReplaced,
    Outcome,
    Released,
    Replaced,
    Resized,
    Trailed,
    canceled,
    is_over,
)
from trades.matching.trails import stop_behind
from trades.matching.working import StreetQuote, WorkingOrder
from trades.replacing import left_to, only_wants_less
from trades.session import SessionHours

A_MOMENT = timedelta(microseconds=1)
_BY_SESSION = frozenset({TimeInForce.DAY, *AT_A_MOMENT})


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
    members: Sequence[Order] = ()

    @classmethod
    def of_tick(cls, tick: Tick) -> "Command":
        return cls(at=tick.as_of, rank=2, tick=tick)

    @classmethod
    def of_order(cls, order: Order, members: Sequence[Order] = ()) -> "Command":
        if order.status == OrderStatus.PENDING_CANCEL:
            return cls(at=order.updated_at, rank=1, cancel=order, members=members)
        if order.status == OrderStatus.HELD:
            return cls(at=order.accepted_at, rank=1, replace=order, members=members)
        return cls(at=order.accepted_at, rank=3, submit=order, members=members)


def read_requests(shard_id: int, hours: SessionHours, now: datetime, limit: int) -> list[Command]:
    """Return the shard's new orders that can be worked now, and all its cancel requests.

    The stop of an oco comes with its take profit, the legs of an entry with that. What is to
    replace an order of a group that is at work waits for the session.
    """
    waiting = Order.objects.filter(
        instrument__shard=shard_id, closed_at__isnull=True
    ).select_related("instrument")
    new = waiting.filter(_may_be_worked(hours, now), status=OrderStatus.ACCEPTED)
    new = new.exclude(leg=Leg.STOP_LOSS)
    cancels = waiting.filter(status=OrderStatus.PENDING_CANCEL)
    replacements = waiting.filter(
        Q(group_id__isnull=True)
        | Q(replaces__priority__isnull=True)
        | Q(instrument__mic__in=hours.open_mics(now)),
        status=OrderStatus.HELD,
        replaces__status=OrderStatus.PENDING_REPLACE,
    ).select_related("replaces")
    found = [*cancels.order_by("id")[:limit], *new.order_by("id")[:limit]]
    found += replacements.order_by("id")[:limit]
    members = members_of(found)
    return [
        Command.of_order(order, members[order.group_id] if order.group_id else ())
        for order in found
    ]


def _may_be_worked(hours: SessionHours, now: datetime) -> Q:
    """Say of orders: their market is open, or their time was over before they were seen."""
    found = Q(instrument__mic__in=hours.open_mics(now)) | Q(expires_at__lte=now)
    for mic, closed_at in hours.last_closes(now).items():
        of_a_day = Q(time_in_force__in=_BY_SESSION, accepted_at__lt=closed_at)
        found |= Q(instrument__mic=mic) & of_a_day
    return found


class Desk:
    """Markets and expiries of one shard, in memory; restore() builds them from the database.

    An instrument gets a market with its first order; until then only its newest tick is kept.
    """

    def __init__(self, shard_id: int, max_quote_age: timedelta, hours: SessionHours) -> None:
        self._shard_id = shard_id
        self._max_quote_age = max_quote_age
        self._hours = hours
        self._mics = dict[str, str]()
        self._markets = dict[str, Market]()
        self._unseen = dict[str, Tick]()
        self._split_at = dict[str, datetime]()
        self._orders = dict[str, tuple[UUID, str]]()
        self._expiries: list[tuple[datetime, int, str]] = []
        self._batch = Batch()
        self._places = count(1)
        self._marks = Marks()
        self._looks = Looks(max_quote_age)

    def restore(self, now: datetime) -> None:
        """Put every open order the engine had seen back, in queue order; quotes come anew."""
        self._split_at = newest_splits(self._shard_id, now)
        rows = Order.objects.filter(
            instrument__shard=self._shard_id,
            status__in=OPEN_STATUSES,
            closed_at__isnull=True,
            priority__isnull=False,
        )
        seen = list(rows.select_related("instrument").order_by("priority"))
        for order in seen:
            self._watch(order)
            working = working_order(order, order.priority or 0)
            self._market(order.instrument).restore(working)
            self._looks.restore(working, order.updated_at)
        for members in members_of(seen).values():
            self._join(members)

    def expiries(self, now: datetime) -> list[Command]:
        """Take out and return the expiries that are due."""
        due = []
        while self._expiries and self._expiries[0][0] <= now:
            at, _, order_id = heapq.heappop(self._expiries)
            if order_id in self._orders:
                due.append(Command(at=at, rank=0, expire=order_id))
        return due

    def work(
        self, commands: Iterable[Command], now: datetime, next_priority: int
    ) -> list[Decision]:
        """Work commands in order and return what was decided, in order."""
        decisions: list[Decision] = []
        self._batch = Batch()
        self._places = count(next_priority)
        for command in commands:
            if command.tick is not None:
                decisions += self._tick(command.tick, now)
            elif command.submit is not None:
                decisions += self._submit(command.submit, command.members, now)
            elif command.cancel is not None:
                decisions += self._cancel(command.cancel, command.members, now)
            elif command.replace is not None:
                decisions += self._replace(command.replace, command.members, now)
            elif command.expire is not None:
                decisions += self._expire(command.expire, command.at)
        return decisions + self._trailed(self._marks.due(now))

    def _tick(self, tick: Tick, now: datetime) -> list[Decision]:
        """Let the market hear a tick; one that comes too late is old news and fills nothing."""
        if not self._hours.is_open(self._mic(tick), tick.as_of):
            return []
        split_at = self._split_at.get(tick.instrument_id)
        if split_at is not None and tick.as_of < split_at:  # a price of old shares
            return []
        market = self._markets.get(tick.instrument_id)
        if market is None:
            known = self._unseen.get(tick.instrument_id)
            if known is None or tick.as_of >= known.as_of:
                self._unseen[tick.instrument_id] = tick
            return []
        before = self._looks.heard(market)
        outcomes = self._marks.hold_back(market.on_quote(street_quote(tick), now), tick.as_of)
        if market.quote is not before[0]:
            self._looks.hear(market, now, tick.last)
        return self._decided(market, outcomes, tick.as_of, before=before)

    def _trailed(self, due: Iterable[tuple[Trailed, datetime]]) -> list[Decision]:
        found = []
        for outcome, at in due:
            market = self._markets[self._orders[outcome.order_id][1]]
            found += self._decided(market, [outcome], at)
        return found

    def _submit(self, order: Order, members: Sequence[Order], now: datetime) -> list[Decision]:
        """Work a new order, and with an oco both: its stop, which sleeps, before its limit."""
        if str(order.id) in self._batch.over:
            return []
        self._watch(order)
        market = self._market(order.instrument)
        workings = self._join(members)
        ends_at = self._ends_at(order)
        if ends_at is not None and ends_at <= now:
            outcomes = market.settle([_too_late(order)])
            return self._decided(market, outcomes, now, (str(order.id), next(self._places)))
        workings.setdefault(str(order.id), working_order(order, 0))
        decisions: list[Decision] = []
        for working in sorted(workings.values(), key=lambda working: not working.is_dormant):
            if working.leaves:
                working.priority = next(self._places)
                outcomes = market.submit(working, now)
                queued = (working.id, working.priority)
                decisions += self._decided(market, outcomes, now, queued)
        return decisions

    def _join(self, members: Sequence[Order]) -> dict[str, WorkingOrder]:
        """Let its market know a group that is new there; return its orders by id.

        What is held wants nothing yet. Who was replaced in this batch stands for another now.
        """
        found = self._batch.left_of(members)
        market = self._market(found[0].instrument) if found else None
        if market is None or {str(order.id) for order in found} & market.groups.of.keys():
            return {}
        for order in found:
            self._watch(order)
        return join(market, [(o, market.find(str(o.id)) or working_order(o, 0)) for o in found])

    def _cancel(self, order: Order, members: Sequence[Order], now: datetime) -> list[Decision]:
        """Cancel an order; one that this batch has filled or ended is over already."""
        order_id = str(order.id)
        if self._is_over(order):
            return []
        self._watch(order)
        market = self._market(order.instrument)
        self._join(members)
        outcomes = market.cancel(order_id) or market.settle([canceled(order_id, "user")])
        return self._decided(market, outcomes, now)

    def _replace(self, new: Order, members: Sequence[Order], now: datetime) -> list[Decision]:
        """Put a held order in the place of the one it replaces, unless that one is over already.

        A resting limit order that only wants less keeps its place; any other is worked as new, or
        waits as accepted while its market is closed. A leg that is held goes on waiting for its
        entry.
        """
        old = new.replaces
        assert old is not None
        old_id, new_id = str(old.id), str(new.id)
        if self._is_over(old):
            return []
        market = self._market(old.instrument)
        groups = market.groups
        if old.group_id is not None and old_id not in groups.of:
            return self._replace_unseen(old, new, members, now)
        self._watch(old)
        at_work = market.find(old_id)
        is_held, legs = groups.is_held(old_id), groups.held_legs(old_id)
        left = left_to(new, old, at_work)
        if (left <= 0 and not is_held) or (at_work is not None and at_work.triggered):
            return self._decided(market, [NotReplaced(old_id, new_id)], now)
        working = working_order(new, next(self._places))
        working.leaves = left
        if at_work is not None and at_work.mark is not None:
            working.mark = at_work.mark
            working.stop = stop_behind(working)
        groups.pass_on(old_id, working)
        kept = market.swap(old_id, working) if only_wants_less(old, new) else []
        if not kept:
            market.cancel(old_id)
        resized = [Resized(leg, left, "entry_replaced") for leg in legs]
        resized = resized if new.quantity != old.quantity else []
        decisions = self._decided(market, [Replaced(old_id, new_id), *resized], now)
        is_open = self._hours.is_open(new.instrument.mic, now)
        if is_open or kept or is_held:
            self._watch(new)
        if is_held or not (kept or is_open):
            return decisions
        if working.mark is not None and working.stop is not None:
            moved = Trailed(new_id, working.mark, working.stop)
            decisions += self._decided(market, [moved], now)
        outcomes = kept or market.submit(working, now)
        return decisions + self._decided(market, outcomes, now, (new_id, working.priority))

    def _replace_unseen(
        self, old: Order, new: Order, members: Sequence[Order], now: datetime
    ) -> list[Decision]:
        """Put an order in the place of another whose group has not come to its market yet."""
        for order in members:
            self._watch(order)
        self._batch.heirs[str(old.id)] = new
        market = self._market(old.instrument)
        decisions = self._decided(market, replaced_unseen(old, new, members), now)
        is_head = not new.waits_for_entry and new.leg != Leg.STOP_LOSS
        if is_head and self._hours.is_open(new.instrument.mic, now):
            decisions += self._submit(new, members, now)
        return decisions

    def _expire(self, order_id: str, at: datetime) -> list[Decision]:
        if order_id not in self._orders:
            return []
        market = self._markets[self._orders[order_id][1]]
        order = market.find(order_id)
        if order is None or order.time_in_force not in AT_A_MOMENT:
            return self._decided(market, market.expire([order_id]), at)
        if order.time_in_force is TimeInForce.OPG:
            return self._decided(market, market.cancel(order_id, "opg_remainder"), at)
        at -= A_MOMENT  # the last of the session, which ends before its close
        return self._decided(market, market.close(order_id, at), at)

    def _decided(
        self,
        market: Market,
        outcomes: Sequence[Outcome],
        at: datetime,
        queued: tuple[str, int] | None = None,
        before: Heard | None = None,
    ) -> list[Decision]:
        """Say of each outcome whose it is and what was seen. before: the tick that decided came."""
        if not outcomes:
            return []
        heard = self._looks.heard(market)
        before = before or heard
        seen = seen_of(market.quote, heard[2])
        found = []
        for outcome in outcomes:
            account_id, _ = self._orders[outcome.order_id]
            priority = outcome.priority if isinstance(outcome, Released) else None
            if queued is not None and queued[0] == outcome.order_id:
                priority = queued[1]
            found.append(
                Decision(
                    account_id=account_id,
                    outcome=outcome,
                    decided_at=at,
                    seen=seen,
                    priority=priority,
                    look=self._looks.at(market, outcome, at, before),
                )
            )
        for outcome in outcomes:
            if is_over(outcome):
                self._batch.over.add(outcome.order_id)
                self._orders.pop(outcome.order_id, None)
                self._marks.forget(outcome.order_id)
                self._looks.forget(outcome.order_id)
        return found

    def _is_over(self, order: Order) -> bool:
        """Say whether this batch, or one since the request was read, has ended an order."""
        order_id = str(order.id)
        was_seen = order.priority is not None
        return order_id in self._batch.over or (was_seen and order_id not in self._orders)

    def _watch(self, order: Order) -> None:
        """Remember whose order it is and when it expires."""
        order_id = str(order.id)
        if order_id in self._orders:
            return
        self._orders[order_id] = (order.account_id, str(order.instrument_id))
        ends_at = self._ends_at(order)
        if ends_at is not None:
            rank = 0 if order.time_in_force == TimeInForce.CLS else 1
            heapq.heappush(self._expiries, (ends_at, rank, order_id))

    def _ends_at(self, order: Order) -> datetime | None:
        """Return when the order's time is over; what is for the close comes before what expires."""
        if order.time_in_force in _BY_SESSION:
            return self._hours.closes_at(order.instrument.mic, order.accepted_at)
        return order.expires_at

    def _market(self, instrument: Instrument) -> Market:
        key = str(instrument.id)
        market = self._markets.get(key)
        if market is None:
            places = iter(lambda: next(self._places), None)
            market = Market(key, self._max_quote_age, instrument.has_feed, places)
            self._mics[key] = instrument.mic
            tick = self._unseen.pop(key, None)
            if tick is not None:
                market.on_quote(street_quote(tick, is_first=True), tick.as_of)
                self._looks.hear(market, tick.as_of, tick.last)
            self._markets[key] = market
        return market

    def _mic(self, tick: Tick) -> str:
        mic = self._mics.get(tick.instrument_id)
        if mic is None:
            mic = Instrument.objects.values_list("mic", flat=True).get(id=tick.instrument_id)
            self._mics[tick.instrument_id] = mic
        return mic


def _too_late(order: Order) -> Outcome:
    """Say what becomes of an order whose time was over before it could be worked."""
    if order.time_in_force in AT_A_MOMENT:
        return canceled(str(order.id), f"{order.time_in_force}_remainder")
    return Expired(str(order.id))


def working_order(order: Order, priority: int) -> WorkingOrder:
    cap = order.protection_price
    return WorkingOrder(
        id=str(order.id),
        account_id=str(order.account_id),
        side=Side(order.side),
        type=OrderType(order.type),
        time_in_force=TimeInForce(order.time_in_force),
        leaves=to_fixed(order.leaves_quantity),
        limit=_fixed(order.limit_price),
        stop=_fixed(order.stop_price),
        cap=_fixed(cap),
        priority=priority,
        triggered=order.triggered_at is not None,
        trail=_fixed(order.trail_price),
        trail_percent=_fixed(order.trail_percent),
        mark=_fixed(order.high_water_mark),
        tick=to_fixed(order.instrument.tick_size),
    )


def street_quote(tick: Tick, *, is_first: bool = False) -> StreetQuote:
    """Return the tick as the matcher hears it. is_first: nobody has taken of its sizes yet."""
    return StreetQuote(
        bid=_fixed(tick.bid),
        ask=_fixed(tick.ask),
        bid_size=to_fixed(tick.bid_size),
        ask_size=to_fixed(tick.ask_size),
        last=_fixed(tick.last) if tick.is_new_print else None,
        as_of=tick.as_of,
        is_new=is_first or tick.is_new_quote,
    )


def _fixed(value: Decimal | None) -> int | None:
    return None if value is None else to_fixed(value)
