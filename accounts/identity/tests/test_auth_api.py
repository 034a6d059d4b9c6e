"""/api/v1/auth/: signing up, in and out, passwords, profile, sessions."""

import logging
import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache

from accounts.identity.models import SignIn
from accounts.identity.tests.conftest import AUTH, Program, told
from accounts.models import Account, User
from accounts.roles import grant
from accounts.sessions import revoke_sessions
from accounts.tests.factories import PASSWORD, UserFactory
from bengi import clock

pytestmark = pytest.mark.django_db

NEW = {"email": "ada@bengi.example", "name": "Ada", "password": "lovelace-1815"}
ACCOUNTS = "/api/v1/accounts"
NOBODY = "01900000-0000-7000-8000-000000000000"


def key_in(letter):
    return re.search(r"[?&]key=(\S+)", letter.body).group(1)


# -- signing up ----------------------------------------------------------------------------------


def test_signing_up_opens_an_account_and_asks_to_confirm(program):
    answer = program.ask("post", "register", NEW)
    assert answer.status_code == 202
    ada = User.objects.get(email=NEW["email"])
    assert Account.objects.filter(user=ada).count() == 1
    assert (
        program.ask("post", "login", {k: NEW[k] for k in ("email", "password")}).status_code == 200
    )
    (letter,) = mail.outbox
    assert letter.to == [NEW["email"]]
    confirmed = program.ask("post", "verify-email", {"key": key_in(letter)})
    assert confirmed.json() == {"email": NEW["email"], "email_verified": True}
    again = program.ask("post", "verify-email", {"key": key_in(letter)})
    assert told(again) == (400, "token_invalid")


def test_signing_up_tells_nobody_who_is_here(program, user):
    fresh = program.ask("post", "register", NEW)
    known = program.ask("post", "register", {**NEW, "email": user.email.upper()})
    assert (fresh.status_code, fresh.content) == (known.status_code, known.content)
    assert User.objects.count() == 2
    assert [letter.subject for letter in mail.outbox] == [
        "Confirm your e-mail address",
        "You have an account already",
    ]
    assert user.email in mail.outbox[1].to


def test_a_weak_password_is_told_for_both(program, user):
    for email in (NEW["email"], user.email):
        answer = program.ask("post", "register", {**NEW, "email": email, "password": "1234567890"})
        assert told(answer) == (400, "weak_password")
        assert answer.json()["errors"][0]["field"] == "password"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "nobody"}, "invalid_field"),
        ({"email": 1}, "invalid_field"),
        ({"name": " "}, "invalid_field"),
        ({"name": "a\nb"}, "invalid_field"),
        ({"password": "x" * 257}, "invalid_field"),
        ({"is_staff": True}, "unknown_field"),
    ],
)
def test_what_cannot_be_read(program, change, code):
    assert told(program.ask("post", "register", {**NEW, **change})) == (400, code)
    assert not User.objects.filter(name="Ada").exists()


def test_where_addresses_must_be_confirmed_nobody_comes_in_before(program, settings):
    settings.EMAIL_MUST_BE_CONFIRMED = True
    program.ask("post", "register", NEW)
    body = {k: NEW[k] for k in ("email", "password")}
    assert told(program.ask("post", "login", body)) == (401, "invalid_credentials")
    program.ask("post", "verify-email", {"key": key_in(mail.outbox[-1])})
    assert program.ask("post", "login", body).status_code == 200
    by_command = UserFactory()
    assert Program().sign_in(by_command)


def test_another_mail_to_confirm_goes_to_whom_it_concerns(program, user):
    for email in (user.email, "nobody@bengi.example"):
        assert program.ask("post", "verify-email", {"email": email}).status_code == 202
    assert len(mail.outbox) == 1
    EmailAddress.objects.get().set_verified()
    program.ask("post", "verify-email", {"email": user.email})
    assert len(mail.outbox) == 1
    assert told(program.ask("post", "verify-email", {})) == (400, "invalid_field")


# -- signing in and out --------------------------------------------------------------------------


