"""What staff see of messages that were set aside, and what they can do about it."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import UserFactory
from bengi import clock
from instruments.models import Instrument
from trades.models import SetAside
from trades.setting_aside.services import Failure, set_request_aside, set_tick_aside
from trades.tests.world import World

LIST = "admin:trades_setaside_changelist"


@pytest.fixture
def abc(world: World) -> Any:
    clock.use(lambda: world.now)
    yield world.instrument()
    clock.reset()


def client_of(**flags: bool) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory(**flags))
    return client


@pytest.fixture
def row(world: World, abc: Instrument) -> SetAside:
    """A cancel request that waits."""
    world.tick(abc, "99.90", "100.00")
    order = world.place(world.trader(), abc, "buy", 1, limit="99.00")
    failure = Failure.of(ValueError("<b>odd</b>"), 5, world.now)
    return set_request_aside("cancel", order.id, failure, now=world.now)


def choose(client: Client, *rows: SetAside) -> Any:
    chosen = {"action": "try_again", "_selected_action": [str(each.id) for each in rows]}
    return client.post(reverse(LIST), chosen, follow=True)


def test_the_first_page_of_the_admin_says_so(row: SetAside) -> None:
    staff = client_of(is_staff=True, is_superuser=True)
    page = " ".join(staff.get(reverse("admin:index")).content.decode().split())
    assert "1 message that could not be worked waits for you, 1 was set aside in the last" in page
    assert reverse(LIST) in page


def test_it_says_nothing_while_there_is_nothing(abc: Instrument) -> None:
    staff = client_of(is_staff=True, is_superuser=True)
    assert "could not be worked" not in staff.get(reverse("admin:index")).content.decode()


def test_one_row_tells_what_it_was(row: SetAside) -> None:
    staff = client_of(is_staff=True, is_superuser=True)
    page = staff.get(reverse(LIST)).content.decode()
    assert "ValueError: &lt;b&gt;odd&lt;/b&gt;" in page
    one = staff.get(reverse("admin:trades_setaside_change", args=[row.id]))
    assert one.status_code == 200
    assert "client_order_id" in one.content.decode()
    assert b'name="_save"' not in one.content


def test_staff_let_it_be_tried_again(world: World, row: SetAside) -> None:
    page = choose(client_of(is_staff=True, is_superuser=True), row).content.decode()
    assert "tried again" in page
    row.refresh_from_db()
    assert (row.status, row.released_at) == ("released", world.now)
    assert LogEntry.objects.get().object_id == str(row.id)


def test_of_a_tick_there_is_nothing_to_try(world: World, abc: Instrument) -> None:
    ticks: list[Any] = []
    world.engine.on_ticks = ticks.extend  # type: ignore[method-assign]
    from bengi.bus import TICKS, get_bus

    unsubscribe = get_bus().subscribe(TICKS, ticks.extend)
    world.tick(abc, "99.90", "100.00")
    unsubscribe()
    row = set_tick_aside(ticks[0], Failure.of(ValueError("odd"), 5, world.now), now=world.now)
    page = choose(client_of(is_staff=True, is_superuser=True), row).content.decode()
    assert "there is nothing to try again" in page
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("perms", [[], ["view_setaside"]])
def test_who_may_not_release_cannot(row: SetAside, perms: list[str]) -> None:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=perms))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    choose(client, row)
    assert client.get(reverse(LIST)).status_code == (200 if perms else 403)
    row.refresh_from_db()
    assert row.status == "set_aside"
