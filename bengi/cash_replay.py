"""The part of the replay that is about money: settling, ledger transactions, conversions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.models import (
    Conversion,
    GoodFaithViolation,
    LedgerAdjustment,
    LedgerTransaction,
    UnsettledCash,
    UnsettledUse,
)
from accounts.payloads import adjustment_payload, conversion_payload, violation_payload
from bengi.money import plain
from bengi.realtime.protocol import moment


@dataclass(slots=True)
class FoldedCash:
    """Unsettled cash by id, its uses, and violations, as the events tell them."""

    unsettled: dict[str, dict[str, Any]] = field(default_factory=dict)
    uses: list[tuple[str, ...]] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    withdrawn: dict[str, str] = field(default_factory=dict)
    transactions: list[dict[str, Any]] = field(default_factory=list)
    conversions: list[dict[str, Any]] = field(default_factory=list)
    adjustments: dict[str, dict[str, Any]] = field(default_factory=dict)


def fold_settling(state: FoldedCash, payload: dict[str, Any]) -> None:
    """Carry state forward by one trade.executed or trade.busted."""
    trade, told = payload["trade"], payload["unsettled"]
    for violation_id in payload.get("withdrawn_violations", []):
        state.withdrawn[violation_id] = trade["exec_id"]
    if told:
        state.unsettled[told["id"]] = {
            "account_id": trade["account_id"],
            "currency": trade["currency"],
            "amount": told["amount"],
            "remaining_amount": Decimal(told["amount"]),
            "settles_on": trade["settles_on"],
            "settles_at": told["settles_at"],
            "trade_id": trade["exec_id"],
        }
    for use in payload["paid_with_unsettled"]:
        state.unsettled[use["unsettled_id"]]["remaining_amount"] -= Decimal(use["amount"])
        state.uses.append((use["unsettled_id"], trade["exec_id"], trade["order_id"], use["amount"]))


def fold_cash(state: FoldedCash, event_type: str, payload: dict[str, Any]) -> bool:
    """Carry state forward by one event about money; say whether it was one."""
    if event_type == "account.good_faith_violation":
        state.violations.append(payload["violation"])
    elif event_type == "cash.converted":
        state.conversions.append(payload["conversion"])
    elif event_type in {"adjustment.requested", "adjustment.approved", "adjustment.declined"}:
        told = payload["adjustment"]
        state.adjustments[told["id"]] = {"declined_by": None, "declined_at": None} | told
    else:
        return event_type == "cash.posted"
    return True


def folded_cash_lines(state: FoldedCash) -> Iterator[str]:
    """Yield what the events tell, one line per row."""
    for unsettled_id, row in state.unsettled.items():
        yield _unsettled(unsettled_id, row | {"remaining_amount": plain(row["remaining_amount"])})
    yield from ("use " + " ".join(use) for use in state.uses)
    for each in state.violations:
        yield _line("violation", each | {"busted_by": state.withdrawn.get(each["id"])})
    for new in state.transactions:
        yield _line("transaction", {name: new.get(name) for name in _OF_TRANSACTIONS})
    yield from (_line("conversion", each) for each in state.conversions)
    yield from (_line("adjustment", each) for each in state.adjustments.values())


_OF_TRANSACTIONS = ("id", "kind", "reference", "description", "reverses")


def table_cash_lines() -> Iterator[str]:
    """Yield what the tables hold, in the same lines."""
    for row in UnsettledCash.objects.iterator():
        values = {
            "account_id": row.account_id,
            "currency": row.currency,
            "amount": plain(row.amount),
            "remaining_amount": plain(row.remaining_amount),
            "settles_on": row.settles_on.isoformat(),
            "settles_at": moment(row.settles_at),
            "trade_id": row.trade_id,
        }
        yield _unsettled(str(row.id), values)
    for use in UnsettledUse.objects.iterator():
        yield f"use {use.unsettled_id} {use.trade_id} {use.order_id} {plain(use.amount)}"
    for violation in GoodFaithViolation.objects.iterator():
        busted_by = violation.busted_by
        yield _line("violation", violation_payload(violation) | {"busted_by": busted_by})
    for posted in LedgerTransaction.objects.iterator():
        values = {
            "id": posted.id,
            "kind": posted.kind,
            "reference": posted.reference,
            "description": posted.description,
            "reverses": posted.reverses_id,
        }
        yield _line("transaction", values)
    for conversion in Conversion.objects.iterator():
        yield _line("conversion", conversion_payload(conversion))
    for adjustment in LedgerAdjustment.objects.iterator():
        yield _line("adjustment", adjustment_payload(adjustment))


def _unsettled(unsettled_id: str, row: dict[str, Any]) -> str:
    return f"unsettled {unsettled_id} " + " ".join(f"{key}={row[key]}" for key in sorted(row))


def _line(kind: str, row: dict[str, Any]) -> str:
    return f"{kind} " + " ".join(f"{key}={row[key]}" for key in sorted(row))
