"""Portfolios are opened and set here; positions and lots change only with trades."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError

from accounts.idempotency import known_answer, remember
from accounts.models import Account, FeeSchedule, User
from accounts.selectors import open_accounts_of
from accounts.services import (
    Receipt,
    check_active,
    check_amount,
    check_may_open,
    deposit,
    fee_schedule_of,
    lock_accounts,
    lock_user,
    open_account,
)
from bengi.errors import Conflict, NotFound, Refused
from bengi.events.services import NewEvent, append
from bengi.money import plain
from bengi.realtime.publish import publish
from bengi.retries import retried
from bengi.terms import CostBasisMethod, Realism
from portfolios.models import Portfolio
from portfolios.selectors import portfolio_of

DEMO_CASH = Decimal(100_000)
FIRST_NAME = "Main"
SETTINGS = ("name", "cost_basis_method")
PORTFOLIOS_MAX = 50
"""Portfolios of one account."""


@dataclass(frozen=True, slots=True)
class PaperAccount:
    """What another account is to be like; starting_cash in its base currency, or none."""

    name: str
    base_currency: str
    starting_cash: Decimal | None
    realism: Realism = Realism.REALISTIC
    fee_schedule: str | None = None

    @property
    def words(self) -> list[str]:
        """All of it as text: the same key with other words is a mistake."""
        cash = "" if self.starting_cash is None else plain(self.starting_cash)
        told = (self.name, self.base_currency, cash, str(self.realism), self.fee_schedule or "")
        return list(told)


@retried
def open_trading_account(
    user: User, *, now: datetime, currency: str = "USD", cash: Decimal = DEMO_CASH
) -> Portfolio:
    """Open an account with cash in it and its first portfolio; return the portfolio."""
    asked = PaperAccount("Paper account", currency, cash)
    account = fund_account(user, asked, None, now=now)
    return open_portfolio(account, FIRST_NAME, CostBasisMethod.FIFO, now=now)


@retried
def open_first_account(user: User, *, now: datetime) -> bool:
    """Open what everybody starts with for somebody who has nothing open; False for who has."""
    lock_user(user)
    if open_accounts_of(user).exists():
        return False
    open_trading_account(user, now=now)
    return True


@retried
def open_paper_account(user: User, asked: PaperAccount, *, key: str, now: datetime) -> Receipt:
    """Open another account of the user's with a first portfolio; the same key does it once.

    The receipt names the account_id. Raises Forbidden account_frozen, Refused limit_reached,
    idempotency_mismatch or max_balance, Malformed for an amount or a fee schedule.
    """
    if asked.starting_cash is not None:
        check_amount(asked.starting_cash, asked.base_currency, field="starting_cash")
    lock_user(user)
    known = known_answer(user.id, "accounts", key, asked.words, now)
    if known is not None:
        return Receipt(known, replayed=True)
    check_may_open(user)
    schedule = None if asked.fee_schedule is None else fee_schedule_of(asked.fee_schedule)
    account = fund_account(user, asked, schedule, now=now)
    open_portfolio(account, FIRST_NAME, CostBasisMethod.FIFO, now=now)
    answer = {"account_id": str(account.id)}
    remember(user.id, "accounts", key, asked.words, answer, now)
    return Receipt(answer)


def fund_account(
    user: User, asked: PaperAccount, schedule: FeeSchedule | None, *, now: datetime
) -> Account:
    """Open an account and pay its starting cash in."""
    account = open_account(
        user,
        name=asked.name,
        currency=asked.base_currency,
        now=now,
        schedule=schedule,
        realism=asked.realism,
    )
    if asked.starting_cash is not None:
        deposit(account, asked.starting_cash, asked.base_currency, key="opening", now=now)
    return account


@retried
def open_portfolio(
    account: Account, name: str, method: CostBasisMethod, *, now: datetime
) -> Portfolio:
    """Add a portfolio to an account; appends portfolio.opened.

    Raises Forbidden unless the account is active, Conflict name_taken, Refused limit_reached.
    """
    account = lock_accounts([account.id])[account.id]
    check_active(account)
    names = list(Portfolio.objects.filter(account=account).values_list("name", flat=True))
    _check_name(name, names)
    if len(names) >= PORTFOLIOS_MAX:
        detail = f"An account has {PORTFOLIOS_MAX} portfolios at most."
        raise Refused("limit_reached", detail, limit=PORTFOLIOS_MAX)
    (portfolio,) = add_portfolios(account, [Portfolio(name=name, cost_basis_method=method)], now)
    return portfolio


def add_portfolios(account: Account, new: list[Portfolio], now: datetime) -> list[Portfolio]:
    """Give new portfolios, of which the names and methods are set, to a locked account."""
    for portfolio in new:
        portfolio.account = account
    Portfolio.objects.bulk_create(new)
    _tell(new, "portfolio.opened", now)
    return new


@retried
def change_portfolio(
    portfolio_id: UUID,
    user: User,
    *,
    now: datetime,
    name: str | None = None,
    cost_basis_method: CostBasisMethod | None = None,
) -> Portfolio:
    """Rename a portfolio, set the method by which its later sales close lots; None leaves it.

    Appends portfolio.updated with what is different; set again it changes nothing. Raises NotFound
    for an absent portfolio and for another user's, Forbidden where the account is not active,
    Conflict name_taken.
    """
    portfolio = _locked(portfolio_id, user)
    wanted: dict[str, Any] = {"name": name, "cost_basis_method": cost_basis_method}
    changes = {k: str(v) for k, v in wanted.items() if v is not None and v != getattr(portfolio, k)}
    if not changes:
        return portfolio
    check_active(portfolio.account)
    if "name" in changes:
        others = Portfolio.objects.filter(account=portfolio.account)
        _check_name(changes["name"], list(others.values_list("name", flat=True)))
    for field, value in changes.items():
        setattr(portfolio, field, value)
    portfolio.save(update_fields=list(changes))
    _tell([portfolio], "portfolio.updated", now, list(changes))
    return portfolio


@retried
def delete_portfolio(portfolio_id: UUID, user: User, *, now: datetime) -> None:
    """Take a portfolio away that nothing has ever been done with; appends portfolio.deleted.

    Raises NotFound, Forbidden, and Conflict portfolio_in_use where there is, or was, an order, a
    position or anything else of it.
    """
    portfolio = _locked(portfolio_id, user)
    check_active(portfolio.account)
    try:
        Portfolio.objects.filter(id=portfolio.id).delete()
    except ProtectedError as error:
        detail = "The portfolio has orders, positions or a history; it stays."
        raise Conflict("portfolio_in_use", detail) from error
    _tell([portfolio], "portfolio.deleted", now, [])


def _locked(portfolio_id: UUID, user: User) -> Portfolio:
    """Return a portfolio of the user's as it is under the lock of its account."""
    portfolio = portfolio_of(user, portfolio_id)
    account = lock_accounts([portfolio.account_id])[portfolio.account_id]
    found = Portfolio.objects.filter(id=portfolio_id).first()
    if found is None:
        raise NotFound
    found.account = account
    return found


def _check_name(name: str, names: list[str]) -> None:
    if name in names:
        detail = "The account has a portfolio of this name."
        raise Conflict("name_taken", detail, field="name")


def _tell(
    portfolios: Sequence[Portfolio], event: str, now: datetime, names: Sequence[str] = SETTINGS
) -> None:
    """Log the event of each portfolio, with those of its settings that are named."""
    events = []
    for portfolio in portfolios:
        told = {name: str(getattr(portfolio, name)) for name in names}
        payload = {"portfolio_id": str(portfolio.id), **told}
        events.append(NewEvent(portfolio.account_id, event, payload, now))
    heads = append(events)
    transaction.on_commit(lambda: publish(heads), robust=True)
