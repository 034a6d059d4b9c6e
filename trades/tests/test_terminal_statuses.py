"""The table of docs/trading.md, "How long it works, and how it ends", row by row."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bengi.terms import TimeInForce
from instruments.models import Instrument
from trades.tests.world import assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[2] / "docs" / "trading.md"
TABLE = dict(re.findall(r"^\| `(\w+)` \|.*\| ([\w ]+) \|$", PAGE.read_text(), re.MULTILINE))


def test_the_table_has_every_time_in_force() -> None:
    assert set(TABLE) == {word.value for word in TimeInForce}


@pytest.mark.parametrize(("word", "end"), TABLE.items())
def test_what_is_left_ends_as_the_table_says(word: str, end: str, settings: Any) -> None:
    """A buy of 100 before the open, five on offer then, five at the close; Monday 2026-03-02."""
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.now -= timedelta(minutes=90)
        until = world.now + timedelta(hours=6) if word == "gtd" else None
        order = world.place(trader, abc, "buy", 100, limit="100.00", tif=word, expires_at=until)
        assert order.status == "accepted"
        world.wait(hours=1)
        world.tick(abc, "99.00", "100.00", size=5)
        order.refresh_from_db()
        assert order.filled_quantity == (0 if word in ("fok", "cls") else 5)
        world.wait(hours=6, minutes=29, seconds=50)
        world.tick(abc, "99.00", "100.00", size=5)
        world.wait(hours=20)
        order.refresh_from_db()
        filled = {"fok": 0, "day": 10, "gtc": 10}.get(word, 5)
        status = "partially_filled" if end == "stays open" else end
        assert (order.status, order.filled_quantity) == (status, filled)
        assert order.closed_at is None or order.reserved == 0
        assert_books_are_clean()


def test_a_user_cancel_and_a_market_remainder_end_as_canceled() -> None:
    with open_world() as world:
        buyer, seller = world.trader(), world.trader()
        abc = world.instrument()
        world.tick(abc, "9.00", "10.00")
        world.place(seller, abc, "buy", 3)
        Instrument.objects.update(has_feed=False)
        world.engine.forget()
        resting = world.place(seller, abc, "sell", 2, limit="9.50", tif="gtc")
        order = world.place(buyer, abc, "buy", 5)
        assert (order.status, order.filled_quantity) == ("canceled", 2)
        assert order.reason == "Nobody else was there to trade with."
        resting.refresh_from_db()
        assert resting.status == "filled"
        other = world.place(seller, abc, "sell", 1, limit="9.50", tif="gtc")
        assert world.cancel(seller, other).status == "canceled"
        assert_books_are_clean()


def test_a_gtd_order_expires_at_its_time_while_the_market_is_closed(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.now += timedelta(hours=7)
        until = world.now + timedelta(hours=1)
        order = world.place(trader, abc, "buy", 1, limit="9.00", tif="gtd", expires_at=until)
        world.wait(minutes=59)
        order.refresh_from_db()
        assert order.status == "accepted"
        world.wait(minutes=1)
        order.refresh_from_db()
        assert (order.status, order.reason) == (
            "expired",
            "The time it was good until has come.",
        )
        assert_books_are_clean()


def test_orders_for_the_close_come_before_the_days_others_expire(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        buyer, seller = world.trader(), world.trader()
        abc = world.instrument()
        world.tick(abc, "99.00", "100.00")
        world.place(seller, abc, "buy", 5)
        day = world.place(buyer, abc, "buy", 5, limit="99.50")
        close = world.place(seller, abc, "sell", 5, tif="cls")
        assert (day.status, close.status) == ("new", "new")
        world.wait(hours=5, minutes=59, seconds=50)
        world.tick(abc, "99.00", "100.00")
        world.wait(seconds=60)
        for order in (day, close):
            order.refresh_from_db()
            assert (order.status, order.average_price) == ("filled", Decimal("99.50"))
        assert_books_are_clean()


def test_an_engine_finds_orders_for_the_opening_as_the_market_opens(settings: Any) -> None:
    """Nobody has nudged it: the first quote would else go by unseen."""
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.now -= timedelta(minutes=31)
        world.drain()
        order = world.place(trader, abc, "buy", 5, limit="100.00", tif="opg", drain=False)
        world.tick(abc, "99.00", "100.00", after_s=90, is_nudged=False)
        order.refresh_from_db()
        assert (order.status, order.average_price) == ("filled", Decimal("100.00"))
