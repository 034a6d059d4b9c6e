"""Notifications are read."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.services import lock_user
from trades.notices.models import ReadStream
from trades.notices.selectors import heads_of_user


@transaction.atomic
def mark_read(user: User, seen: Mapping[UUID, int] | None = None) -> None:
    """Count what the user has seen as read: each log up to its seq in seen, or all there is.

    Logs that are not the user's change nothing, nor does what is read already.
    """
    lock_user(user)
    heads = heads_of_user(user)
    read = dict(ReadStream.objects.filter(stream_id__in=heads).values_list("stream_id", "seq"))
    rows = []
    for stream_id, head in heads.items():
        seq = head if seen is None else min(head, seen.get(stream_id, 0))
        if seq > read.get(stream_id, 0):
            rows.append(ReadStream(stream_id=stream_id, seq=seq))
    ReadStream.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["stream"], update_fields=["seq"]
    )
