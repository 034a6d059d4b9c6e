"""The second factor: six digits that a phone reckons from the time, and codes for a lost phone.

The one place that touches allauth.mfa. Its models and their wrap() are its public side; that a new
factor begins with activate() is known of its internals only here.
"""

import secrets
from base64 import b32encode
from datetime import datetime, timedelta

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, validate_totp_code
from django.db import transaction

from accounts.identity.lifetimes import PENDING
from accounts.identity.models import PendingFactor
from accounts.identity.sealing import seal, unseal
from accounts.models import User
from bengi.errors import Conflict, Malformed

SECRET_BYTES = 20
AGAIN_FOR = timedelta(minutes=1)


def has_second_factor(user: User) -> bool:
    """Return whether the user is asked for a code."""
    return bool(get_adapter().is_mfa_enabled(user, [Authenticator.Type.TOTP]))


def begin(user: User, now: datetime) -> tuple[str, str]:
    """Return a new secret and its otpauth address; it counts once it is confirmed.

    Raises Conflict second_factor_exists.
    """
    _require_none(user)
    secret = b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    values = {"secret": seal(secret), "created_at": now}
    PendingFactor.objects.update_or_create(user=user, defaults=values)
    return secret, get_adapter().build_totp_url(user, secret)


def begun(user: User, now: datetime) -> tuple[str, str] | None:
    """Return secret and address of what was begun and waits for its first code, None for none."""
    pending = PendingFactor.objects.filter(user=user, created_at__gte=now - PENDING).first()
    if pending is None:
        return None
    secret = unseal(pending.secret)
    return secret, get_adapter().build_totp_url(user, secret)


def drawing_of(address: str) -> str:
    """Return an otpauth address as a QR code, in SVG."""
    drawn: str = get_adapter().build_totp_svg(address)
    return drawn


@transaction.atomic
def confirm(user: User, code: str, now: datetime) -> list[str]:
    """Turn on what was begun, proved by one of its codes, and return the recovery codes.

    Raises Malformed invalid_code, Conflict second_factor_not_begun or second_factor_exists.
    """
    _require_none(user)
    pending = PendingFactor.objects.select_for_update().filter(user=user).first()
    if pending is None or pending.created_at < now - PENDING:
        raise Conflict("second_factor_not_begun", "Begin with the password first.")
    secret = unseal(pending.secret)
    if not validate_totp_code(secret, code):
        raise wrong_code()
    pending.delete()
    TOTP.activate(user, secret)
    return renew_codes(user)


def just_turned_on(user: User, code: str, now: datetime) -> list[str] | None:
    """Return the recovery codes once more to a second press of the button that turned it on.

    None where that is longer ago than AGAIN_FOR, or where the code is not the phone's.
    """
    made = {each.type: each for each in Authenticator.objects.filter(user=user)}
    phone, paper = (
        made.get(each) for each in (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    )
    if phone is None or paper is None or now - phone.created_at > AGAIN_FOR:
        return None
    if not validate_totp_code(get_adapter().decrypt(phone.data["secret"]), code):
        return None
    return list(paper.wrap().get_unused_codes())


@transaction.atomic
def renew_codes(user: User) -> list[str]:
    """Return new codes for a lost phone; those before are good for nothing any more."""
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    return list(RecoveryCodes.activate(user).generate_codes())


def is_good_code(user: User, code: str) -> bool:
    """Return whether code is the phone's of now or an unused recovery code, and spend it."""
    return any(
        each.wrap().validate_code(code)
        for each in Authenticator.objects.filter(user=user).order_by("-type")
    )


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes have not been used."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(codes.wrap().get_unused_codes()) if codes else 0


@transaction.atomic
def turn_off(user: User) -> None:
    """Ask for no code any more."""
    Authenticator.objects.filter(user=user).delete()
    PendingFactor.objects.filter(user=user).delete()


def wrong_code() -> Malformed:
    """Return the error for a code that is wrong, old or used, where somebody is in already."""
    return Malformed("invalid_code", "The code is wrong or has been used.", field="code")


def _require_none(user: User) -> None:
    if has_second_factor(user):
        raise Conflict("second_factor_exists", "There is a second factor already.")
