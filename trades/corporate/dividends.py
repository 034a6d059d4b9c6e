"""Cash dividends: holders are recorded on the ex-date and paid on the pay date, each once.

Entitled is who held the shares when the ex-date began, by the trades done until then, settled or
not: what was bought on the ex-date brings nothing, what was sold on it still does. Holdings are
reckoned back from now, so that a look that comes late finds the same.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.ledger import LedgerLeg, NewTransaction, post, transaction_payload
from accounts.models import CashBalance
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.money import ZERO, plain
from bengi.realtime.protocol import moment
from bengi.realtime.publish import publish
from bengi.terms import CorporateActionStatus, LedgerBook, LedgerKind, Side
from instruments.corporate_actions import action_event
from instruments.models import CorporateAction
from portfolios.dividends import payment_on
from portfolios.models import DividendEntitlement, Portfolio, Position, PositionSplit
from trades.corporate.holdings import reference_of
from trades.corporate.rows import lock_in_turn
from trades.corporate.splitting import locked
from trades.models import Trade


@transaction.atomic
def entitle(action_id: UUID, *, now: datetime) -> int:
    """Record who is paid an approved dividend whose ex-date has begun; return how many."""
    action = locked(action_id)
    if action.status != CorporateActionStatus.APPROVED or action.is_split:
        return 0
    if action.effective_at is None or action.effective_at > now:
        return 0
    traders = Portfolio.objects.filter(positions__instrument_id=action.instrument_id)
    lock_in_turn(set(traders.values_list("account_id", flat=True)))
    found = entitlements(action, action.effective_at)
    DividendEntitlement.objects.bulk_create(found)
    action.status, action.applied_at = CorporateActionStatus.APPLIED, now
    action.save(update_fields=["status", "applied_at"])
    events = [_event(each, "entitled", now) for each in found]
    heads = append([*events, action_event(action, "applied", now)])
    transaction.on_commit(lambda: publish(heads), robust=True)
    return len(found)


@transaction.atomic
def pay(action_id: UUID, *, now: datetime) -> int:
    """Pay everybody who is entitled, when the pay date has begun; return how many were paid.

    The gross amount and the tax are two ledger transactions with one reference, so that neither
    can be posted twice.
    """
    action = locked(action_id)
    if action.status != CorporateActionStatus.APPLIED or action.is_split:
        return 0
    if action.payable_at is None or action.payable_at > now:
        return 0
    rows = DividendEntitlement.objects.filter(action=action).select_related("portfolio")
    lock_in_turn({row.portfolio.account_id for row in rows})
    entitled = list(rows.order_by("id"))
    events = []
    transactions = []
    for row in entitled:
        row.paid_at = now
        posted = _transactions(row, action, now)
        transactions += posted
        events.append(_event(row, "paid", now, posted))
    _credit(action.currency, transactions)
    post(transactions)
    DividendEntitlement.objects.filter(action=action).update(paid_at=now)
    action.status, action.paid_at = CorporateActionStatus.PAID, now
    action.save(update_fields=["status", "paid_at"])
    heads = append([*events, action_event(action, "paid", now)])
    transaction.on_commit(lambda: publish(heads), robust=True)
    return len(entitled)


def entitlements(action: CorporateAction, at: datetime) -> list[DividendEntitlement]:
    """Return, unsaved, what all are paid who hold the shares at a moment: the ex-date's start.

    Who would be paid less than half a minor unit is paid nothing.
    """
    assert action.amount is not None, "a dividend has an amount"
    rate = action.withholding_rate or ZERO
    held = holdings_at(action.instrument_id, at)
    found = []
    for portfolio in Portfolio.objects.filter(id__in=held).order_by("id"):
        quantity = held[portfolio.id]
        paid = payment_on(quantity, action.amount, rate, action.currency)
        if paid.gross:
            found.append(
                DividendEntitlement(
                    id=new_id(),
                    action=action,
                    portfolio=portfolio,
                    quantity=quantity,
                    currency=action.currency,
                    gross_amount=paid.gross,
                    withheld_amount=paid.withheld,
                )
            )
    return found


def holdings_at(instrument_id: UUID, at: datetime) -> dict[UUID, Decimal]:
    """Return the shares that each portfolio held at a moment, in the shares of that time.

    From what is held now, or was held before the first split since, the trades since are undone.
    """
    split_at, quantities = _known_after(instrument_id, at)
    trades = Trade.objects.filter(instrument_id=instrument_id, executed_at__gte=at)
    if split_at is not None:
        trades = trades.filter(executed_at__lt=split_at)
    for portfolio_id, side, quantity in trades.values_list("portfolio_id", "side", "quantity"):
        quantities[portfolio_id] += -quantity if side == Side.BUY else quantity
    return {portfolio_id: held for portfolio_id, held in quantities.items() if held > 0}


def _known_after(instrument_id: UUID, at: datetime) -> tuple[datetime | None, dict[UUID, Decimal]]:
    """Return when, after at, holdings are known without reckoning, and what they were."""
    quantities: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    later = CorporateAction.objects.filter(
        instrument_id=instrument_id,
        positions__isnull=False,
        effective_at__gte=at,
    )
    split = later.order_by("effective_at").first()
    if split is None:
        positions = Position.objects.filter(instrument_id=instrument_id)
        quantities.update(positions.values_list("portfolio_id", "quantity"))
        return None, quantities
    rows = PositionSplit.objects.filter(action=split)
    quantities.update(rows.values_list("portfolio_id", "quantity_before"))
    return split.effective_at, quantities


def _transactions(
    row: DividendEntitlement, action: CorporateAction, now: datetime
) -> list[NewTransaction]:
    """Return the ledger's part of a payment: the dividend, and the tax where there is some."""
    symbol, account_id = action.instrument.symbol, row.portfolio.account_id
    words = f"on {plain(row.quantity)} {symbol}, ex {action.ex_date}"
    parts = (
        (LedgerKind.DIVIDEND, LedgerBook.ISSUERS, row.gross_amount, f"Dividend {words}"),
        (LedgerKind.WITHHOLDING, LedgerBook.WITHHOLDING, -row.withheld_amount, f"Tax {words}"),
    )
    return [
        NewTransaction(
            id=new_id(),
            kind=kind,
            reference=reference_of(action.id, row.portfolio_id),
            account_id=account_id,
            occurred_at=now,
            description=description,
            legs=(
                LedgerLeg(LedgerBook.CUSTOMER_CASH, account_id, row.currency, amount),
                LedgerLeg(book, None, row.currency, -amount),
            ),
        )
        for kind, book, amount, description in parts
        if amount
    ]


