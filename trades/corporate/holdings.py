"""A split on positions and lots: shares multiply, fractions are closed and paid in cash."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.ledger import LedgerLeg, NewTransaction, transaction_payload
from bengi.events.services import NewEvent
from bengi.ids import new_id
from bengi.money import QUANTUM, ZERO, nearest_to, plain
from bengi.terms import CostBasisMethod, LedgerBook, LedgerKind
from portfolios.lots import Sale, close_lots
from portfolios.models import Lot, LotClosing, LotSplit, Position, PositionSplit
from portfolios.splits import HeldLot, NewHolding, NewLot, cash_in_lieu, split_holding
from trades.corporate.rows import SplitRows
from trades.shares import closing_payload, open_lot


def split_positions(rows: SplitRows) -> None:
    """Change every position and its lots in rows, after the orders, whose named lots stay."""
    claims, held = rows.claims(), rows.held_shares()
    for position in rows.positions.values():
        _split_position(rows, position, claims)
        position.reserved_quantity = held[position.portfolio_id]


def _split_position(rows: SplitRows, position: Position, claims: dict[UUID, Decimal]) -> None:
    lots = rows.lots.get(position.portfolio_id, [])
    holding = split_holding(
        [HeldLot(lot.id, lot.quantity, lot.remaining_quantity, lot.remaining_cost) for lot in lots],
        rows.ratio,
        rows.instrument.quantity_step,
    )
    split = _record(rows, position, holding, lots)
    lot_splits = [_change(split, lot, new) for lot, new in zip(lots, holding.lots, strict=True)]
    sale = _close_excess(rows, position, holding, split, claims)
    closings = _take_out(rows, lots, sale, split)
    position.quantity = split.quantity_after
    split.cost_after = sum((lot.remaining_cost for lot in lots), ZERO)
    split.cost_closed = sum((closing.cost for closing in closings), ZERO)
    assert split.cost_after + split.cost_closed == split.cost_before, "a split makes no cost"
    transactions = _pay(rows, position, split)
    rows.changed_lots += lots
    rows.position_splits.append(split)
    rows.lot_splits += lot_splits
    rows.closings += closings
    rows.transactions += transactions
    payload = {
        "split": split_payload(split),
        "lots": [lot_split_payload(each) for each in lot_splits],
        "closings": [closing_payload(closing) for closing in closings],
        "shifts": [{"lot_id": str(key), "cost": plain(cost)} for key, cost in sale.shifts.items()],
        "transactions": [transaction_payload(new) for new in transactions],
    }
    stream = position.portfolio.account_id
    rows.events.append(NewEvent(stream, "portfolio.split_applied", payload, rows.now))


def _record(
    rows: SplitRows, position: Position, holding: NewHolding, lots: Sequence[Lot]
) -> PositionSplit:
    """Return the split's record of a position; what it closes is added to it later."""
    currency = rows.instrument.currency
    paid = cash_in_lieu(holding.fraction, rows.price, currency) if holding.excess else ZERO
    return PositionSplit(
        id=new_id(),
        action=rows.action,
        portfolio_id=position.portfolio_id,
        quantity_before=position.quantity,
        quantity_after=holding.quantity,
        excess=holding.excess,
        price=nearest_to(rows.price, QUANTUM) if holding.excess else None,
        cash_in_lieu=paid,
        cost_before=sum((lot.remaining_cost for lot in lots), ZERO),
    )


def _change(split: PositionSplit, lot: Lot, new: NewLot) -> LotSplit:
    record = LotSplit(
        id=new_id(),
        split=split,
        lot=lot,
        quantity_before=lot.quantity,
        quantity_after=new.quantity,
        remaining_before=lot.remaining_quantity,
        remaining_after=new.left,
        shift=new.shift,
    )
    lot.quantity, lot.remaining_quantity = new.quantity, new.left
    lot.remaining_cost += new.shift
    lot.cost_shift += new.shift
    return record


