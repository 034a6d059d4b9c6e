"""Orders come in and are asked to go. Only the engine fills and closes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from msgspec.structs import replace

from accounts.models import CashBalance, User
from accounts.services import lock_accounts
from bengi.access import require
from bengi.ahead import sent_ahead
from bengi.audit.services import note
from bengi.bulk import insert_rows, update_rows
from bengi.bus import ACCOUNT, NUDGE, get_bus
from bengi.crash_points import crash_point
from bengi.errors import BengiError, Conflict, Malformed, NotFound, Refused
from bengi.events.selectors import newest_seq
from bengi.events.services import Log, NewEvent, append
from bengi.ids import new_id
from bengi.instances import made
from bengi.money import ZERO, plain
from bengi.realtime.publish import hints_of
from bengi.retries import retried
from bengi.terms import Leg, OrderStatus, OrderType, Side
from instruments.models import Instrument
from orders import lifecycle
from orders.acceptance import accepted, held
from orders.facts import Facts
from orders.group_rules import check_ticket
from orders.groups import join, leg_tickets
from orders.models import Order
from orders.payloads import order_payload, order_state
from orders.rules import cash_needed, first_stop, protection_price
from orders.tickets import Desk, OrderTicket, read_desk
from orders.twins import likeness_of
from portfolios.models import Position

CANCEL = "orders.cancel_any_order"
"""The permission to ask for anybody's orders to be canceled."""

PART = 50
"""Orders that are written while the next ones are judged: PostgreSQL has a processor of its own."""

