"""Tokens: what they say, how long they hold, and what happens to one that is used twice."""

import logging
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.core import mail
from django.test import RequestFactory

from accounts.identity import lifetimes, refreshing
from accounts.identity.api_keys import create_key
from accounts.identity.bearers import bearer, bearers
from accounts.identity.models import ApiKey, RefreshToken, SignIn
from accounts.identity.refreshing import rotate, successor_of
from accounts.identity.sealing import derived_key, digest
from accounts.identity.sign_ins import begin_tokens, refresh
from accounts.identity.tests.conftest import Program, told
from accounts.identity.tokens import issue_access
from accounts.tests.factories import UserFactory
from bengi.errors import NotAuthenticated
from bengi.line import Line

pytestmark = pytest.mark.django_db

ACCOUNTS = "/api/v1/accounts"


def now():
    return datetime.now(UTC)


@pytest.fixture
def request_():
    return RequestFactory().post("/")


@pytest.fixture
def pair(user, request_):
    return begin_tokens(request_, user, now=now())


def code_of(call, *args):
    with pytest.raises(NotAuthenticated) as raised:
        call(*args)
    return raised.value.code


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


# -- access --------------------------------------------------------------------------------------


def test_an_access_token_says_who_and_until_when(pair, user):
    claims = claims_of(pair.access)
    assert set(claims) == {"iss", "aud", "sub", "sid", "ver", "jti", "iat", "exp"}
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("bengi", "bengi-api", str(user.pk))
    assert claims["sid"] == str(pair.sign_in.id)
    assert claims["exp"] - claims["iat"] == 300
    standing, grant = bearer(pair.access, now())
    assert (standing.user, grant.scopes) == (user, {"read", "trade", "account"})
    again = issue_access(pair.sign_in, now())
    assert claims_of(again)["jti"] != claims["jti"]


def forged(token, key=None, algorithm="HS256", **changes):
    claims = {**claims_of(token), **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, derived_key("access") if key is None else key, algorithm=algorithm)


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")  # HS512 with our key
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"sub": None},
        {"sid": None},
        {"ver": None},
        {"jti": None},
        {"exp": None},
        {"sub": "nobody"},
        {"sid": "1"},
        {"sid": "01900000-0000-7000-8000-000000000000"},
        {"sub": "01900000-0000-7000-8000-000000000000"},
        {"ver": "0" * 16},
        {"algorithm": "HS512"},
        {"key": b"x" * 32},
        {"key": "", "algorithm": "none"},
    ],
)
def test_what_was_not_signed_here_for_this_is_no_token(pair, changes):
    assert code_of(bearer, forged(pair.access, **changes), now()) == "token_invalid"


def test_the_forger_forges_well(pair, user):
    assert bearer(forged(pair.access), now())[0].user == user


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "bk_", "bk_1_2", "ü", "x" * 3000])
def test_what_is_no_token_at_all(db, token):
    assert code_of(bearer, token, now()) == "token_invalid"


def test_five_minutes(pair):
    old = issue_access(pair.sign_in, now() - lifetimes.ACCESS - timedelta(seconds=1))
    assert code_of(bearer, old, now()) == "token_expired"
    answer = Program(old).ask("get", ACCOUNTS)
    assert told(answer) == (401, "token_expired")
    assert answer["WWW-Authenticate"] == 'Bearer realm="bengi", error="invalid_token"'


def test_a_bearer_token_opens_the_api_without_csrf(pair):
    strict = Program(pair.access, enforce_csrf_checks=True)
    assert strict.ask("get", ACCOUNTS).status_code == 200
    assert strict.ask("patch", "profile", {"name": "Ada"}).json()["name"] == "Ada"


def test_a_bad_token_is_refused_beside_a_good_session(user):
    client = Program("bad")
    client.force_login(user)
    assert told(client.ask("get", ACCOUNTS)) == (401, "token_invalid")
    client.token = None
    assert client.ask("get", ACCOUNTS).status_code == 200


def test_who_is_known_costs_no_query(pair, django_assert_num_queries):
    with django_assert_num_queries(1):
        bearer(pair.access, now())
    with django_assert_num_queries(0):
        standing, _ = bearer(pair.access, now())
    with django_assert_num_queries(1):
        assert standing.user.password, "is not in the cache, and read when it is asked for"


def test_many_are_asked_about_together(pair, user, django_assert_num_queries):
    """Each is told what it would be alone; two statements for each kind, whoever asks."""
    keys = [create_key(UserFactory(), "bot", ["trade"], now=now())[1] for _ in range(3)]
    old = issue_access(pair.sign_in, now() - lifetimes.ACCESS - timedelta(seconds=1))
    crossed = f"{keys[0].rpartition('_')[0]}_{keys[1].rpartition('_')[2]}"
    tokens = [keys[0], pair.access, "x", keys[1], old, keys[2], crossed, keys[0], "bk_1_2"]
    with django_assert_num_queries(5):  # a savepoint notes when the keys were used
        told = bearers(tokens, now())
    with django_assert_num_queries(0):
        assert [_plain(each) for each in bearers(tokens, now())] == [_plain(e) for e in told]
    assert [n for n, each in enumerate(told) if _is_bad(each)] == [2, 4, 6, 8]
    for token, each in zip(tokens, told, strict=True):
        alone = code_of(bearer, token, now()) if _is_bad(each) else _plain(bearer(token, now()))
        assert _plain(each) == alone
    assert [told[n][0].user.pk for n in (0, 3, 5)] == [
        ApiKey.objects.get(id=told[n][1].key_id).user_id for n in (0, 3, 5)
    ]


