"""The second factor turned on and off by its person, for the API and for pages: proved and told."""

from datetime import datetime

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.identity import mails, second_factor
from accounts.identity.passwords import prove_again, prove_code
from accounts.models import User
from bengi.audit.services import note
from bengi.limits.address import client_address


def begin(request: HttpRequest, user: User, password: str, *, now: datetime) -> tuple[str, str]:
    """Return a new secret and its otpauth address; it counts once it is confirmed.

    Raises Malformed wrong_password, Conflict second_factor_exists, RateLimited.
    """
    prove_again(request, user, password, field="password")
    return second_factor.begin(user, now)


@sensitive_variables("codes")
def turn_on(request: HttpRequest, user: User, code: str, *, now: datetime) -> list[str]:
    """Turn on what was begun, and return the recovery codes. Raises as second_factor.confirm()."""
    codes = second_factor.confirm(user, code, now)
    _tell(request, user, "second_factor.turned_on", "second_factor_on", now)
    return codes


@sensitive_variables("password", "code", "codes")
def renew_codes(
    request: HttpRequest, user: User, password: str, code: str, *, now: datetime
) -> list[str]:
    """Return new recovery codes; the old ones open nothing any more. Raises as turn_off()."""
    _prove(request, user, password, code, now)
    codes = second_factor.renew_codes(user)
    _tell(request, user, "second_factor.codes_renewed", "recovery_codes_renewed", now)
    return codes


@sensitive_variables("password", "code")
def turn_off(request: HttpRequest, user: User, password: str, code: str, *, now: datetime) -> None:
    """Ask for no code any more. Raises Malformed wrong_password or invalid_code, RateLimited."""
    _prove(request, user, password, code, now)
    second_factor.turn_off(user)
    _tell(request, user, "second_factor.turned_off", "second_factor_off", now)


@sensitive_variables("password", "code")
def _prove(request: HttpRequest, user: User, password: str, code: str, now: datetime) -> None:
    prove_again(request, user, password, field="password")
    if not prove_code(request, user, code, now=now):
        raise second_factor.wrong_code()


def _tell(request: HttpRequest, user: User, action: str, mail: str, now: datetime) -> None:
    note(action, by=user, now=now, target=f"user {user.pk}")
    mails.send(mail, user, {"address": client_address(request)})
