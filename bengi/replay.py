"""Fold the event log from zero and compare the outcome with the tables, to the byte.

The fold writes nothing and reads nothing but events; the tables are then read the same way and
both become sorted lines of text. One line that differs is one line printed.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.models import CashBalance, LedgerEntry
from bengi.alert_replay import FoldedAlerts, fold_alert, folded_alert_lines, table_alert_lines
from bengi.calendar_replay import FoldedDays, fold_calendar, folded_day_lines, table_day_lines
from bengi.cash_replay import (
    FoldedCash,
    fold_cash,
    fold_settling,
    folded_cash_lines,
    table_cash_lines,
)
from bengi.control_replay import (
    FoldedControls,
    fold_controls,
    folded_control_lines,
    table_control_lines,
)
from bengi.corporate_replay import (
    FoldedActions,
    fold_action,
    fold_split,
    folded_action_lines,
    table_action_lines,
)
from bengi.correction_replay import (
    FoldedCorrections,
    fold_correction,
    folded_correction_lines,
    table_correction_lines,
)
from bengi.events.models import Event
from bengi.money import ZERO, plain
from bengi.owner_replay import (
    DELETED,
    OF_PORTFOLIOS,
    FoldedOwners,
    fold_owner,
    folded_owner_lines,
    table_owner_lines,
)
from bengi.terms import CostBasisMethod, LedgerBook, Leg, OrderClass, OrderStatus, Realism, Side
from instruments.models import Instrument
from orders.models import Order
from orders.payloads import order_payload, order_state
from portfolios.models import Lot, LotClosing, Portfolio, Position
from trades.models import Trade
from trades.payloads import trade_payload, trade_state

CLOSED = {
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.EXPIRED,
    OrderStatus.REPLACED,
    OrderStatus.REJECTED,
}


@dataclass(slots=True)
class Folded:
    """State as the events tell it. Keys and values are JSON-ready text."""

    events: int = 0
    unfoldable: list[str] = field(default_factory=list)
    cash: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    entries: list[tuple[str, ...]] = field(default_factory=list)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    trades: dict[str, dict[str, Any]] = field(default_factory=dict)
    lots: dict[str, dict[str, Any]] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    closings: dict[str, dict[str, Any]] = field(default_factory=dict)
    holdings: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    overrides: FoldedDays = field(default_factory=dict)
    settling: FoldedCash = field(default_factory=FoldedCash)
    corporate: FoldedActions = field(default_factory=FoldedActions)
    controls: FoldedControls = field(default_factory=FoldedControls)
    corrections: FoldedCorrections = field(default_factory=dict)
    owners: FoldedOwners = field(default_factory=FoldedOwners)
    alerts: FoldedAlerts = field(default_factory=dict)


def fold_log() -> Folded:
    """Fold every event of every stream, each stream in order of seq.

    What cannot be folded, because it builds on something that no event before it tells of, is kept
    as a line of its own, and the fold goes on: a log with a hole is looked at in one go.
    """
    state = Folded()
    for event in Event.objects.order_by("stream_id", "seq").iterator():
        try:
            fold(state, event.type, event.payload, str(event.stream_id))
        except LookupError as error:
            line = f"{event.type} {event.stream_id} {event.seq} builds on {error}: no event has it"
            state.unfoldable.append(line)
        state.events += 1
    return state


def fold(state: Folded, event_type: str, payload: dict[str, Any], stream_id: str) -> None:
    """Carry state forward by one event. Raises ValueError for a type it does not know."""
    fold_owner(state.owners, event_type, payload, stream_id)
    if event_type == "account.opened":
        state.cash[stream_id, payload["currency"]] += ZERO
        state.controls.realism[stream_id] = payload.get("realism", Realism.REALISTIC)
    elif fold_cash(state.settling, event_type, payload):
        _fold_transactions(state, payload.get("transactions", []))
    elif event_type in {"trade.executed", "trade.busted"}:
        _fold_trade(state, payload)
        fold_settling(state.settling, payload)
        _fold_transactions(state, payload["transactions"])
    elif event_type in OF_PORTFOLIOS:
        _fold_method(state, event_type, payload)
    elif event_type.startswith("order."):
        state.orders[payload["order"]["id"]] = _OLD_ORDER | payload["order"] | payload["state"]
    elif event_type == "portfolio.split_applied":
        fold_split(state.corporate, payload, state.holdings, state.lots, state.closings)
        _fold_transactions(state, payload["transactions"])
    elif event_type.startswith("alert."):
        fold_alert(state.alerts, event_type, payload, stream_id)
    elif fold_action(state.corporate, event_type, payload):
        _fold_transactions(state, payload.get("transactions", []))
    elif not _fold_staffs(state, event_type, payload, stream_id):
        raise ValueError(f"event type {event_type} is not known to the replay")


def _fold_method(state: Folded, event_type: str, payload: dict[str, Any]) -> None:
    if event_type == DELETED:
        state.methods.pop(payload["portfolio_id"], None)
    elif "cost_basis_method" in payload:
        state.methods[payload["portfolio_id"]] = payload["cost_basis_method"]


def _fold_staffs(state: Folded, event_type: str, payload: dict[str, Any], stream_id: str) -> bool:
    """Fold what staff have done, if the event tells of that."""
    if event_type.startswith("correction."):
        fold_correction(state.corrections, payload)
    elif event_type.startswith("calendar."):
        fold_calendar(state.overrides, event_type, payload)
    else:
        return fold_controls(state.controls, event_type, payload, stream_id)
    return True


_OLD_ORDER: dict[str, Any] = {
    "realism": str(Realism.REALISTIC),
    "notional": None,
    "extended_hours": False,
}
"""What events did not tell of an order from the beginning."""


def _fold_transactions(state: Folded, transactions: list[dict[str, Any]]) -> None:
    state.settling.transactions += transactions
    for new in transactions:
        for entry in new["entries"]:
            state.entries.append(
                (
                    new["kind"],
                    new["reference"],
                    entry["book"],
                    entry["account_id"] or "-",
                    entry["currency"],
                    entry["amount"],
                )
            )
            if entry["book"] == LedgerBook.CUSTOMER_CASH:
                key = (entry["account_id"], entry["currency"])
                state.cash[key] += Decimal(entry["amount"])


def _fold_trade(state: Folded, payload: dict[str, Any]) -> None:
    trade = {**payload["trade"], **payload["state"]}
    state.trades[trade["exec_id"]] = trade
    holding = (trade["portfolio_id"], trade["instrument_id"])
    sign = 1 if trade["side"] == Side.BUY else -1
    state.holdings[holding] += sign * Decimal(trade["quantity"])
    if payload["lot"]:
        lot = payload["lot"]
        state.lots[lot["id"]] = {
            "trade_id": trade["exec_id"],
            "holding": holding,
            "quantity": Decimal(lot["quantity"]),
            "cost": Decimal(lot["cost"]),
            "shift": ZERO,
            "busted_by": None,
        }
    if payload.get("busted_lot"):
        empty = {"quantity": ZERO, "cost": ZERO, "busted_by": trade["exec_id"]}
        state.lots[payload["busted_lot"]] |= empty
    for shift in payload.get("shifts", []):
        lot = state.lots[shift["lot_id"]]
        lot["cost"] += Decimal(shift["cost"])
        lot["shift"] += Decimal(shift["cost"])
    for closing in payload["closings"]:
        state.closings[closing["id"]] = closing | {"trade_id": trade["exec_id"]}
        lot = state.lots[closing["lot_id"]]
        lot["quantity"] -= Decimal(closing["quantity"])
        lot["cost"] -= Decimal(closing["cost"])


def differences(state: Folded) -> Iterator[str]:
    """Yield a line for everything that stands in the events or the tables, but not in both.

    Events that could not be folded come first.
    """
    yield from (f"cannot be folded: {line}" for line in state.unfoldable)
    folded, stored = set(_folded_lines(state)), set(_table_lines(state))
    yield from (f"events only: {line}" for line in sorted(folded - stored))
    yield from (f"tables only: {line}" for line in sorted(stored - folded))


def _folded_lines(state: Folded) -> Iterator[str]:
    reserved_cash, reserved_shares = _reserved(state)
    for (account_id, currency), amount in state.cash.items():
        held = reserved_cash[account_id, currency]
        yield f"cash {account_id} {currency} {plain(amount)} reserved {plain(held)}"
    for (portfolio_id, instrument_id), quantity in state.holdings.items():
        held = reserved_shares[portfolio_id, instrument_id]
        yield f"position {portfolio_id} {instrument_id} {plain(quantity)} reserved {plain(held)}"
    yield from (_line("order", order) for order in state.orders.values())
    yield from (_line("trade", trade) for trade in state.trades.values())
    for lot_id, lot in state.lots.items():
        left, cost, shift = plain(lot["quantity"]), plain(lot["cost"]), plain(lot["shift"])
        where, bust = f"{lot['trade_id']} {' '.join(lot['holding'])}", lot["busted_by"]
        yield f"lot {lot_id} {where} {left} {cost} {shift} busted by {bust}"
    for portfolio_id, method in state.methods.items():
        if method != CostBasisMethod.FIFO:
            yield f"portfolio {portfolio_id} {method}"
    yield from (_line("closing", closing) for closing in state.closings.values())
    yield from ("entry " + " ".join(entry) for entry in state.entries)
    yield from folded_correction_lines(state.corrections)
    yield from folded_day_lines(state.overrides)
    yield from folded_cash_lines(state.settling)
    yield from folded_action_lines(state.corporate)
    yield from folded_control_lines(state.controls)
    yield from folded_owner_lines(state.owners)
    yield from folded_alert_lines(state.alerts)


def _reserved(state: Folded) -> tuple[dict[Any, Decimal], dict[Any, Decimal]]:
    """Return the cash and the shares that open orders hold, by the events alone."""
    currencies = _currencies()
    cash: dict[Any, Decimal] = defaultdict(Decimal)
    shares: dict[Any, Decimal] = defaultdict(Decimal)
    for order in state.orders.values():
        if order["status"] in CLOSED:
            continue
        if order["side"] == Side.BUY:
            currency = currencies[order["instrument_id"]]
            cash[order["account_id"], currency] += Decimal(order["reserved"])
        else:
            shares[order["portfolio_id"], order["instrument_id"]] += _held_shares(state, order)
    return cash, shares


def _held_shares(state: Folded, order: dict[str, Any]) -> Decimal:
    """Return the shares that an open sell holds; one of the two legs of a pair holds them."""
    is_held = order["status"] == OrderStatus.HELD
    if order["leg"]:
        waits = order["parent_id"] and not order["released_at"]
        follows = order["leg"] == Leg.TAKE_PROFIT and order["order_class"] != OrderClass.OTO
        if is_held or waits or follows:
            return ZERO
    if is_held and order["replaces"]:
        total = Decimal(state.orders[order["replaces"]]["quantity"])
        return max(ZERO, Decimal(order["quantity"]) - total)
    worked = Decimal(order["filled_quantity"]) + Decimal(order["busted_quantity"])
    return Decimal(order["quantity"]) - worked


def _currencies() -> dict[str, str]:
    return {
        str(key): currency for key, currency in Instrument.objects.values_list("id", "currency")
    }


def _table_lines(state: Folded) -> Iterator[str]:
    for balance in CashBalance.objects.all():
        amount, held = plain(balance.amount), plain(balance.reserved)
        yield f"cash {balance.account_id} {balance.currency} {amount} reserved {held}"
    for position in Position.objects.all():
        held = plain(position.reserved_quantity)
        where = f"{position.portfolio_id} {position.instrument_id}"
        yield f"position {where} {plain(position.quantity)} reserved {held}"
    for order in Order.objects.select_related("instrument").iterator():
        yield _line("order", order_payload(order, order.instrument.symbol) | order_state(order))
    for trade in Trade.objects.select_related("instrument").iterator():
        yield _line("trade", trade_payload(trade, trade.instrument.symbol) | trade_state(trade))
    for lot in Lot.objects.iterator():
        left, cost = plain(lot.remaining_quantity), plain(lot.remaining_cost)
        where = f"{lot.trade_id} {lot.portfolio_id} {lot.instrument_id}"
        shift, bust = plain(lot.cost_shift), lot.busted_by
        yield f"lot {lot.id} {where} {left} {cost} {shift} busted by {bust}"
    for portfolio in Portfolio.objects.exclude(cost_basis_method=CostBasisMethod.FIFO):
        yield f"portfolio {portfolio.id} {portfolio.cost_basis_method}"
    yield from _table_closings()
    yield from table_correction_lines()
    yield from table_day_lines()
    yield from table_cash_lines()
    yield from table_action_lines()
    yield from table_control_lines(state.controls)
    yield from table_owner_lines(state.owners)
    yield from table_alert_lines(state.alerts)
    entries = LedgerEntry.objects.select_related("transaction")
    for entry in entries.iterator():
        kind, reference = entry.transaction.kind, entry.transaction.reference
        owner = str(entry.account_id) if entry.account_id else "-"
        amount = plain(entry.amount)
        yield f"entry {kind} {reference} {entry.book} {owner} {entry.currency} {amount}"


def _table_closings() -> Iterator[str]:
    for closing in LotClosing.objects.iterator():
        values = {
            "id": str(closing.id),
            "lot_id": str(closing.lot_id),
            "method": str(closing.method),
            "quantity": plain(closing.quantity),
            "cost": plain(closing.cost),
            "proceeds": plain(closing.proceeds),
            "fees": plain(closing.fees),
            "realized_pnl": plain(closing.realized_pnl),
            "trade_id": str(closing.trade_id),
            "reverses": str(closing.reverses_id) if closing.reverses_id else None,
        }
        yield _line("closing", values)


def _line(kind: str, values: dict[str, Any]) -> str:
    return f"{kind} " + " ".join(f"{key}={values[key]}" for key in sorted(values))
