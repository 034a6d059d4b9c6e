"""What happened to somebody, from the logs of their accounts and their own; nobody else's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import Account, User
from bengi.errors import NotFound
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


class Log(NamedTuple):
    """A log: its newest place, and up to where its person has read it."""

    id: UUID
    seq: int
    read_to: int


def events_told(user: User, kind: NoticeKind | None = None) -> QuerySet[Event]:
    """Return what is told to the user of one kind or of all, each with read_to: how far its log is
    read. Its order is ORDER, which the caller asks for.

    From the newest LOOK_BACK events of each of their logs, closed accounts' too.
    """
    types = list(KIND_OF) if kind is None else TYPES[kind]
    recent = _after({log.id: log.seq - LOOK_BACK for log in logs_of(user)})
    own = Event.objects.filter(recent, type__in=types)
    return own.annotate(read_to=Coalesce(F("stream__read__seq"), 0))


def unread_events(user: User) -> QuerySet[Event]:
    """Return what is told to the user and not read, in no order."""
    unread = _after({log.id: max(log.seq - LOOK_BACK, log.read_to) for log in logs_of(user)})
    return Event.objects.filter(unread, type__in=KIND_OF)


def unread_count(user: User) -> int:
    """Return how many notifications the user has not read, UNREAD_MAX at most."""
    return unread_events(user)[:UNREAD_MAX].count()


def seen_with(user: User, event_id: UUID) -> dict[UUID, int]:
    """Return the place of each of the user's logs up to which all is as old as something told.

    What is newer stays beyond it, wherever it stands in its log. Raises NotFound for what is not
    told to the user.
    """
    newest = Event.objects.filter(pk=event_id, stream_id__in=heads_of_user(user), type__in=KIND_OF)
    event = newest.first()
    if event is None:
        raise NotFound
    at = event.occurred_at
    is_seen = Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lte=event.pk)
    rows = unread_events(user).order_by().values_list("stream_id")
    told = rows.annotate(seen=Max("seq", filter=is_seen), newer=Min("seq", filter=~is_seen))
    return {
        stream_id: seen if newer is None else min(seen, newer - 1)
        for stream_id, seen, newer in told
        if seen is not None
    }


def _after(places: Mapping[UUID, int]) -> Q:
    """Return the condition of events behind a place of each log.

    In numbers, one log after the other: so that the index by log and place finds them alone.
    """
    behind = [Q(stream_id=stream_id, seq__gt=seq) for stream_id, seq in places.items()]
    return reduce(or_, behind, Q(pk__in=()))


def heads_of_user(user: User) -> dict[UUID, int]:
    """Return where each of the user's logs stands."""
    return {log.id: log.seq for log in logs_of(user)}


def logs_of(user: User) -> list[Log]:
    """Return the logs that are the user's: their own, and one for each account. One statement.

    Closed accounts count too, of the newest ACCOUNTS_MAX.
    """
    accounts = Account.objects.filter(user=user).order_by("-id").values("id")[:ACCOUNTS_MAX]
    mine = Stream.objects.filter(Q(id=user.pk) | Q(id__in=accounts)).order_by("id")
    read_to = Coalesce(F("read__seq"), 0)
    return [Log(*row) for row in mine.annotate(read_to=read_to).values_list("id", "seq", "read_to")]


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
