"""What the API answers about notifications, for its document."""

from typing import Annotated

from msgspec import Meta

from bengi.schema.shapes import Id, Moment, Shape
from trades.notices.kinds import NoticeKind

Count = Annotated[int, Meta(description="At most 100.")]


class Notification(Shape):
    """Something that happened to the user, in words."""

    id: Id
    kind: NoticeKind
    event: Annotated[str, Meta(description="The type of the event behind it.")]
    occurred_at: Moment
    title: str
    text: str
    symbol: str | None
    order_id: Id | None
    account_id: Annotated[Id | None, Meta(description="null for an alert.")]
    is_read: bool


class Notifications(Shape):
    """Some of the notifications, newest first, and how many of all are unread."""

    results: list[Notification]
    next: str | None
    unread: Count


class Unread(Shape):
    """How many notifications are unread."""

    unread: Count
