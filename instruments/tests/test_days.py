"""Special days in the tables: imported facts, staff's overrides, and how fast they count."""

import threading
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import UserFactory
from bengi.events.models import Event
from bengi.ids import derived_id
from bengi.replay import differences, fold_log
from instruments import calendar, days, special_days
from instruments.calendar import Calendar, SpecialDay
from instruments.days import (
    CalendarWatch,
    import_days,
    override_day,
    refresh_overrides,
    restore_days,
    use_stored_days,
)
from instruments.lines import hours_words
from instruments.models import CalendarDay, CalendarOverride
from instruments.special_days import known_days

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
TUESDAY = date(2026, 11, 24)
THANKSGIVING = date(2026, 11, 26)
STAFF = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def _calendar():
    before = calendar.in_use()
    yield
    calendar.use(before)


def override(mic: str = "XNYS", day: date = TUESDAY, **hours: Any) -> CalendarOverride:
    return override_day(mic, day, SpecialDay(**hours), by=STAFF, now=NOW)


def test_the_import_fills_the_table_once_and_mends_it(django_assert_num_queries) -> None:
    facts = known_days()
    assert import_days() == len(facts) == CalendarDay.objects.count() > 1600
    with django_assert_num_queries(3):  # one look, within a savepoint
        assert import_days() == 0
    CalendarDay.objects.filter(mic="XNAS", date=THANKSGIVING).delete()
    CalendarDay.objects.filter(mic="XNYS", date=THANKSGIVING).update(opens="09:30", closes="16:00")
    CalendarDay.objects.create(mic="XLON", date=TUESDAY, source="a slip")
    assert import_days() == 3
    assert set(CalendarDay.objects.values_list("mic", "date")) == set(facts)
    row = CalendarDay.objects.get(mic="XNYS", date=date(2026, 11, 27))
    assert (row.opens, row.closes, row.note) == (time(9, 30), time(13), "Black Friday")
    assert str(row) == "XNYS 2026-11-27 09:30-13:00"
    assert row.source == "exchange_calendars"


def test_the_command_writes_the_file_and_the_table(monkeypatch, tmp_path, capsys) -> None:
    fact = special_days.Fact("XTKS", TUESDAY, SpecialDay(note="Holiday"))
    path = tmp_path / "days.csv"
    module = "instruments.management.commands.import_calendar"
    monkeypatch.setattr(f"{module}.days_of_library", lambda until: [fact])
    monkeypatch.setattr(f"{module}.write_days", lambda facts: special_days.write_days(facts, path))
    call_command("import_calendar", "--until", "2026-12-31")
    assert known_days(path) == {("XTKS", TUESDAY): fact.day}
    total = CalendarDay.objects.count()
    assert capsys.readouterr().out.split("\n")[:2] == [
        "1 days written to the file.",
        f"{total} days changed in the table.",
    ]


def test_the_command_says_which_package_it_needs(monkeypatch) -> None:
    def missing(until: date) -> None:
        raise ModuleNotFoundError("No module named", name="exchange_calendars")

    module = "instruments.management.commands.import_calendar"
    monkeypatch.setattr(f"{module}.days_of_library", missing)
    with pytest.raises(CommandError, match="exchange_calendars is missing"):
        call_command("import_calendar", "--until", "2026-12-31")


def test_a_process_goes_by_the_tables(django_assert_num_queries) -> None:
    CalendarDay.objects.create(mic="XNYS", date=TUESDAY, note="Made up", source="test")
    override("XLON", TUESDAY)
    with django_assert_num_queries(2):
        use_stored_days()
    assert calendar.session_on("XNYS", TUESDAY, "exchange") is None
    assert calendar.session_on("XLON", TUESDAY, "exchange") is None
    assert calendar.session_on("XNYS", THANKSGIVING, "exchange") is not None, "only the table"


def test_an_empty_table_leaves_the_known_facts() -> None:
    calendar.use(Calendar({}, {}))
    use_stored_days()
    assert calendar.session_on("XNYS", THANKSGIVING, "exchange") is None


def test_an_override_counts_after_the_commit_and_is_taken_back(
    django_capture_on_commit_callbacks,
) -> None:
    """Calendar: staff can override a day."""
    edition = calendar.in_use().edition
    with django_capture_on_commit_callbacks(execute=True):
        row = override(opens=time(9, 30), closes=time(12), note="Drill")
    assert calendar.in_use().edition != edition
    session = calendar.session_on("XNYS", TUESDAY, "exchange")
    assert session is not None
    assert session.closes_at == datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
    with django_capture_on_commit_callbacks(execute=True):
        override(note="Closed after all")
    assert CalendarOverride.objects.get().pk == row.pk
    assert calendar.session_on("XNYS", TUESDAY, "exchange") is None
    with django_capture_on_commit_callbacks(execute=True):
        restore_days([row], by=STAFF, now=NOW)
    session = calendar.session_on("XNYS", TUESDAY, "exchange")
    assert session is not None
    assert session.closes_at == datetime(2026, 11, 24, 21, 0, tzinfo=UTC)


def test_nothing_new_keeps_the_edition(django_assert_num_queries) -> None:
    use_stored_days()
    edition = calendar.in_use().edition
    with django_assert_num_queries(1):
        assert refresh_overrides() is False
    assert calendar.in_use().edition == edition


