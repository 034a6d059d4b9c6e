"""Old bars in MongoDB: what is past its keeping time moves there, and reads go on there.

A document holds a bar as its row stood, and the ex-dates of the splits worked in by then; splits
applied later are worked in on reading, so that none has to be written into the archive
(docs/adr/0029). A row is deleted only while it says what the server has acknowledged. Whatever is
in the table counts before the archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from bengi import mongo
from bengi.mongo import Document
from instruments.bars import NUMBERS, BarValue
from instruments.corporate_actions import applied_splits, splits_known
from instruments.models import Bar, Instrument
from instruments.selectors import stored_bars
from instruments.services import KEEP_BARS
from instruments.splits import Split, in_new_shares

if TYPE_CHECKING:
    from pymongo.database import Database

BATCH = 2_000
COLLECTION = "bars"
KEY = {"instrument": 1, "interval": 1, "starts_at": -1}
AHEAD = timedelta(hours=1)
"""How far the clock of who archives may be ahead of the time that a read is for."""


def archive_bars(now: datetime) -> int:
    """Move intraday bars past their keeping time into the archive; return how many were moved.

    In batches, each acknowledged before it is deleted; so it may be stopped anywhere and run again,
    or twice at once. Raises StoreAway.
    """
    moved = 0
    while True:
        rows = list(_past(now)[:BATCH])
        documents = _documents(rows, _splits_of(rows))
        if not documents:
            return moved
        store_bars(documents.values())
        deleted = _delete(documents)
        moved += deleted
        if not deleted:
            return moved  # somebody is changing them: next time


def store_bars(documents: Iterable[Document]) -> None:
    """Put documents in their places, over those that stand there. Raises StoreAway."""
    from pymongo import ReplaceOne  # noqa: PLC0415 - only with the setting

    writes = [ReplaceOne({name: each[name] for name in KEY}, each, True) for each in documents]
    mongo.upsert(COLLECTION, KEY, writes)


def known_bars(
    instrument: Instrument,
    interval: str,
    limit: int,
    *,
    now: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[BarValue]:
    """Return the newest limit bars of a stored interval in [start, end), oldest first.

    As stored_bars() does, and where the table ends from the archive: one query there, and one more
    statement for splits. now: the market's time. While the archive is away, what the table has.
    """
    table = stored_bars(instrument, interval, limit, start=start, end=end)
    kept = KEEP_BARS.get(interval)
    if not mongo.is_used() or kept is None:
        return table
    horizon = now - kept + AHEAD
    until = horizon if end is None else min(end, horizon)
    is_whole = len(table) == limit and table[0].starts_at >= until
    if is_whole or (start is not None and start >= until):
        return table
    found = _archived(instrument, interval, limit, start, until)
    places = {bar.starts_at: bar for bar in [*found, *table]}  # the table's word is the last one
    return [places[at] for at in sorted(places)][-limit:]


def _past(now: datetime) -> QuerySet[Bar]:
    past = Q()
    for interval, kept in KEEP_BARS.items():
        past |= Q(interval=interval, starts_at__lt=now - kept)
    return Bar.objects.filter(past).order_by("id")


def _splits_of(rows: Sequence[Bar]) -> list[Split]:
    if not rows:
        return []
    oldest = min(row.starts_at for row in rows)
    return _applied(oldest, {row.instrument_id for row in rows})


def _applied(since: datetime, instrument_ids: Iterable[UUID]) -> list[Split]:
    """Return the splits applied from since on. As applied_splits() does, but it locks nothing."""
    return [split for split in splits_known(since, instrument_ids) if split.is_applied]


def _documents(rows: Sequence[Bar], splits: Sequence[Split]) -> dict[int, Document]:
    """Return what the archive is to hold, by the rows' primary keys."""
    from bson import Decimal128  # noqa: PLC0415 - only with the setting

    return {
        row.pk: {
            "instrument": row.instrument_id,
            "interval": row.interval,
            "starts_at": row.starts_at,
            **{name: Decimal128(getattr(row, name)) for name in NUMBERS},
            "splits": [str(each.ex_date) for each in splits if _is_in(each, row)],
        }
        for row in rows
    }


def _is_in(split: Split, row: Bar) -> bool:
    return split.instrument_id == str(row.instrument_id) and split.changes(_value(row))


def _value(row: Bar) -> BarValue:
    numbers = (getattr(row, name) for name in NUMBERS)
    return BarValue(str(row.instrument_id), row.interval, row.starts_at, *numbers)


@transaction.atomic
def _delete(documents: Mapping[int, Document]) -> int:
    """Delete the rows that still say what their documents do; a split changes both sides."""
    ids = {document["instrument"] for document in documents.values()}
    oldest = min(document["starts_at"] for document in documents.values())
    splits = applied_splits(ids, oldest)  # locked: none is being applied meanwhile
    rows = list(Bar.objects.select_for_update().filter(pk__in=documents).order_by("pk"))
    current = _documents(rows, splits)
    same = [pk for pk, document in current.items() if document == documents[pk]]
    return Bar.objects.filter(pk__in=same).delete()[0]


def _archived(
    instrument: Instrument, interval: str, limit: int, start: datetime | None, end: datetime
) -> list[BarValue]:
    """Return the newest limit bars of the archive, in today's shares; none while it is away."""
    bounds = {"$lt": _next_ms(end)}
    if start is not None:
        bounds["$gte"] = _next_ms(start)
    wanted = {"instrument": instrument.id, "interval": interval, "starts_at": bounds}

    def read(database: Database[Document]) -> list[Document]:
        found = database[COLLECTION].find(wanted, {"_id": False}, batch_size=limit)
        return list(found.sort("starts_at", -1).limit(limit))

    try:
        documents = mongo.ask(read)
    except mongo.StoreAway:
        return []
    if not documents:
        return []
    splits = _applied(documents[-1]["starts_at"], [instrument.id])
    return [_adjusted(document, splits) for document in reversed(documents)]


def _next_ms(moment: datetime) -> datetime:
    """Return moment or the millisecond after it: MongoDB cuts the rest off, and bars have none."""
    return moment + timedelta(microseconds=-moment.microsecond % 1000)


def _adjusted(document: Document, splits: Sequence[Split]) -> BarValue:
    """Return a document's bar after the splits applied since; one by one, as rows are rounded."""
    numbers = (document[name].to_decimal() for name in NUMBERS)
    instrument_id: UUID = document["instrument"]
    bar = BarValue(str(instrument_id), document["interval"], document["starts_at"], *numbers)
    for split in splits:
        if str(split.ex_date) not in document["splits"]:
            bar = in_new_shares(bar, [split])
    return bar
