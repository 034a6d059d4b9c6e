"""One relay at a time: a row that says who publishes, until when.

What is right does not hang on it, because two relays only repeat each other; but one is enough, and
what one alone publishes arrives in order.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from bengi.events.models import RelayLease

LASTS = timedelta(seconds=10)
"""Longer than a turn may take (kafka.CONNECT_S and PUBLISH_S), but for the first, which makes
topics too; so long nothing is told when the relay at work dies."""


class LeaseLost(Exception):
    """Another relay has taken over meanwhile."""


def take_lease(holder: UUID, now: datetime) -> bool:
    """Take the lease, or keep it, for LASTS; return False while another relay has it."""
    free = Q(holder=holder) | Q(holder=None) | Q(expires_at__lte=now)
    terms = {"holder": holder, "expires_at": now + LASTS}
    if RelayLease.objects.filter(free).update(**terms):
        return True
    _, is_first = RelayLease.objects.get_or_create(id=1, defaults=terms)
    return is_first


def note_published(holder: UUID, now: datetime) -> None:
    """Note that the broker has acknowledged, and hold the row until the transaction ends.

    Raises LeaseLost.
    """
    rows = RelayLease.objects.filter(holder=holder)
    if not rows.update(published_at=now, trouble="", expires_at=now + LASTS):
        raise LeaseLost


def note_trouble(holder: UUID, words: str) -> None:
    """Note why nothing is published now."""
    RelayLease.objects.filter(holder=holder).update(trouble=words[:300])


def release_lease(holder: UUID) -> None:
    """Let another relay take over at once."""
    RelayLease.objects.filter(holder=holder).update(holder=None)
