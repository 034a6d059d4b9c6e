"""What a client may ask of notifications, and their JSON."""

from typing import Any

from bengi.inputs import Input, UUIDField, WordField
from bengi.pagination import PageInput
from bengi.realtime.protocol import moment
from trades.notices.kinds import NoticeKind
from trades.notices.selectors import Notice


class NotificationsInput(PageInput):
    """One kind, or all."""

    kind = WordField(list(NoticeKind), default=None)


class ReadInput(Input):
    """The newest notification that has been seen; without one, all have."""

    up_to = UUIDField(default=None)


def notice_shape(notice: Notice) -> dict[str, Any]:
    """Return a notification."""
    return {
        "id": str(notice.id),
        "kind": str(notice.kind),
        "event": notice.event,
        "occurred_at": moment(notice.occurred_at),
        "title": notice.title,
        "text": notice.text,
        "symbol": notice.symbol,
        "order_id": notice.order_id,
        "account_id": None if notice.account_id is None else str(notice.account_id),
        "is_read": notice.is_read,
    }
