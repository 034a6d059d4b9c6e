"""Keys for programs: bk_<id>_<secret>, shown once, kept as a digest."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.identity.models import ApiKey, is_live
from accounts.identity.sealing import digest
from accounts.identity.standing import forget
from accounts.identity.tokens import invalid
from accounts.models import User
from bengi.audit.services import note
from bengi.errors import Malformed, NotFound, Refused

PREFIX = "bk_"
KEYS_MAX = 20


@transaction.atomic
def create_key(
    user: User,
    name: str,
    scopes: Sequence[str],
    *,
    expires_at: datetime | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Return a new key's row, and the key, which is kept nowhere. expires_at None: never.

    Raises Refused too_many_keys, Malformed for an end that has passed.
    """
    if expires_at is not None and expires_at <= now:
        raise Malformed("invalid_field", "A key's end lies ahead of it.", field="expires_at")
    if user.api_keys.filter(is_live(now)).count() >= KEYS_MAX:
        raise Refused("too_many_keys", f"A person may have {KEYS_MAX} keys; revoke one first.")
    secret = secrets.token_hex(32)
    row = ApiKey.objects.create(
        user=user,
        name=name,
        digest=digest(secret),
        scopes=sorted(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    note("key.created", by=user, now=now, target=f"key {row.id}", details={"scopes": row.scopes})
    return row, f"{PREFIX}{row.id.hex}_{secret}"


@transaction.atomic
def revoke_key(user: User, key_id: UUID, *, now: datetime) -> None:
    """Let a key open nothing any more. Raises NotFound for an absent one and for others'."""
    if not user.api_keys.filter(id=key_id, revoked_at=None).update(revoked_at=now):
        raise NotFound
    note("key.revoked", by=user, now=now, target=f"key {key_id}")
    transaction.on_commit(lambda: forget(key_id), robust=True)


def read_key(key: str) -> tuple[UUID, str]:
    """Return a key's id and what is kept of its secret. Raises NotAuthenticated token_invalid."""
    name, _, secret = key.removeprefix(PREFIX).partition("_")
    try:
        return UUID(hex=name), digest(secret)
    except ValueError:
        raise invalid() from None
