"""Every page of the admin: who may open it, and that its price does not grow with its rows."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import grant
from accounts.tests.factories import OPENED_AT, UserFactory
from bengi.ids import new_id
from bengi.tests.staff_rows import ROWS
from instruments import calendar

pytestmark = pytest.mark.django_db
STATEMENTS_MAX = 16

HOUSE = {"accounts.user", "audit.auditentry"}
DEALERS_ADD = {
    "accounts.ledgeradjustment",
    "orders.risklimits",
    "orders.tradinghalt",
    "trades.tradecorrection",
}
ADMINS_ADD = DEALERS_ADD | {
    "accounts.feeschedule",
    "accounts.fxrate",
    "accounts.regulatoryrate",
    "accounts.user",
    "instruments.calendaroverride",
    "instruments.corporateaction",
    "instruments.instrument",
}
LISTED = {
    "dealer": {label for label in ROWS if label not in HOUSE},
    "admin": set(ROWS),
    "trader": set(),
    "anonymous": set(),
}
ADDED = {"dealer": DEALERS_ADD, "admin": ADMINS_ADD, "trader": set(), "anonymous": set()}


@pytest.fixture(autouse=True)
def _calendar():
    before = calendar.in_use()
    yield
    calendar.use(before)


def client_of(role: str) -> Client:
    client = Client()
    if role != "anonymous":
        user = UserFactory()
        grant(user, role, by=None, now=OPENED_AT)
        user.refresh_from_db()
        client.force_login(user)
    return client


def page(label: str, which: str, *args: Any) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{which}", args=args)


def row_of(label: str) -> Any:
    """Make a row of a model of the admin and return it."""
    made, model = ROWS[label](0), model_of(label)
    return made if isinstance(made, model) else model.objects.order_by("-pk")[0]


def model_of(label: str) -> Any:
    return next(model for model in admin.site._registry if model._meta.label_lower == label)


def refusal_of(role: str) -> int:
    """Return what is answered to who may not: staff read why, others are sent to sign in."""
    return 403 if role in {"dealer", "admin"} else 302


def test_every_model_of_the_admin_has_its_rows():
    assert {model._meta.label_lower for model in admin.site._registry} == set(ROWS)


@pytest.mark.parametrize("role", list(LISTED))
def test_who_may_open_what(role):
    client = client_of(role)
    expected, seen = {}, {}
    for label in ROWS:
        row = row_of(label)
        pages = (
            ("changelist", (), LISTED[role]),
            ("change", (row.pk,), LISTED[role]),
            ("history", (row.pk,), LISTED[role]),
            ("add", (), ADDED[role]),
        )
        for which, args, allowed in pages:
            expected[label, which] = 200 if label in allowed else refusal_of(role)
            seen[label, which] = client.get(page(label, which, *args)).status_code
    assert seen == expected


@pytest.mark.parametrize("role", ["dealer", "admin"])
def test_the_first_page_shows_what_one_may_do(role):
    told = client_of(role).get(reverse("admin:index")).content.decode()
    for label in ROWS:
        assert (f'href="{page(label, "changelist")}"' in told) == (label in LISTED[role])


@pytest.mark.parametrize("label", list(ROWS))
def test_a_list_costs_the_same_for_any_number_of_rows(label):
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    counts = []
    for first, last in ((0, 3), (3, 30)):
        for number in range(first, last):
            ROWS[label](number)
        client.get(page(label, "changelist"))
        with CaptureQueriesContext(connection) as asked:
            assert client.get(page(label, "changelist")).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= STATEMENTS_MAX


@pytest.mark.parametrize("label", list(ROWS))
def test_a_list_can_be_searched_and_narrowed(label):
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    ROWS[label](0)
    shown = admin.site._registry[model_of(label)]
    assert shown.list_filter or shown.date_hierarchy
    assert shown.search_fields
    for words in ("nothing of the kind", str(new_id()), "row", "2026"):
        assert client.get(page(label, "changelist"), {"q": words}).status_code == 200


@pytest.mark.parametrize("label", list(ROWS))
def test_a_list_without_rows_says_so(label):
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    ROWS[label](0)
    narrowed = client.get(page(label, "changelist"), {"q": "nothing of the kind"}).content
    assert b'<a href="?">Show all of them</a>' in narrowed


def test_a_list_tells_ids_by_their_end_and_times_as_they_are_written_elsewhere():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    stream = str(row_of("events.event").stream_id)
    told = client.get(page("events.event", "changelist")).content.decode()
    assert f'<span class="brief" title="{stream}">…{stream[-12:]}</span>' in told
    assert f"{OPENED_AT:%-d %b %Y %H:%M:%S} UTC" in told
    assert "<h1>Events</h1>" in told


def test_a_list_that_is_empty_leads_to_its_first_row():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    told = client.get(page("orders.tradinghalt", "changelist")).content.decode()
    assert "There are no trading halts yet." in told
    assert f'<a href="{page("orders.tradinghalt", "add")}">Add trading halt</a>' in told


@pytest.mark.parametrize("label", sorted(set(ROWS) - {"instruments.calendaroverride"}))
def test_nothing_is_deleted(label):
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    row = row_of(label)
    assert client.post(page(label, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    client.post(page(label, "changelist"), chosen)
    assert type(row).objects.filter(pk=row.pk).exists()


def test_no_hash_of_a_password_is_shown():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    user = UserFactory(last_login=timezone.now())
    for address in (page("accounts.user", "changelist"), page("accounts.user", "change", user.pk)):
        told = client.get(address).content.decode()
        assert user.email in told
        assert user.password not in told
        assert "md5" not in told


def test_a_password_like_the_name_comes_back_beside_its_field() -> None:
    asked = {"email": "new@bengi.example", "name": "Wilhelmina", "role": "dealer"}
    client = client_of("admin")
    answer = client.post(reverse("admin:accounts_user_add"), asked | {"password": "wilhelmina1"})
    assert answer.status_code == 200
    (said,) = answer.context["adminform"].form.errors["password"]
    assert "too similar to the name" in said
    assert not User.objects.filter(email=asked["email"]).exists()