def test_every_override_is_an_event_and_folds_to_the_table() -> None:
    row = override(opens=time(9, 30), closes=time(12), break_starts=time(10), break_ends=time(11))
    override("XLON", note="Gone fishing")
    override("XTKS")
    restore_days(CalendarOverride.objects.filter(mic="XTKS"), by=STAFF, now=NOW)
    assert list(differences(fold_log())) == []
    event = Event.objects.get(stream_id=derived_id("market", "XNYS"))
    assert (event.type, event.payload) == (
        "calendar.overridden",
        {
            "mic": "XNYS",
            "date": "2026-11-24",
            "opens": "09:30:00",
            "closes": "12:00:00",
            "break_starts": "10:00:00",
            "break_ends": "11:00:00",
            "note": "",
            "by": STAFF,
        },
    )
    kinds = Event.objects.filter(stream_id=derived_id("market", "XTKS")).values_list("type")
    assert [kind for (kind,) in kinds] == ["calendar.overridden", "calendar.restored"]
    CalendarOverride.objects.filter(pk=row.pk).update(closes=time(13))
    damage = list(differences(fold_log()))
    assert [line.partition(" override ")[0] for line in damage] == ["events only:", "tables only:"]


@pytest.mark.parametrize(
    "hours",
    [
        {"opens": time(9)},
        {"closes": time(9)},
        {"opens": time(12), "closes": time(9)},
        {"break_starts": time(10), "break_ends": time(11)},
        {"opens": time(9), "closes": time(16), "break_starts": time(10)},
        {"opens": time(9), "closes": time(16), "break_starts": time(8), "break_ends": time(10)},
        {"opens": time(9), "closes": time(16), "break_starts": time(15), "break_ends": time(17)},
    ],
    ids=str,
)
def test_hours_that_make_no_day_are_refused_by_the_database(hours: dict[str, time]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        override(**hours)
    assert not Event.objects.exists()


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def test_staff_override_a_day_in_the_admin(staff, django_capture_on_commit_callbacks) -> None:
    values = {"mic": "XNYS", "date": "2026-11-24", "opens": "09:30", "closes": "12:00"}
    add = reverse("admin:instruments_calendaroverride_add")
    page = staff.post(add, values | {"closes": "09:00"})
    assert "A day closes after it opens" in page.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert staff.post(add, values | {"note": "Drill"}).status_code == 302
    assert not calendar.is_open("XNYS", datetime(2026, 11, 24, 17, tzinfo=UTC), "exchange")
    assert "This day has a row already" in staff.post(add, values).content.decode()
    row = CalendarOverride.objects.get()
    change = reverse("admin:instruments_calendaroverride_change", args=[row.pk])
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(change, {"opens": "", "closes": "", "note": "Closed"})
    assert calendar.session_on("XNYS", TUESDAY, "exchange") is None
    delete = reverse("admin:instruments_calendaroverride_delete", args=[row.pk])
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(delete, {"post": "yes"})
    assert calendar.session_on("XNYS", TUESDAY, "exchange") is not None
    history = Event.objects.order_by("seq").values_list("type", flat=True)
    assert list(history) == ["calendar.overridden"] * 2 + ["calendar.restored"]
    assert list(differences(fold_log())) == []


def test_many_overrides_are_taken_back_at_once(staff) -> None:
    rows = [override(mic, note="Drill") for mic in ("XNYS", "XLON")]
    listing = reverse("admin:instruments_calendaroverride_changelist")
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
    staff.post(listing, chosen | {"post": "yes"})
    assert not CalendarOverride.objects.exists()
    assert list(differences(fold_log())) == []


def test_published_days_are_looked_at_only(staff) -> None:
    row = CalendarDay.objects.create(mic="XNYS", date=TUESDAY, source="test")
    listing = reverse("admin:instruments_calendarday_changelist")
    assert staff.get(listing).status_code == 200
    page = reverse("admin:instruments_calendarday_change", args=[row.pk])
    assert staff.post(page, {"note": "x"}).status_code == 403
    assert staff.get(reverse("admin:instruments_calendarday_add")).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_the_watch_hears_what_another_process_wrote(monkeypatch) -> None:
    """An override is effective in a running process within seconds, without a nudge."""
    monkeypatch.setattr(CalendarWatch, "LOOK_S", 0.01)
    heard = threading.Event()

    def use(new) -> None:
        calendar_use(new)
        if new.overrides:
            heard.set()

    monkeypatch.setattr(days.calendar, "use", use)
    watch = CalendarWatch()
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        CalendarOverride.objects.create(mic="XNYS", date=TUESDAY, note="Elsewhere")
        assert heard.wait(5)
    finally:
        watch.stop()
        thread.join(5)
    assert not thread.is_alive()
    assert calendar.session_on("XNYS", TUESDAY, "exchange") is None


calendar_use = calendar.use


def test_the_page_says_why_a_market_is_closed(settings) -> None:
    holiday = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)
    assert hours_words("XNYS", holiday) == "Open round the clock"
    calendar.use(Calendar(known_days(), {("XNYS", THANKSGIVING): SpecialDay(note="Drill")}))
    assert hours_words("XNYS", holiday) == "Closed: Drill, opens in 9 h 0 min"
    settings.MARKET_HOURS = "exchange"
    assert hours_words("XNAS", holiday) == "Closed: Thanksgiving, opens in 23 h 30 min"
