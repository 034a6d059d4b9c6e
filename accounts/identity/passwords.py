"""Passwords: proved, judged, changed, and forgotten.

Whatever is wrong with a sign-in, the password is hashed exactly once on the way to the same answer.
"""

from datetime import datetime
from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.identity import mails
from accounts.identity.addresses import (
    confirm_owned,
    forget_change,
    is_unconfirmed,
    send_confirmation,
)
from accounts.identity.attempts import attempt_code, attempt_password
from accounts.identity.second_factor import has_second_factor, is_good_code
from accounts.identity.sign_ins import end_all, keep_session
from accounts.models import User
from bengi.audit.services import note
from bengi.errors import Malformed, NotAuthenticated
from bengi.limits.address import client_address
from bengi.limits.limiter import give_back, require, take
from bengi.limits.table import MAIL_ACCOUNT, MAIL_ADDRESS, PASSWORD

WRONG = "This e-mail address and password do not go together."
WRONG_CODE = "The code is wrong or has been used."


def prove_password(request: HttpRequest, email: str, password: str, *, now: datetime) -> User:
    """Return whose they are. Raises NotAuthenticated invalid_credentials, RateLimited.

    The error is the same for an unknown, a disabled and an unconfirmed person as for a wrong
    password; each costs one hash.
    """
    attempt = attempt_password(email, client_address(request), now)
    user = authenticate(request, username=email, password=password)
    if isinstance(user, User) and not is_unconfirmed(user):
        attempt.succeeded()
        return user
    if isinstance(user, User):
        send_confirmation(request, user)
    note("sign_in.failed", by=None, now=now, target=email)
    raise NotAuthenticated("invalid_credentials", WRONG)


def prove_code(request: HttpRequest, user: User, code: str, *, now: datetime) -> bool:
    """Return whether code is the user's; a wrong one counts. Raises RateLimited."""
    attempt = attempt_code(user, client_address(request), now)
    if is_good_code(user, code):
        attempt.succeeded()
        return True
    note("second_factor.failed", by=user, now=now, target=f"user {user.pk}")
    return False


def prove_both(
    request: HttpRequest, email: str, password: str, code: str | None, *, now: datetime
) -> User:
    """Return who it is, by password and, where there is a second factor, by its code.

    Raises NotAuthenticated invalid_credentials, second_factor_required, invalid_code; RateLimited.
    """
    user = prove_password(request, email, password, now=now)
    if has_second_factor(user):
        if not code:
            detail = "Send the code of the second factor too."
            raise NotAuthenticated("second_factor_required", detail, field="code")
        if not prove_code(request, user, code, now=now):
            raise NotAuthenticated("invalid_code", WRONG_CODE, field="code")
    return user


def prove_again(request: HttpRequest, user: User, password: str, *, field: str) -> None:
    """Ask somebody who is in for the password once more. Raises Malformed wrong_password."""
    verdict = require(PASSWORD, f"{user.pk} {client_address(request)}")
    if not user.check_password(password):
        raise Malformed("wrong_password", "This is not your password.", field=field)
    give_back(verdict)


def judge(password: str, user: User, *, field: str) -> None:
    """Raise Malformed weak_password with every reason why a password is not good enough."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Malformed("weak_password", " ".join(error.messages), field=field) from error


def change(
    request: HttpRequest, user: User, new_password: str, *, keep: UUID | None, now: datetime
) -> None:
    """Set a new password and end every sign-in but the one to keep. Raises Malformed."""
    judge(new_password, user, field="new_password")
    _set(user, new_password, keep=keep, because="password_changed", now=now)
    keep_session(request, user, keep)
    mails.send("password_changed", user, {"address": client_address(request)})


def send_reset(request: HttpRequest, email: str, page: str) -> None:
    """Write to the owner of an e-mail address how to set a new password; tell nobody if there is.

    page is the path of the page that takes the key. Raises RateLimited by the asker's address.
    """
    require(MAIL_ADDRESS, client_address(request))
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if take(MAIL_ACCOUNT, email.casefold()).allowed and user is not None:
        mails.send("password_reset", user, {"link": mails.link(request, f"{page}?key={key(user)}")})


def key(user: User) -> str:
    """Return what proves that somebody reads the user's mail: once, for an hour."""
    name = urlsafe_base64_encode(user.pk.bytes)
    return f"{name}.{default_token_generator.make_token(user)}"


def reset(request: HttpRequest, given: str, password: str, *, now: datetime) -> User:
    """Set a new password by the key from the mail, and end every sign-in.

    Raises Malformed token_invalid or weak_password.
    """
    user = owner_of(given)
    judge(password, user, field="password")
    _set(user, password, keep=None, because="password_reset", now=now)
    confirm_owned(user)
    mails.send("password_changed", user, {"address": client_address(request)})
    return user


def owner_of(given: str) -> User:
    """Return whose key it is. Raises Malformed token_invalid for one that is wrong, old or used."""
    name, _, token = given.partition(".")
    try:
        user = User.objects.filter(
            pk=UUID(bytes=urlsafe_base64_decode(name)), is_active=True
        ).first()
    except ValueError:
        user = None
    if user is None or not default_token_generator.check_token(user, token):
        detail = "The key is wrong, has been used or is too old."
        raise Malformed("token_invalid", detail, field="key")
    return user


@transaction.atomic
def _set(user: User, password: str, *, keep: UUID | None, because: str, now: datetime) -> None:
    """A change of the e-mail address that waits is forgotten: it was asked for by the old one."""
    user.set_password(password)
    user.save(update_fields=["password"])
    forget_change(user)
    end_all(user, because=because, by=user, now=now, keep=keep)
