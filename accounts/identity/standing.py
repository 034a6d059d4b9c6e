"""Whether a sign-in or a key still holds: asked with every request, so it is cached.

What is cached is good for STATE_S seconds, in every process; who ends something also takes it out
of the cache, which all processes share where it is Redis. Without a cache the table answers.
"""

import logging
import pickle
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.core.cache import cache
from django.db import transaction

from accounts.identity.grants import Grant, stamp_of
from accounts.identity.lifetimes import LAST_USED_EVERY, STATE_S
from accounts.identity.models import ApiKey, SignIn, is_live
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


def standings(
    sign_ins: Collection[UUID], keys: Collection[UUID], now: datetime, *, is_shared: bool = False
) -> dict[UUID, Standing]:
    """Return who is in by which of these sign-ins and keys; what does not hold is absent.

    One question to the cache, and a statement for each kind that it does not know all of.
    is_shared: others of this process may hold the same instances, so that they are only read.
    """
    names = {_name(each): each for each in (*sign_ins, *keys)}
    if not names:
        return {}
    unpack = _unpacked if is_shared else pickle.loads
    cached: dict[str, bytes] = _line.ask(lambda: cache.get_many(list(names)), {})
    found: dict[UUID, Standing] = {names[name]: unpack(kept) for name, kept in cached.items()}
    read = _read_sign_ins([each for each in sign_ins if each not in found], now)
    read |= _read_keys([each for each in keys if each not in found], now)
    if read:
        named = {_name(each): pickle.dumps(standing) for each, standing in read.items()}
        _line.ask(lambda: cache.set_many(named, STATE_S), None)
    return found | read


@lru_cache(maxsize=4_096)
def _unpacked(kept: bytes) -> Standing:
    """Return what is kept: it is asked about with every order, and seldom another."""
    standing: Standing = pickle.loads(kept)  # noqa: S301 - from our own cache
    return standing


def forget(*ids: UUID) -> None:
    """Let the next look at these sign-ins and keys be at the table."""
    _line.ask(lambda: cache.delete_many([_name(each) for each in ids]), None)


def forget_all_of(user: User) -> None:
    """Let the next look at every sign-in and key of the user's be at the table. Two statements."""
    sign_ins = SignIn.objects.filter(user=user, ended_at=None).values_list("id", flat=True)
    keys = ApiKey.objects.filter(user=user, revoked_at=None).values_list("id", flat=True)
    forget(*sign_ins, *keys)


def _read_sign_ins(ids: Collection[UUID], now: datetime) -> dict[UUID, Standing]:
    if not ids:
        return {}
    live = SignIn.objects.filter(id__in=ids, ended_at=None, expires_at__gt=now)
    return {
        found.id: Standing(_without_password(found.user), found.stamp)
        for found in live.select_related("user")
        if found.user.is_active and found.stamp == stamp_of(found.user)
    }


def _read_keys(ids: Collection[UUID], now: datetime) -> dict[UUID, Standing]:
    if not ids:
        return {}
    live = ApiKey.objects.filter(is_live(now), id__in=ids, user__is_active=True)
    found = list(live.select_related("user"))
    long_ago = now - LAST_USED_EVERY
    stale = [key.id for key in found if not key.last_used_at or key.last_used_at < long_ago]
    _note_use(stale, now)
    return {key.id: _standing_of(key) for key in found}


def _standing_of(key: ApiKey) -> Standing:
    stamp = stamp_of(key.user)
    return Standing(_without_password(key.user), stamp, key.digest, frozenset(key.scopes))


def _note_use(ids: Collection[UUID], now: datetime) -> None:
    """Say of keys when they were used; where another process says so just now, leave it that."""
    if ids:
        free = ApiKey.objects.filter(id__in=ids).select_for_update(skip_locked=True)
        with transaction.atomic():
            ApiKey.objects.filter(id__in=free.values("id")).update(last_used_at=now)


def _without_password(user: User) -> User:
    """Let the hash be read anew by whoever asks for it."""
    del user.password
    return user


def _name(id: UUID) -> str:  # noqa: A002
    return f"bengi:bearer:{id}"
