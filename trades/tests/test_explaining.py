"""Whole lives of orders through the engine and the database, told afterwards."""

from decimal import Decimal

import pytest

from accounts.models import FeeSchedule
from accounts.tests.factories import FeeScheduleFactory
from bengi.errors import NotFound
from bengi.events.models import Event
from bengi.terms import InstrumentStatus
from instruments.halts import set_status
from trades.explaining import explain
from trades.selectors import STORY_BEGINNING, STORY_END
from trades.tests.world import START, World, open_world

pytestmark = pytest.mark.django_db


def story(world: World, trader, order) -> list[str]:
    """Return the timeline as lines: when, title, what stands beside it, text."""
    found = explain(trader.user, order.id, now=world.now)
    return [
        f"{entry.at[14:19]} {entry.title} | {entry.aside} | {entry.text}".replace("|  |", "| |")
        for entry in found.timeline.entries
    ]


LIFE = """
00:01 Accepted | 9,996.00 USD reserved | 10 checks passed. 9,996.00 USD are set aside, so that it
    can always be paid for: 100 × 99.95 and 1.00 USD commission.
00:01 Resting at 99.95 | ask 0.05 above the limit | The limit 99.95 is 0.05 below the ask
    100.00 × 60.
00:03 Bought 60 at 99.95 | from the street | Best price first: the ask stood at 99.95 × 60, within
    the limit of 99.95. It showed 60, so 60 is what it gave.
00:05 No fill | ask 0.03 above the limit | The limit 99.95 is 0.03 below the ask 99.98 × 60.
00:05 You asked to cancel it | | Until the engine has taken it back, a fill may still come first.
00:05 Canceled | as you asked | You asked for it, and the engine has taken it back. 60 of 100 had
    filled. 3,998.00 USD are free again.
"""


def lines(text: str) -> list[str]:
    """Return the lines of a story; what is indented belongs to the line before."""
    return text.strip().replace("\n    ", " ").splitlines()


def check_life(world: World) -> None:
    """A limit that rests, a market that nears it, a partial fill, a cancel."""
    trader, abc = world.trader(fees=per_share()), world.instrument()
    world.tick(abc, "99.98", "100.00", size=60)
    order = world.place(trader, abc, "buy", 100, limit="99.95")
    world.tick(abc, "99.94", "99.97", size=60)
    world.tick(abc, "99.93", "99.95", size=60)
    world.tick(abc, "99.94", "99.96", size=60)
    world.tick(abc, "99.94", "99.98", size=60)
    world.cancel(trader, order)
    assert story(world, trader, order) == lines(LIFE)
    found = explain(trader.user, order.id, now=world.now)
    assert found.text == "Canceled; 60 of 100 bought at 99.95 on average. Canceled on request."
    assert (found.now, found.timeline.left_out) == (None, {"looks": 1, "moves": 0, "steps": 0})


def per_share() -> FeeSchedule:
    return FeeScheduleFactory(kind="per_share", per_share="0.005", minimum="1")


def test_a_limit_order_from_its_acceptance_to_its_end(world: World):
    check_life(world)


def test_what_the_partly_filled_order_cost(world: World):
    trader, abc = world.trader(fees=per_share()), world.instrument()
    world.tick(abc, "99.98", "100.00", size=60)
    order = world.place(trader, abc, "buy", 100, limit="99.95")
    world.tick(abc, "99.93", "99.95", size=60)
    costs = explain(trader.user, order.id, now=world.now).costs
    assert (costs.gross_amount, costs.commission) == (Decimal("5997.00"), Decimal("1.00"))
    assert costs.shortfall is not None
    # 60 shares at 99.95 against 99.99 in the middle of 99.98 and 100.00
    assert (costs.shortfall.amount, costs.shortfall.total) == (Decimal("-2.40"), Decimal("-1.40"))


def test_a_market_order_waits_for_the_next_quote(world: World):
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.94", "99.97", size=60)
    order = world.place(trader, abc, "buy", 100)
    now = explain(trader.user, order.id, now=world.now).now
    assert now is not None
    assert now.text == "Nothing is left of the ask 99.97 × 60; the next quote brings more."
    world.tick(abc, "99.95", "99.99", size=60)
    titles = [line.split(" | ")[0] for line in story(world, trader, order)]
    assert titles == [
        "00:01 Accepted",
        "00:01 Bought 60 at 99.97",
        "00:01 40 left, waiting",
        "00:02 Bought 40 at 99.99",
        "00:02 Filled",
    ]