def _credit(currency: str, transactions: list[NewTransaction]) -> None:
    """Carry the balances along: one statement to read them, one to write."""
    due: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for new in transactions:
        due[new.account_id] += new.legs[0].amount
    known = CashBalance.objects.filter(currency=currency, account_id__in=list(due))
    balances = {balance.account_id: balance for balance in known}
    for account_id, amount in due.items():
        balance = balances.setdefault(
            account_id, CashBalance(account_id=account_id, currency=currency)
        )
        balance.amount += amount
    CashBalance.objects.bulk_create(
        balances.values(), update_conflicts=True, unique_fields=["id"], update_fields=["amount"]
    )


def entitlement_payload(row: DividendEntitlement) -> dict[str, Any]:
    """Return what a portfolio is paid as the event log carries it."""
    return {
        "id": str(row.id),
        "action_id": str(row.action_id),
        "portfolio_id": str(row.portfolio_id),
        "quantity": plain(row.quantity),
        "currency": row.currency,
        "gross_amount": plain(row.gross_amount),
        "withheld_amount": plain(row.withheld_amount),
        "paid_at": moment(row.paid_at) if row.paid_at else None,
    }


def _event(
    row: DividendEntitlement,
    what: str,
    now: datetime,
    transactions: list[NewTransaction] | None = None,
) -> NewEvent:
    payload: dict[str, Any] = {"dividend": entitlement_payload(row)}
    if transactions is not None:
        payload["transactions"] = [transaction_payload(new) for new in transactions]
    return NewEvent(row.portfolio.account_id, f"dividend.{what}", payload, now, subject=row.id)