def _close_excess(
    rows: SplitRows,
    position: Position,
    holding: NewHolding,
    split: PositionSplit,
    claims: dict[UUID, Decimal],
) -> Sale:
    """Close by the portfolio's method what is left over; its proceeds are the cash in lieu.

    Source: IRS Publication 550, ch. 4: cash for a fraction counts as the fraction's sale.
    """
    if not holding.excess:
        return Sale([], {})
    lots = rows.lots[position.portfolio_id]
    return close_lots(
        CostBasisMethod(position.portfolio.cost_basis_method),
        [open_lot(lot, claims.get(lot.id, ZERO)) for lot in lots if lot.remaining_quantity],
        holding.excess,
        split.cash_in_lieu,
        rows.instrument.currency,
    )


def _take_out(
    rows: SplitRows, lots: Sequence[Lot], sale: Sale, split: PositionSplit
) -> list[LotClosing]:
    """Change the lots by what was closed of them, and return the rows that say so."""
    by_id = {lot.id: lot for lot in lots}
    for lot_id, shift in sale.shifts.items():
        by_id[lot_id].cost_shift += shift
        by_id[lot_id].remaining_cost += shift
    method = rows.positions[split.portfolio_id].portfolio.cost_basis_method
    closings = []
    for closing in sale.closings:
        lot = by_id[closing.lot_id]
        lot.remaining_quantity -= closing.quantity
        lot.remaining_cost -= closing.cost
        closings.append(
            LotClosing(
                id=new_id(),
                lot=lot,
                trade_id=split.id,
                closed_at=rows.at,
                method=method,
                quantity=closing.quantity,
                cost=closing.cost,
                proceeds=closing.proceeds,
                realized_pnl=closing.realized_pnl,
            )
        )
    return closings


def _pay(rows: SplitRows, position: Position, split: PositionSplit) -> list[NewTransaction]:
    """Credit the cash in lieu; nothing is posted where the fraction was worth nothing."""
    if not split.cash_in_lieu:
        return []
    account_id, currency = position.portfolio.account_id, rows.instrument.currency
    rows.balance(account_id).amount += split.cash_in_lieu
    symbol = rows.instrument.symbol
    return [
        NewTransaction(
            id=new_id(),
            kind=LedgerKind.CASH_IN_LIEU,
            reference=reference_of(rows.action.id, split.portfolio_id),
            account_id=account_id,
            occurred_at=rows.now,
            description=f"Cash in lieu of {plain(split.excess)} {symbol}, {rows.ratio} split",
            legs=(
                LedgerLeg(LedgerBook.CUSTOMER_CASH, account_id, currency, split.cash_in_lieu),
                LedgerLeg(LedgerBook.ISSUERS, None, currency, -split.cash_in_lieu),
            ),
        )
    ]


def reference_of(action_id: UUID, portfolio_id: UUID) -> str:
    """Return the ledger reference of what an action pays a portfolio: it can be posted once."""
    return f"{action_id}:{portfolio_id}"


def split_payload(split: PositionSplit) -> dict[str, Any]:
    """Return a position's split as the event log carries it."""
    return {
        "id": str(split.id),
        "action_id": str(split.action_id),
        "portfolio_id": str(split.portfolio_id),
        "instrument_id": str(split.action.instrument_id),
        "quantity_before": plain(split.quantity_before),
        "quantity_after": plain(split.quantity_after),
        "excess": plain(split.excess),
        "price": None if split.price is None else plain(split.price),
        "cash_in_lieu": plain(split.cash_in_lieu),
        "cost_before": plain(split.cost_before),
        "cost_after": plain(split.cost_after),
        "cost_closed": plain(split.cost_closed),
    }


def lot_split_payload(each: LotSplit) -> dict[str, Any]:
    """Return a lot's split as the event log carries it."""
    return {
        "id": str(each.id),
        "lot_id": str(each.lot_id),
        "quantity_before": plain(each.quantity_before),
        "quantity_after": plain(each.quantity_after),
        "remaining_before": plain(each.remaining_before),
        "remaining_after": plain(each.remaining_after),
        "shift": plain(each.shift),
    }
