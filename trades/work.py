"""The desk: one shard's markets in memory, and the commands they are worked with."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple
from uuid import UUID

from bengi.terms import Leg, TimeInForce
from instruments.corporate_actions import newest_splits
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.realism import Profile, profile_of
from orders.models import OPEN_STATUSES, Order
from orders.rules import AT_A_MOMENT
from trades.decisions import Decision, seen_of
from trades.expiries import Expiries, ends_at, is_late, too_late
from trades.groups import Batch, join, members_of, replaced_unseen
from trades.looks import Heard, Looks
from trades.marks import Marks
from trades.matching.fixed import from_fixed, to_fixed
from trades.matching.market import Market
from trades.matching.outcomes import (
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
from trades.phases import Phases
from trades.replacing import left_to, only_wants_less
from trades.requests import Command
from trades.session import SessionHours
from trades.setting_aside.culprits import Unrestorable, Unturned
from trades.street_quotes import street_quote
from trades.working_orders import working_order

A_MOMENT = timedelta(microseconds=1)


class Watched(NamedTuple):
    """Whose an order at work is, of what, and how the street trades with it.

    since: when it was accepted or, later, last decided on; nothing happens to it before.
    """

    account_id: UUID
    instrument_id: str
    profile: Profile
    since: datetime


class Desk:
    """Markets and expiries of one shard, in memory; restore() builds them from the database.

    An instrument gets a market with its first order; until then only its newest tick is kept.
    guard_s_min: no profile's guard against old quotes is shorter.
    """

    def __init__(self, shard_id: int, hours: SessionHours, guard_s_min: int = 0) -> None:
        self._shard_id = shard_id
        self._hours = hours
        self._guard_s_min = guard_s_min
        self._halted = set[str]()
        self._mics = dict[str, str]()
        self._markets = dict[str, Market]()
        self._unseen = dict[str, Tick]()
        self._split_at = dict[str, datetime]()
        self._orders = dict[str, Watched]()
        self._expiries = Expiries()
        self._batch = Batch()
        self._places = count(1)
        self._phases = Phases(hours)
        self._marks = Marks()
        self._looks = Looks()

    def restore(self, now: datetime, without: Collection[str] = ()) -> None:
        """Put every open order the engine had seen back, in queue order; quotes come anew.

        without: ids of orders that were set aside; they stay out, and so do their groups. Raises
        Unrestorable.
        """
        self._split_at = newest_splits(self._shard_id, now)
        self._phases.start(now)
        rows = Order.objects.filter(
            instrument__shard=self._shard_id,
            status__in=OPEN_STATUSES,
            closed_at__isnull=True,
            priority__isnull=False,
        )
        if without:
            of_them = Order.objects.filter(id__in=without, group_id__isnull=False)
            rows = rows.exclude(id__in=without)
            rows = rows.exclude(group_id__in=list(of_them.values_list("group_id", flat=True)))
        seen = list(rows.select_related("instrument").order_by("priority"))
        for order in seen:
            try:
                self._restore(order)
            except Exception as error:
                raise Unrestorable(order.id) from error
        for members in members_of(seen).values():
            self._join(members)

    def _restore(self, order: Order) -> None:
        self._watch(order)
        working = self._working(order, order.priority or 0)
        self._market(order.instrument).restore(working)
        self._looks.restore(working, order.updated_at)

    def expiries(self, now: datetime) -> list[Command]:
        """Take out and return the expiries that are due."""
        return self._expiries.due(now)

    def turns(self, now: datetime) -> list[Command]:
        """Take out and return the sessions that have begun or ended; they come after expiries."""
        return [Command(at=at, rank=0, turn=mic) for at, mic in self._phases.due(now)]

    def since(self, mic: str) -> datetime:
        """Return when the part of the day began that the markets of an exchange are in."""
        return self._phases.since(mic)

    def put_back(self, commands: Sequence[Command]) -> None:
        """Let expiries and turns that were taken out and not worked be due again, in order."""
        self._expiries.put_back(commands)
        for command in commands:
            if command.turn is not None:
                self._phases.put_back(command.at, command.turn)

    def halt(self, instrument_ids: set[str]) -> None:
        """Let nobody trade these instruments; what their market said before is not good after.

        Where a halt is over the market takes up the part of the day that it is in by now.
        """
        for instrument_id in instrument_ids - self._halted:
            self._unseen.pop(instrument_id, None)
            if instrument_id in self._markets:
                self._markets[instrument_id].fall_silent()
        for instrument_id in self._halted - instrument_ids:
            if instrument_id in self._mics:
                self._phases.look_again(self._mics[instrument_id])
        self._halted = instrument_ids

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
            elif command.turn is not None:
                decisions += self._turn(command.turn, command.at)
        return decisions + self._trailed(self._marks.due(now))

    def _tick(self, tick: Tick, now: datetime) -> list[Decision]:
        """Let the market hear a tick; one that comes too late is old news and fills nothing."""
        is_halted = tick.instrument_id in self._halted
        if is_halted or not self._phases.hears(self._mic(tick), tick.as_of):
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
        outcomes = market.on_quote(self._quote(tick, market), now)
        outcomes = self._marks.hold_back(outcomes, tick.as_of)
        if market.quote is not before[0]:
            self._looks.hear(market, now, tick.last)
        return self._decided(market, outcomes, tick.as_of, before=before)

    def _turn(self, mic: str, at: datetime) -> list[Decision]:
        """Let the session begin or end in every market of an exchange; the last quote is over.

        Where trading is halted nothing trades that meets then, and nothing is lost.
        """
        self._phases.turn(mic, at)
        decisions: list[Decision] = []
        for key, market in self._markets.items():
            if self._mics[key] == mic:
                try:
                    decisions += self._enter_phase(market, mic, at)
                except Exception as error:
                    raise Unturned(key) from error
        return decisions

    def _enter_phase(self, market: Market, mic: str, at: datetime) -> list[Decision]:
        if self._phases.is_outside(mic):
            market.leave_session()
            outcomes: list[Outcome] = []
        elif market.instrument_id in self._halted:
            return []
        else:
            outcomes = market.enter_session()
        decisions = self._decided(market, outcomes, at)
        self._looks.hear(market, at, self._looks.heard(market)[2])
        return decisions

    def _trailed(self, due: Iterable[tuple[Trailed, datetime]]) -> list[Decision]:
        found = []
        for outcome, at in due:
            market = self._markets[self._orders[outcome.order_id].instrument_id]
            found += self._decided(market, [outcome], at)
        return found

    def _submit(self, order: Order, members: Sequence[Order], now: datetime) -> list[Decision]:
        """Work a new order, and with an oco both: its stop, which sleeps, before its limit."""
        if str(order.id) in self._batch.over:
            return []
        self._watch(order)
        market = self._market(order.instrument)
        workings = self._join(members)
        if is_late(order, self._hours, now):
            outcomes = market.settle([too_late(order)])
            return self._decided(market, outcomes, now, (str(order.id), next(self._places)))
        workings.setdefault(str(order.id), self._working(order, 0))
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
        return join(market, [(o, market.find(str(o.id)) or self._working(o, 0)) for o in found])

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
        waits as accepted while its market is closed; one whose time is over by now is over. A leg
        that is held goes on waiting for its entry.
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
        working = self._working(new, next(self._places))
        working.leaves = left
        if at_work is not None and at_work.mark is not None:
            working.mark = at_work.mark
            working.stop = stop_behind(working)
        groups.pass_on(old_id, working)
        has_ended = is_late(new, self._hours, now)
        kept = [] if has_ended or not only_wants_less(old, new) else market.swap(old_id, working)
        if not kept:
            market.cancel(old_id)
        resized = [Resized(leg, left, "entry_replaced") for leg in legs]
        resized = resized if new.quantity != old.quantity else []
        decisions = self._decided(market, [Replaced(old_id, new_id), *resized], now)
        is_open = self._may_trade(new, now)
        if is_open or kept or is_held:
            self._watch(new)
        if is_held or not (kept or is_open):
            return decisions
        if working.mark is not None and working.stop is not None:
            moved = Trailed(new_id, working.mark, working.stop)
            decisions += self._decided(market, [moved], now)
        if has_ended:
            outcomes = market.settle([too_late(new)])
        else:
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
        if is_head and self._may_trade(new, now):
            decisions += self._submit(new, members, now)
        return decisions

    def _expire(self, order_id: str, at: datetime) -> list[Decision]:
        if order_id not in self._orders:
            return []
        market = self._markets[self._orders[order_id].instrument_id]
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
        """Say of each outcome whose it is and what was seen. before: the tick that decided came.

        at: when what decided happened. A tick that comes late may tell of a moment before an order
        was there that it decides on; then it counts from when the last of these was.
        """
        if not outcomes:
            return []
        at = max(at, *(self._orders[outcome.order_id].since for outcome in outcomes))
        heard = self._looks.heard(market)
        before = before or heard
        found = []
        for outcome in outcomes:
            watched = self._orders[outcome.order_id]
            self._orders[outcome.order_id] = watched._replace(since=at)
            priority = outcome.priority if isinstance(outcome, Released) else None
            if queued is not None and queued[0] == outcome.order_id:
                priority = queued[1]
            found.append(
                Decision(
                    account_id=watched.account_id,
                    outcome=outcome,
                    decided_at=at,
                    seen=seen_of(market.view(watched.profile), heard[2]),
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
                self._expiries.forget(outcome.order_id)
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
        profile = profile_of(order.realism, self._guard_s_min)
        instrument_id, since = str(order.instrument_id), order.updated_at
        self._orders[order_id] = Watched(order.account_id, instrument_id, profile, since)
        over_at = ends_at(order, self._hours)
        if over_at is not None:
            self._expiries.add(order, over_at)

    def _may_trade(self, order: Order, now: datetime) -> bool:
        mic, extended = order.instrument.mic, order.extended_hours
        is_halted = str(order.instrument_id) in self._halted
        if is_halted or (self._phases.is_outside(mic) and not extended):
            return False
        return self._hours.works(mic, now, extended_hours=extended)

    def _working(self, order: Order, priority: int) -> WorkingOrder:
        return working_order(order, priority, self._guard_s_min)

    def _quote(self, tick: Tick, market: Market) -> StreetQuote:
        return street_quote(
            tick,
            mic=self._mic(tick),
            mode=self._hours.mode,
            tick_size=from_fixed(market.tick),
        )

    def _market(self, instrument: Instrument) -> Market:
        key = str(instrument.id)
        market = self._markets.get(key)
        if market is None:
            market = Market(
                key,
                instrument.has_feed,
                tick=to_fixed(instrument.tick_size),
                step=to_fixed(instrument.quantity_step),
                places=iter(lambda: next(self._places), None),
            )
            self._mics[key] = instrument.mic
            if self._phases.is_outside(instrument.mic):
                market.leave_session()
            tick = self._unseen.pop(key, None)
            if tick is not None and self._phases.hears(instrument.mic, tick.as_of):
                market.on_quote(self._quote(tick, market), tick.as_of)
                self._looks.hear(market, tick.as_of, tick.last)
            self._markets[key] = market
        return market

    def _mic(self, tick: Tick) -> str:
        mic = self._mics.get(tick.instrument_id)
        if mic is None:
            mic = Instrument.objects.values_list("mic", flat=True).get(id=tick.instrument_id)
            self._mics[tick.instrument_id] = mic
        return mic