def _is_bad(told):
    return isinstance(told, NotAuthenticated)


def _plain(told):
    return told.code if _is_bad(told) else (told[0].user.pk, told[1])


# -- refresh -------------------------------------------------------------------------------------


def test_a_token_is_spent_for_the_next(pair, request_, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        second = refresh(request_, pair.refresh, now=now())
    third = refresh(request_, second.refresh, now=now())
    assert len({pair.refresh, second.refresh, third.refresh}) == 3
    assert pair.sign_in == second.sign_in == third.sign_in
    assert bearer(third.access, now())


def test_nothing_that_opens_is_kept(pair, request_):
    second = refresh(request_, pair.refresh, now=now())
    kept = str(list(RefreshToken.objects.values())) + str(list(SignIn.objects.values()))
    for secret in (pair.refresh, second.refresh, pair.access):
        assert secret not in kept
    assert digest(second.refresh) in kept


def test_the_successor_cannot_be_reckoned_without_our_key(pair, settings):
    told_by_us = successor_of(pair.refresh)
    settings.SECRET_KEY = "another"
    assert successor_of(pair.refresh) != told_by_us


def test_the_same_successor_within_ten_seconds(pair):
    at = now()
    first = rotate(pair.refresh, at).successor
    assert rotate(pair.refresh, at + timedelta(seconds=10)).successor == first
    assert rotate(first, at).successor != first
    late = rotate(pair.refresh, at + timedelta(seconds=10, microseconds=1))
    assert late.reused


def test_a_spent_token_kills_its_family(pair, request_, user, at_once):
    start = now() - timedelta(seconds=11)
    second = refresh(request_, pair.refresh, now=start)
    assert bearer(second.access, now())
    assert code_of(lambda: refresh(request_, pair.refresh, now=now())) == "token_reused"
    assert code_of(bearer, second.access, now()) == "token_invalid"
    assert code_of(lambda: refresh(request_, second.refresh, now=now())) == "token_invalid"
    sign_in = SignIn.objects.get()
    assert (sign_in.ended_because, sign_in.ended_at is None) == ("token_reused", False)
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([user.email], "A sign-in of yours has been ended")
    assert code_of(lambda: refresh(request_, pair.refresh, now=now())) == "token_invalid"
    assert len(mail.outbox) == 1


def test_a_stolen_token_ends_one_sign_in_only(pair, request_, user):
    other = begin_tokens(request_, user, now=now())
    refresh(request_, pair.refresh, now=now() - timedelta(seconds=11))
    assert code_of(lambda: refresh(request_, pair.refresh, now=now())) == "token_reused"
    assert refresh(request_, other.refresh, now=now()).sign_in == other.sign_in


def test_a_made_up_token_kills_nothing(pair, request_):
    for made_up in ("rt_" + "A" * 43, pair.refresh[:-1], "", "x" * 200):
        assert code_of(lambda made_up=made_up: refresh(request_, made_up, now=now()))
    assert refresh(request_, pair.refresh, now=now())


def test_fourteen_days_from_the_last_use(pair, request_):
    day = timedelta(days=1)
    token = pair.refresh
    for n in range(1, 4):
        token = refresh(request_, token, now=now() + 13 * n * day).refresh
    late = now() + (39 + 14) * day + timedelta(minutes=1)
    assert code_of(lambda: refresh(request_, token, now=late)) == "token_expired"
    assert RefreshToken.objects.count() == 2, "what could not be used any more is forgotten"


def test_whoever_loses_the_race_gets_the_winners_token(pair, monkeypatch):
    """Between our look and our claim somebody else spends the token."""
    at, real = now(), refreshing._holds

    def somebody_is_faster(sign_in):
        monkeypatch.setattr(refreshing, "_holds", real)
        assert rotate(pair.refresh, at).successor == successor_of(pair.refresh)
        return real(sign_in)

    monkeypatch.setattr(refreshing, "_holds", somebody_is_faster)
    assert rotate(pair.refresh, at).successor == successor_of(pair.refresh)
    assert RefreshToken.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"is_staff": True},
        {"is_superuser": True},
        {"sign_in_epoch": 1},
        {"password": "another"},
    ],
)
def test_what_ends_everything_ends_tokens_without_being_told(pair, request_, at_once, change):
    other = begin_tokens(request_, UserFactory(), now=now())
    type(pair.sign_in.user).objects.filter(pk=pair.sign_in.user_id).update(**change)
    assert code_of(bearer, pair.access, now()) == "token_invalid"
    assert code_of(lambda: refresh(request_, pair.refresh, now=now())) == "token_invalid"
    assert bearer(other.access, now())


def test_without_a_cache_the_table_answers(pair, monkeypatch):
    import redis

    from accounts.identity import standing

    class Away:
        def __getattr__(self, _):
            def fail(*_):
                raise redis.ConnectionError

            return fail

    monkeypatch.setattr(standing, "cache", Away())
    monkeypatch.setattr(standing, "_line", Line(logging.getLogger(), "in vain"))
    assert bearer(pair.access, now())
    standing.forget(pair.sign_in.id)
