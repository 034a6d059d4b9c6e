"""Corporate actions at the doors: who may do what in the admin, and what the API tells."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import UserFactory
from bengi import clock
from instruments.models import CorporateAction, Instrument
from trades.corporate.due import apply_due
from trades.corporate.proposals import propose
from trades.corporate.terms import ActionTerms
from trades.tests.corporate_stage import EX_DATE, MIDNIGHT, dividend, shares_of, split, until
from trades.tests.world import START, World

LIST = "admin:instruments_corporateaction_changelist"


@pytest.fixture
def abc(world: World) -> Instrument:
    made = world.instrument()
    world.tick(made, "69.99", "70.00", last="70.00", size=1000)
    clock.use(lambda: world.now)
    yield made
    clock.reset()


def client_of(user: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def staff() -> Client:
    return client_of(UserFactory(is_staff=True, is_superuser=True))


FORM = {
    "kind": "split",
    "ex_date": "2026-03-03",
    "ratio_to": "7",
    "ratio_from": "1",
    "currency": "",
    "external_id": "",
    "note": "",
}


def ask(client: Client, abc: Instrument, **change: str) -> Any:
    add = reverse("admin:instruments_corporateaction_add")
    return client.post(add, {**FORM, "instrument": str(abc.id), **change})


def choose(client: Client, what: str, *actions: CorporateAction) -> str:
    chosen = {"action": what, "_selected_action": [str(each.id) for each in actions]}
    return client.post(reverse(LIST), chosen, follow=True).content.decode()


def test_one_enters_and_another_approves(world: World, abc: Instrument) -> None:
    trader = world.trader()
    world.place(trader, abc, "buy", 10)
    first, second = staff(), staff()
    assert ask(first, abc).status_code == 302
    action = CorporateAction.objects.get()
    assert action.status == "proposed"
    page = choose(first, "approve_selected", action)
    assert "Somebody else has to approve what you entered." in page
    page = choose(second, "approve_selected", action)
    assert "split 7:1, ex 2026-03-03: approved." in page
    listing = first.get(reverse(LIST)).content.decode()
    assert "What it would do" in listing
    until(world, MIDNIGHT)
    assert shares_of(trader) == (70, 0)
    assert "What it would do" not in first.get(reverse(LIST)).content.decode()
    assert "The action is applied already." in choose(first, "cancel_selected", action)


def test_what_is_wrong_stands_beside_its_field(abc: Instrument) -> None:
    client = staff()
    for change, words in (
        ({"ratio_to": "1", "ratio_from": "7"}, "A split leaves more shares."),
        ({"ex_date": "2026-03-02"}, "shares may have been traded at the new price"),
        ({"amount": "1"}, "A split has no such field."),
        ({"kind": "cash_dividend"}, "A cash dividend has no such field."),
    ):
        answer = ask(client, abc, **change)
        assert answer.status_code == 200, change
        assert words in answer.content.decode(), change
    assert not CorporateAction.objects.exists()
    assert ask(client, abc).status_code == 302
    again = ask(client, abc).content.decode()
    assert "ABC has the same split on 2026-03-03 already." in again


def test_a_dividend_is_entered_with_its_country_s_rate(abc: Instrument) -> None:
    change = {"kind": "cash_dividend", "ratio_to": "", "ratio_from": "", "amount": "0.47"}
    more = {"currency": "USD", "pay_date": "2026-03-05", "external_id": "x-1"}
    assert ask(staff(), abc, **change, **more).status_code == 302
    made = CorporateAction.objects.get()
    assert (made.amount, made.withholding_rate) == (Decimal("0.47"), Decimal("0.30"))
    assert made.external_id == "x-1"


def test_the_preview_page_shows_everybody_and_writes_nothing(
    world: World, abc: Instrument, django_assert_max_num_queries: Any
) -> None:
    traders = [world.trader() for _ in range(4)]
    for trader in traders:
        world.place(trader, abc, "buy", 5)
        world.place(trader, abc, "sell", 5, limit="72.01", tif="gtc")
    action = split(abc, 3, 2)
    address = reverse("admin:corporate_action_preview", args=[action.id])
    client = staff()
    with django_assert_max_num_queries(14):
        page = client.get(address).content.decode()
    for trader in traders:
        assert trader.user.email in page
    assert "4 accounts, 93.32 USD in cash" in page  # half a share of 46.67 each: 23.33
    assert "quantity 7 limit_price 48.01" in page
    assert shares_of(traders[0]) == (5, 5)
    (paid,) = [
        client.get(reverse("admin:corporate_action_preview", args=[dividend(abc, "1.00").id]))
    ]
    assert "3.50" in paid.content.decode()
    nobody = reverse("admin:corporate_action_preview", args=[abc.id])
    assert client.get(nobody).status_code == 404


@pytest.mark.parametrize("who", ["anonymous", "trader", "staff without rights"])
def test_nobody_else_gets_in(abc: Instrument, who: str) -> None:
    action = split(abc, 7, 1)
    client = Client()
    if who != "anonymous":
        client.force_login(UserFactory(is_staff=who.startswith("staff")))
    expected = 403 if who.startswith("staff") else 302  # to the sign-in
    for name, args in (
        (LIST, []),
        ("admin:instruments_corporateaction_add", []),
        ("admin:corporate_action_preview", [action.id]),
    ):
        assert client.get(reverse(name, args=args)).status_code == expected, name
    ask(client, abc, ex_date="2026-04-01")
    choose(client, "cancel_selected", action)
    assert CorporateAction.objects.get().status == "approved"


def test_rows_are_neither_edited_nor_deleted(abc: Instrument) -> None:
    action = split(abc, 7, 1)
    client = staff()
    change = reverse("admin:instruments_corporateaction_change", args=[action.id])
    assert client.get(change).status_code == 200
    assert client.post(change, {**FORM, "ratio_to": "9"}).status_code == 403
    delete = reverse("admin:instruments_corporateaction_delete", args=[action.id])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert CorporateAction.objects.get().ratio_to == 7


def test_records_can_be_looked_at(world: World, abc: Instrument) -> None:
    trader = world.trader()
    world.place(trader, abc, "buy", 5)
    dividend(abc, "1.00")
    split(abc, 3, 2)
    world.now = MIDNIGHT
    apply_due(MIDNIGHT)
    world.engine.forget()
    client = staff()
    for model in ("positionsplit", "dividendentitlement"):
        listing = client.get(reverse(f"admin:portfolios_{model}_changelist"))
        assert "Main" in listing.content.decode()
        assert client.get(reverse(f"admin:portfolios_{model}_add")).status_code == 403


def url_of(symbol: str) -> str:
    return f"/api/v1/instruments/{symbol}/corporate-actions"


def test_the_api_tells_what_has_been_agreed_on(world: World, abc: Instrument) -> None:
    reader = client_of(UserFactory())
    applied = split(abc, 7, 1, note="between us", external_id="v-1")
    paid = dividend(abc, "0.47", record_date=EX_DATE)
    split(abc, 2, 1, ex_date=EX_DATE + timedelta(days=30))
    kind: Any = applied.kind
    hidden = ActionTerms(type(kind)(kind), EX_DATE + timedelta(days=60), ratio_to=3, ratio_from=1)
    propose(UserFactory(is_staff=True), abc, hidden, now=START)
    apply_due(MIDNIGHT)
    world.engine.forget()
    body = reader.get(url_of("abc")).json()
    assert body["next"] is None
    coming, dividend_, split_ = body["results"]
    assert (coming["status"], coming["ex_date"]) == ("approved", "2026-04-02")
    assert split_ == {
        "id": str(applied.id),
        "symbol": "ABC",
        "kind": "split",
        "ratio_to": 7,
        "ratio_from": 1,
        "cash_in_lieu_price": None,
        "amount": None,
        "currency": "",
        "withholding_rate": None,
        "ex_date": "2026-03-03",
        "record_date": None,
        "pay_date": None,
        "status": "applied",
        "effective_at": "2026-03-03T00:00:00.000000Z",
        "payable_at": None,
        "applied_at": "2026-03-03T00:00:00.000000Z",
        "paid_at": None,
    }
    assert (dividend_["id"], dividend_["amount"], dividend_["withholding_rate"]) == (
        str(paid.id),
        "0.47",
        "0.3",
    )
    assert dividend_["payable_at"] == "2026-03-05T00:00:00.000000Z"


def test_the_list_in_pages(abc: Instrument, django_assert_num_queries: Any) -> None:
    for days in range(5):
        split(abc, 2, 1, ex_date=EX_DATE + timedelta(days=days))
    reader = client_of(UserFactory())
    first = reader.get(url_of("ABC") + "?limit=2").json()
    second = reader.get(url_of("ABC") + f"?limit=2&cursor={first['next']}").json()
    dates = [each["ex_date"] for page in (first, second) for each in page["results"]]
    assert dates == ["2026-03-07", "2026-03-06", "2026-03-05", "2026-03-04"]
    for limit in (1, 5):
        with django_assert_num_queries(4):  # session, user, instrument, actions
            reader.get(url_of("ABC") + f"?limit={limit}")


def test_the_api_refuses_as_everywhere(abc: Instrument) -> None:
    assert Client().get(url_of("ABC")).status_code == 401
    reader = client_of(UserFactory())
    assert reader.get(url_of("NOPE")).status_code == 404
    assert reader.get(url_of("ABC") + "?limit=0").status_code == 400
    assert reader.get(url_of("ABC") + "?color=red").status_code == 400
    assert reader.post(url_of("ABC"), {}, content_type="application/json").status_code == 405


def test_lots_tell_their_splits(world: World, abc: Instrument) -> None:
    trader = world.trader()
    world.place(trader, abc, "buy", 10)
    world.place(trader, abc, "sell", 5)
    action = split(abc, 3, 2)
    until(world, MIDNIGHT)
    reader = client_of(trader.user)
    (lot,) = reader.get(f"/api/v1/portfolios/{trader.portfolio.id}/lots").json()["results"]
    assert (lot["quantity"], lot["remaining_quantity"], lot["cost_basis"]) == ("15", "7", "326.67")
    (told,) = lot["splits"]
    assert told.pop("id") == lot["closings"][-1]["exec_id"]
    assert told == {
        "action_id": str(action.id),
        "ratio_to": 3,
        "ratio_from": 2,
        "ex_date": "2026-03-03",
        "quantity_before": "10",
        "quantity_after": "15",
        "remaining_before": "5",
        "remaining_after": "7.5",
    }
