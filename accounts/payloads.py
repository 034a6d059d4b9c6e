"""What happens to an account's money as JSON: the shapes that the API and the event log share."""

from typing import Any

from accounts.ledger import NewTransaction
from accounts.models import (
    Conversion,
    GoodFaithViolation,
    LedgerAdjustment,
    LedgerTransaction,
)
from accounts.settlement import CashState
from bengi.money import plain
from bengi.realtime.protocol import moment


def violation_payload(violation: GoodFaithViolation) -> dict[str, Any]:
    """Return a violation as clients and the event log see it."""
    return {
        "id": str(violation.id),
        "bought_by": str(violation.bought_by),
        "sold_by": str(violation.sold_by),
        "trade_id": str(violation.trade_id),
        "currency": violation.currency,
        "amount": plain(violation.amount),
        "settles_at": moment(violation.settles_at),
        "occurred_at": moment(violation.occurred_at),
    }


def cash_shape(currency: str, state: CashState) -> dict[str, str]:
    """Return one currency's cash: what is there, is held of it and may be done with it."""
    return {
        "currency": currency,
        "cash": plain(state.cash),
        "reserved": plain(state.reserved),
        "settled": plain(state.settled),
        "unsettled": plain(state.unsettled),
        "buying_power": plain(state.buying_power),
        "withdrawable": plain(state.withdrawable),
    }


def transaction_shape(new: NewTransaction) -> dict[str, Any]:
    """Return a ledger transaction as its customer sees it: with their own entries only."""
    return {
        "id": str(new.id),
        "account_id": str(new.account_id),
        "kind": str(new.kind),
        "reference": new.reference,
        "occurred_at": moment(new.occurred_at),
        "description": new.description,
        "reverses": str(new.reverses) if new.reverses else None,
        "entries": [
            {"currency": leg.currency, "amount": plain(leg.amount)}
            for leg in new.legs
            if leg.account_id is not None
        ],
    }


def posted_shape(posted: LedgerTransaction) -> dict[str, Any]:
    """Return a posted transaction in the same shape; its entries are prefetched."""
    return {
        "id": str(posted.id),
        "account_id": str(posted.account_id),
        "kind": str(posted.kind),
        "reference": posted.reference,
        "occurred_at": moment(posted.occurred_at),
        "description": posted.description,
        "reverses": str(posted.reverses_id) if posted.reverses_id else None,
        "entries": [
            {"currency": each.currency, "amount": plain(each.amount)}
            for each in posted.entries.all()
            if each.account_id is not None
        ],
    }


def conversion_payload(conversion: Conversion) -> dict[str, Any]:
    """Return a conversion: what went, what came, the rate with its time, what rounding took."""
    return {
        "transaction_id": str(conversion.transaction_id),
        "source_currency": conversion.source_currency,
        "source_amount": plain(conversion.source_amount),
        "target_currency": conversion.target_currency,
        "target_amount": plain(conversion.target_amount),
        "rounding": plain(conversion.rounding),
        "rate": plain(conversion.rate),
        "rate_pair": f"{conversion.rate_base}/{conversion.rate_quote}",
        "rate_as_of": moment(conversion.rate_as_of),
    }


def adjustment_payload(row: LedgerAdjustment) -> dict[str, Any]:
    """Return an adjustment as the event log carries it."""
    return {
        "id": str(row.id),
        "account_id": str(row.account_id),
        "currency": row.currency,
        "amount": None if row.amount is None else plain(row.amount),
        "reverses": str(row.reverses_id) if row.reverses_id else None,
        "reason": row.reason,
        "requested_by": str(row.requested_by_id),
        "requested_at": moment(row.requested_at),
        "approved_by": str(row.approved_by_id) if row.approved_by_id else None,
        "approved_at": moment(row.approved_at) if row.approved_at else None,
        "declined_by": str(row.declined_by_id) if row.declined_by_id else None,
        "declined_at": moment(row.declined_at) if row.declined_at else None,
        "transaction_id": str(row.transaction_id) if row.transaction_id else None,
    }
