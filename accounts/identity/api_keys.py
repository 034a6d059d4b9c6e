"""Keys for programs: bk_<id>_<secret>, shown once, kept as a digest."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.identity.models import ApiKey, is_live
from accounts.identity.sealing import derived_key, digest
from accounts.identity.standing import forget
from accounts.identity.tokens import invalid
from accounts.models import User
from bengi.audit.services import note
from bengi.errors import Malformed, NotFound, Refused
from bengi.ids import new_id

PREFIX = "bk_"
KEYS_MAX = 20
SHOWN_FOR = timedelta(minutes=1)
"""How long a form that made a key is told the same one again, when it is sent twice."""


@transaction.atomic
def create_key(
    user: User,
    name: str,
    scopes: Sequence[str],
    *,
    expires_at: datetime | None = None,
    form_key: UUID | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Return a new key's row, and the key, which is kept nowhere. expires_at None: never.

    form_key, which is kept nowhere either, makes one key of it: sent again for the same within
    SHOWN_FOR it is told that one. Raises Refused too_many_keys, Malformed for an end that has
    passed, Refused idempotency_mismatch for a form_key that made one before.
    """
    key_id, secret = _drawn(user, form_key)
    if form_key is not None:
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        made = ApiKey.objects.filter(id=key_id).first()
        if made is not None:
            return _again(made, secret, (name, sorted(scopes)), now)
    if expires_at is not None and expires_at <= now:
        raise Malformed("invalid_field", "A key's end lies ahead of it.", field="expires_at")
    if user.api_keys.filter(is_live(now)).count() >= KEYS_MAX:
        raise Refused("too_many_keys", f"A person may have {KEYS_MAX} keys; revoke one first.")
    row = ApiKey.objects.create(
        id=key_id,
        user=user,
        name=name,
        digest=digest(secret),
        scopes=sorted(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    note("key.created", by=user, now=now, target=f"key {row.id}", details={"scopes": row.scopes})
    return row, f"{PREFIX}{row.id.hex}_{secret}"


def _drawn(user: User, form_key: UUID | None) -> tuple[UUID, str]:
    """Return id and secret of a key: by chance, or the form's, which nobody else can tell."""
    if form_key is None:
        return new_id(), secrets.token_hex(32)
    drawn = derived_key(f"api-key.{user.pk}.{form_key}")
    parts = [hmac.digest(drawn, part, "sha256") for part in (b"id", b"secret")]
    return UUID(bytes=parts[0][:16], version=4), parts[1].hex()


def _again(
    made: ApiKey, secret: str, asked: tuple[str, list[str]], now: datetime
) -> tuple[ApiKey, str]:
    is_same = (made.name, list(made.scopes)) == asked and made.digest == digest(secret)
    if not is_same or made.revoked_at is not None or now - made.created_at > SHOWN_FOR:
        detail = "This form has made its key already. Send it once more to make another."
        raise Refused("idempotency_mismatch", detail)
    return made, f"{PREFIX}{made.id.hex}_{secret}"


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
