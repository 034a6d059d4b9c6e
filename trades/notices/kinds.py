"""Which events are told to their owner as notifications, and what kinds of them there are. Pure."""

from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notification is about."""

    FILL = "fill"
    REJECT = "reject"
    CANCEL = "cancel"
    ALERT = "alert"
    CASH = "cash"
    CORPORATE_ACTION = "corporate_action"
    BUST = "bust"
    ACCOUNT = "account"


TYPES: dict[NoticeKind, tuple[str, ...]] = {
    NoticeKind.FILL: ("trade.executed",),
    NoticeKind.REJECT: ("order.rejected",),
    NoticeKind.CANCEL: ("order.canceled", "order.expired"),
    NoticeKind.ALERT: ("alert.fired",),
    NoticeKind.CASH: ("cash.posted", "cash.converted", "adjustment.approved"),
    NoticeKind.CORPORATE_ACTION: (
        *("dividend.entitled", "dividend.paid"),
        "portfolio.split_applied",
    ),
    NoticeKind.BUST: ("trade.busted",),
    NoticeKind.ACCOUNT: (
        *("account.frozen", "account.released"),
        "account.good_faith_violation",
    ),
}
"""The events of each kind."""

KIND_OF = {each: kind for kind, types in TYPES.items() for each in types}

LABELS = {
    NoticeKind.FILL: "Fills",
    NoticeKind.REJECT: "Rejects",
    NoticeKind.CANCEL: "Cancels",
    NoticeKind.ALERT: "Alerts",
    NoticeKind.CASH: "Cash",
    NoticeKind.CORPORATE_ACTION: "Corporate actions",
    NoticeKind.BUST: "Busts",
    NoticeKind.ACCOUNT: "Account",
}
"""What the page calls each kind."""
