"""How often somebody may try: from one address, for one person, with codes, for mails."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from accounts.identity import attempts
from accounts.identity.models import SignIn
from accounts.identity.tests.conftest import Program, told
from accounts.tests.factories import PASSWORD, UserFactory
from bengi.limits.rates import Rate, Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("limits")]


def guess(user, password="wrong", email=None, **origin):
    body = {"email": email or user.email, "password": password}
    return Program(**origin).ask("post", "login", body)


def test_five_wrong_passwords_lock_the_address_out_not_the_owner(user):
    for _ in range(5):
        assert told(guess(user, REMOTE_ADDR="6.6.6.6")) == (401, "invalid_credentials")
    locked = guess(user, PASSWORD, REMOTE_ADDR="6.6.6.6")
    assert told(locked) == (429, "rate_limited")
    assert 0 < int(locked["Retry-After"]) <= 300
    assert guess(user, PASSWORD, REMOTE_ADDR="1.1.1.1").status_code == 200
    assert guess(UserFactory(), PASSWORD, REMOTE_ADDR="6.6.6.6").status_code == 200


def test_who_is_nobody_is_locked_out_alike(user):
    answers = [told(guess(user, email="nobody@bengi.example")) for _ in range(6)]
    assert answers == [(401, "invalid_credentials")] * 5 + [(429, "rate_limited")]


def test_another_spelling_is_the_same_person(user):
    spellings = [user.email, user.email.upper(), user.email.title()]
    codes = [told(guess(user, email=spellings[n % 3]))[0] for n in range(6)]
    assert codes == [401] * 5 + [429]


def test_headers_move_no_limit(user):
    for n in range(5):
        Program().ask(
            "post",
            "login",
            {"email": user.email, "password": "wrong"},
            **{"X-Forwarded-For": f"1.1.1.{n}", "X-Real-Ip": f"1.1.1.{n}", "Forwarded": f"for={n}"},
        )
    answer = Program().ask(
        "post",
        "login",
        {"email": user.email, "password": PASSWORD},
        **{"X-Forwarded-For": "2.2.2.2"},
    )
    assert told(answer) == (429, "rate_limited")


def test_thirty_wrong_ones_from_one_address_whoever_they_are_for(user):
    codes = [told(guess(user, email=f"n{n}@bengi.example"))[0] for n in range(31)]
    assert codes == [401] * 30 + [429]


def test_a_good_one_does_not_count(user):
    for _ in range(40):
        assert guess(user, PASSWORD).status_code == 200
    assert told(guess(user)) == (401, "invalid_credentials")


def test_many_addresses_have_an_end_but_not_for_an_owner_who_is_known(user, monkeypatch):
    monkeypatch.setattr(attempts, "SIGN_IN_EVERYWHERE", Scope("few", (Rate(3, 3600),)))
    assert guess(user, PASSWORD, REMOTE_ADDR="1.1.1.1").status_code == 200
    for n in range(3):
        assert told(guess(user, REMOTE_ADDR=f"6.6.6.{n}"))[0] == 401
    assert told(guess(user, REMOTE_ADDR="6.6.6.9")) == (429, "rate_limited")
    assert guess(user, PASSWORD, REMOTE_ADDR="1.1.1.1").status_code == 200
    SignIn.objects.all().delete()
    assert told(guess(user, PASSWORD, REMOTE_ADDR="1.1.1.1")) == (429, "rate_limited")


def test_the_page_and_the_admin_count_the_same(user):
    client = Client()
    body = {"email": user.email, "password": "wrong"}
    pages = [client.post("/signin?next=/admin/", body).status_code for _ in range(5)]
    assert pages == [200] * 5
    page = client.post("/signin", {**body, "password": PASSWORD})
    assert page.status_code == 429
    assert b"Too many requests. Try again in" in page.content
    assert told(guess(user, PASSWORD)) == (429, "rate_limited")
    assert client.get("/admin/login/")["Location"] == "/signin?next=%2Fadmin%2F"
    assert client.post("/admin/login/", body)["Location"] == "/signin?next=%2Fadmin%2F"


def test_three_mails_an_hour_to_one_person_and_nobody_is_told(user):
    answers = [Program().ask("post", "password-reset", {"email": user.email}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 5
    assert len({answer.content for answer in answers}) == 1
    assert len(mail.outbox) == 3


def test_somebody_signed_in_does_not_guess_the_password_for_ever(program, user):
    program.sign_in(user)
    body = {"password": "wrong", "new_password": "another-long-phrase"}
    codes = [told(program.ask("put", "password", body)) for _ in range(6)]
    assert codes == [(400, "wrong_password")] * 5 + [(429, "rate_limited")]


def test_known_is_known_for_thirty_days(user):
    guess(user, PASSWORD, REMOTE_ADDR="1.1.1.1")
    SignIn.objects.update(created_at=SignIn.objects.get().created_at - timedelta(days=30))
    from accounts.identity.lifetimes import KNOWN
    from accounts.identity.sign_ins import is_known
    from bengi import clock

    assert not is_known(user.email, "1.1.1.1", clock.wall(), KNOWN)
