"""Refresh tokens: opaque, spent once, one family per sign-in.

A token's successor is reckoned from it with a key of ours. So twenty requests with the same token
get the same successor without its being kept anywhere, and whoever knows an old token but not the
key knows nothing of the next. The first request spends the token by compare-and-set; the others
find it spent a moment ago. Spent longer ago than the grace, it was stolen or its thief is here:
the family ends.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.identity.grants import stamp_of
from accounts.identity.lifetimes import GRACE, REFRESH
from accounts.identity.models import RefreshToken, SignIn
from accounts.identity.sealing import derived_key, digest
from accounts.identity.tokens import invalid
from bengi.errors import NotAuthenticated

PREFIX = "rt_"


@dataclass(frozen=True, slots=True)
class Rotation:
    """What came of a refresh token: its successor, or reused."""

    sign_in: SignIn
    successor: str
    reused: bool = False


def first_token(sign_in: SignIn, now: datetime) -> str:
    """Return a family's first token, and keep its digest."""
    token = PREFIX + secrets.token_urlsafe(32)
    _keep(sign_in, token, now)
    return token


@transaction.atomic
def rotate(token: str, now: datetime) -> Rotation:
    """Spend the token and return its successor; the same one again within the grace.

    A reused one is told, not raised, so that ending its family is not rolled back with the error.
    Raises NotAuthenticated token_invalid or token_expired.
    """
    kept = RefreshToken.objects.select_related("sign_in__user").filter(digest=digest(token)).first()
    if kept is None or not _holds(kept.sign_in):
        raise invalid()
    if kept.expires_at <= now:
        raise NotAuthenticated("token_expired", "The token has expired; sign in again.")
    successor = successor_of(token)
    unspent = RefreshToken.objects.filter(id=kept.id, spent_at=None)
    if kept.spent_at is None and unspent.update(spent_at=now):
        _keep(kept.sign_in, successor, now)
        _slide(kept.sign_in, now)
    elif kept.spent_at is not None and now - kept.spent_at > GRACE:
        return Rotation(kept.sign_in, "", reused=True)
    return Rotation(kept.sign_in, successor)


def successor_of(token: str) -> str:
    """Return the token that follows: the same for everybody who asks, and for nobody else."""
    following = hmac.digest(derived_key("refresh"), token.encode(), "sha256")
    return PREFIX + urlsafe_b64encode(following).decode().rstrip("=")


def _holds(sign_in: SignIn) -> bool:
    user = sign_in.user
    return sign_in.ended_at is None and user.is_active and sign_in.stamp == stamp_of(user)


def _keep(sign_in: SignIn, token: str, now: datetime) -> None:
    RefreshToken.objects.create(
        sign_in=sign_in, digest=digest(token), issued_at=now, expires_at=now + REFRESH
    )


def _slide(sign_in: SignIn, now: datetime) -> None:
    """Let the sign-in live on, and forget the family's tokens that could not be used anyway."""
    sign_in.last_used_at, sign_in.expires_at = now, now + REFRESH
    sign_in.save(update_fields=["last_used_at", "expires_at"])
    RefreshToken.objects.filter(sign_in=sign_in, expires_at__lte=now).delete()
