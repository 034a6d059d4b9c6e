"""Start over: an account is archived as it stands, and a fresh one takes its place (ADR 22)."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from accounts.idempotency import known_answer, remember
from accounts.models import Account, LedgerEntry, User
from accounts.selectors import account_of
from accounts.services import (
    Receipt,
    check_active,
    check_amount,
    close_account,
    lock_accounts,
)
from bengi.money import plain
from bengi.retries import retried
from bengi.terms import LedgerBook, LedgerKind, Realism
from orders.canceling import ask_to_cancel
from orders.limits import copy_limits
from orders.models import Order, TradingHalt
from orders.rules import halted
from portfolios.models import Portfolio
from portfolios.services import (
    FIRST_NAME,
    SETTINGS,
    PaperAccount,
    add_portfolios,
    fund_account,
)


@retried
def reset_account(
    account_id: UUID, user: User, starting_cash: Decimal | None, *, key: str, now: datetime
) -> Receipt:
    """Close an account of the user's and open a fresh one like it; the same key does it once.

    Open orders are asked to go, and what the engine still makes of them is booked where they were
    placed. Cash, positions, history and keys stay with the closed account. The fresh one has its
    name, currency, realism, fee schedule, limits and portfolios, and starting_cash, or what the old
    one was opened with. The receipt names its account_id.

    Raises NotFound, Forbidden account_frozen or, for a closed account, forbidden; Unavailable
    trading_halted while staff have halted the account, Malformed invalid_amount, Refused
    idempotency_mismatch or max_balance.
    """
    currency = account_of(user, account_id).base_currency
    if starting_cash is not None:
        check_amount(starting_cash, currency, field="starting_cash")
    old = lock_accounts([account_id])[account_id]
    route, body = f"accounts/{account_id}/reset", [_word(starting_cash)]
    known = known_answer(user.id, route, key, body, now)
    if known is not None:
        return Receipt(known, replayed=True)
    check_active(old)
    _check_not_halted(old)
    cash = opening_cash(old) if starting_cash is None else starting_cash
    ask_to_cancel(Order.objects.filter(account=old), now=now)
    fresh = _open_like(old, cash or None, now)
    close_account(old, by=user, now=now, succeeded_by=str(fresh.id))
    copy_limits(old, fresh, by=user, now=now)
    answer = {"account_id": str(fresh.id)}
    remember(user.id, route, key, body, answer, now)
    return Receipt(answer)


def opening_cash(account: Account) -> Decimal:
    """Return what was paid into the account, in its base currency, when it was opened."""
    paid_in = LedgerEntry.objects.filter(
        account=account,
        book=LedgerBook.CUSTOMER_CASH,
        currency=account.base_currency,
        transaction__kind=LedgerKind.DEPOSIT,
        transaction__occurred_at=account.created_at,
    )
    total: Decimal | None = paid_in.aggregate(total=Sum("amount"))["total"]
    return total or Decimal(0)


def _open_like(old: Account, cash: Decimal | None, now: datetime) -> Account:
    asked = PaperAccount(old.name, old.base_currency, cash, Realism(old.realism))
    fresh = fund_account(old.user, asked, old.fee_schedule, now=now)
    before = Portfolio.objects.filter(account=old).order_by("id")
    settings = list(before.values(*SETTINGS)) or [{"name": FIRST_NAME}]
    add_portfolios(fresh, [Portfolio(**each) for each in settings], now)
    return fresh


def _check_not_halted(account: Account) -> None:
    """Raise Unavailable while staff have halted this very account: a fresh one would trade on."""
    halt = TradingHalt.objects.filter(account=account, lifted_at__isnull=True).first()
    if halt is not None:
        raise halted(halt.reason)


def _word(amount: Decimal | None) -> str:
    return "" if amount is None else plain(amount)
