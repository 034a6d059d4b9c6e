"""Portfolios are opened and set here; positions and lots change only with trades."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.services import deposit, lock_accounts, open_account
from bengi.events.services import NewEvent, append
from bengi.realtime.publish import publish
from bengi.terms import CostBasisMethod
from portfolios.models import Portfolio
from portfolios.selectors import portfolio_of

DEMO_CASH = Decimal(100_000)


@transaction.atomic
def open_trading_account(
    user: User, *, now: datetime, currency: str = "USD", cash: Decimal = DEMO_CASH
) -> Portfolio:
    """Open an account with cash in it and its first portfolio; return the portfolio."""
    account = open_account(user, name="Paper account", currency=currency, now=now)
    deposit(account, cash, currency, key="opening", now=now)
    return Portfolio.objects.create(account=account, name="Main")


@transaction.atomic
def set_cost_basis_method(
    portfolio_id: UUID, user: User, method: CostBasisMethod, *, now: datetime
) -> Portfolio:
    """Set the method by which the portfolio's later sales close lots; set again changes nothing.

    Raises NotFound for an absent portfolio and for another user's.
    """
    portfolio = portfolio_of(user, portfolio_id)
    lock_accounts([portfolio.account_id])
    portfolio.refresh_from_db(fields=["cost_basis_method"])
    if portfolio.cost_basis_method == method:
        return portfolio
    portfolio.cost_basis_method = method
    portfolio.save(update_fields=["cost_basis_method"])
    payload = {"portfolio_id": str(portfolio.id), "cost_basis_method": str(method)}
    heads = append([NewEvent(portfolio.account_id, "portfolio.updated", payload, now)])
    transaction.on_commit(lambda: publish(heads), robust=True)
    return portfolio