def test_a_trailing_stop_tells_its_first_and_its_latest_move(world: World):
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.98", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10)
    order = world.place(trader, abc, "sell", 10, trail="1")
    for price in ("101.00", "102.00", "103.00", "104.00"):
        world.tick(abc, price, price, last=price, after_s=2)
    now = explain(trader.user, order.id, now=world.now).now
    assert now is not None
    assert now.text == "The stop stands at 103.00; the last trade, at 104.00, is 1.00 away."
    world.tick(abc, "102.90", "102.95", last="102.90", after_s=2)
    world.tick(abc, "102.80", "102.95", after_s=2)
    assert [line.split(" | ")[0][6:] for line in story(world, trader, order)] == [
        "Accepted",
        "Asleep until a trade at 99.00",
        "Stop moved to 100.00",
        "Stop moved to 103.00",
        "No fill",
        "Stop fired at 102.90",
        "Sold 10 at 102.80",
        "Filled",
    ]
    left_out = explain(trader.user, order.id, now=world.now).timeline.left_out
    assert left_out == {"looks": 0, "moves": 2, "steps": 0}


def test_both_sides_of_a_match_know_who_came_first(world: World):
    first, second = world.trader(), world.trader()
    abc = world.instrument()
    world.tick(abc, "99.90", "100.00")
    world.place(second, abc, "buy", 5)
    maker = world.place(first, abc, "buy", 5, limit="99.98")
    taker = world.place(second, abc, "sell", 5, limit="99.95")
    assert story(world, first, maker)[-2].endswith(
        "Another customer's order came to this one, which had been there before it."
    )
    assert story(world, second, taker)[-2].endswith(
        "it was there first, at its own price. That is 0.03 better than the limit."
    )


def test_a_replaced_order_and_the_one_in_its_place(world: World):
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.98", "100.00")
    old = world.place(trader, abc, "buy", 10, limit="99.95")
    new = world.replace(trader, old, limit_price=Decimal("99.90"))
    assert story(world, trader, old)[-1] == (
        "00:01 Replaced | as you asked | The order you asked for has taken its place. "
        "Nothing had filled."
    )
    assert explain(trader.user, old.id, now=world.now).text == (
        "Replaced; nothing of 10 has filled. Another order took its place."
    )
    assert [line.split(" | ")[0] for line in story(world, trader, new)] == [
        "00:01 Held",
        "00:01 Resting at 99.90",
    ]


def test_what_keeps_an_open_order_waiting(world: World):
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.98", "100.00")
    order = world.place(trader, abc, "buy", 10, limit="99.95", drain=False)

    def now():
        found = explain(trader.user, order.id, now=world.now).now
        assert found is not None
        return found

    assert (now().code, now().text) == ("not_seen_yet", "The engine has not looked at it yet.")
    world.wait(seconds=2)
    assert now().text == "The limit 99.95 is 0.05 below the ask 100.00 × 1,000, 2.0 s old."
    assert now().quote["age_s"] == "2"
    world.wait(seconds=20)
    assert now().text == "The newest quote is 22 s old, and one older than 15 s decides nothing."
    set_status(abc.id, InstrumentStatus.HALTED, by="test", now=world.now)
    assert now().text == "Trading in ABC is halted."


def test_a_closed_exchange_says_when_it_opens(db, settings):
    settings.MARKET_HOURS = "exchange"
    with open_world("exchange") as world:
        world.now = START.replace(hour=23)
        trader, abc = world.trader(), world.instrument(mic="XNAS")
        order = world.place(trader, abc, "buy", 10, limit="99.95")
        now = explain(trader.user, order.id, now=world.now).now
        assert now is not None
        assert now.text == "Its exchange is closed until Tuesday 09:30 New York time."


def test_without_a_feed_the_market_is_what_others_offer(world: World):
    trader, abc = world.trader(), world.instrument(has_feed=False)
    order = world.place(trader, abc, "buy", 5, limit="101")
    now = explain(trader.user, order.id, now=world.now).now
    assert now is not None
    assert now.text == "Nobody sells ABC at the moment."


def test_a_foreign_order_is_not_explained(world: World):
    check_foreign(world)


def check_foreign(world: World) -> None:
    trader, other, abc = world.trader(), world.trader(), world.instrument()
    world.tick(abc, "99.98", "100.00")
    order = world.place(trader, abc, "buy", 10, limit="99.95")
    assert explain(trader.user, order.id, now=world.now).order == order
    with pytest.raises(NotFound):
        explain(other.user, order.id, now=world.now)


def test_a_story_too_long_to_read_is_read_at_both_ends(world: World):
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.98", "100.00", size=1)
    order = world.place(trader, abc, "buy", 200, limit="100.00")
    for _ in range(STORY_BEGINNING + STORY_END + 20):
        world.tick(abc, "99.98", "100.00", size=1)
    found = explain(trader.user, order.id, now=world.now).timeline
    fills = [entry for entry in found.entries if entry.kind == "filled"]
    assert len(found.entries) == 60
    assert fills[-1].at > fills[0].at
    events = Event.objects.filter(subject=order.id).exclude(type="trade.executed").count()
    told = sum(found.left_out.values()) + len(found.entries)
    assert (events, told) == (112, 113)  # the first fill's event tells that it rests too
