"""One currency of an account for another, at the house's rate."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.fx import Exchanged, Rate, exchange
from accounts.idempotency import known_answer, remember
from accounts.ledger import LedgerLeg, NewTransaction
from accounts.models import Account, Conversion
from accounts.payloads import cash_shape, conversion_payload, transaction_shape
from accounts.selectors import cash_state_of, rate_between
from accounts.services import (
    Receipt,
    check_active,
    check_amount,
    check_withdrawable,
    lock_accounts,
    post_cash,
)
from accounts.settlement import CashState
from bengi.errors import Conflict, Malformed, Refused
from bengi.ids import new_id
from bengi.money import ZERO, plain
from bengi.realtime.protocol import moment
from bengi.retries import retried
from bengi.sentences import sentence
from bengi.terms import LedgerBook, LedgerKind


@dataclass(frozen=True, slots=True)
class Offer:
    """What an amount of source comes to in target now: nothing is booked, nothing is promised.

    before and after are the account's cash of source and target. There is no fee; what the house
    keeps because target has no smaller unit is exchanged.rounding.
    """

    source: str
    target: str
    amount: Decimal
    exchanged: Exchanged
    rate: Rate
    before: dict[str, CashState]
    after: dict[str, Decimal]


def offer(account: Account, source: str, target: str, amount: Decimal, now: datetime) -> Offer:
    """Return what converting would give. Raises what convert() raises."""
    check_active(account)
    exchanged, rate = _price(account, source, target, amount, now)
    before = {each: cash_state_of(account, each, now) for each in (source, target)}
    after = {source: before[source].cash - amount, target: before[target].cash + exchanged.amount}
    return Offer(source, target, amount, exchanged, rate, before, after)


def offer_shape(told: Offer) -> dict[str, Any]:
    """Return an offer as JSON."""
    return {
        "source_currency": told.source,
        "source_amount": plain(told.amount),
        "target_currency": told.target,
        "target_amount": plain(told.exchanged.amount),
        "fee": plain(ZERO),
        "rounding": plain(told.exchanged.rounding),
        "rate": plain(told.rate.rate),
        "rate_pair": f"{told.rate.base}/{told.rate.quote}",
        "rate_as_of": moment(told.rate.as_of),
        "balances": [cash_shape(currency, state) for currency, state in told.before.items()],
        "cash_after": [
            {"currency": currency, "amount": plain(cash)} for currency, cash in told.after.items()
        ],
    }


@retried
def convert(
    account_id: UUID,
    source: str,
    target: str,
    amount: Decimal,
    *,
    key: str,
    now: datetime,
    target_amount: Decimal | None = None,
) -> Receipt:
    """Give amount of source for what it is worth in target; the same key does it once.

    Only settled cash that is not reserved can be converted. The proceeds are rounded down; the
    rest stays with the house in a leg of its own, so that every currency sums to zero.
    target_amount: what it has to come to, as an offer has said, or nothing is done.
    Raises Refused insufficient_available, no_fx_rate or idempotency_mismatch, Malformed
    invalid_amount, Conflict rate_changed, Forbidden. A refusal leaves no trace.
    """
    check_pair(source, target)
    check_amount(amount, source)
    account = lock_accounts([account_id])[account_id]
    route, body = f"accounts/{account_id}/convert", [source, target, plain(amount)]
    known = known_answer(account.user_id, route, key, body, now)
    if known is not None:
        return Receipt(known, replayed=True)
    check_active(account)
    exchanged, rate = _price(account, source, target, amount, now)
    if target_amount is not None and target_amount != exchanged.amount:
        detail = sentence(
            "The rate has changed: it would be {amount} {target} now.",
            amount=exchanged.amount,
            target=target,
        )
        told: dict[str, Any] = {"target_amount": plain(exchanged.amount), "rate": plain(rate.rate)}
        raise Conflict("rate_changed", detail, field="target_amount", **told)
    row = _conversion(new_id(), source, target, amount, exchanged, rate)
    new = _transaction(row, account_id, exchanged, now)
    told = {"conversion": conversion_payload(row)}
    post_cash([new], "cash.converted", told, now)
    row.save(force_insert=True)
    answer = {
        "transaction": transaction_shape(new),
        **told,
        "balances": [
            cash_shape(currency, cash_state_of(account, currency, now))
            for currency in (source, target)
        ],
    }
    remember(account.user_id, route, key, body, answer, now)
    return Receipt(answer)


def check_pair(source: str, target: str) -> None:
    """Raise Malformed unless they are two."""
    if source == target:
        raise Malformed("invalid_field", "Convert between two currencies.", field="to")


def _price(
    account: Account, source: str, target: str, amount: Decimal, now: datetime
) -> tuple[Exchanged, Rate]:
    """Return what an amount comes to, and the rate, for who has it to give."""
    check_pair(source, target)
    check_amount(amount, source)
    check_withdrawable(account, amount, source, now)
    rate = _rate(source, target, now)
    exchanged = exchange(amount, source, target, rate)
    if not exchanged.amount:
        detail = sentence(
            "{amount} {source} is less than the smallest amount of {target}.",
            amount=amount,
            source=source,
            target=target,
        )
        raise Malformed("invalid_amount", detail, field="amount", value=plain(amount))
    return exchanged, rate


def _rate(source: str, target: str, now: datetime) -> Rate:
    rate = rate_between(source, target, now)
    if rate is None:
        detail = f"There is no rate between {source} and {target}."
        raise Refused("no_fx_rate", detail, field="to", source=source, target=target)
    return rate


def _transaction(
    row: Conversion, account_id: UUID, exchanged: Exchanged, now: datetime
) -> NewTransaction:
    source, target, amount = row.source_currency, row.target_currency, row.source_amount
    legs = [
        LedgerLeg(LedgerBook.CUSTOMER_CASH, account_id, source, -amount),
        LedgerLeg(LedgerBook.FX, None, source, amount),
        LedgerLeg(LedgerBook.CUSTOMER_CASH, account_id, target, exchanged.amount),
        LedgerLeg(LedgerBook.FX, None, target, -exchanged.value),
    ]
    if exchanged.rounding:
        legs.append(LedgerLeg(LedgerBook.ROUNDING, None, target, exchanged.rounding))
    return NewTransaction(
        id=row.transaction_id,
        kind=LedgerKind.FX,
        reference=f"{account_id}:{new_id()}",
        account_id=account_id,
        occurred_at=now,
        description=str(row.words),
        legs=tuple(legs),
    )


def _conversion(
    transaction_id: UUID,
    source: str,
    target: str,
    amount: Decimal,
    exchanged: Exchanged,
    rate: Rate,
) -> Conversion:
    return Conversion(
        transaction_id=transaction_id,
        source_currency=source,
        source_amount=amount,
        target_currency=target,
        target_amount=exchanged.amount,
        rounding=exchanged.rounding,
        rate_base=rate.base,
        rate_quote=rate.quote,
        rate=rate.rate,
        rate_as_of=rate.as_of,
    )
