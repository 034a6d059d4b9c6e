"""The settings: what is right is kept, what is wrong comes back with what was typed."""

import re

import pytest
from django.core import mail
from django.test import Client

from accounts.identity import passwords
from accounts.identity.addresses import waiting_address
from accounts.identity.models import SignIn
from accounts.models import Account, User
from accounts.tests.factories import PASSWORD, AccountFactory, UserFactory
from bengi.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
NEW = "countess@bengi.example"
NEW_PASSWORD = "another-long-phrase"


@pytest.fixture
def user():
    return UserFactory(email="ada@bengi.example", name="Ada")


@pytest.fixture
def account(user):
    return AccountFactory(user=user)


@pytest.fixture
def client(client, user):
    client.post("/signin", {"email": user.email, "password": PASSWORD})
    return client


def save(client, section, **values):
    return client.post(f"/settings/{section}", values)


def again(user):
    return User.objects.get(pk=user.pk)


def wrong(answer, field_id):
    """Return the words beside a field that was refused."""
    assert answer.status_code == 422
    page = answer.content.decode()
    element = re.search(rf'<(input|select)[^>]*id="{field_id}"[^>]*>', page)[0]
    assert 'aria-invalid="true"' in element
    assert f"{field_id}-error" in re.search(r'aria-describedby="([^"]*)"', element)[1].split()
    return re.search(rf'id="{field_id}-error".*?<span>(.*?)</span>', page, re.DOTALL)[1]


@pytest.mark.parametrize(
    ("section", "budget"),
    [("profile", 3), ("password", 2), ("appearance", 2), ("trading", 3)],
)
def test_sections_and_what_they_cost(client, account, section, budget, django_assert_num_queries):
    assert client.get("/settings")["Location"] == "/settings/profile"
    read_by_the_bar = 2
    with django_assert_num_queries(budget + read_by_the_bar):
        page = client.get(f"/settings/{section}")
    assert page.status_code == 200
    assert f'href="/settings/{section}" aria-current="page"' in page.content.decode()


@pytest.mark.parametrize("section", ["profile", "password", "appearance", "trading"])
def test_visitors_are_sent_to_sign_in(section):
    assert Client().get(f"/settings/{section}")["Location"].startswith("/signin?next=")


def test_the_profile_is_kept(client, user):
    save(client, "profile", name=" Ada L. ", time_zone="Europe/London", locale="de")
    user = again(user)
    assert (user.name, user.time_zone, user.locale) == ("Ada L.", "Europe/London", "de")
    page = client.get("/settings/profile").content.decode()
    assert '<option value="Europe/London" selected>London</option>' in page
    assert "German: 1.234.567,89, 31.03.2026" in page


@pytest.mark.parametrize(
    ("values", "field_id", "words"),
    [
        ({"name": ""}, "name", "Write the name to greet you with."),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "Choose one of the list."),
        ({"locale": "tlh"}, "locale", "Choose one of the list."),
    ],
)
def test_a_wrong_profile_comes_back(client, user, values, field_id, words):
    typed = {"name": "Augusta", "time_zone": "Asia/Tokyo", "locale": "fr", **values}
    answer = save(client, "profile", **typed)
    assert words in wrong(answer, field_id)
    page = answer.content.decode()
    assert 'value="Asia/Tokyo" selected' in page or field_id == "time_zone"
    assert 'value="Augusta"' in page or field_id == "name"
    assert again(user).name == "Ada"


class TestEmail:
    def ask(self, client, **values):
        return save(client, "email", **{"email": NEW, "password": PASSWORD, **values})

    def key(self):
        return re.search(r"key=(\S+)", mail.outbox[-1].body)[1]

    def test_it_counts_once_the_link_has_come_back(self, client, user):
        assert self.ask(client).status_code == 302
        assert mail.outbox[-1].to == [NEW]
        assert (again(user).email, waiting_address(user)) == ("ada@bengi.example", NEW)
        assert NEW in client.get("/settings/profile").content.decode()
        client.post("/verify-email", {"key": self.key()})
        assert (again(user).email, waiting_address(user)) == (NEW, "")
        assert mail.outbox[-1].to == ["ada@bengi.example"]
        assert NEW in mail.outbox[-1].body
        details = AuditEntry.objects.get(action="user.email_changed").details
        assert details == {"from": "ada@bengi.example", "to": NEW}
        fresh = Client()
        fresh.post("/signin", {"email": NEW, "password": PASSWORD})
        assert fresh.get("/settings/profile").status_code == 200

    def test_a_link_counts_once_and_only_the_last_one(self, client, user):
        self.ask(client, email="first@bengi.example")
        first = self.key()
        self.ask(client)
        assert Client().post("/verify-email", {"key": first}).status_code == 410
        assert client.post("/verify-email", {"key": self.key()}).status_code == 302
        assert again(user).email == NEW

    def test_it_can_be_taken_back(self, client, user):
        self.ask(client)
        client.post("/settings/email/keep")
        assert Client().post("/verify-email", {"key": self.key()}).status_code == 410
        assert again(user).email == "ada@bengi.example"

    def test_the_old_address_is_told_of_it(self, client, user):
        self.ask(client)
        told = mail.outbox[0]
        assert told.to == ["ada@bengi.example"]
        assert NEW in told.body
        assert "key=" not in told.body
        undo = re.search(r"http://testserver(/\S+)", told.body)[1]
        assert Client().get(undo).status_code == 200

    def test_a_new_password_forgets_it(self, client, user):
        self.ask(client)
        key = self.key()
        save(client, "password", password=PASSWORD, new_password=NEW_PASSWORD)
        assert waiting_address(user) == ""
        assert Client().post("/verify-email", {"key": key}).status_code == 410
        assert again(user).email == "ada@bengi.example"

    def test_a_reset_password_forgets_it(self, client, user):
        self.ask(client)
        key = self.key()
        stranger = Client()
        stranger.get("/password/reset", {"key": passwords.key(again(user))})
        stranger.post("/password/reset", {"password": NEW_PASSWORD})
        assert again(user).check_password(NEW_PASSWORD)
        assert Client().post("/verify-email", {"key": key}).status_code == 410
        assert again(user).email == "ada@bengi.example"

    def test_nobody_is_told_who_is_here(self, client, user):
        UserFactory(email=NEW)
        taken = self.ask(client)
        assert mail.outbox[-1].to == [NEW]
        assert "key=" not in mail.outbox[-1].body
        free = self.ask(client, email="free@bengi.example")
        assert (taken.status_code, taken["Location"]) == (free.status_code, free["Location"])

    def test_who_comes_first_has_it(self, client, user):
        self.ask(client)
        UserFactory(email=NEW.upper())
        assert client.post("/verify-email", {"key": self.key()}).status_code == 410
        assert again(user).email == "ada@bengi.example"

    @pytest.mark.parametrize(
        ("values", "field_id", "words"),
        [
            ({"password": "wrong"}, "email-password", "This is not your password."),
            ({"password": ""}, "email-password", "Write your password."),
            ({"email": "no address"}, "email", "This is not an e-mail address."),
            ({"email": "ADA@bengi.example"}, "email", "This is your address already."),
        ],
    )
    def test_what_is_wrong_stands_beside_it(self, client, user, values, field_id, words):
        answer = self.ask(client, **values)
        assert wrong(answer, field_id) == words
        page = answer.content.decode()
        assert f'value="{values.get("email", NEW)}"' in page
        assert PASSWORD not in page
        assert mail.outbox == []


