"""What stands on an instrument's grid keeps it as it is, whichever door staff come by."""

from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.errors import Conflict
from bengi.events.models import Event
from instruments.csv_file import COLUMNS
from instruments.models import Instrument
from instruments.tests.factories import InstrumentFactory
from orders.tests.factories import OrderFactory
from trades.listings import correct_instruments
from trades.models import Shard
from trades.setting_aside.culprits import Fenced
from trades.tests.world import World

COARSER: dict[str, Any] = {"tick_size": Decimal("0.05")}


def test_a_running_engine_hears_of_a_new_feed(world: World) -> None:
    trader, abc = world.trader(), world.instrument(has_feed=False)
    world.place(trader, abc, "buy", 10, limit="99.00", tif="ioc")
    correct_instruments({abc.id: {"has_feed": True}}, by=None, now=world.now)
    world.tick(abc, "99.90", "100.00", last="100.00")
    order = world.place(trader, abc, "buy", 10, drain=False)
    with pytest.raises(Fenced):
        world.drain()
    world.tick(abc, "99.90", "100.00")
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", 100)


def test_another_name_holds_nobody_up(world: World) -> None:
    abc = world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    world.place(world.trader(), abc, "buy", 10, limit="99.00")
    before = list(Shard.objects.values())
    grid = {name: getattr(abc, name) for name in ("tick_size", "quantity_step", "exchange_step")}
    (row,) = correct_instruments({abc.id: {"name": "ABC plc", **grid}}, by=None, now=world.now)
    assert row.name == "ABC plc"
    assert list(Shard.objects.values()) == before


def test_orders_are_counted_when_no_other_can_come_in(world: World) -> None:
    with CaptureQueriesContext(connection) as asked:
        correct_instruments({world.instrument().id: COARSER}, by=None, now=world.now)
    reads = [each["sql"] for each in asked if each["sql"].startswith("SELECT")]
    tables = [sql.split(" FROM ")[1].split('"')[1] for sql in reads]
    order = [tables.index(name) for name in ("trades_shard", "accounts_account", "orders_order")]
    assert order == sorted(order)


@pytest.mark.django_db
def test_the_first_of_several_that_is_in_use_keeps_all() -> None:
    free, used = InstrumentFactory(), InstrumentFactory(symbol="USED")
    OrderFactory(instrument=used)
    with pytest.raises(Conflict, match="1 orders of USED are open"):
        correct_instruments(dict.fromkeys((free.id, used.id), COARSER), by=None, now=clock.now())
    assert not Instrument.objects.filter(**COARSER).exists()


@pytest.mark.django_db
def test_staff_read_why_on_the_page() -> None:
    abc = InstrumentFactory(symbol="ABC")
    order = OrderFactory(instrument=abc)
    staff = Client()
    staff.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = reverse("admin:instruments_instrument_change", args=[abc.pk])
    values = {"name": "ABC", "type": "stock", "tick_size": "0.05", "quantity_step": "1"}
    told = staff.post(page, values, follow=True).content.decode()
    assert "1 orders of ABC are open." in told
    assert 'value="0.05"' in told, "what was typed is lost"
    assert "was changed successfully" not in told
    assert not Event.objects.exists()
    order.status, order.closed_at = "canceled", order.accepted_at
    order.save()
    uneven = staff.post(page, values | {"exchange_step": "1.5"}, follow=True).content.decode()
    assert "multiple of the quantity step" in uneven
    assert "was changed successfully" in staff.post(page, values, follow=True).content.decode()
    abc.refresh_from_db()
    assert abc.tick_size == Decimal("0.05")


@pytest.mark.django_db
def test_a_file_is_refused_whole(tmp_path: Path) -> None:
    abc = InstrumentFactory(symbol="ABC", mic="XNYS")
    OrderFactory(instrument=abc)
    path = tmp_path / "instruments.csv"
    lines = ["NEW,New,XNYS,stock,USD,0.01,1,,yes", f"ABC,ABC,XNYS,stock,{abc.currency},0.05,1,,yes"]
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    with pytest.raises(CommandError, match="1 orders of ABC are open"):
        call_command("import_instruments", path, stdout=StringIO(), stderr=StringIO())
    assert list(Instrument.objects.all()) == [abc]
