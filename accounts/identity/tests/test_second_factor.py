"""Codes of a phone, checked against an own reckoning of RFC 6238, and codes for a lost phone."""

import base64
import hashlib
import hmac
import struct

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache

from accounts.identity.models import PendingFactor
from accounts.identity.second_factor import recovery_codes_left
from accounts.identity.tests.conftest import Program, told
from accounts.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

AT = 1_767_625_200
"""2026-01-05 15:00 UTC, in seconds; the phone's clock and the server's."""


class Clock:
    def __init__(self):
        self.now_s = AT

    def time(self):
        return self.now_s


@pytest.fixture(autouse=True)
def phone_time(monkeypatch):
    cache.clear()
    clock = Clock()
    monkeypatch.setattr(totp, "time", clock)
    return clock


def code_of(secret, at_s=AT):
    """RFC 6238 with SHA-1, 30 seconds and six digits."""
    counter = struct.pack(">Q", at_s // 30)
    mac = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def test_the_phone_reckons_as_the_rfc_does():
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert [code_of(secret, at) for at in (59, 1111111109, 20000000000)] == [
        "287082",
        "081804",
        "353130",
    ]


@pytest.fixture
def owner(program, user):
    program.sign_in(user)
    return program


@pytest.fixture
def factor(owner, phone_time):
    """Turn it on; return the secret and the recovery codes. The clock has gone on since."""
    secret = owner.ask("post", "2fa", {"password": PASSWORD}).json()["secret"]
    answer = owner.ask("post", "2fa", {"code": code_of(secret)})
    assert answer.status_code == 200, answer.content
    phone_time.now_s += 300
    return secret, answer.json()["recovery_codes"]


def login(user, **more):
    return Program().ask("post", "login", {"email": user.email, "password": PASSWORD, **more})


def test_it_is_begun_with_the_password_and_turned_on_with_a_code(owner, user):
    assert told(owner.ask("post", "2fa", {"password": "wrong"})) == (400, "wrong_password")
    begun = owner.ask("post", "2fa", {"password": PASSWORD}).json()
    assert begun["otpauth_url"].startswith("otpauth://totp/grace%40bengi.example?secret=")
    assert begun["secret"] in begun["otpauth_url"]
    assert login(user).status_code == 200, "it counts once it is confirmed"
    assert told(owner.ask("post", "2fa", {"code": "000000"})) == (400, "invalid_code")
    codes = owner.ask("post", "2fa", {"code": code_of(begun["secret"])}).json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert owner.ask("get", "2fa").json() == {"enabled": True, "recovery_codes_left": 10}
    assert owner.ask("get", "profile").json()["second_factor"] is True
    assert mail.outbox[-1].subject == "Your second factor is on"


def test_no_secret_of_it_stands_in_the_database(owner):
    secret = owner.ask("post", "2fa", {"password": PASSWORD}).json()["secret"]
    assert secret not in str(list(PendingFactor.objects.values()))
    owner.ask("post", "2fa", {"code": code_of(secret)})
    assert Authenticator.objects.count() == 2
    assert secret not in str(list(Authenticator.objects.values()))


def test_signing_in_asks_for_the_code(user, factor, phone_time):
    secret, _ = factor
    assert told(login(user)) == (401, "second_factor_required")
    assert told(login(user, code="000000")) == (401, "invalid_code")
    assert told(login(user, code=code_of(secret, AT))) == (401, "invalid_code"), "too old"
    code = code_of(secret, phone_time.now_s)
    assert login(user, code=code).status_code == 200
    assert told(login(user, code=code)) == (401, "invalid_code"), "a code works once"
    assert login(user, code=code_of(secret, phone_time.now_s + 30)).status_code == 200


def test_a_wrong_password_never_asks_for_the_code(user, factor):
    body = {"email": user.email, "password": "wrong", "code": "000000"}
    assert told(Program().ask("post", "login", body)) == (401, "invalid_credentials")


def test_a_recovery_code_works_once(user, factor):
    _, (first, second, *_) = factor
    assert login(user, code=first).status_code == 200
    assert told(login(user, code=first)) == (401, "invalid_code")
    assert login(user, code=second).status_code == 200
    assert recovery_codes_left(user) == 8


def test_new_codes_take_the_place_of_the_old_ones(owner, user, factor):
    _, (first, second, *_) = factor
    path = "2fa/recovery-codes"
    wrong = owner.ask("post", path, {"password": "wrong", "code": first})
    assert told(wrong) == (400, "wrong_password")
    wrong = owner.ask("post", path, {"password": PASSWORD, "code": "000000"})
    assert told(wrong) == (400, "invalid_code")
    answer = owner.ask("post", path, {"password": PASSWORD, "code": first})
    codes = answer.json()["recovery_codes"]
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert len(set(codes)) == 10
    assert not {first, second} & set(codes)
    assert mail.outbox[-1].subject == "You have new recovery codes"
    assert told(login(user, code=second)) == (401, "invalid_code")
    assert login(user, code=codes[0]).status_code == 200


def test_without_a_second_factor_there_are_no_codes(owner):
    answer = owner.ask("post", "2fa/recovery-codes", {"password": PASSWORD, "code": "000000"})
    assert told(answer) == (400, "invalid_code")


def test_it_is_turned_off_with_both(owner, user, factor):
    _, (first, second, *_) = factor
    wrong = owner.ask("delete", "2fa", {"password": "wrong", "code": first})
    assert told(wrong) == (400, "wrong_password")
    wrong = owner.ask("delete", "2fa", {"password": PASSWORD, "code": "000000"})
    assert told(wrong) == (400, "invalid_code")
    assert owner.ask("delete", "2fa", {"password": PASSWORD, "code": second}).status_code == 204
    assert login(user).status_code == 200
    assert Authenticator.objects.count() == 0


def test_there_is_one_at_most(owner, factor):
    for body in ({"password": PASSWORD}, {"code": "000000"}):
        assert told(owner.ask("post", "2fa", body)) == (409, "second_factor_exists")


def test_a_code_confirms_nothing_that_was_not_begun(owner, monkeypatch):
    assert told(owner.ask("post", "2fa", {"code": "000000"})) == (409, "second_factor_not_begun")
    for body in ({}, {"code": "000000", "password": PASSWORD}):
        assert told(owner.ask("post", "2fa", body)) == (400, "invalid_field")
