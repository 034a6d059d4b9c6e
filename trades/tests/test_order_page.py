"""The page of one order: its story, why it waits, what it cost; and the drawing of its looks."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.test import Client

from bengi import clock
from bengi.templatetags.numbers import unbroken
from orders.tests.factories import OrderFactory
from orders.tests.http import signed_in
from trades.explanation.costs import Costs, Shortfall
from trades.explanation.tape import BOTTOM, COLUMNS_MAX, TOP, tape_of
from trades.explanation.timeline import timeline
from trades.order_page import cost_parts, left_out_words
from trades.tests.desk import Desk, fills_of
from trades.tests.steps_told import SHORT, fill, step, subject, told
from trades.tests.world import Trader, World

CHIPS = ("bust", "busted", "corrected")
PAGE_QUERIES = 19
"""Session, user, order, events; fills, closings; the rest is the bar above every page."""


@pytest.fixture
def trader(world: World) -> Iterator[Trader]:
    clock.use(lambda: world.now)
    yield world.trader()
    clock.reset()


@pytest.fixture
def reader(trader: Trader) -> Client:
    return signed_in(trader.user)


def body_of(reader: Client, order) -> str:
    answer = reader.get(f"/orders/{order.id}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_an_open_order_says_why_it_has_not_filled(world: World, trader: Trader, reader: Client):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00", size=60)
    order = world.place(trader, abc, "buy", 100, limit="99.95")
    body = body_of(reader, order)
    assert "Why has it not filled?" in body
    assert "The limit 99.95 is 0.05 below the ask 100.00 × 60." in body
    assert 'hx-select="#now"' in body
    assert "The 10 checks" in body
    assert "Cancel order" in body
    world.cancel(trader, order)
    closed = body_of(reader, order)
    assert "Why has it not filled?" not in closed
    assert "Cancel order" not in closed
    assert "as you asked" in closed
    assert "Canceled on request." in closed


def test_a_filled_order_tells_its_fills_and_what_they_cost(
    world: World, trader: Trader, reader: Client, django_assert_max_num_queries
):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00", size=60)
    order = world.place(trader, abc, "buy", 100)
    world.tick(abc, "99.99", "100.02", size=60)
    with django_assert_max_num_queries(PAGE_QUERIES):
        body = body_of(reader, order)
    assert "Bought 60 at 100.00" in body
    assert "100 of 100" in body
    assert "+0.018 a share" in body  # 60 at 100.00 and 40 at 100.02 against 99.99
    assert "1.8 bps, +1.80 USD" in body
    assert "Half the spread on arrival" in body
    assert 'class="tape__drawing"' in body
    assert " style=" not in body


def test_a_sale_shows_the_lots_it_closed_and_times_in_utc(
    world: World, trader: Trader, reader: Client, settings
):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00")
    world.place(trader, abc, "buy", 5)
    sale = world.place(trader, abc, "sell", 5)
    settings.MARKET_HOURS = "exchange"
    body = body_of(reader, sale)
    assert "Lots it closed" in body
    assert "New York time" in body
    assert "10:00:01.000" in body
    assert "2 Mar 2026 15:00:01 UTC" in body


def test_a_replaced_order_and_its_heir_lead_to_each_other(
    world: World, trader: Trader, reader: Client
):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00")
    old = world.place(trader, abc, "buy", 5, limit="99.00")
    new = world.replace(trader, old, limit_price=Decimal("99.50"))
    assert f'href="/orders/{new.id}"' in body_of(reader, old)
    assert f'href="/orders/{old.id}"' in body_of(reader, new)


def test_a_busted_fill_is_told_and_marked(
    world: World, trader: Trader, reader: Client, django_assert_max_num_queries
):
    abc, desk = world.instrument(), Desk(world)
    world.tick(abc, "99.98", "100.00", size=60)
    order = world.place(trader, abc, "buy", 100)
    world.tick(abc, "99.99", "100.02", size=60)
    desk.bust(fills_of(order)[0], reason="Fat finger")
    with django_assert_max_num_queries(PAGE_QUERIES):
        body = body_of(reader, order)
    assert "Closed; 40 of 100 bought at 100.02 on average, 60 more were" in body
    assert "Bought 60 at 100.00: busted" in body
    assert "Staff have taken this fill back: Fat finger." in body
    assert "Bought 40 at 100.02: booked anew" in body
    assert "in 1 fill, 60 busted" in body
    chips = [body.count(f'<span class="chip">{word}</span>') for word in CHIPS]
    assert chips == [2, 2, 1]
    listed = " ".join(reader.get("/fills").content.decode().split())
    assert [listed.count(f'<span class="chip">{word}</span>') for word in CHIPS] == chips
    assert listed.count('<tr class="void">') == 2
    desk.bust(fills_of(order)[0])
    assert "Closed; 100 of 100 had filled and have been taken back." in body_of(reader, order)


@pytest.mark.django_db
def test_an_order_without_a_story_says_so():
    order = OrderFactory()
    assert "Its story was not kept" in body_of(signed_in(order.account.user), order)


def test_anothers_order_has_no_page(world: World, trader: Trader, reader: Client):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00")
    foreign = world.place(world.trader(), abc, "buy", 5)
    assert reader.get(f"/orders/{foreign.id}").status_code == 404


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ({"looks": 0, "moves": 0, "steps": 0}, ""),
        ({"looks": 1, "moves": 0, "steps": 0}, "1 look that filled nothing"),
        (
            {"looks": 2, "moves": 1, "steps": 1200},
            "2 looks that filled nothing and 1 move of the stop and 1,200 steps in between",
        ),
    ],
)
def test_what_is_left_out_in_words(left_out, words):
    assert left_out_words(left_out) == words


def _costs(waiting: str) -> tuple[Costs, Shortfall]:
    numbers = {"arrival_mid": 100, "per_share": 0, "bps": 0, "total_bps": 0}
    parts = {"half_spread": 2, "waiting": waiting, "amount": 0, "total": 10}
    shortfall = Shortfall(**{name: Decimal(value) for name, value in (numbers | parts).items()})
    return Costs(Decimal(1000), Decimal(1), Decimal(2), None, shortfall), shortfall


def test_what_an_order_cost_in_shares_of_the_whole():
    costs, shortfall = _costs("5")
    parts = cost_parts(shortfall, costs)
    assert [(part.label, part.start, part.width) for part in parts] == [
        ("Half the spread on arrival", "0.00", "20.00"),
        ("Walking and waiting", "20.00", "50.00"),
        ("Commission", "70.00", "10.00"),
        ("Fees", "80.00", "20.00"),
    ]


def test_a_gain_is_no_share_of_a_cost():
    costs, shortfall = _costs("-5")
    assert {part.width for part in cost_parts(shortfall, costs)} == {""}


def test_no_line_ends_inside_of_a_number_and_its_unit():
    told_ = "the ask 100.00 × 60, 2.0 s old, and 4,000.00 USD at 5 of 10"
    assert unbroken(told_).replace("\N{NO-BREAK SPACE}", "_") == (
        "the ask 100.00_×_60, 2.0_s old, and 4,000.00_USD at 5 of 10"
    )


# --- the drawing


def drawn(*story, limit="99.95"):
    entries = timeline([told(each, seq) for seq, each in enumerate(story)], subject()).entries
    return tape_of(entries, subject(), Decimal(limit) if limit else None)


def look(after_s, market):
    return step("look", after_s, market=market, code="not_marketable", numbers=SHORT)


def test_a_drawing_has_a_column_for_each_quote_and_a_dot_for_each_fill():
    rested = step("rested", 0, market="99.90x60 100.00x60", leaves_quantity="100")
    tape = drawn(rested, fill("60", "99.95", market="99.85x60 99.95x60", leaves="40"))
    assert tape is not None
    first, second = tape.columns
    assert (first.ask_y, second.bid_y) == (str(TOP), str(BOTTOM))  # 100.00 down to 99.85
    assert Decimal(first.bid_y) == TOP + Decimal(BOTTOM - TOP) * 2 / 3
    assert tape.limit is not None
    assert (tape.limit.y, tape.limit.text) == (second.ask_y, "99.95")
    (dot,) = tape.dots
    assert (dot.x, dot.y, dot.words) == (second.x, second.ask_y, "60 at 99.95")
    assert tape.words == "Bid and ask at 2 looks at the market, the limit at 99.95, and 1 fill."


def test_one_quote_is_no_drawing():
    assert drawn(fill("60", "100")) is None
    assert drawn(look(0, "- 100x1"), look(1, "99x1 100x1")) is None


def test_a_drawing_names_no_more_fills_than_fit_and_keeps_the_latest_quotes():
    story = [fill("1", str(price), market=f"{price - 1}x1 {price}x1") for price in range(100, 120)]
    tape = drawn(*story, limit=None)
    assert tape is not None
    assert len(tape.columns) == COLUMNS_MAX
    assert {dot.words for dot in tape.dots} == {""}
    assert tape.limit is None
    assert [mark.text for mark in tape.axis] == ["119.00", "99.00"]


def test_a_limit_far_away_stays_inside_the_drawing():
    tape = drawn(look(0, "99x1 100x1"), look(1, "98x1 99.5x1"), limit="50")
    assert tape is not None
    assert tape.limit is not None
    assert Decimal(tape.limit.y) == BOTTOM
    assert len(tape.axis) == 1


def test_the_page_of_a_leg_shows_its_group_and_tells_why_it_waits(
    world: World, trader: Trader, reader: Client
):
    """A trailing leg that is held has no price yet, here and on the chart."""
    abc = world.instrument()
    world.tick(abc, "99.98", "101.00", last="100.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="trail 2%")
    leg = world.legs(entry)["stop_loss"]
    body = body_of(reader, leg)
    assert "Sell 10 ABC, trailing stop" in body
    assert body.count('<tr id="row-') == 3
    assert f'href="/orders/{entry.id}">its entry' in body
    assert "It is held until the order that it belongs to has filled." in body
    assert reader.get("/trade/ABC?tab=orders").status_code == 200
    world.tick(abc, "99.98", "100.00", size=4)
    body = body_of(reader, leg)
    assert "Begins to work for 4" in body
    assert "Its stop starts at 98.00." in body
    world.tick(abc, "110.00", "111.00", size=1)
    assert "A leg trades what it had filled, so no more of it is bought." in body_of(reader, entry)
    assert "The other leg of its group has filled in part." in body_of(reader, leg)
    assert "Its group" not in body_of(reader, world.place(trader, abc, "buy", 1, limit="99"))
