"""Whether a sign-in or a key still holds: asked with every request, so it is cached.

What is cached is good for STATE_S seconds, in every process; who ends something also takes it out
of the cache, which all processes share where it is Redis. Without a cache the table answers.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.cache import cache

from accounts.identity.grants import Grant, stamp_of
from accounts.identity.lifetimes import LAST_USED_EVERY, STATE_S
from accounts.identity.models import ApiKey, SignIn
from accounts.models import User
from bengi.line import Line

_line = Line(logging.getLogger(__name__), f"what has ended is seen within {STATE_S} s")


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody who is in. user comes without the password's hash: it has no place in a cache."""

    user: User
    stamp: str
    digest: str = ""
    scopes: frozenset[str] = Grant().scopes


def standing_of_sign_in(sign_in_id: UUID, now: datetime) -> Standing | None:
    """Return who is in by a sign-in, None when it does not hold any more."""
    return _cached(_name(sign_in_id), lambda: _read_sign_in(sign_in_id, now))


def standing_of_key(key_id: UUID, now: datetime) -> Standing | None:
    """Return whose key it is and what it may, None when it is revoked or its person disabled."""
    return _cached(_name(key_id), lambda: _read_key(key_id, now))


def forget(*ids: UUID) -> None:
    """Let the next look at these sign-ins and keys be at the table."""
    _line.ask(lambda: cache.delete_many([_name(each) for each in ids]), None)


def _read_sign_in(sign_in_id: UUID, now: datetime) -> Standing | None:
    live = SignIn.objects.filter(id=sign_in_id, ended_at=None, expires_at__gt=now)
    found = live.select_related("user").first()
    if found is None or not found.user.is_active or found.stamp != stamp_of(found.user):
        return None
    return Standing(_without_password(found.user), found.stamp)


def _read_key(key_id: UUID, now: datetime) -> Standing | None:
    found = ApiKey.objects.select_related("user").filter(id=key_id, revoked_at=None).first()
    if found is None or not found.user.is_active:
        return None
    if found.last_used_at is None or found.last_used_at < now - LAST_USED_EVERY:
        ApiKey.objects.filter(id=key_id).update(last_used_at=now)
    stamp = stamp_of(found.user)
    user = _without_password(found.user)
    return Standing(user, stamp, found.digest, frozenset(found.scopes))


def _without_password(user: User) -> User:
    """Let the hash be read anew by whoever asks for it."""
    del user.password
    return user


def _name(id: UUID) -> str:  # noqa: A002
    return f"bengi:standing:{id}"


def _cached(name: str, read: Callable[[], Standing | None]) -> Standing | None:
    known: Standing | None = _line.ask(lambda: cache.get(name), None)
    if known is None:
        known = read()
        if known is not None:
            _line.ask(lambda: cache.set(name, known, STATE_S), None)
    return known
