"""Invariant 36: each privileged action has an audit row; refused, it has none and nothing moved."""

import json
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory

from accounts.roles import ROLES, STAFF, grant, permissions_of
from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.audit.models import AuditEntry
from bengi.events.models import Event
from bengi.tests.staff_deeds import BY_PERMISSION, DEEDS, Post, Stage
from instruments import calendar
from trades.tests.world import World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db
WITHOUT_EVENT = {
    *("role.granted", "role.revoked", "sessions.revoked", "set_aside.released"),
    *("user.created", "user.disabled", "user.enabled"),
}
"""Users and what is set aside have no stream of their own."""


@pytest.fixture
def stage(db: None) -> Any:
    before = calendar.in_use()
    with open_world() as world:
        made = Stage(world)
        clock.use(lambda: world.now)
        yield made
        clock.reset()
    calendar.use(before)


def send(client: Client, post: Post) -> Any:
    if post.path.startswith("/api/"):
        body = json.dumps(post.body)
        kind = "application/json"
        return client.post(post.path, body, content_type=kind, headers=post.headers)
    return client.post(post.path, post.body)


@pytest.mark.parametrize("name", list(DEEDS))
def test_every_deed_of_staff_has_exactly_one_audit_row(stage: Stage, name: str) -> None:
    action, prepare = DEEDS[name]
    post = prepare(stage)
    before = list(AuditEntry.objects.values_list("id", flat=True))
    answer = send(stage.client, post)
    assert answer.status_code in {201, 302}, answer.content.decode()
    (row,) = AuditEntry.objects.exclude(id__in=before)
    assert (row.action, row.actor, row.at) == (action, stage.one, stage.now)
    assert (row.address, row.request_id) == ("127.0.0.1", answer.headers["X-Request-ID"])
    assert row.target
    if action in WITHOUT_EVENT:
        assert row.stream is None
    else:
        told = Event.objects.get(stream=row.stream, seq=row.seq)
        assert told.occurred_at == stage.now
    stage.world.engine.forget()
    stage.world.drain()
    assert_books_are_clean()


@pytest.mark.parametrize("name", list(DEEDS))
def test_a_deed_takes_its_permission(stage: Stage, name: str) -> None:
    """Staff with every other permission are refused, and leave no trace; with it they are not."""
    _, prepare = DEEDS[name]
    post = prepare(stage)
    (permission,) = [key for key, names in BY_PERMISSION.items() if name in names]
    user = UserFactory(is_staff=True)
    every = permissions_of("admin")
    user.user_permissions.set(each for each in every if _key(each) != permission)
    client = Client()
    client.force_login(user)
    before = AuditEntry.objects.count(), Event.objects.count()
    answer = send(client, post)
    # An action that one may not do is not in the list: the page is shown again.
    assert answer.status_code in {200, 302, 403}
    assert (AuditEntry.objects.count(), Event.objects.count()) == before
    user.user_permissions.set(every)
    send(client, post)
    assert AuditEntry.objects.count() == before[0] + 1


@pytest.mark.parametrize("role", ["trader", "anonymous"])
def test_traders_do_nothing_of_it(stage: Stage, role: str) -> None:
    client = Client()
    if role == "trader":
        client.force_login(stage.trader.user)
    posts = [prepare(stage) for name, (_, prepare) in DEEDS.items() if ":" not in name]
    posts += [Post(f"/admin/{label}/add/", {}) for label in ("orders/tradinghalt", "accounts/user")]
    before = AuditEntry.objects.count(), Event.objects.count()
    for post in posts:
        refused = {401, 403} if post.path.startswith("/api/") else {302}
        assert send(client, post).status_code in refused
    assert (AuditEntry.objects.count(), Event.objects.count()) == before


def test_the_walk_is_complete() -> None:
    """Every action and form of the admin, and every permission of a role, is in the tables."""
    request = RequestFactory().get("/admin/")
    request.user = UserFactory(is_staff=True, is_superuser=True)
    offered = set()
    for model, shown in admin.site._registry.items():
        label = model._meta.label_lower
        offered |= {f"{label}:{name}" for name in shown.get_actions(request)}
        row = model()
        may = {
            "add": shown.has_add_permission(request),
            "change": shown.has_change_permission(request, row),
            "delete": shown.has_delete_permission(request, row),
        }
        offered |= {f"{label}:{what}" for what, allowed in may.items() if allowed}
    assert offered == {name for name in DEEDS if ":" in name}
    asked = set().union(*(ROLES[role] for role in STAFF))
    assert {name for name in asked if ".view_" not in name} == set(BY_PERMISSION)
    listed = [name for names in BY_PERMISSION.values() for name in names]
    assert sorted(listed) == sorted(DEEDS)


def test_a_deed_that_is_rolled_back_is_not_noted(stage: Stage, monkeypatch: Any) -> None:
    """The row is written in the transaction of the deed, and goes with it."""
    from orders import halts

    def fail(*_: Any, **__: Any) -> int:
        raise RuntimeError("the lights went out")

    monkeypatch.setattr(halts, "cancel_open_orders", fail)
    before = AuditEntry.objects.count(), Event.objects.count()
    with pytest.raises(RuntimeError):
        halts.halt_trading(stage.one, reason="Drill.", cancel_orders=True, now=stage.now)
    assert (AuditEntry.objects.count(), Event.objects.count()) == before


def test_what_the_engine_does_by_itself_is_in_its_event_alone(stage: Stage) -> None:
    from instruments.halts import set_status

    set_status(stage.abc.id, "halted", by="engine", now=stage.now)  # type: ignore[arg-type]
    assert Event.objects.get(stream_id=stage.abc.id).payload["by"] == "engine"
    assert not AuditEntry.objects.exists()


def test_a_user_s_own_choice_is_no_deed_of_staff(world: World) -> None:
    from accounts.services import set_realism

    trader = world.trader()
    set_realism(trader.account.id, "harsh", by=trader.user, now=world.now)  # type: ignore[arg-type]
    trader.account.refresh_from_db()
    assert trader.account.realism == "harsh"
    assert not AuditEntry.objects.exists()


def test_a_dealer_does_the_desk_s_deeds_and_no_other(stage: Stage) -> None:
    dealer = UserFactory()
    grant(dealer, "dealer", by=None, now=stage.now)
    dealer.refresh_from_db()
    may = {key for key in BY_PERMISSION if dealer.has_perm(key)}
    assert may == {name for name in ROLES["dealer"] if ".view_" not in name}
    assert not may & {"accounts.add_user", "accounts.change_user", "instruments.change_instrument"}


def _key(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