def test_a_pair_of_tokens_and_a_cookie_for_one_path(program, user):
    answer = program.ask("post", "login", {"email": user.email.upper(), "password": PASSWORD})
    shape = answer.json()
    assert set(shape) == {
        *("access_token", "token_type", "expires_in"),
        *("refresh_token", "refresh_expires_in", "session_id"),
    }
    assert (shape["token_type"], shape["expires_in"]) == ("Bearer", 300)
    assert shape["refresh_expires_in"] == 14 * 24 * 3600
    assert answer["Cache-Control"] == "no-store"
    cookie = answer.cookies["bengi_refresh"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (
        f"{AUTH}/refresh",
        True,
        "Strict",
    )
    assert cookie.value == shape["refresh_token"]
    user.refresh_from_db()
    assert user.last_login is not None


def test_the_same_answer_for_every_reason_why_not(program, user):
    UserFactory(email="gone@bengi.example", is_active=False)
    answers = [
        program.ask("post", "login", {"email": email, "password": password})
        for email, password in (
            (user.email, "wrong"),
            ("nobody@bengi.example", PASSWORD),
            ("gone@bengi.example", PASSWORD),
        )
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert bodies[0]["code"] == "invalid_credentials"
    assert bodies[0] == bodies[1] == bodies[2]
    assert SignIn.objects.count() == 0


def test_refreshing_from_the_body(program, user):
    first = program.sign_in(user)
    second = program.ask("post", "refresh", {"refresh_token": first["refresh_token"]}).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["session_id"] == first["session_id"]
    assert Program(second["access_token"]).ask("get", ACCOUNTS).status_code == 200


def test_refreshing_from_the_cookie_shows_scripts_nothing(program, user):
    first = program.sign_in(user)
    program.token = "long-expired"
    answer = program.ask("post", "refresh", {})
    assert "refresh_token" not in answer.json()
    assert answer.cookies["bengi_refresh"].value != first["refresh_token"]
    assert Program(answer.json()["access_token"]).ask("get", ACCOUNTS).status_code == 200
    assert told(Program().ask("post", "refresh", {})) == (401, "not_authenticated")
    made_up = Program().ask("post", "refresh", {"refresh_token": "rt_x"})
    assert told(made_up) == (401, "token_invalid")


def test_signing_out_ends_this_sign_in_only(program, user):
    pair, other = program.sign_in(user), Program()
    other.sign_in(user)
    answer = program.ask("post", "logout", {})
    assert answer.status_code == 204
    assert answer.cookies["bengi_refresh"].value == ""
    assert told(program.ask("get", ACCOUNTS)) == (401, "token_invalid")
    spent = Program().ask("post", "refresh", {"refresh_token": pair["refresh_token"]})
    assert told(spent) == (401, "token_invalid")
    assert other.ask("get", ACCOUNTS).status_code == 200


@pytest.mark.parametrize(
    "end",
    [
        lambda user: grant(user, "dealer", by=None, now=clock.now()),
        lambda user: revoke_sessions(user, by=None, now=clock.now()),
        lambda _: revoke_sessions(None, by=None, now=clock.now()),
    ],
)
def test_staff_end_tokens_too(program, user, end):
    pair = program.sign_in(user)
    end(user)
    cache.clear()  # what is remembered is forgotten within seconds
    assert told(program.ask("get", ACCOUNTS)) == (401, "token_invalid")
    again = Program().ask("post", "refresh", {"refresh_token": pair["refresh_token"]})
    assert again.status_code == 401
    assert SignIn.objects.get().ended_because == "ended_by_staff"


def test_signing_out_of_everything(program, user, client):
    other, stranger = Program(), Program()
    pairs = [program.sign_in(user), other.sign_in(user)]
    stranger.sign_in(UserFactory())
    client.post("/signin", {"email": user.email, "password": PASSWORD})
    assert client.get("/account").status_code == 200
    assert program.ask("post", "logout-all").status_code == 204
    for one in (program, other):
        assert told(one.ask("get", ACCOUNTS)) == (401, "token_invalid")
    for pair in pairs:
        again = Program().ask("post", "refresh", {"refresh_token": pair["refresh_token"]})
        assert told(again) == (401, "token_invalid")
    assert client.get("/account").status_code == 302
    assert stranger.ask("get", ACCOUNTS).status_code == 200


def test_a_session_that_has_no_row_signs_out_too(user):
    client = Program()
    client.force_login(user)
    assert client.ask("post", "logout", {}).status_code == 204
    assert told(client.ask("get", ACCOUNTS)) == (401, "not_authenticated")


def test_a_session_needs_its_csrf_token(user):
    client = Program(enforce_csrf_checks=True)
    client.force_login(user)
    assert told(client.ask("post", "logout", {})) == (403, "csrf_failed")


# -- passwords -----------------------------------------------------------------------------------


def test_a_new_password_ends_every_other_sign_in(program, user):
    other = Program()
    pair, _ = program.sign_in(user), other.sign_in(user)
    body = {"password": PASSWORD, "new_password": "another-long-phrase"}
    answer = program.ask("put", "password", body)
    assert answer.status_code == 200
    assert told(other.ask("get", ACCOUNTS)) == (401, "token_invalid")
    program.token = answer.json()["access_token"]
    assert program.ask("get", ACCOUNTS).status_code == 200
    kept = Program().ask("post", "refresh", {"refresh_token": pair["refresh_token"]})
    assert kept.status_code == 200
    assert (
        told(Program().ask("post", "login", {"email": user.email, "password": PASSWORD}))[0] == 401
    )
    assert [letter.subject for letter in mail.outbox] == ["Your password has been changed"]


def test_a_browser_keeps_its_session_over_a_new_password(user):
    client, other = Program(), Program()
    for one in (client, other):
        one.post("/signin", {"email": user.email, "password": PASSWORD})
    body = {"password": PASSWORD, "new_password": "another-long-phrase"}
    assert client.ask("put", "password", body).status_code == 204
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    (row,) = client.ask("get", "sessions").json()["results"]
    assert (row["kind"], row["is_current"]) == ("session", True)
    assert client.ask("delete", f"sessions/{row['id']}").status_code == 204
    assert client.get("/account").status_code == 302


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "wrong"}, "wrong_password"),
        ({"new_password": "short"}, "weak_password"),
        ({"new_password": "grace@bengi.example"}, "weak_password"),
    ],
)
def test_a_password_that_is_not_changed(program, user, change, code):
    program.sign_in(user)
    body = {"password": PASSWORD, "new_password": "another-long-phrase", **change}
    assert told(program.ask("put", "password", body)) == (400, code)
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert program.ask("get", ACCOUNTS).status_code == 200


