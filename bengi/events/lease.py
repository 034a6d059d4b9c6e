"""One relay at a time: a row that says who publishes, until when, and what has become of it.

What is right does not hang on it, because two relays only repeat each other; but one is enough, and
what one alone publishes arrives in order.
"""

from datetime import datetime, timedelta
from uuid import UUID

from bengi.events.models import RelayLease
from bengi.leases.services import LeaseLost, take_row

LASTS = timedelta(seconds=10)
"""Longer than a turn may take (kafka.CONNECT_S and PUBLISH_S), but for the first, which makes
topics too; so long nothing is told when the relay at work dies."""


def take_lease(holder: UUID, now: datetime) -> bool:
    """Take the lease, or keep it, for LASTS; return False while another relay has it."""
    return take_row(RelayLease, {"id": 1}, holder, now, LASTS)


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
