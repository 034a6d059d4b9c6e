"""Roles, and what becomes of people: granted, revoked, shut out, signed out."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from accounts.people import create_user, disable, enable
from accounts.roles import ROLES, STAFF, grant, permissions_of, revoke, role_of
from accounts.sessions import end_sessions, revoke_sessions
from accounts.tests.factories import PASSWORD, UserFactory
from bengi.audit.models import AuditEntry
from bengi.errors import Conflict, Forbidden, Malformed

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def names(permissions):
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


def fresh(user):
    return User.objects.get(id=user.id)


def with_role(role):
    user = UserFactory()
    grant(user, role, by=None, now=NOW)
    return fresh(user)


def signed_in(user):
    client = Client()
    client.force_login(user)
    assert client.get("/api/v1/accounts").status_code == 200
    return client


def actions():
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.parametrize("role", list(ROLES))
def test_the_migrations_made_the_groups_with_the_permissions_of_the_code(role):
    group = Group.objects.get(name=role)
    found = group.permissions.select_related("content_type")
    assert names(found) == ROLES[role]
    assert names(permissions_of(role)) == ROLES[role]


def test_permissions_are_called_as_django_calls_them():
    """The migration makes some before Django does; the words of our own stand in the models."""
    for permission in Permission.objects.filter(group__isnull=False).distinct():
        assert permission.name.startswith("Can ")
        assert permission.content_type.model_class() is not None


def test_each_role_may_do_what_the_one_before_may_and_more():
    trader, dealer, admin = ROLES.values()
    assert trader < dealer < admin
    assert "trades.correct_trade" in dealer
    assert not {name for name in dealer if name.endswith("_user")}


def test_a_role_is_granted_once_and_taken_once():
    user = UserFactory()
    assert grant(user, "dealer", by=None, now=NOW)
    assert not grant(user, "dealer", by=None, now=NOW)
    assert (fresh(user).is_staff, role_of(fresh(user))) == (True, "dealer")
    assert fresh(user).has_perm("orders.add_tradinghalt")
    assert not fresh(user).has_perm("accounts.add_user")
    assert revoke(user, "dealer", by=None, now=NOW)
    assert not revoke(user, "dealer", by=None, now=NOW)
    assert (fresh(user).is_staff, role_of(fresh(user))) == (False, "trader")
    assert not fresh(user).has_perm("orders.add_tradinghalt")
    assert actions() == ["role.granted", "role.revoked"]


def test_who_keeps_one_staff_role_stays_of_staff():
    user = with_role("dealer")
    grant(user, "admin", by=None, now=NOW)
    revoke(user, "dealer", by=None, now=NOW)
    assert (fresh(user).is_staff, role_of(fresh(user))) == (True, "admin")


def test_a_lost_group_comes_back_with_its_permissions():
    Group.objects.all().delete()
    assert with_role("dealer").has_perm("trades.correct_trade")


def test_an_admin_does_not_change_their_own_standing_nor_a_superuser_s():
    admin, root = with_role("admin"), UserFactory(is_staff=True, is_superuser=True)
    refused = [
        (admin, lambda who: revoke(who, "admin", by=admin, now=NOW), "second_person_needed"),
        (admin, lambda who: disable(who, by=admin, reason="x", now=NOW), "second_person_needed"),
        (root, lambda who: revoke(who, "dealer", by=admin, now=NOW), "forbidden"),
        (root, lambda who: disable(who, by=admin, reason="x", now=NOW), "forbidden"),
    ]
    for who, act, code in refused:
        with pytest.raises(Forbidden) as told:
            act(who)
        assert told.value.code == code
    assert role_of(fresh(admin)) == "admin"
    assert fresh(root).is_active
    assert actions() == ["role.granted"]


@pytest.mark.parametrize("role", ["trader", "dealer"])
def test_nobody_else_changes_anybody(role):
    by, user = with_role(role), UserFactory()
    before = actions()
    for act in (
        lambda: grant(user, "dealer", by=by, now=NOW),
        lambda: revoke(user, "dealer", by=by, now=NOW),
        lambda: disable(user, by=by, reason="Why", now=NOW),
        lambda: enable(user, by=by, reason="Why", now=NOW),
        lambda: revoke_sessions(user, by=by, now=NOW),
        lambda: revoke_sessions(None, by=by, now=NOW),
        lambda: create_user("a@bengi.example", "A", PASSWORD, "admin", by=by, now=NOW),
    ):
        with pytest.raises(Forbidden):
            act()
    assert actions() == before


def test_what_cannot_be_is_refused():
    user = UserFactory()
    with pytest.raises(Malformed, match="A role is one of trader, dealer, admin"):
        grant(user, "king", by=None, now=NOW)
    with pytest.raises(Malformed):
        create_user("a@bengi.example", "A", PASSWORD, "king", by=None, now=NOW)
    with pytest.raises(Malformed) as weak:
        create_user("a@bengi.example", "A", "password", "trader", by=None, now=NOW)
    assert weak.value.code == "weak_password"
    with pytest.raises(Conflict) as taken:
        create_user(user.email.upper(), "A", PASSWORD, "trader", by=None, now=NOW)
    assert taken.value.code == "email_taken"
    with pytest.raises(Malformed, match="Say why"):
        disable(user, by=None, reason=" ", now=NOW)
    assert actions() == []


def test_a_person_is_made_with_their_role():
    made = create_user("Desk@Bengi.Example", "Desk", PASSWORD, "dealer", by=None, now=NOW)
    assert (role_of(fresh(made)), fresh(made).is_staff) == ("dealer", True)
    assert fresh(made).check_password(PASSWORD)
    row = AuditEntry.objects.get()
    assert (row.action, row.target) == ("user.created", f"user {made.id}")
    assert PASSWORD not in str(row.details)


@pytest.mark.parametrize(
    "act",
    [
        lambda user: grant(user, "dealer", by=None, now=NOW),
        lambda user: revoke(user, "trader", by=None, now=NOW),
        lambda user: disable(user, by=None, reason="Why", now=NOW),
        lambda user: revoke_sessions(user, by=None, now=NOW),
    ],
    ids=["grant", "revoke", "disable", "revoke_sessions"],
)
def test_sessions_end_and_those_of_others_do_not(act):
    user, other = with_role("trader"), signed_in(UserFactory())
    clients = [signed_in(user) for _ in range(2)]
    act(user)
    assert [client.get("/api/v1/accounts").status_code for client in clients] == [401, 401]
    assert other.get("/api/v1/accounts").status_code == 200


def test_everybody_is_signed_out(django_assert_max_num_queries):
    for _ in range(3):
        signed_in(UserFactory())
    with django_assert_max_num_queries(8):
        assert revoke_sessions(None, by=None, now=NOW) == 3
    assert not Session.objects.exists()
    assert AuditEntry.objects.get().target == "everybody"


def test_ending_sessions_takes_as_many_statements_for_many(django_assert_max_num_queries):
    users = [UserFactory() for _ in range(4)]
    for user in users:
        signed_in(user)
    with django_assert_max_num_queries(7):
        assert end_sessions(users, now=NOW) == 4
    assert end_sessions(users, now=NOW) == 0


def test_somebody_signs_themselves_out_everywhere():
    user = UserFactory()
    client = signed_in(user)
    assert revoke_sessions(user, by=user, now=NOW) == 1
    assert client.get("/api/v1/accounts").status_code == 401


def test_who_is_shut_out_cannot_sign_in_until_let_in():
    user = UserFactory()
    assert disable(user, by=None, reason="Lost laptop", now=NOW)
    assert not disable(user, by=None, reason="Lost laptop", now=NOW)
    assert not Client().login(email=user.email, password=PASSWORD)
    assert enable(user, by=None, reason="Found", now=NOW)
    assert not enable(user, by=None, reason="Found", now=NOW)
    assert Client().login(email=user.email, password=PASSWORD)
    assert actions() == ["user.disabled", "user.enabled"]
    assert AuditEntry.objects.first().details["reason"] == "Found"


def test_every_staff_role_is_a_role():
    assert set(STAFF) == set(ROLES) - {"trader"}
