"""Keys for programs: shown once, kept as a digest, no more than their scopes."""

import pytest

from accounts.identity.api_keys import KEYS_MAX, create_key
from accounts.identity.models import ApiKey
from accounts.identity.tests.conftest import Program, told
from accounts.models import User
from accounts.tests.factories import OPENED_AT, UserFactory
from bengi.authentication import scope_needed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]

ACCOUNTS, ORDERS = "/api/v1/accounts", "/api/v1/orders"


@pytest.fixture
def owner(program, user):
    program.sign_in(user)
    return program


def made(owner, *scopes):
    answer = owner.ask("post", "api-keys", {"name": "bot", "scopes": list(scopes)})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_key_is_shown_once(owner):
    shape = made(owner, "trade", "read")
    assert shape["key"].startswith("bk_")
    assert shape["scopes"] == ["read", "trade"]
    listed = owner.ask("get", "api-keys")
    secret = shape["key"].split("_")[2]
    assert secret not in listed.content.decode()
    assert secret not in str(list(ApiKey.objects.values()))
    (row,) = listed.json()["results"]
    assert row == {name: value for name, value in shape.items() if name != "key"}


def test_a_key_reads_and_says_when_it_was_used(owner, user, django_assert_num_queries):
    program = Program(made(owner, "read")["key"])
    assert program.ask("get", ACCOUNTS).status_code == 200
    assert owner.ask("get", "api-keys").json()["results"][0]["last_used_at"] is not None
    with django_assert_num_queries(1):  # not noted again within the minute
        program.ask("get", "/api/v1/markets?nothing=1")


def test_scopes_hold(owner):
    reader, trader = (Program(made(owner, scope)["key"]) for scope in ("read", "trade"))
    assert told(reader.ask("post", ORDERS, {})) == (403, "forbidden")
    assert told(trader.ask("post", ORDERS, {})) == (400, "invalid_field")
    assert told(trader.ask("get", ORDERS)) == (403, "forbidden")
    assert told(reader.ask("post", f"{ORDERS}/preview", {})) == (400, "invalid_field")
    for program in (reader, trader):
        for method, path in (
            ("post", "logout-all"),
            ("put", "password"),
            ("get", "sessions"),
            ("get", "api-keys"),
            ("post", "api-keys"),
            ("delete", "2fa"),
            ("patch", "profile"),
        ):
            assert told(program.ask(method, path, {})) == (403, "forbidden"), (method, path)
    assert reader.ask("get", "profile").status_code == 200


@pytest.mark.parametrize(
    ("method", "route", "scope"),
    [
        ("GET", "orders", "read"),
        ("POST", "orders", "trade"),
        ("PATCH", "orders/<uuid:order_id>", "trade"),
        ("POST", "orders/preview", "read"),
        ("POST", "accounts/<uuid:account_id>/withdraw", "account"),
        ("PATCH", "portfolios/<uuid:portfolio_id>", "trade"),
        ("POST", "corrections/<uuid:correction_id>/approve", "account"),
        ("POST", "trades/execute", "account"),
        ("POST", "trades/<uuid:exec_id>/bust", "account"),
        ("POST", "trades/<uuid:exec_id>/adjust", "account"),
        ("GET", "trades/<uuid:exec_id>", "read"),
        ("GET", "auth/profile", "read"),
        ("GET", "auth/sessions", "account"),
    ],
)
def test_which_scope_a_route_needs(method, route, scope):
    assert scope_needed(method, route) == scope


def test_a_revoked_key_opens_nothing(owner):
    shape = made(owner, "read")
    program = Program(shape["key"])
    assert program.ask("get", ACCOUNTS).status_code == 200
    assert owner.ask("delete", f"api-keys/{shape['id']}").status_code == 204
    assert told(program.ask("get", ACCOUNTS)) == (401, "token_invalid")
    assert told(owner.ask("delete", f"api-keys/{shape['id']}")) == (404, "not_found")


def test_two_peoples_keys(owner, user):
    other = UserFactory()
    row, key = create_key(other, "theirs", ["read"], now=OPENED_AT)
    assert told(owner.ask("delete", f"api-keys/{row.id}")) == (404, "not_found")
    assert owner.ask("get", "api-keys").json()["results"] == []
    mine = made(owner, "read")["key"]
    for one, person in ((key, other), (mine, user)):
        assert Program(one).ask("get", "profile").json()["id"] == str(person.pk)
    crossed = f"bk_{row.id.hex}_{mine.split('_')[2]}"
    assert told(Program(crossed).ask("get", ACCOUNTS)) == (401, "token_invalid")


def test_a_key_goes_with_its_person(owner, user):
    program = Program(made(owner, "read")["key"])
    owner.ask("post", "logout-all")
    assert program.ask("get", ACCOUNTS).status_code == 200, "a key is not signed in"
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert told(program.ask("get", ACCOUNTS)) == (401, "token_invalid")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "bot"},
        {"name": "", "scopes": ["read"]},
        {"name": "bot", "scopes": []},
        {"name": "bot", "scopes": ["account"]},
        {"name": "bot", "scopes": ["read", "read"]},
        {"name": "bot", "scopes": "read"},
        {"name": "bot", "scopes": [1]},
        {"name": "bot", "scopes": [["read"]]},
    ],
)
def test_what_makes_no_key(owner, body):
    assert told(owner.ask("post", "api-keys", body)) == (400, "invalid_field")


def test_there_is_an_end_to_keys(owner, user):
    for _ in range(KEYS_MAX):
        create_key(user, "bot", ["read"], now=OPENED_AT)
    answer = owner.ask("post", "api-keys", {"name": "bot", "scopes": ["read"]})
    assert told(answer) == (422, "too_many_keys")
