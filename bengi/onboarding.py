"""What a new trader starts with: a person, a funded account, a portfolio and a watchlist."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services import register
from portfolios.services import open_trading_account
from watchlists.services import create_first_watchlist


@transaction.atomic
def sign_up(email: str, name: str, password: str, *, now: datetime) -> User:
    """Register a trader ready to trade. Raises what accounts.services.register raises."""
    user = register(email, name, password)
    open_trading_account(user, now=now)
    create_first_watchlist(user)
    return user
