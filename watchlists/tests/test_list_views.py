"""The page of watchlists: every deed by a full-page post, nobody's list in another's hands."""

import re

import pytest

from accounts.tests.factories import UserFactory
from bengi import clock
from instruments.board import board
from instruments.tests.factories import BarFactory, InstrumentFactory, QuoteFactory
from orders.tests.http import NOW, signed_in
from watchlists.models import Watchlist
from watchlists.services import create_first_watchlist, create_watchlist
from watchlists.tests.factories import PriceAlertFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _market():
    board.clear()
    clock.use(lambda: NOW)
    for symbol, name in (("ABC", "Abacus"), ("DEF", "Defiant"), ("GHI", "Ghana Inc")):
        QuoteFactory(instrument__symbol=symbol, instrument__name=name)
    yield
    clock.reset()


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def core(user):
    return create_watchlist(user, "Core", ["ABC", "DEF", "GHI"])


def shown(page: str) -> list[str]:
    """Return the symbols of the open list in their order."""
    return re.findall(r'<tr data-symbol="(\w+)"', page)


def text(answer) -> str:
    return answer.content.decode()


def test_who_is_not_signed_in_is_asked_to(client, core):
    assert client.get("/watchlists")["Location"] == "/signin?next=%2Fwatchlists"
    for path in ("/watchlists", f"/watchlists/{core.id}/edit", "/watchlists/add"):
        assert client.post(path, {"name": "x", "remove": "ABC", "symbol": "ABC"}).status_code == 302
    assert client.get("/watchlists/symbols?symbol=a").status_code == 302
    assert Watchlist.objects.get().items.count() == 3


def test_without_a_list_one_is_asked_for(user):
    client = signed_in(user)
    assert "No list yet" in text(client.get("/watchlists"))
    page = text(client.post("/watchlists", {"name": " Chips "}, follow=True))
    assert Watchlist.objects.get().name == "Chips"
    assert "Add your first symbol" in page


def test_a_list_shows_quotes_and_alerts_that_wait(user, core):
    abc = core.items.first().instrument
    for minute, close in enumerate((100, 101)):
        BarFactory(
            instrument=abc, interval="15min", starts_at=NOW.replace(minute=minute), close=close
        )
    PriceAlertFactory(user=user, instrument=abc)
    PriceAlertFactory(instrument=abc)
    page = text(signed_in(user).get("/watchlists"))
    row = page.split('<tr data-symbol="ABC"')[1].split("</tr>")[0]
    assert shown(page) == ["ABC", "DEF", "GHI"]
    assert "Abacus" in row
    assert "<polyline" in row
    assert '<span class="count">1</span>' in row
    assert 'href="/alerts?symbol=ABC"' in row
    assert re.search(r'data-q="last">[\d.]+<', row)
    other = page.split('<tr data-symbol="DEF"')[1].split("</tr>")[0]
    assert "<polyline" not in other
    assert "Set an alert for DEF" in other


def test_the_list_last_chosen_is_shown_again(user, core):
    other = create_watchlist(user, "Other", ["GHI"])
    client = signed_in(user)
    assert shown(text(client.get("/watchlists"))) == ["ABC", "DEF", "GHI"]
    assert shown(text(client.get(f"/watchlists?list={other.id}"))) == ["GHI"]
    assert shown(text(client.get("/watchlists"))) == ["GHI"]
    other.delete()
    assert shown(text(client.get("/watchlists"))) == ["ABC", "DEF", "GHI"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Write a name for the list."),
        ("  ", "Write a name for the list."),
        ("x" * 81, "at most 80 characters"),
        ("a\u200bb", "Write printable characters only."),
        ("Core", "There is a list of this name."),
    ],
)
def test_a_name_that_will_not_do_stands_beside_its_field(user, core, name, words):
    other = create_watchlist(user, "Other", [])
    client = signed_in(user)
    for path, field in (("/watchlists", "new-name"), (f"/watchlists/{other.id}/rename", "name")):
        answer = client.post(path, {"name": name})
        page = text(answer)
        assert answer.status_code == 422
        assert words in page.split(f'id="{field}-error"')[1].split("</p>")[0]
        assert f'aria-describedby="{field}-error"' in page
        assert f'value="{name}"' in page
    assert sorted(Watchlist.objects.values_list("name", flat=True)) == ["Core", "Other"]


def test_a_list_is_renamed(user, core):
    page = text(
        signed_in(user).post(f"/watchlists/{core.id}/rename", {"name": "Mine"}, follow=True)
    )
    assert "List Mine" in page
    assert shown(page) == ["ABC", "DEF", "GHI"]


def test_a_list_is_deleted_once_that_is_confirmed(user, core):
    client = signed_in(user)
    page = text(client.get(f"/watchlists/{core.id}/delete"))
    assert "3 symbols" in page
    assert "ABC, DEF, GHI" in page
    assert Watchlist.objects.exists()
    page = text(client.post(f"/watchlists/{core.id}/delete", follow=True))
    assert "The list Core is gone." in page
    assert not Watchlist.objects.exists()


@pytest.mark.parametrize("sent", [{"symbol": "jkl"}, {"symbol": "j", "pick": "JKL"}])
def test_a_symbol_is_added_at_the_end(user, core, sent):
    InstrumentFactory(symbol="JKL")
    page = text(signed_in(user).post(f"/watchlists/{core.id}/add", sent, follow=True))
    assert shown(page) == ["ABC", "DEF", "GHI", "JKL"]


