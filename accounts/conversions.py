"""One currency of an account for another, at the house's rate."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from accounts.fx import Exchanged, Rate, exchange
from accounts.idempotency import known_answer, remember
from accounts.ledger import LedgerLeg, NewTransaction
from accounts.models import Conversion
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
from bengi.errors import Malformed, Refused
from bengi.ids import new_id
from bengi.money import plain
from bengi.retries import retried
from bengi.terms import LedgerBook, LedgerKind


@retried
def convert(
    account_id: UUID, source: str, target: str, amount: Decimal, *, key: str, now: datetime
) -> Receipt:
    """Give amount of source for what it is worth in target; the same key does it once.

    Only settled cash that is not reserved can be converted. The proceeds are rounded down; the
    rest stays with the house in a leg of its own, so that every currency sums to zero.
    Raises Refused insufficient_available, no_fx_rate or idempotency_mismatch, Malformed
    invalid_amount, Forbidden. A refusal leaves no trace.
    """
    if source == target:
        raise Malformed("invalid_field", "Convert between two currencies.", field="to")
    check_amount(amount, source)
    account = lock_accounts([account_id])[account_id]
    route, body = f"accounts/{account_id}/convert", [source, target, plain(amount)]
    known = known_answer(account.user_id, route, key, body, now)
    if known is not None:
        return Receipt(known, replayed=True)
    check_active(account)
    check_withdrawable(account, amount, source, now)
    rate = _rate(source, target, now)
    exchanged = exchange(amount, source, target, rate)
    if not exchanged.amount:
        detail = f"{plain(amount)} {source} is less than the smallest amount of {target}."
        raise Malformed("invalid_amount", detail, field="amount", value=plain(amount))
    new = _transaction(account_id, source, target, amount, exchanged, rate, now)
    row = _conversion(new.id, source, target, amount, exchanged, rate)
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


def _rate(source: str, target: str, now: datetime) -> Rate:
    rate = rate_between(source, target, now)
    if rate is None:
        detail = f"There is no rate between {source} and {target}."
        raise Refused("no_fx_rate", detail, field="to", source=source, target=target)
    return rate


def _transaction(
    account_id: UUID,
    source: str,
    target: str,
    amount: Decimal,
    exchanged: Exchanged,
    rate: Rate,
    now: datetime,
) -> NewTransaction:
    legs = [
        LedgerLeg(LedgerBook.CUSTOMER_CASH, account_id, source, -amount),
        LedgerLeg(LedgerBook.FX, None, source, amount),
        LedgerLeg(LedgerBook.CUSTOMER_CASH, account_id, target, exchanged.amount),
        LedgerLeg(LedgerBook.FX, None, target, -exchanged.value),
    ]
    if exchanged.rounding:
        legs.append(LedgerLeg(LedgerBook.ROUNDING, None, target, exchanged.rounding))
    pair = f"{rate.base}/{rate.quote} {plain(rate.rate)} of {rate.as_of:%Y-%m-%d %H:%M} UTC"
    return NewTransaction(
        id=new_id(),
        kind=LedgerKind.FX,
        reference=f"{account_id}:{new_id()}",
        account_id=account_id,
        occurred_at=now,
        description=f"{plain(amount)} {source} to {plain(exchanged.amount)} {target} at {pair}",
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
