"""Tell the streams, after commit, that accounts have new events. A hint; the log is the truth."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from bengi.bus import ACCOUNT, get_bus


def publish(heads: Mapping[UUID, int]) -> None:
    """Hint, per account, the seq its log has reached."""
    get_bus().publish_all(ACCOUNT, hints_of(heads))


def hints_of(heads: Mapping[UUID, int]) -> list[dict[str, Any]]:
    """Return what publish() hints."""
    return [{"account_id": str(account_id), "seq": seq} for account_id, seq in heads.items()]
