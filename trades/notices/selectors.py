"""What happened to somebody, from the logs of their accounts and their own; nobody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import Account, User
from bengi.events.models import Event, Stream
from instruments.models import CorporateAction
from instruments.selectors import instruments_by_symbol
from trades.notices.kinds import KIND_OF, TYPES, NoticeKind
from trades.notices.words import Names, action_in, say, symbol_in

LOOK_BACK = 5_000
"""How many events back each log is looked through: older news is on the pages of its own."""
ACCOUNTS_MAX = 40
UNREAD_MAX = 100
"""Unread notifications are counted up to here."""
ORDER = ("-occurred_at", "-id")


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification. account_id is None for what is of no account: an alert."""

    id: UUID
    kind: NoticeKind
    event: str
    occurred_at: datetime
    title: str
    text: str
    symbol: str | None
    order_id: str | None
    account_id: UUID | None
    is_read: bool


def events_told(user: User, kind: NoticeKind | None = None) -> QuerySet[Event]:
    """Return what is told to the user of one kind or of all, each with read_to: how far its log is
    read. Its order is ORDER, which the caller asks for.

    From the newest LOOK_BACK events of each of their logs, closed accounts' too.
    """
    types = list(KIND_OF) if kind is None else TYPES[kind]
    own = Event.objects.filter(stream_id__in=streams_of(user), type__in=types)
    recent = own.filter(seq__gt=F("stream__seq") - LOOK_BACK)
    return recent.annotate(read_to=Coalesce(F("stream__read__seq"), 0))


def unread_count(user: User) -> int:
    """Return how many notifications the user has not read, UNREAD_MAX at most."""
    return events_told(user).filter(seq__gt=F("read_to"))[:UNREAD_MAX].count()


def heads_of_user(user: User) -> dict[UUID, int]:
    """Return where each of the user's logs stands."""
    return dict(Stream.objects.filter(id__in=streams_of(user)).values_list("id", "seq"))


def streams_of(user: User) -> list[UUID]:
    """Return the ids of the logs that are the user's: their own, and one for each account.

    Closed ones count too, of the newest ACCOUNTS_MAX.
    """
    accounts = Account.objects.filter(user=user).order_by("-id").values_list("id", flat=True)
    return [user.pk, *accounts[:ACCOUNTS_MAX]]


def notices(user: User, events: Sequence[Event]) -> list[Notice]:
    """Return what is said of events that events_told() has found. At most two statements."""
    names = _names(events)
    return [_notice(user, event, names) for event in events]


def _notice(user: User, event: Event, names: Names) -> Notice:
    saying = say(event.type, event.payload, names)
    return Notice(
        id=event.id,
        kind=KIND_OF[event.type],
        event=event.type,
        occurred_at=event.occurred_at,
        title=saying.title,
        text=saying.text,
        symbol=saying.symbol,
        order_id=saying.order_id,
        account_id=None if event.stream_id == user.pk else event.stream_id,
        is_read=event.seq <= event.read_to,  # type: ignore[attr-defined]
    )


def _names(events: Sequence[Event]) -> Names:
    symbols = {symbol for event in events if (symbol := symbol_in(event.payload))}
    actions = {action for event in events if (action := action_in(event.payload))}
    instruments = instruments_by_symbol(symbols) if symbols else {}
    found = CorporateAction.objects.filter(id__in=actions)
    rows = found.values_list("id", "instrument__symbol") if actions else ()
    return Names(
        places={symbol: each.price_places for symbol, each in instruments.items()},
        symbols={str(action_id): symbol for action_id, symbol in rows},
    )
