"""The caller's key makes a thing happen once: the answer is kept beside its effect.

A key belongs to one user and one route for 7 days. The same key with the same body gets the answer
again, with another body it is refused.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import IntegrityError, connection

from accounts.models import IdempotencyKey
from bengi.errors import Conflict, Refused

KEPT = timedelta(days=7)


def known_answer(
    user_id: UUID, route: str, key: str, body: Sequence[str], now: datetime
) -> dict[str, Any] | None:
    """Return the answer that key was given before, None when it is new or forgotten.

    Raises Refused idempotency_mismatch when it was used with another body.
    """
    known = IdempotencyKey.objects.filter(
        user_id=user_id, route=route, key=key, created_at__gt=now - KEPT
    ).first()
    if known is None:
        return None
    if known.body_hash != _hash(body):
        detail = "This Idempotency-Key was used for another request already."
        raise Refused("idempotency_mismatch", detail, field="Idempotency-Key")
    answer: dict[str, Any] = known.answer
    return answer


def remember(
    user_id: UUID, route: str, key: str, body: Sequence[str], answer: dict[str, Any], now: datetime
) -> None:
    """Keep the answer in the caller's transaction, and forget the user's old ones.

    Raises Conflict in_progress when a request with the same key is being answered right now.
    """
    assert connection.in_atomic_block, "the answer is kept with its effect"
    IdempotencyKey.objects.filter(user_id=user_id, created_at__lte=now - KEPT).delete()
    try:
        IdempotencyKey.objects.create(
            user_id=user_id,
            route=route,
            key=key,
            body_hash=_hash(body),
            answer=answer,
            created_at=now,
        )
    except IntegrityError as error:
        detail = "A request with this Idempotency-Key is being answered; ask again."
        raise Conflict("in_progress", detail, field="Idempotency-Key") from error


def _hash(body: Sequence[str]) -> str:
    return hashlib.sha256(msgspec.json.encode(body)).hexdigest()
