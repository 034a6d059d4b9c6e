"""Take a duty, hold it, let it go. A row and an end of it: so it works in both databases.

What is right must not hang on a lease alone, because a process may sleep through its end: whoever
writes holds it in the transaction that writes (hold), or asks Tenure before it speaks.
"""

import os
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Model, Q

from bengi.leases.models import Lease


class LeaseLost(Exception):
    """Another process has taken over meanwhile."""


def this_process() -> str:
    """Say in words which process this is."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def take(duty: str, holder: UUID, by: str, now: datetime, lasts: timedelta) -> bool:
    """Take a duty, or keep it, for so long; return False while another process has it."""
    return take_row(Lease, {"duty": duty}, holder, now, lasts, by=by[:120])


def take_row(
    model: type[Model],
    key: Mapping[str, Any],
    holder: UUID,
    now: datetime,
    lasts: timedelta,
    **words: str,
) -> bool:
    """Do what take() does with a row of any model that has a holder and an end, in expires_at."""
    free = Q(holder=holder) | Q(holder=None) | Q(expires_at__lte=now)
    terms = {"holder": holder, "expires_at": now + lasts, **words}
    rows = model._default_manager
    if rows.filter(free, **key).update(**terms):
        return True
    _, is_first = rows.get_or_create(**key, defaults=terms)
    return is_first


def take_over(duty: str, holder: UUID, by: str, now: datetime, lasts: timedelta) -> None:
    """Take a duty from whoever has it, who finds out when it wants to hold it."""
    terms = {"holder": holder, "by": by[:120], "expires_at": now + lasts}
    Lease.objects.update_or_create(duty=duty, defaults=terms)


def hold(duty: str, holder: UUID, now: datetime, lasts: timedelta) -> None:
    """Keep a duty for so long; nobody takes it until the transaction ends. Raises LeaseLost."""
    if not Lease.objects.filter(duty=duty, holder=holder).update(expires_at=now + lasts):
        raise LeaseLost


def release(duty: str, holder: UUID) -> None:
    """Let another process have the duty at once."""
    Lease.objects.filter(duty=duty, holder=holder).update(holder=None)
