"""Notifications: what each event says, whose they are, what is unread; on the page and by API."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.conversions import convert
from accounts.models import FxRate
from accounts.services import deposit, open_account, withdraw
from accounts.standing import freeze, release
from accounts.tests.factories import UserFactory
from bengi.events.models import Stream
from bengi.terms import AlertKind
from orders.tests.http import signed_in
from trades.corporate.due import apply_due
from trades.notices import selectors
from trades.notices.kinds import KIND_OF, LABELS, TYPES, NoticeKind
from trades.notices.models import ReadStream
from trades.notices.selectors import ORDER, events_told, notices, unread_count
from trades.notices.services import mark_read
from trades.notices.words import _SAYINGS, WISHES
from trades.tests.corporate_stage import MIDNIGHT, dividend, split, until
from trades.tests.desk import Desk, dealer, fills_of
from trades.tests.world import Trader, World
from watchlists import models as watchlists
from watchlists.firing import fire
from watchlists.services import set_alert
from watchlists.tests.factories import print_of

pytestmark = pytest.mark.django_db
D = Decimal
URL = "/api/v1/notifications"


@pytest.fixture
def trader(world: World) -> Trader:
    return world.trader()


def told(user, kind: NoticeKind | None = None) -> list[tuple[str, str]]:
    """Return titles and texts, newest first."""
    found = events_told(user, kind).order_by(*ORDER)
    return [(each.title, each.text) for each in notices(user, list(found))]


def newest(user) -> tuple[str, str]:
    return told(user)[0]


# -- what is said ------------------------------------------------------------------------------


def test_an_opening_deposit_is_the_first_news(trader):
    assert told(trader.user) == [("Deposit", "+100,000.00 USD.")]


def test_a_fill_says_what_and_for_how_much(world, abc, trader):
    world.tick(abc, "9.90", "10.00")
    order = world.place(trader, abc, "buy", 10)
    assert newest(trader.user) == ("Filled", "Bought 10 ABC at 10.00, −100.00 USD with costs.")
    (notice,) = notices(trader.user, events_told(trader.user, NoticeKind.FILL))
    assert (notice.symbol, notice.order_id) == ("ABC", str(order.id))
    assert notice.account_id == trader.account.id


def test_prices_have_the_places_of_their_instrument(world, trader):
    yen = world.instrument("XYZ", tick_size=D("0.0001"))
    world.tick(yen, "0.7011", "0.7012")
    world.place(trader, yen, "buy", 1000)
    assert "at 0.7012, −701.20 USD" in newest(trader.user)[1]
    whole = world.instrument("TEN", tick_size=D(1))
    world.tick(whole, "2711", "2712")
    world.place(trader, whole, "buy", 1)
    assert "Bought 1 TEN at 2,712, " in newest(trader.user)[1]


def test_a_cancel_says_why_and_what_was_filled(world, abc, trader):
    world.tick(abc, "9.90", "10.00", size=40)
    order = world.place(trader, abc, "buy", 100, limit="10.00")
    order = world.cancel(trader, order)
    title, text = newest(trader.user)
    assert title == "Canceled"
    filled = order.filled_quantity.normalize()
    assert 0 < filled < 100
    assert text == f"Buy 100 ABC, limit 10.00, after {filled:f} of 100. {order.reason}"


def test_what_expires_says_so(world, abc, trader):
    world.tick(abc, "9.90", "10.00")
    world.place(trader, abc, "buy", 5, limit="9.00")
    world.wait(days=1)
    assert newest(trader.user)[0] == "Expired"
    assert [title for title, _ in told(trader.user, NoticeKind.CANCEL)] == ["Expired"]


def test_what_the_engine_rejects_says_why(world, abc, trader):
    world.tick(abc, "9.90", "10.00")
    old = world.place(trader, abc, "buy", 10, limit="9.50")
    new = world.replace(trader, old, limit_price=D("9.60"), drain=False)
    world.cancel(trader, old, drain=False)
    world.tick(abc, "9.90", "10.00")
    new.refresh_from_db()
    assert new.status == "rejected"
    assert told(trader.user, NoticeKind.REJECT) == [
        ("Rejected", f"Buy 10 ABC, limit 9.60. {new.reason}")
    ]


def test_a_bust_and_what_stands_for_it(world, abc, trader):
    world.tick(abc, "9.90", "10.00")
    (trade,) = fills_of(world.place(trader, abc, "buy", 10))
    Desk(world).adjust(trade, price="9.00")
    assert told(trader.user, NoticeKind.BUST) == [
        ("Fill taken back", "Bought 10 ABC at 10.00: busted, +100.00 USD booked back.")
    ]
    anew = ("Fill corrected", "Bought 10 ABC at 9.00, −90.00 USD with costs.")
    assert anew in told(trader.user, NoticeKind.FILL)


def test_a_dividend_is_told_of_twice(world, abc, trader):
    world.tick(abc, "69.99", "70.00", last="70.00", size=10_000)
    world.place(trader, abc, "buy", 100)
    dividend(abc, "0.47")
    apply_due(MIDNIGHT)
    apply_due(MIDNIGHT + timedelta(days=2))
    assert told(trader.user, NoticeKind.CORPORATE_ACTION) == [
        ("Dividend paid", "47.00 USD for 100 ABC, less 14.10 USD of tax."),
        ("Dividend on its way", "47.00 USD for 100 ABC, not paid yet."),
    ]


def test_a_split_is_told_of(world, abc, trader):
    world.tick(abc, "69.99", "70.00", last="70.00", size=10_000)
    world.place(trader, abc, "buy", 10)
    split(abc, 4, 1)
    until(world, MIDNIGHT)
    apply_due(MIDNIGHT)
    assert told(trader.user, NoticeKind.CORPORATE_ACTION) == [("Split", "10 ABC became 40.")]


def test_money_that_moves(world, trader):
    now = world.now
    FxRate.objects.create(base="EUR", quote="USD", rate=D("1.25"), as_of=now, source="test")
    withdraw(trader.account.id, D("250"), "USD", key="w", now=now)
    convert(trader.account.id, "USD", "EUR", D(1000), key="c", now=now + timedelta(seconds=1))
    assert told(trader.user, NoticeKind.CASH)[:2] == [
        ("Converted", "1,000.00 USD became 800.00 EUR."),
        ("Withdrawal", "−250.00 USD."),
    ]


def test_an_alert_that_fires(world, abc, trader):
    alert = set_alert(
        trader.user,
        "ABC",
        AlertKind.ABOVE,
        price=D("11"),
        percent=None,
        note="Sell",
        now=world.now,
    )
    assert told(trader.user, NoticeKind.ALERT) == []  # it was set, which is no news
    at = world.now + timedelta(seconds=1)
    fire({alert.id: [print_of(abc, "11.02", as_of=at)]}, at)
    (notice,) = notices(trader.user, events_told(trader.user, NoticeKind.ALERT))
    assert (notice.title, notice.text) == ("ABC is at 11.02", "Your alert: at or above 11.00. Sell")
    assert (notice.symbol, notice.account_id) == ("ABC", None)


def test_an_account_is_frozen_and_released(world, trader):
    staff = dealer("freeze_account")
    for deed in (freeze, release):
        world.now += timedelta(seconds=1)
        deed(trader.account.id, by=staff, reason="Odd", now=world.now)
    assert [title for title, _ in told(trader.user, NoticeKind.ACCOUNT)] == [
        "Account released",
        "Account frozen",
    ]


def test_every_kind_has_its_words():
    assert set(TYPES) == set(LABELS) == set(NoticeKind)
    assert set(KIND_OF) == set(_SAYINGS)
    assert {str(kind): words for kind, words in watchlists.WISHES.items()} == WISHES


# -- whose they are ----------------------------------------------------------------------------


def test_nobody_is_told_of_anothers(world, abc, trader):
    other = world.trader()
    world.tick(abc, "9.90", "10.00")
    world.place(other, abc, "buy", 10)
    assert told(trader.user) == [("Deposit", "+100,000.00 USD.")]
    for path in ("/notifications", URL):
        assert b"ABC" not in signed_in(trader.user).get(path).content
        assert b"ABC" in signed_in(other.user).get(path).content
    assert told(UserFactory()) == []


def test_who_is_not_signed_in_is_asked_to(client):
    assert client.get("/notifications")["Location"] == "/signin?next=%2Fnotifications"
    assert client.post("/notifications/read").status_code == 302
    assert client.get("/notifications/unread").status_code == 302
    assert client.get(URL).status_code == 401


# -- what is unread ----------------------------------------------------------------------------


def test_what_has_been_seen_is_read_and_what_comes_later_is_not(world, abc, trader):
    client = signed_in(trader.user)
    page = client.get("/notifications").content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page).group(1)
    assert client.get("/notifications/unread").content.decode().count(">1<") == 1
    world.tick(abc, "9.90", "10.00")
    world.place(trader, abc, "buy", 10)
    page = client.post("/notifications/read", {"seen": seen}, follow=True).content.decode()
    assert unread_count(trader.user) == 1
    assert page.count("notice--new") == 1
    assert "Bought 10 ABC" in page.split("notice--new")[1].split("</li>")[0]
    mark_read(trader.user)
    assert client.get("/notifications/unread").content.strip() == b""
    assert "Mark all read" not in client.get("/notifications").content.decode()


def test_reading_never_goes_back_nor_ahead(world, trader):
    stream = trader.account.id
    mark_read(trader.user, {stream: 10**15})
    head = Stream.objects.get(id=stream).seq
    assert ReadStream.objects.get(stream_id=stream).seq == head
    mark_read(trader.user, {stream: 1})
    assert ReadStream.objects.get(stream_id=stream).seq == head
    deposit(trader.account, D(5), "USD", key="more", now=world.now)
    assert unread_count(trader.user) == 1


@pytest.mark.parametrize(
    "seen", ["", "x", "x:1", "1:2:3", "{stream}:-1", "{stream}:１", "{other}:9"]
)
def test_a_mark_that_is_none_marks_nothing(world, trader, seen):
    other = world.trader()
    text = seen.format(stream=trader.account.id, other=other.account.id)
    signed_in(trader.user).post("/notifications/read", {"seen": text})
    assert not ReadStream.objects.exists()
    assert unread_count(other.user) == 1


def told_by_api(client) -> list[tuple[str, bool]]:
    found = client.get(URL).json()["results"]
    return [(each["text"], each["is_read"]) for each in found]


def second_account(world, trader):
    return open_account(
        trader.user,
        name="Second",
        currency="EUR",
        now=world.now,
        schedule=trader.account.fee_schedule,
    )


def read_up_to(client, newest: str | None = None):
    body = {} if newest is None else {"up_to": newest}
    return client.post(f"{URL}/read", body, content_type="application/json")


def test_a_program_reads_up_to_what_it_has_seen(world, trader):
    more = second_account(world, trader)
    for number, account in enumerate((more, trader.account, more, trader.account)):
        at = world.now + timedelta(seconds=number + 1)
        deposit(account, D(number + 1), "EUR", key=f"k{number}", now=at)
    client = signed_in(trader.user)
    second = client.get(URL).json()["results"][1]
    assert second["text"] == "+3.00 EUR."
    answer = read_up_to(client, second["id"])
    assert (answer.status_code, answer.json()) == (200, {"unread": 1})
    assert told_by_api(client) == [
        ("+4.00 EUR.", False),
        *((text, True) for text in ("+3.00 EUR.", "+2.00 EUR.", "+1.00 EUR.")),
        ("+100,000.00 USD.", True),
    ]
    assert read_up_to(client, client.get(URL).json()["results"][3]["id"]).json() == {"unread": 1}
    assert read_up_to(client).json() == {"unread": 0}
    assert all(is_read for _, is_read in told_by_api(client))


def test_what_is_newer_stays_unread_wherever_it_stands_in_its_log(world, trader):
    for number, seconds in enumerate((5, 1)):
        at = world.now + timedelta(seconds=seconds)
        deposit(trader.account, D(number + 1), "USD", key=f"k{number}", now=at)
    client = signed_in(trader.user)
    seen = client.get(URL).json()["results"][1]
    assert seen["text"] == "+2.00 USD."
    assert read_up_to(client, seen["id"]).json() == {"unread": 2}
    assert told_by_api(client)[0] == ("+1.00 USD.", False)


def test_a_program_reads_nothing_of_anothers(world, trader):
    other = world.trader()
    theirs = signed_in(other.user).get(URL).json()["results"][0]["id"]
    client = signed_in(trader.user)
    assert read_up_to(client, theirs).status_code == 404
    assert read_up_to(client, "x").status_code == 400
    assert (unread_count(trader.user), unread_count(other.user)) == (1, 1)


def test_unread_ones_are_counted_to_a_hundred(world, trader, monkeypatch):
    monkeypatch.setattr(selectors, "UNREAD_MAX", 3)
    for number in range(5):
        deposit(trader.account, D(5), "USD", key=f"k{number}", now=world.now)
    assert unread_count(trader.user) == 3


# -- pages and the API -------------------------------------------------------------------------


def test_pages_follow_each_other_without_gap_or_repetition(world, trader):
    for number in range(60):
        deposit(trader.account, D(number + 1), "USD", key=f"k{number}", now=world.now)
    client = signed_in(trader.user)
    address, amounts = "/notifications", []
    while address:
        page = client.get(address).content.decode()
        amounts += re.findall(r'<span class="soft">\+([\d,]+)\.00 USD\.', page)
        older = re.search(r'href="(\?cursor=[^"]+)">Older', page)
        address = older and f"/notifications{older.group(1)}"
    assert amounts == [*(str(number) for number in range(60, 0, -1)), "100,000"]
    assert (
        "Nothing has happened" not in client.get("/notifications?cursor=nonsense").content.decode()
    )


def test_the_api_tells_the_same_in_pages(world, abc, trader):
    world.tick(abc, "9.90", "10.00")
    order = world.place(trader, abc, "buy", 10)
    client = signed_in(trader.user)
    first = client.get(f"{URL}?limit=1").json()
    (fill,) = first["results"]
    assert fill["kind"] == "fill"
    assert fill["event"] == "trade.executed"
    assert fill["text"] == "Bought 10 ABC at 10.00, −100.00 USD with costs."
    assert (fill["symbol"], fill["order_id"]) == ("ABC", str(order.id))
    assert fill["account_id"] == str(trader.account.id)
    assert fill["is_read"] is False
    assert first["unread"] == 2
    rest = client.get(f"{URL}?limit=1&cursor={first['next']}").json()
    assert [each["title"] for each in rest["results"]] == ["Deposit"]
    assert rest["next"] is None
    assert [each["kind"] for each in client.get(f"{URL}?kind=cash").json()["results"]] == ["cash"]
    assert client.get(f"{URL}?kind=nonsense").status_code == 400
    assert client.get(f"{URL}?cursor=nonsense").status_code == 400


def test_several_accounts_are_told_together_and_named(world, trader):
    more = second_account(world, trader)
    deposit(more, D(7), "EUR", key="x", now=world.now + timedelta(seconds=1))
    assert [text for _, text in told(trader.user)] == ["+7.00 EUR.", "+100,000.00 USD."]
    page = signed_in(trader.user).get("/notifications").content.decode()
    assert "Second" in page
    assert "Cash</p>" in page


def test_old_news_is_left_to_the_pages_of_its_own(world, trader, monkeypatch):
    monkeypatch.setattr(selectors, "LOOK_BACK", 2)
    for number in range(4):
        deposit(trader.account, D(number + 1), "USD", key=f"k{number}", now=world.now)
    assert [text for _, text in told(trader.user)] == ["+4.00 USD.", "+3.00 USD."]


@pytest.mark.parametrize("path", ["/notifications", "/notifications/unread", URL])
def test_it_takes_as_many_statements_however_much_there_is(
    world, abc, trader, path, django_assert_max_num_queries
):
    client = signed_in(trader.user)
    most = {"/notifications": 17, "/notifications/unread": 4, URL: 7}[path]
    for round_ in range(2):
        for number in range(1 + 10 * round_):
            symbol = f"S{round_}{number}"
            stock = world.instrument(symbol)
            world.tick(stock, "9.90", "10.00")
            world.place(trader, stock, "buy", 1)
        with django_assert_max_num_queries(most):
            assert client.get(path).status_code == 200
