"""The tables of special days: how facts and staff's overrides reach the calendar in use.

The tables are the truth. A process reads the facts once and the overrides every second
(CalendarWatch), so that an override counts everywhere within seconds and no tick costs a query.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from bengi.audit.services import Doer, Note, head_of, name_of, note, note_all, seqs_of
from bengi.events.services import NewEvent, append
from bengi.ids import derived_id
from instruments import calendar
from instruments.calendar import Calendar, Days, SpecialDay
from instruments.models import CalendarDay, CalendarOverride
from instruments.special_days import SOURCE, known_days

log = logging.getLogger(__name__)

TIMES = ("opens", "closes", "break_starts", "break_ends")
_COLUMNS = (*TIMES, "note")


def import_days() -> int:
    """Make the table of facts the file's: add, correct and delete rows; return how many changed."""
    facts = known_days()
    stored = _days(CalendarDay.objects.all())
    changed = [key for key, special in facts.items() if stored.get(key) != special]
    gone = stored.keys() - facts.keys()
    with transaction.atomic():
        CalendarDay.objects.bulk_create(
            [
                CalendarDay(mic=mic, date=day, source=SOURCE, **_columns(facts[mic, day]))
                for mic, day in changed
            ],
            update_conflicts=True,
            unique_fields=["mic", "date"],
            update_fields=[*_COLUMNS, "source"],
        )
        for mic, day in gone:
            CalendarDay.objects.filter(mic=mic, date=day).delete()
    return len(changed) + len(gone)


def use_stored_days() -> None:
    """Let this process go by the tables: two statements. Without rows the file's facts stay."""
    facts = _days(CalendarDay.objects.all()) or known_days()
    calendar.use(Calendar(facts, _days(CalendarOverride.objects.all())))


def refresh_overrides() -> bool:
    """Take staff's newest word into use; return whether it differed. One statement."""
    overrides = _days(CalendarOverride.objects.all())
    if overrides == calendar.in_use().overrides:
        return False
    calendar.use(Calendar(calendar.in_use().facts, overrides))
    return True


@transaction.atomic
def override_day(
    mic: str, day: date, special: SpecialDay, *, by: Doer, now: datetime
) -> CalendarOverride:
    """Let mic keep other hours on a day, or none, whatever its calendar says.

    Appends calendar.overridden to the market's stream. In use in this process after the commit, in
    the others within seconds; day orders that are open then expire by the new hours.
    """
    row, _ = CalendarOverride.objects.update_or_create(
        mic=mic, date=day, defaults=_columns(special)
    )
    payload = {"mic": mic, "date": day.isoformat(), **day_payload(special), "by": name_of(by)}
    stream = derived_id("market", mic)
    heads = append([NewEvent(stream, "calendar.overridden", payload, now)])
    if not isinstance(by, str):
        note(
            "calendar.overridden",
            by=by,
            now=now,
            target=f"market {mic} {day}",
            details=day_payload(special),
            event=head_of(heads, stream),
        )
    transaction.on_commit(refresh_overrides, robust=True)
    return row


@transaction.atomic
def restore_days(overrides: Iterable[CalendarOverride], *, by: Doer, now: datetime) -> None:
    """Take overrides back, each with a calendar.restored event: the exchange's calendar counts."""
    rows = list(overrides)
    events = [
        NewEvent(
            derived_id("market", row.mic),
            "calendar.restored",
            {"mic": row.mic, "date": row.date.isoformat(), "by": name_of(by)},
            now,
        )
        for row in rows
    ]
    CalendarOverride.objects.filter(id__in=[row.id for row in rows]).delete()
    seqs = seqs_of(events, append(events))
    if not isinstance(by, str):
        note_all(
            [
                Note("calendar.restored", f"market {row.mic} {row.date}", event=seq)
                for row, seq in zip(rows, seqs, strict=True)
            ],
            by=by,
            now=now,
        )
    transaction.on_commit(refresh_overrides, robust=True)


def day_payload(special: SpecialDay | CalendarOverride) -> dict[str, str | None]:
    """Return a special day's hours, as HH:MM:SS or None, and its note."""
    times = {name: getattr(special, name) for name in TIMES}
    told = {name: local.isoformat() if local else None for name, local in times.items()}
    return {**told, "note": special.note}


class CalendarWatch:
    """A thread's work: go by the tables, and look for staff's newest word every second.

    Every process that asks for hours has one.
    """

    LOOK_S = 1.0

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._read: Callable[[], Any] = use_stored_days

    def stop(self) -> None:
        """Let run() end within its second."""
        self._stop.set()

    def run(self) -> None:
        """Look until stopped."""
        while True:
            self.look()
            if self._stop.wait(self.LOOK_S):
                return

    def look(self) -> None:
        """Use what stands in the database by now; while it is away, the last known calendar.

        An engine must not begin before a look: it would end orders by hours that staff changed.
        """
        try:
            self._read()
            self._read = refresh_overrides
        except DatabaseError:
            log.exception("the calendar could not be read; the last known one stays in use")
            connection.close_if_unusable_or_obsolete()


def _days(rows: Any) -> Days:
    columns = rows.values_list("mic", "date", *_COLUMNS)
    return {(mic, day): SpecialDay(*hours) for mic, day, *hours in columns}


def _columns(special: SpecialDay) -> dict[str, Any]:
    return {name: getattr(special, name) for name in _COLUMNS}
