"""E-mail addresses and whether their owners have confirmed them, by allauth's rows and keys."""

from collections.abc import Iterable

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.http import HttpRequest

from accounts.identity import mails
from accounts.models import User
from bengi.errors import Malformed
from bengi.limits.limiter import take
from bengi.limits.table import MAIL_ACCOUNT

PAGE = "/verify-email"


def is_confirmed(user: User) -> bool:
    """Return whether the owner of the user's e-mail address has confirmed it."""
    return EmailAddress.objects.filter(
        user=user, email=user.email.lower(), primary=True, verified=True
    ).exists()


def is_unconfirmed(user: User) -> bool:
    """Return whether the user has to confirm before coming in.

    Who was not made by signing up (by a command, by staff) has no row and nothing to confirm.
    """
    return not may_be_written_to([user])


def may_be_written_to(users: Iterable[User]) -> set[User]:
    """Return those whose addresses are their own: confirmed, where that is asked for. One query."""
    if not settings.EMAIL_MUST_BE_CONFIRMED:
        return set(users)
    asked = list(users)
    waiting = EmailAddress.objects.filter(user__in=asked, primary=True, verified=False)
    unconfirmed = set(waiting.values_list("user_id", flat=True))
    return {user for user in asked if user.pk not in unconfirmed}


def send_confirmation(request: HttpRequest, user: User) -> None:
    """Write to the user how to confirm the address, unless that was done too often lately."""
    address = _row(user)
    if address.verified or not take(MAIL_ACCOUNT, user.email.casefold()).allowed:
        return
    key = EmailConfirmationHMAC.create(address).key
    mails.send("confirm_address", user, {"link": mails.link(request, f"{PAGE}?key={key}")})


def confirm(key: str) -> EmailAddress:
    """Note that the owner has read the mail. Raises Malformed token_invalid."""
    found = EmailConfirmationHMAC.from_key(key)
    if found is None or not found.email_address.set_verified():
        detail = "The key is wrong, has been used or is too old."
        raise Malformed("token_invalid", detail, field="key")
    return found.email_address


def confirm_owned(user: User) -> None:
    """Note that the user reads the mails to the address: a key that went there has come back."""
    _row(user).set_verified()


def _row(user: User) -> EmailAddress:
    row, _ = EmailAddress.objects.get_or_create(
        user=user, primary=True, defaults={"email": user.email.lower()}
    )
    return row
