"""Signing up without telling who is here already."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest

from accounts.identity import mails
from accounts.identity.addresses import send_confirmation
from accounts.identity.passwords import judge
from accounts.models import User
from bengi.audit.services import note
from bengi.errors import Conflict
from bengi.limits.address import client_address
from bengi.limits.limiter import require, take
from bengi.limits.table import MAIL_ACCOUNT, REGISTER

SignUp = Callable[..., User]


def register_anybody(
    request: HttpRequest,
    sign_up: SignUp,
    *,
    email: str,
    name: str,
    password: str,
    now: datetime,
    market_now: datetime,
) -> User | None:
    """Sign up, or write to whoever has signed up by this address already; None then.

    now is the machine's time, for the trail; the account opens at market_now. One hash either way.
    Raises Malformed weak_password, RateLimited.
    """
    require(REGISTER, client_address(request))
    judge(password, User(email=email, name=name), field="password")
    try:
        user = sign_up(email, name, password, now=market_now)
    except Conflict as error:
        if error.code != "email_taken":
            raise
        _tell_owner(request, email)
        return None
    welcome(request, user, now=now)
    return user


def welcome(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Note a new person and ask them to confirm their address."""
    note("user.registered", by=user, now=now, target=f"user {user.pk}")
    send_confirmation(request, user)


def _tell_owner(request: HttpRequest, email: str) -> None:
    owner = User.objects.filter(email__iexact=email, is_active=True).first()
    if owner is not None and take(MAIL_ACCOUNT, email.casefold()).allowed:
        mails.send("registered_already", owner, {"link": mails.link(request, "/signin")})
