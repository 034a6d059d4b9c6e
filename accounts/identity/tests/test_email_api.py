"""/api/v1/auth/email: another address, which counts once its key has come back."""

import re

import pytest
from django.core import mail

from accounts.identity.tests.conftest import Program, told
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def key_in(letter):
    return re.search(r"[?&]key=(\S+)", letter.body).group(1)


def test_another_address_counts_once_its_key_has_come_back(program, user):
    program.sign_in(user)
    old, new = user.email, "grace.h@bengi.example"
    now = {"email": old, "email_verified": False, "waiting": None}
    assert program.ask("get", "email").json() == now
    wrong = program.ask("put", "email", {"email": new, "password": "wrong"})
    assert told(wrong) == (400, "wrong_password")
    same = program.ask("put", "email", {"email": old.upper(), "password": PASSWORD})
    assert told(same) == (400, "invalid_field")
    assert not mail.outbox
    assert program.ask("put", "email", {"email": new, "password": PASSWORD}).status_code == 202
    assert [letter.to for letter in mail.outbox] == [[old], [new]]
    assert program.ask("get", "email").json() == {**now, "waiting": new}
    assert program.ask("get", "profile").json()["email"] == old
    confirmed = Program().ask("post", "verify-email", {"key": key_in(mail.outbox[-1])})
    assert confirmed.json() == {"email": new, "email_verified": True}
    assert program.ask("get", "email").json() == {
        "email": new,
        "email_verified": True,
        "waiting": None,
    }
    assert User.objects.get().email == new


def test_an_address_that_waits_can_be_forgotten(program, user):
    program.sign_in(user)
    body = {"email": "grace.h@bengi.example", "password": PASSWORD}
    assert program.ask("put", "email", body).status_code == 202
    key = key_in(mail.outbox[-1])
    assert program.ask("delete", "email").status_code == 204
    assert program.ask("get", "email").json()["waiting"] is None
    assert told(program.ask("post", "verify-email", {"key": key})) == (400, "token_invalid")
    assert User.objects.get().email == user.email


def test_asking_for_an_address_tells_nobody_who_is_here(program, user):
    other = UserFactory(email="other@bengi.example")
    program.sign_in(user)
    answers = []
    for email in (other.email, "free@bengi.example"):
        answer = program.ask("put", "email", {"email": email, "password": PASSWORD})
        answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]
    assert mail.outbox[1].to == [other.email]
    assert "already" in mail.outbox[1].subject