def test_a_forgotten_password(program, user):
    signed_in = Program()
    signed_in.sign_in(user)
    answers = [
        program.ask("post", "password-reset", {"email": email})
        for email in (user.email.upper(), "nobody@bengi.example")
    ]
    assert answers[0].status_code == 202
    assert answers[0].content == answers[1].content
    (letter,) = mail.outbox
    key = key_in(letter)
    weak = program.ask("post", "password-reset/confirm", {"key": key, "password": "1234567890"})
    assert told(weak) == (400, "weak_password")
    body = {"key": key, "password": "another-long-phrase"}
    assert program.ask("post", "password-reset/confirm", body).status_code == 204
    assert told(program.ask("post", "password-reset/confirm", body)) == (400, "token_invalid")
    assert told(signed_in.ask("get", ACCOUNTS)) == (401, "token_invalid")
    login = {"email": user.email, "password": body["password"]}
    assert program.ask("post", "login", login).status_code == 200
    assert EmailAddress.objects.get(user=user).verified, "who has the key reads the mails"


@pytest.mark.parametrize("key", ["x", "AAAA.x", "!.x", f"{'A' * 22}.cm1abc-{'0' * 32}"])
def test_a_key_that_is_none(program, key):
    body = {"key": key, "password": "another-long-phrase"}
    assert told(program.ask("post", "password-reset/confirm", body)) == (400, "token_invalid")


def test_a_disabled_person_gets_no_mail(program, user):
    User.objects.update(is_active=False)
    assert program.ask("post", "password-reset", {"email": user.email}).status_code == 202
    assert mail.outbox == []


# -- oneself -------------------------------------------------------------------------------------