class TestPassword:
    def test_a_new_one_ends_every_other_session(self, client, user):
        elsewhere = Client()
        elsewhere.post("/signin", {"email": user.email, "password": PASSWORD})
        save(client, "password", password=PASSWORD, new_password=NEW_PASSWORD)
        assert again(user).check_password(NEW_PASSWORD)
        assert client.get("/settings/password").status_code == 200
        assert elsewhere.get("/settings/password").status_code == 302
        assert SignIn.objects.filter(ended_at=None).count() == 1
        assert "password has been changed" in mail.outbox[-1].subject

    @pytest.mark.parametrize(
        ("old", "new", "field_id", "words"),
        [
            ("wrong", NEW_PASSWORD, "password", "This is not your password."),
            ("", NEW_PASSWORD, "password", "Write the password you have."),
            (PASSWORD, "", "new_password", "Choose a new password."),
            (PASSWORD, "12345678901", "new_password", "entirely numeric"),
        ],
    )
    def test_what_is_wrong_stands_beside_it(self, client, user, old, new, field_id, words):
        answer = save(client, "password", password=old, new_password=new)
        assert words in wrong(answer, field_id)
        page = answer.content.decode()
        assert re.search(rf'id="{field_id}"[^>]* autofocus', page)
        assert NEW_PASSWORD not in page
        assert again(user).check_password(PASSWORD)


def test_looks_are_kept_and_told_to_the_page(client, user):
    save(client, "appearance", theme="light", updown="blue-orange", is_discreet="on")
    page = client.get("/settings/appearance").content.decode()
    root = re.search("<html[^>]*>", page)[0]
    assert 'data-theme="light"' in root
    assert 'data-updown="blue-orange"' in root
    assert "data-discreet" in root
    assert 'value="blue-orange" checked' in page
    save(client, "appearance", theme="", updown="")
    assert (again(user).theme, again(user).updown, again(user).is_discreet) == ("", "", False)
    assert save(client, "appearance", theme="pink", updown="red-up").status_code == 422
    assert again(user).updown == ""


def test_trading_is_kept(client, user, account):
    save(client, "trading", realism="harsh", uses_shortcuts="on")
    user = again(user)
    assert (user.confirms_orders, user.uses_shortcuts) == (False, True)
    assert Account.objects.get().realism == "harsh"
    page = client.get("/settings/trading").content.decode()
    assert 'value="harsh" checked' in page


def test_without_a_profile_nothing_of_trading_is_kept(client, user, account):
    answer = save(client, "trading", uses_shortcuts="on")
    assert answer.status_code == 422
    assert b"Choose one of the three." in answer.content
    assert again(user).confirms_orders is True


def test_who_has_no_account_chooses_the_rest(client, user):
    assert b'name="realism"' not in client.get("/settings/trading").content
    assert save(client, "trading", confirms_orders="on").status_code == 302
    assert again(user).uses_shortcuts is False


def test_a_switch_turns_from_any_page(client, user):
    answer = client.post("/settings/switch", {"what": "is_discreet", "next": "/orders?show=open"})
    assert answer["Location"] == "/orders?show=open"
    assert again(user).is_discreet is True
    client.post("/settings/switch", {"what": "is_discreet"})
    client.post("/settings/switch", {"what": "uses_shortcuts", "to": "off"})
    client.post("/settings/switch", {"what": "uses_shortcuts", "to": "off"})
    assert (again(user).is_discreet, again(user).uses_shortcuts) == (False, False)
    assert b'data-shortcuts="off"' in client.get("/settings/trading").content


@pytest.mark.parametrize("what", ["is_staff", "is_active", "password", ""])
def test_a_switch_turns_nothing_else(client, user, what):
    before = User.objects.filter(pk=user.pk).values().get()
    answer = client.post("/settings/switch", {"what": what, "next": "https://evil.example/"})
    assert answer["Location"] == "/settings/appearance"
    assert User.objects.filter(pk=user.pk).values().get() == before
