"""E-mail addresses and whether their owners have confirmed them, by allauth's rows and keys."""

from collections.abc import Iterable
from datetime import datetime

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.identity import mails
from accounts.identity.standing import forget_all_of
from accounts.models import User
from bengi.audit.services import note
from bengi.errors import Malformed
from bengi.limits.address import client_address
from bengi.limits.limiter import require, take
from bengi.limits.table import MAIL_ACCOUNT, MAIL_ADDRESS

PAGE = "/verify-email"
FORGOT_PAGE = "/password/forgot"


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


def confirm(key: str, *, now: datetime) -> EmailAddress:
    """Note that the owner has read the mail; an address that waited takes the old one's place.

    Raises Malformed token_invalid, also where somebody else has the address by now.
    """
    found = EmailConfirmationHMAC.from_key(key)
    if found is None:
        raise _invalid()
    address: EmailAddress = found.email_address
    if not (address.set_verified() if address.primary else _take_place(address, now)):
        raise _invalid()
    return address


def ask_for_change(request: HttpRequest, user: User, email: str) -> None:
    """Write to a new address of the user's, and to theirs, which stays until a key has come back.

    Where somebody has the address already they have mail, and the user is told nothing of it.
    The last address asked for counts. Raises Malformed for the one they have, RateLimited.
    """
    require(MAIL_ADDRESS, client_address(request))
    if email.casefold() == user.email.casefold():
        raise Malformed("invalid_field", "This is your address already.", field="email")
    forget_change(user)
    address = EmailAddress.objects.create(user=user, email=email.lower(), primary=False)
    undo = {"email": address.email, "link": mails.link(request, FORGOT_PAGE)}
    mails.send("address_change_asked", user, undo)
    if not take(MAIL_ACCOUNT, email.casefold()).allowed:
        return
    owner = User.objects.filter(email__iexact=email, is_active=True).first()
    if owner is not None:
        mails.send("registered_already", owner, {"link": mails.link(request, "/signin")})
        return
    key = EmailConfirmationHMAC.create(address).key
    told = {"link": mails.link(request, f"{PAGE}?key={key}")}
    mails.send("confirm_new_address", user, told, to=address.email)


def waiting_address(user: User) -> str:
    """Return the address that is to be the user's once it is confirmed, "" where none is."""
    waiting = EmailAddress.objects.filter(user=user, primary=False).order_by("-id")
    return waiting.values_list("email", flat=True).first() or ""


def forget_change(user: User) -> None:
    """Let the address that waits never count."""
    EmailAddress.objects.filter(user=user, primary=False).delete()


def confirm_owned(user: User) -> None:
    """Note that the user reads the mails to the address: a key that went there has come back."""
    _row(user).set_verified()


def _take_place(address: EmailAddress, now: datetime) -> bool:
    """Let it be its user's address from now on; False where it is somebody else's."""
    user = User.objects.get(pk=address.user_id)
    old = user.email
    try:
        with transaction.atomic():
            EmailAddress.objects.filter(user=user).exclude(pk=address.pk).delete()
            address.primary = address.verified = True
            address.save(update_fields=["primary", "verified"])
            user.email = address.email
            user.save(update_fields=["email"])
            details = {"from": old, "to": user.email}
            note("user.email_changed", by=user, now=now, target=f"user {user.pk}", details=details)
    except IntegrityError:
        return False
    mails.send("address_changed", user, {"email": user.email}, to=old)
    forget_all_of(user)
    return True


def _invalid() -> Malformed:
    detail = "The key is wrong, has been used or is too old."
    return Malformed("token_invalid", detail, field="key")


def _row(user: User) -> EmailAddress:
    row, _ = EmailAddress.objects.get_or_create(
        user=user, primary=True, defaults={"email": user.email.lower()}
    )
    return row
