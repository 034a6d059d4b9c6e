"""What a new trader starts with: a person, a funded account, a portfolio and a watchlist."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.people import create_user
from accounts.services import register
from portfolios.services import open_trading_account
from watchlists.services import create_first_watchlist


@transaction.atomic
def sign_up(email: str, name: str, password: str, *, now: datetime) -> User:
    """Register a trader ready to trade. Raises what accounts.services.register raises."""
    return _equip(register(email, name, password), now)


@transaction.atomic
def enroll(
    email: str, name: str, password: str, role: str, *, by: User | None, now: datetime
) -> User:
    """Let staff make a person with a role, ready to trade. Raises what create_user() raises."""
    return _equip(create_user(email, name, password, role, by=by, now=now), now)


def _equip(user: User, now: datetime) -> User:
    open_trading_account(user, now=now)
    create_first_watchlist(user)
    return user