def test_the_profile(program, user, django_assert_num_queries):
    program.sign_in(user)
    shape = program.ask("get", "profile").json()
    assert shape == {
        "id": str(user.pk),
        "email": user.email,
        "email_verified": False,
        "name": "Grace",
        "theme": "",
        "updown": "",
        "locale": "",
        "time_zone": "",
        "is_discreet": False,
        "confirms_orders": True,
        "uses_shortcuts": True,
        "roles": [],
        "second_factor": False,
        "created_at": shape["created_at"],
    }
    with django_assert_num_queries(3):
        program.ask("get", "profile")
    new = {"name": "Ada", "theme": "dark", "time_zone": "Asia/Tokyo", "is_discreet": True}
    changed = program.ask("patch", "profile", new).json()
    assert changed == {**shape, **new}
    assert program.ask("get", "profile").json() == changed
    for body in (
        {"email": "x@bengi.example"},
        {"name": ""},
        {"theme": "pink"},
        {"time_zone": "EU"},
    ):
        assert program.ask("patch", "profile", body).status_code == 400


def test_where_one_is_signed_in(program, user, django_assert_num_queries):
    other = Program()
    program.sign_in(user)
    other.sign_in(user)
    Program().sign_in(UserFactory())
    with django_assert_num_queries(3):  # who, the hash for the stamp, the list
        rows = program.ask("get", "sessions").json()["results"]
    assert [row["is_current"] for row in rows] == [False, True]
    assert rows[0]["address"] == "127.0.0.1"
    assert program.ask("delete", f"sessions/{rows[0]['id']}").status_code == 204
    assert told(other.ask("get", ACCOUNTS)) == (401, "token_invalid")
    assert len(program.ask("get", "sessions").json()["results"]) == 1
    assert program.ask("delete", "sessions").status_code == 204
    assert told(program.ask("get", ACCOUNTS)) == (401, "token_invalid")


def test_somebody_elses_session_is_as_absent_as_none(program, user):
    program.sign_in(user)
    theirs = Program().sign_in(UserFactory())["session_id"]
    answers = [program.ask("delete", f"sessions/{id_}") for id_ in (theirs, NOBODY)]
    assert [told(answer) for answer in answers] == [(404, "not_found")] * 2
    assert SignIn.objects.filter(ended_at=None).count() == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "logout"),
        ("post", "logout-all"),
        ("put", "password"),
        ("get", "profile"),
        ("patch", "profile"),
        ("get", "sessions"),
        ("delete", "sessions"),
        ("delete", f"sessions/{NOBODY}"),
        ("get", "2fa"),
        ("post", "2fa"),
        ("delete", "2fa"),
        ("get", "api-keys"),
        ("post", "api-keys"),
        ("delete", f"api-keys/{NOBODY}"),
    ],
)
def test_for_who_is_signed_in(method, path):
    assert told(Program().ask(method, path, {})) == (401, "not_authenticated")


def test_no_secret_reaches_the_log(program, user, caplog):
    caplog.set_level(logging.DEBUG)
    pair = program.sign_in(user)
    key = program.ask("post", "api-keys", {"name": "bot", "scopes": ["read"]}).json()["key"]
    Program(key).ask("get", ACCOUNTS)
    next_pair = program.ask("post", "refresh", {"refresh_token": pair["refresh_token"]}).json()
    program.ask("post", "login", {"email": user.email, "password": "a-wrong-password"})
    program.ask("post", "password-reset", {"email": user.email})
    reset = key_in(mail.outbox[-1])
    program.ask("post", "password-reset/confirm", {"key": reset, "password": "another-phrase"})
    factor = Program(next_pair["access_token"])
    factor.ask("post", "2fa", {"password": PASSWORD})
    Program("bk_broken_token").ask("get", ACCOUNTS)
    secrets = [PASSWORD, "a-wrong-password", "another-phrase", key, key.split("_")[2], reset]
    secrets += [pair[name] for name in ("access_token", "refresh_token")]
    secrets += [next_pair[name] for name in ("access_token", "refresh_token")]
    assert [secret for secret in secrets if secret in caplog.text] == []