NO_STEPS: Mapping[UUID, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Placement:
    """An accepted order; replayed when its key had made this very order before."""

    order: Order
    replayed: bool = False


class News:
    """What has been logged in a transaction, for whoever waits to hear of it."""

    def __init__(self) -> None:
        self._heads: dict[UUID, int] = {}
        self._shards: set[int] = set()

    def of(
        self,
        told: Sequence[tuple[Order, str]],
        now: datetime,
        steps: Mapping[UUID, dict[str, Any]],
        log: Log | None = None,
    ) -> None:
        """Log each order's event, as tell_each() does; log: as append() takes it."""
        self._shards |= {order.instrument.shard for order, _ in told}
        self._heads |= append([_event(*each, now, steps) for each in told], log)

    def after_commit(self) -> None:
        """Let the engines and the streams know once it is durable."""
        if self._heads:
            transaction.on_commit(self._wake, robust=True)

    def _wake(self) -> None:
        crash_point("accept.committed")
        get_bus().publish_together({NUDGE: sorted(self._shards), ACCOUNT: hints_of(self._heads)})


def _event(
    order: Order, event: str, now: datetime, steps: Mapping[UUID, dict[str, Any]]
) -> NewEvent:
    payload: dict[str, Any] = {
        "order": order_payload(order, order.instrument.symbol),
        "state": order_state(order),
    }
    if order.id in steps:
        payload["steps"] = [steps[order.id]]
    return NewEvent(order.account_id, event, payload, now, subject=order.id)


def place_order(ticket: OrderTicket, *, now: datetime) -> Placement:
    """Accept one order or raise why not: Refused (all failing rules), Malformed, Forbidden."""
    (answer,) = place_orders([ticket], now=now)
    if isinstance(answer, BengiError):
        raise answer
    return answer


@retried
def place_orders(tickets: Sequence[OrderTicket], *, now: datetime) -> list[Placement | BengiError]:
    """Accept or refuse each ticket, in order; the answers stand in the order of the tickets.

    An accepted order is durable with its reservation and event when this returns; a refused one
    leaves no trace. A fixed number of statements for every PART tickets. The shards are nudged
    after commit.
    """
    return place_within(tickets, now=now)


def place_within(tickets: Sequence[OrderTicket], *, now: datetime) -> list[Placement | BengiError]:
    """Do what place_orders() does, in the caller's transaction, which commits or fails whole."""
    desk, answers = read_desk(tickets, None, now), list[Placement | BengiError]()
    news = News()
    with sent_ahead():
        for first in range(0, len(tickets), PART):
            part = [_answer(desk, ticket, now) for ticket in tickets[first : first + PART]]
            new = [a.order for a in part if isinstance(a, Placement) and not a.replayed]
            _save(desk, new, now, news)
            answers += part
    if desk.stale:
        transaction.on_commit(desk.tell_stale, robust=True)
    news.after_commit()
    crash_point("accept.saved")
    return answers


@retried
def request_cancel(order_id: UUID, user: User, *, now: datetime) -> Order:
    """Ask the engine to cancel an order of the user's, and return it pending.

    Asked again it changes nothing. Raises NotFound for an absent order or another user's, and
    Conflict order_not_cancelable for a closed one.
    """
    return _cancel(Order.objects.filter(id=order_id, account__user=user), now)[0]


@retried
def request_cancel_by_staff(order_id: UUID, by: User, *, reason: str, now: datetime) -> Order:
    """Ask the engine to cancel anybody's order, for a reason, and return it pending.

    Asked again it changes nothing. Raises Forbidden, Malformed without a reason, and what
    request_cancel() raises.
    """
    require(by, CANCEL)
    if not reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    order, is_asked = _cancel(Order.objects.filter(id=order_id), now)
    if is_asked:
        note(
            "order.cancel_requested",
            by=by,
            now=now,
            target=f"order {order.id}",
            details={"symbol": order.instrument.symbol, "reason": reason.strip()},
            event=newest_seq(order.account_id, "order.pending_cancel"),
        )
    return order


def _cancel(found: QuerySet[Order], now: datetime) -> tuple[Order, bool]:
    """Ask for the order found to be canceled; say whether that is news."""
    key = found.values_list("id", "account_id").first()
    if key is None:
        raise NotFound
    order_id, account_id = key
    lock_accounts([account_id])
    order = Order.objects.select_related("instrument", "replaces").get(id=order_id)
    if not order.is_open:
        detail = f"The order is {order.status} already."
        raise Conflict("order_not_cancelable", detail, order_status=str(order.status))
    if order.status == OrderStatus.PENDING_CANCEL:
        return order, False
    if order.waits_to_replace:
        detail = "The order waits to replace another; cancel that one."
        raise Conflict("order_not_cancelable", detail, order_status=str(order.status))
    lifecycle.check(OrderStatus(order.status), OrderStatus.PENDING_CANCEL)
    order.status = OrderStatus.PENDING_CANCEL
    order.updated_at = max(now, order.updated_at)
    order.save(update_fields=["status", "updated_at"])
    tell([order], "order.pending_cancel", now)
    crash_point("cancel.saved")
    return order, True


def _answer(desk: Desk, ticket: OrderTicket, now: datetime) -> Placement | BengiError:
    known = desk.known.get((ticket.account_id, ticket.client_order_id))
    if known is not None:
        return _replay(known, ticket)
    instrument = desk.instruments.get(ticket.symbol.upper())
    if instrument is None:
        detail = f"There is no instrument {ticket.symbol}."
        return Refused("unknown_symbol", detail, field="symbol")
    facts = desk.facts(ticket, instrument, now)
    errors = check_ticket(facts)
    if errors:
        return errors[0] if len(errors) == 1 else Refused(errors=errors)
    return Placement(_accept(desk, ticket, instrument, facts, now))


def _replay(known: Order, ticket: OrderTicket) -> Placement | BengiError:
    if known.body_hash == ticket.body_hash:
        return Placement(known, replayed=True)
    detail = "This client_order_id belongs to another order already."
    return Refused("idempotency_mismatch", detail, field="client_order_id")


def _accept(
    desk: Desk, ticket: OrderTicket, instrument: Instrument, facts: Facts, now: datetime
) -> Order:
    """Reserve what the order may need, on the desk's rows, and return the order to write.

    Its legs are left on the desk. They are made before it, so that lists, newest first, show them
    below it.
    """
    asked = leg_tickets(ticket)
    judged = {leg: _as_leg(desk.facts(asked[leg], instrument, now), leg) for leg in reversed(asked)}
    legs = {leg: draft(desk, asked[leg], instrument, judged[leg], now) for leg in judged}
    order = draft(desk, ticket, instrument, facts, now)
    if legs:
        join(order, legs)
    order.reserved = _reserve(desk, ticket, order, facts)
    tick = desk.quotes.get(instrument.symbol)
    desk.steps[order.id] = accepted(order, facts, tick)
    for leg, one in legs.items():
        first_step = held if one.status == OrderStatus.HELD else accepted
        desk.steps[one.id] = first_step(one, judged[leg], tick)
    if legs:
        desk.legs[order.id] = list(legs.values())
    desk.known[ticket.account_id, ticket.client_order_id] = order
    for one in (*legs.values(), order):
        desk.recent[likeness_of(one)] = one.id
        desk.open_orders[ticket.account_id, instrument.id, str(one.side)] += 1
        desk.open_in_all[ticket.account_id] += 1
    return order


def _as_leg(facts: Facts, leg: Leg) -> Facts:
    return replace(facts, ticket=replace(facts.ticket, leg=leg))


def draft(
    desk: Desk, ticket: OrderTicket, instrument: Instrument, facts: Facts, now: datetime
) -> Order:
    """Return the order of a ticket as accepted; nothing is reserved for it yet."""
    quote, tick_size = facts.quote, instrument.tick_size
    protection = protection_price(facts.ticket, quote.ask, tick_size, quote.last)
    is_trailing = ticket.type is OrderType.TRAILING_STOP
    account = desk.accounts[ticket.account_id]
    schedule = desk.costs.row(account, instrument.mic, now)
    return made(
        Order,
        {"instrument": instrument, "fee_schedule": schedule},
        id=new_id(),
        account_id=ticket.account_id,
        portfolio_id=ticket.portfolio_id,
        instrument_id=instrument.id,
        client_order_id=ticket.client_order_id,
        body_hash=ticket.body_hash,
        side=ticket.side,
        type=ticket.type,
        time_in_force=ticket.time_in_force,
        quantity=ticket.quantity if ticket.notional is None else facts.ticket.quantity,
        notional=ticket.notional,
        extended_hours=ticket.extended_hours,
        limit_price=ticket.limit_price,
        stop_price=first_stop(facts.ticket, quote.last, tick_size),
        trail_price=ticket.trail_price,
        trail_percent=ticket.trail_percent,
        expires_at=ticket.expires_at,
        order_class=ticket.order_class,
        high_water_mark=quote.last if is_trailing else None,
        protection_price=protection,
        fee_schedule_id=schedule.id,
        month_volume=facts.account.schedule.month_volume,
        realism=account.realism,
        lots=[{"lot_id": str(p.lot_id), "quantity": plain(p.quantity)} for p in ticket.lots],
        status=OrderStatus.ACCEPTED,
        accepted_at=now,
        updated_at=now,
    )


def _reserve(desk: Desk, ticket: OrderTicket, order: Order, facts: Facts) -> Decimal:
    """Hold cash for a buy, shares for a sell; return the cash held."""
    if ticket.side is Side.SELL:
        holding = (ticket.portfolio_id, order.instrument_id)
        desk.positions[holding].reserved_quantity += order.quantity
        for pick in ticket.lots:
            desk.lots[holding][pick.lot_id] -= pick.quantity
        return ZERO
    needed = cash_needed(facts)
    assert needed is not None, "every buy has a price it cannot pay more than"
    balance = desk.balances[ticket.account_id, facts.instrument.currency]
    balance.reserved += needed
    assert balance.reserved <= balance.amount, "the rules let only covered orders through"
    return needed


def _save(desk: Desk, orders: list[Order], now: datetime, news: News) -> None:
    """Write orders with their legs, what they reserve and their events."""
    if not orders:
        return
    legs = [leg for order in orders for leg in desk.legs.get(order.id, ())]
    buys = [order for order in orders if order.side == Side.BUY]
    sells = [order for order in orders if order.side == Side.SELL]
    owed = {(order.account_id, order.instrument.currency) for order in buys}
    sold = {(order.portfolio_id, order.instrument_id) for order in sells}
    told = [
        (one, "order.held" if one.status == OrderStatus.HELD else "order.accepted")
        for order in orders
        for one in (order, *desk.legs.get(order.id, ()))
    ]
    insert_rows(Order, [*orders, *legs])
    update_rows(CashBalance, [desk.balances[each] for each in owed], ["reserved"])
    update_rows(Position, [desk.positions[each] for each in sold], ["reserved_quantity"])
    news.of(told, now, desk.steps, desk.log)


def tell(
    orders: Sequence[Order],
    event: str,
    now: datetime,
    steps: Mapping[UUID, dict[str, Any]] = NO_STEPS,
) -> None:
    """Log the same event of each order, as tell_each() does."""
    tell_each([(order, event) for order in orders], now, steps)


def tell_each(
    told: Sequence[tuple[Order, str]],
    now: datetime,
    steps: Mapping[UUID, dict[str, Any]] = NO_STEPS,
) -> None:
    """Log each order's event and, after commit, wake the engine and the streams.

    steps: what to tell of an order, by its id, beyond how it stands now.
    """
    news = News()
    news.of(told, now, steps)
    news.after_commit()
