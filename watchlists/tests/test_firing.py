"""Alerts fire once, tell everybody, and only at prints that can be believed."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.books import check_books
from bengi.bus import ACCOUNT, TICKS, get_bus
from bengi.events.models import Event
from bengi.events.selectors import events_after
from bengi.realtime.protocol import user_message
from bengi.replay import differences, fold_log
from bengi.terms import AlertKind, CorporateActionKind, CorporateActionStatus
from instruments.board import board
from instruments.models import CorporateAction
from instruments.services import record_quotes
from instruments.tests.factories import QUOTED_AT, InstrumentFactory
from watchlists import loop as loop_module
from watchlists.firing import adjust_to_splits, fire
from watchlists.loop import AlertLoop
from watchlists.mailing import mail_fired
from watchlists.models import PriceAlert
from watchlists.services import change_alert, delete_alert, set_alert
from watchlists.tests.factories import PriceAlertFactory, print_of
from watchlists.tests.watched import A_SECOND, Watched

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clean():
    board.clear()
    clock.use(lambda: QUOTED_AT)
    yield
    clock.reset()
    assert {name: lines for name, lines in check_books().items() if lines} == {}
    lines = differences(fold_log())  # splits are put there here, not proposed by staff
    assert [line for line in lines if "only: action" not in line] == []


@pytest.fixture
def watched():
    made = Watched()
    yield made
    made.close()


@pytest.fixture
def instrument():
    return InstrumentFactory(symbol="ABC")


@pytest.fixture
def user():
    return UserFactory(email="ann@bengi.example", name="Ann")


def setting(user, kind, level, now=QUOTED_AT, note=""):
    is_change = kind == "percent_change"
    return set_alert(
        user,
        "ABC",
        AlertKind(kind),
        price=None if is_change else Decimal(level),
        percent=Decimal(level) if is_change else None,
        note=note,
        now=now,
    )


def story(user) -> list[str]:
    return [event.type.removeprefix("alert.") for event in events_after(user.id, 0)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("kind", "level", "prices", "fired_price"),
    [
        ("above", "110", ["109.99", "110", "111"], 110),
        ("below", "95", ["95.01", "94", "93"], 94),
        ("crossing", "104", ["103", "105", "103"], 105),
        ("crossing", "98", ["99", "97", "99"], 97),
        ("percent_change", "4", ["103.9", "96.1", "96"], 96),
        ("percent_change", "4", ["104"], 104),
    ],
)
def test_an_alert_fires_once_and_tells(user, instrument, watched, kind, level, prices, fired_price):
    hints = []
    end = get_bus().subscribe(ACCOUNT, hints.append)
    watched.trade(instrument, "100")
    alert = setting(user, kind, level, now=watched.now, note="Look")
    watched.trade(instrument, *prices, *prices)
    end()
    alert.refresh_from_db()
    assert alert.fired_price == fired_price
    assert story(user) == ["set", "fired"]
    told = user_message(user.id, Event.objects.get(type="alert.fired"))
    assert (told["type"], told["topic"], told["seq"]) == ("ALERT", f"user:{user.id}", 2)
    assert told["alert"]["status"] == "fired"
    assert told["alert"]["fired_price"] == str(fired_price)
    assert hints == [{"account_id": str(user.id), "seq": seq} for seq in (1, 2)]
    (letter,) = mail.outbox
    assert letter.to == ["ann@bengi.example"]
    assert letter.subject == f"ABC is at {fired_price}"
    assert "Your note: Look" in letter.body


def test_an_alert_of_before_the_first_print_takes_it_as_its_reference(user, instrument, watched):
    alert = setting(user, "crossing", "110")
    watched.trade(instrument, "110", "112", "111")
    alert.refresh_from_db()
    assert (alert.reference_price, alert.fired_at) == (112, None)
    watched.trade(instrument, "109")
    alert.refresh_from_db()
    assert alert.fired_price == 109
    assert story(user) == ["set", "referenced", "fired"]


@pytest.mark.parametrize(
    ("prices", "fired_price"),
    [
        (["112", "109", "108"], 109),
        (["112", "110"], 110),
        (["110", "108", "109", "111", "107"], 111),
        (["112", "111", "113"], None),
        (["112"] * 150 + ["109", "108"], 109),
        (["112"] * 99 + ["109", "108"], 109),
    ],
)
def test_prints_that_come_together_are_judged_one_after_the_other(
    user, instrument, watched, prices, fired_price
):
    alert = setting(user, "crossing", "110")
    watched.sweep()
    watched.burst(instrument, *prices)
    alert.refresh_from_db()
    assert alert.fired_price == fired_price
    assert alert.reference_price == next(int(each) for each in prices if each != "110")
    assert story(user) == ["set", "referenced"] + ["fired"] * (fired_price is not None)


def test_an_alert_that_a_later_print_meets_is_not_lost_behind_another(user, instrument, watched):
    near, far = setting(user, "above", "105"), setting(user, "above", "111")
    watched.sweep()
    watched.burst(instrument, *["106"] * 250, "112", "111")
    prices = {alert.id: alert.fired_price for alert in PriceAlert.objects.all()}
    assert prices == {near.id: 106, far.id: 112}


def test_prints_that_cannot_be_believed_fire_nothing(user, instrument, watched):
    watched.trade(instrument, "100")
    for kind, level in [("above", "110"), ("below", "90"), ("percent_change", "10")]:
        setting(user, kind, level, now=watched.now)
    watched.sweep()
    watched.trade(instrument, "NaN")
    watched.trade(instrument, "-1")
    watched.trade(instrument, "1000", "0.5")  # far outside of the day's range
    watched.trade(instrument, "109", late_s=0)
    watched.trade(instrument, "111", late_s=5)  # older than the newest
    watched.trade(instrument, "109", is_new_print=False)
    watched.trade(instrument, "111", is_new_print=False)  # a quote, nothing traded
    watched.now += timedelta(minutes=1)
    watched.trade(instrument, "111", late_s=15.5)  # stale
    assert not PriceAlert.objects.filter(fired_at__isnull=False).exists()
    watched.trade(instrument, "111", late_s=15)
    assert PriceAlert.objects.filter(fired_at__isnull=False).count() == 2


def test_what_is_set_changed_and_deleted_is_heard(user, instrument, watched):
    watched.trade(instrument, "100")
    first = setting(user, "above", "102", now=watched.now)
    second = setting(user, "above", "102", now=watched.now)
    watched.loop.on_alerts(str(instrument.id))
    assert watched.loop.turn()
    change_alert(first.id, user, price=Decimal(108), now=watched.now)
    delete_alert(second.id, user, now=watched.now)
    watched.trade(instrument, "105")  # nobody has told the loop yet
    assert not PriceAlert.objects.filter(fired_at__isnull=False).exists()
    watched.sweep()
    watched.trade(instrument, "108")
    assert [alert.fired_price for alert in PriceAlert.objects.all()] == [108]
    assert story(user) == ["set", "set", "changed", "deleted", "fired"]


def test_a_print_of_before_a_change_does_not_meet_the_new_price(user, instrument):
    alert = setting(user, "above", "120")
    late = print_of(instrument, "111", QUOTED_AT + A_SECOND)
    change_alert(alert.id, user, price=Decimal(110), now=QUOTED_AT + 2 * A_SECOND)
    assert fire({alert.id: [late]}, QUOTED_AT + 3 * A_SECOND) == []
    again = print_of(instrument, "111", QUOTED_AT + 2 * A_SECOND)
    assert fire({alert.id: [again]}, QUOTED_AT + 3 * A_SECOND) == [alert]


def test_the_newest_print_counts_where_the_loop_comes_late(user, instrument, watched):
    alert = setting(user, "above", "110")
    record_quotes([print_of(instrument, "111", QUOTED_AT + A_SECOND)])
    watched.now = QUOTED_AT + 2 * A_SECOND
    watched.sweep()
    alert.refresh_from_db()
    assert alert.fired_price == 111


def test_two_loops_that_hear_every_print_twice_fire_once(user, instrument, watched):
    other = Watched()
    alerts = [setting(user, "above", str(level)) for level in (110, 111, 112)]
    for each in (watched, other):
        each.sweep()
    tick = print_of(instrument, "111", QUOTED_AT + A_SECOND)
    for _ in range(2):
        get_bus().publish(TICKS, [tick, tick])
    assert watched.loop.turn()
    assert other.loop.turn()
    other.close()
    fired = PriceAlert.objects.filter(fired_at__isnull=False)
    assert set(fired) == set(alerts[:2])
    assert story(user) == ["set"] * 3 + ["fired"] * 2
    assert len(mail.outbox) == 1
    assert mail.outbox[0].subject == "2 price alerts have fired"


@pytest.mark.django_db(transaction=True)
def test_loops_that_race_fire_once(user, instrument):
    """On PostgreSQL side by side, on SQLite one after the other."""
    others = UserFactory.create_batch(3)
    for round_ in range(10):
        alerts = [setting(each, "above", "110") for each in (user, *others)]
        tick = print_of(instrument, "111", QUOTED_AT + A_SECOND)
        barrier, fired = Barrier(3), []

        def race(order, tick=tick, barrier=barrier, fired=fired) -> None:
            barrier.wait(10)
            try:
                fired.extend(fire(dict.fromkeys(order, (tick,)), QUOTED_AT + A_SECOND))
                mail_fired(QUOTED_AT + A_SECOND)
            finally:
                connection.close()

        ids = [alert.id for alert in alerts]
        threads = [Thread(target=race, args=(order,)) for order in (ids, ids[::-1], ids)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert Counter(alert.id for alert in fired) == Counter(ids), round_
        assert len(mail.outbox) == 4 * (round_ + 1)


@pytest.mark.django_db(transaction=True)
def test_a_crash_before_the_mail_costs_no_mail_and_sends_none_twice(
    user, instrument, watched, monkeypatch
):
    setting(user, "above", "110")
    watched.sweep()

    def fail(now):
        raise OperationalError("planted")

    monkeypatch.setattr(loop_module, "mail_fired", fail)
    watched.now += A_SECOND
    record_quotes([print_of(instrument, "111", watched.now)])
    assert not watched.loop.turn()
    assert (story(user), mail.outbox) == (["set", "fired"], [])
    monkeypatch.undo()
    assert watched.loop.turn()
    assert len(mail.outbox) == 1
    watched.sweep()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_asked_again(user, instrument, watched, monkeypatch):
    setting(user, "above", "110")
    watched.sweep()
    real, failures = loop_module.fire, iter([True, True, False])

    def fire_or_fail(*args, **how):
        if next(failures):
            raise OperationalError("planted")
        return real(*args, **how)

    monkeypatch.setattr(loop_module, "fire", fire_or_fail)
    watched.now += A_SECOND
    record_quotes([print_of(instrument, "111", watched.now)])
    record_quotes([print_of(instrument, "105", watched.now)])
    assert [watched.loop.turn() for _ in range(4)] == [False, False, True, True]
    assert PriceAlert.objects.get().fired_price == 111


def test_who_has_not_confirmed_an_address_is_not_written_to(user, instrument, watched, settings):
    from allauth.account.models import EmailAddress

    settings.EMAIL_MUST_BE_CONFIRMED = True
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    made_by_staff = UserFactory(email="bob@bengi.example")
    for each in (user, made_by_staff):
        setting(each, "above", "110")
    watched.sweep()
    watched.trade(instrument, "111")
    assert [letter.to for letter in mail.outbox] == [["bob@bengi.example"]]
    assert not PriceAlert.objects.filter(mailed_at__isnull=True).exists()


def test_nobody_is_flooded_with_mails(user, instrument, watched, settings):
    settings.RATE_LIMITS = True
    for number in range(22):
        setting(user, "above", f"{110 + number}")
    watched.sweep()
    for number in range(22):
        watched.trade(instrument, f"{110 + number}")
    assert PriceAlert.objects.filter(fired_at__isnull=False).count() == 22
    assert len(mail.outbox) == 20


def test_old_news_is_not_mailed(user, instrument):
    alert = setting(user, "above", "110")
    fire({alert.id: [print_of(instrument, "111")]}, QUOTED_AT)
    assert mail_fired(QUOTED_AT + timedelta(hours=1)) == 0
    assert mail_fired(QUOTED_AT + timedelta(minutes=59)) == 1


def split(instrument, ratio_to, ratio_from, at, **fields):
    user = UserFactory()
    return CorporateAction.objects.create(
        instrument=instrument,
        kind=CorporateActionKind.SPLIT,
        ratio_to=ratio_to,
        ratio_from=ratio_from,
        ex_date=at.date(),
        effective_at=at,
        status=CorporateActionStatus.APPROVED,
        requested_by=user.id,
        requested_at=at,
        **fields,
    )


def test_alerts_wait_on_in_new_shares(user, instrument, watched):
    below = setting(user, "below", "90")
    above = setting(user, "above", "120")
    change = setting(user, "percent_change", "50")
    watched.sweep()
    split(instrument, 4, 1, QUOTED_AT + A_SECOND)
    watched.trade(instrument, "25", previous_close=Decimal(25))  # 100 in old shares
    rows = {row.id: row for row in PriceAlert.objects.all()}
    assert [rows[each.id].fired_at for each in (below, above, change)] == [None] * 3
    assert rows[below.id].price == Decimal("22.5")
    watched.sweep()
    assert PriceAlert.objects.get(id=above.id).price == 30
    old = print_of(instrument, "121", QUOTED_AT + A_SECOND / 2)
    assert fire({above.id: [old]}, watched.now) == []
    watched.trade(instrument, "22.5", previous_close=Decimal(25))
    assert [row.id for row in PriceAlert.objects.filter(fired_at__isnull=False)] == [below.id]
    assert story(user) == ["set"] * 3 + ["adjusted"] * 3 + ["fired"]
    assert not adjust_to_splits(watched.now)


def test_a_split_that_is_agreed_on_weeks_late_is_not_missed(user, instrument, watched):
    alert = setting(user, "below", "90")
    watched.sweep()
    split(instrument, 4, 1, QUOTED_AT + A_SECOND)
    watched.now += timedelta(days=40)
    watched.sweep()
    alert.refresh_from_db()
    assert (alert.price, alert.armed_at) == (Decimal("22.5"), QUOTED_AT + A_SECOND)
    assert story(user) == ["set", "adjusted"]


def test_a_split_that_is_not_due_changes_nothing(user, instrument):
    setting(user, "below", "90")
    split(instrument, 4, 1, QUOTED_AT + A_SECOND)
    assert not adjust_to_splits(QUOTED_AT)
    assert adjust_to_splits(QUOTED_AT + A_SECOND)
    assert story(user) == ["set", "adjusted"]


def test_an_alert_of_after_a_split_has_no_reference_in_old_shares(user, instrument):
    record_quotes([print_of(instrument, "100", QUOTED_AT)])
    split(instrument, 4, 1, QUOTED_AT + A_SECOND)
    before = setting(user, "crossing", "40", now=QUOTED_AT)
    after = setting(user, "crossing", "40", now=QUOTED_AT + A_SECOND)
    assert (before.reference_price, after.reference_price) == (100, None)


def test_the_number_of_statements_does_not_grow(instrument):
    def statements(count: int) -> int:
        alerts = PriceAlertFactory.create_batch(count, instrument=instrument)
        tick = print_of(instrument, "111", QUOTED_AT + A_SECOND)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(fire(dict.fromkeys([a.id for a in alerts], (tick,)), tick.as_of)) == count
            mail_fired(tick.as_of)
        return len(captured)

    assert statements(2) == statements(30)


def test_a_symbol_without_alerts_costs_no_statement(user, instrument, watched):
    setting(user, "above", "110")
    watched.sweep()
    other = InstrumentFactory()
    with CaptureQueriesContext(connection) as captured:
        watched.trade(other, "111")
        watched.trade(instrument, "109")
    assert len(captured) == 0


def test_who_has_slept_through_its_turn_judges_no_old_print(user, instrument, watched):
    """Another process has judged a newer one meanwhile, and that is where the crossing begins."""
    turns = [True]
    sleeper = AlertLoop(lambda: QUOTED_AT, is_its_turn=lambda: turns.pop(0))
    alert = setting(user, "crossing", "100")
    assert sleeper.turn()
    sleeper.on_ticks([print_of(instrument, "101", QUOTED_AT + A_SECOND)])
    watched.now += A_SECOND
    watched.trade(instrument, "99")
    turns += [True, False, False]  # it falls asleep again before it has the locks
    assert [sleeper.turn(), sleeper.turn()] == [True, True]
    alert.refresh_from_db()
    assert (alert.reference_price, alert.fired_at) == (99, None)
    assert turns == []


def test_a_turn_that_comes_back_goes_on_with_what_had_come(user, instrument):
    turns = iter([True, True, False, True, True])  # nobody else had it meanwhile
    loop = AlertLoop(lambda: QUOTED_AT, is_its_turn=turns.__next__)
    setting(user, "above", "110")
    assert loop.turn()
    loop.on_ticks([print_of(instrument, "111", QUOTED_AT + A_SECOND)])
    assert (loop.turn(), PriceAlert.objects.get().fired_at) == (True, None)
    assert (loop.turn(), PriceAlert.objects.get().fired_price) == (True, 111)


def test_whose_turn_it_is_not_mails_nobody(user, instrument, watched):
    setting(user, "above", "110")
    watched.trade(instrument, "111")
    PriceAlert.objects.update(mailed_at=None)
    mail.outbox.clear()
    assert AlertLoop(lambda: QUOTED_AT, is_its_turn=lambda: False).turn()
    assert mail.outbox == []
    assert AlertLoop(lambda: watched.now).turn()
    assert len(mail.outbox) == 1