def test_what_is_no_symbol_comes_back_with_what_it_may_have_meant(user, core):
    InstrumentFactory(symbol="JKL", name="Jackal Holdings")
    answer = signed_in(user).post(f"/watchlists/{core.id}/add", {"symbol": "jackal"})
    page = text(answer)
    assert answer.status_code == 422
    assert "There is no instrument JACKAL." in page.split('id="symbol-error"')[1]
    assert 'value="jackal"' in page
    assert re.search(r'<button type="submit" name="pick" value="JKL">', page)
    assert shown(page) == ["ABC", "DEF", "GHI"]


def test_what_is_typed_is_completed(user, core):
    client = signed_in(user)
    page = text(client.get("/watchlists/symbols?symbol=de"))
    assert re.findall(r'name="pick" value="(\w+)"', page) == ["DEF"]
    assert "<html" not in page
    assert "&lt;b&gt;" in text(client.get("/watchlists/symbols?symbol=<b>"))
    assert text(client.get("/watchlists/symbols?symbol=")).strip() == ""


@pytest.mark.parametrize(
    ("sent", "order"),
    [
        ({"up": "GHI"}, ["ABC", "GHI", "DEF"]),
        ({"up": "ABC"}, ["ABC", "DEF", "GHI"]),
        ({"down": "ABC"}, ["DEF", "ABC", "GHI"]),
        ({"down": "GHI"}, ["ABC", "DEF", "GHI"]),
        ({"symbol": "GHI", "place": "0"}, ["GHI", "ABC", "DEF"]),
        ({"symbol": "ABC", "place": "2"}, ["DEF", "GHI", "ABC"]),
        ({"symbol": "ABC", "place": "999"}, ["DEF", "GHI", "ABC"]),
        ({"symbol": "ABC", "place": "-1"}, ["DEF", "GHI", "ABC"]),
        ({"symbol": "NEW", "place": "0"}, ["ABC", "DEF", "GHI"]),
        ({"remove": "DEF"}, ["ABC", "GHI"]),
        ({"remove": "NEW"}, ["ABC", "DEF", "GHI"]),
        ({}, ["ABC", "DEF", "GHI"]),
    ],
)
def test_rows_are_moved_and_removed(user, core, sent, order):
    InstrumentFactory(symbol="NEW")
    page = text(signed_in(user).post(f"/watchlists/{core.id}/edit", sent, follow=True))
    assert shown(page) == order


def test_a_full_list_says_so(user, core, monkeypatch):
    monkeypatch.setattr("watchlists.services.SYMBOLS_MAX", 3)
    InstrumentFactory(symbol="NEW")
    answer = signed_in(user).post(f"/watchlists/{core.id}/add", {"symbol": "NEW"})
    assert answer.status_code == 422
    assert "A list has 3 symbols at most." in text(answer)


def test_from_elsewhere_a_symbol_goes_into_the_list_last_chosen(user, core):
    other = create_watchlist(user, "Other", [])
    client = signed_in(user)
    client.get(f"/watchlists?list={other.id}")
    answer = client.post("/watchlists/add", {"symbol": "abc", "next": "/markets"})
    assert answer["Location"] == "/markets"
    assert shown(text(client.get("/watchlists"))) == ["ABC"]
    answer = client.post("/watchlists/add", {"symbol": "nope", "next": "https://elsewhere.example"})
    assert answer["Location"] == "/watchlists"
    assert "There is no instrument NOPE." in text(client.get("/watchlists"))


def test_who_has_no_list_gets_one_with_the_first_symbol(user):
    client = signed_in(user)
    client.post("/watchlists/add", {"symbol": "ABC"})
    assert shown(text(client.get("/watchlists"))) == ["ABC"]


def test_another_persons_lists_are_not_there(user, core):
    stranger = signed_in(UserFactory())
    theirs = f"/watchlists/{core.id}"
    assert stranger.get(f"/watchlists?list={core.id}").status_code == 404
    assert stranger.get(f"{theirs}/delete").status_code == 404
    for deed, sent in {
        "delete": {},
        "rename": {"name": "Taken"},
        "add": {"symbol": "ABC"},
        "edit": {"remove": "ABC"},
    }.items():
        assert stranger.post(f"{theirs}/{deed}", sent).status_code == 404
    assert "Core" not in text(stranger.get("/watchlists"))
    page = text(signed_in(user).get("/watchlists"))
    assert "List Core" in page
    assert shown(page) == ["ABC", "DEF", "GHI"]


def test_the_trade_page_chooses_among_the_lists(user, core):
    other = create_watchlist(user, "Other", ["GHI"])
    client = signed_in(user)

    def watched(page: str) -> list[str]:
        return re.findall(r'class="watch__row" href="/trade/(\w+)"', page)

    page = text(client.get("/trade/ABC"))
    assert watched(page) == ["ABC", "DEF", "GHI"]
    assert f'href="?list={other.id}"' in page
    assert watched(text(client.get(f"/trade/ABC?list={other.id}"))) == ["GHI"]
    assert watched(text(client.get("/trade/DEF?list=nonsense"))) == ["GHI"]
    assert client.get("/trade")["Location"] == "/trade/GHI"


def test_who_has_one_list_is_not_asked_to_choose(user):
    create_first_watchlist(user)
    assert "chooser" not in text(signed_in(user).get("/trade/ABC"))


def test_the_page_takes_as_many_statements_however_many_there_are(
    user, core, django_assert_max_num_queries
):
    client = signed_in(user)
    client.get("/watchlists")
    with django_assert_max_num_queries(11):
        client.get("/watchlists")
    more = [QuoteFactory(instrument__symbol=f"S{n}").instrument for n in range(20)]
    for number in range(10):
        create_watchlist(user, f"List {number}", [each.symbol for each in more])
    PriceAlertFactory.create_batch(5, user=user, instrument=more[0])
    client.get(f"/watchlists?list={Watchlist.objects.last().id}")
    with django_assert_max_num_queries(11):
        client.get("/watchlists")
