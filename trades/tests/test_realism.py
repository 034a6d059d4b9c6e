"""Realism profiles end to end: chosen per account, pinned on the order, heeded by the engine."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.services import set_realism
from bengi.errors import Refused
from bengi.events.selectors import events_about
from bengi.terms import Realism
from orders.models import Order
from trades.explaining import explain
from trades.models import Trade
from trades.tests.world import D, World

INSTANT, REALISTIC, HARSH = Realism.INSTANT, Realism.REALISTIC, Realism.HARSH


def fills(order: Order) -> list[tuple[Decimal, Decimal]]:
    rows = Trade.objects.filter(order=order).order_by("exec_id")
    return list(rows.values_list("quantity", "price"))


def steps(order: Order) -> list[dict]:
    return [step for event in events_about(order.id) for step in event.payload.get("steps", [])]


def test_one_quote_three_profiles(world: World) -> None:
    """Any size; what is displayed; nothing before it has arrived."""
    traders = {profile: world.trader(realism=profile) for profile in Realism}
    abc = world.instrument()
    world.tick(abc, "99", "100", size=10)
    orders = {each: world.place(traders[each], abc, "buy", 30) for each in Realism}
    assert {each: fills(orders[each]) for each in Realism} == {
        INSTANT: [(30, 100)],
        REALISTIC: [(10, 100)],
        HARSH: [],
    }
    world.tick(abc, "99", "101", size=12, after_s=0.249)
    assert fills(orders[REALISTIC]) == [(10, 100), (12, 101)]
    assert fills(orders[HARSH]) == []
    world.tick(abc, "99", "102", size=12, after_s=0.001)
    assert fills(orders[REALISTIC]) == [(10, 100), (12, 101), (8, 102)]
    assert fills(orders[HARSH]) == [(4, 102)], "what the earlier order has left of it"


def test_an_order_keeps_the_profile_it_was_accepted_under(world: World) -> None:
    trader, abc = world.trader(realism=HARSH), world.instrument()
    world.tick(abc, "99", "100")
    before = world.place(trader, abc, "buy", 5, limit="98")
    set_realism(trader.account.id, INSTANT, by=trader.user, now=world.now)
    after = world.place(trader, abc, "buy", 5, limit="98")
    assert (before.realism, after.realism) == ("harsh", "instant")
    world.tick(abc, "99", "100")
    world.tick(abc, "97", "98")
    assert (fills(before), fills(after)) == ([], [(5, 98)])
    world.engine.forget()
    world.tick(abc, "97", "97.99")
    assert fills(before) == [(5, D("97.99"))], "after a restart as well"


def test_a_replacement_trades_as_the_account_does_now(world: World) -> None:
    trader, abc = world.trader(realism=HARSH), world.instrument()
    world.tick(abc, "99", "100")
    order = world.place(trader, abc, "buy", 5, limit="98")
    set_realism(trader.account.id, INSTANT, by=trader.user, now=world.now)
    assert world.replace(trader, order, limit_price=Decimal("97")).realism == "instant"


@pytest.mark.parametrize(("profile", "guard_s"), [(INSTANT, 60), (REALISTIC, 15), (HARSH, 5)])
def test_a_market_order_is_refused_past_the_guard_of_its_profile(world, profile, guard_s) -> None:
    trader, abc = world.trader(realism=profile), world.instrument()
    world.tick(abc, "99", "100")
    world.now += timedelta(seconds=guard_s)
    world.place(trader, abc, "buy", 1)
    world.now += timedelta(milliseconds=1)
    with pytest.raises(Refused) as refused:
        world.place(trader, abc, "buy", 1)
    assert refused.value.code == "stale_quote"


def test_a_replay_faster_than_the_clock_has_longer_guards(world: World, settings) -> None:
    settings.GUARD_S_MIN = 30
    trader, abc = world.trader(realism=HARSH), world.instrument()
    world.tick(abc, "99", "100")
    world.now += timedelta(seconds=30)
    assert world.place(trader, abc, "buy", 1).status == "new"


def test_a_feed_without_prices_has_a_spread_by_profile(world: World) -> None:
    """100 at the last print, 4 x 2 bps of it: 0.08 a side, twice as much for harsh."""
    traders = {profile: world.trader(realism=profile) for profile in Realism}
    abc = world.instrument()
    world.tick(abc, None, None, size=0, last="100")
    orders = {each: world.place(traders[each], abc, "buy", 5) for each in Realism}
    world.tick(abc, None, None, size=0, last="100")
    assert {each: fills(orders[each]) for each in Realism} == {
        INSTANT: [(5, 100)],
        REALISTIC: [(5, D("100.11"))],  # 100.08, and 0.1 x 0.05^2 of it
        HARSH: [(5, D("100.22"))],  # 100.16, and 0.2 x 0.05^2 of it
    }
    trade = Trade.objects.get(order=orders[REALISTIC])
    assert (trade.quote_bid, trade.quote_ask) == (D("99.92"), D("100.08"))
    reserved = {each: orders[each].protection_price for each in Realism}
    assert reserved == {INSTANT: 104, REALISTIC: D("104.09"), HARSH: D("104.17")}


def test_a_share_of_the_volume_is_in_the_instruments_steps(world: World) -> None:
    trader = world.trader()
    coin = world.instrument("COIN", quantity_step=Decimal("0.001"))
    world.tick(coin, "99", "100", size=0, last="100")
    order = world.place(trader, coin, "buy", "12.345", limit="100")
    assert fills(order) == [(10, 100)]


@pytest.mark.parametrize(
    ("profile", "code", "numbers"),
    [
        (REALISTIC, "queue_ahead", {"limit": "99", "ahead": "600"}),
        (HARSH, "not_through", {"limit": "99", "ask": "99"}),
    ],
)
def test_the_story_of_an_order_says_what_held_it_back(world, profile, code, numbers) -> None:
    trader, abc = world.trader(realism=profile), world.instrument()
    world.tick(abc, "99", "100", size=700)
    order = world.place(trader, abc, "buy", 5, limit="99")
    world.tick(abc, "99", "100", size=700, last="99")
    if profile is HARSH:
        world.tick(abc, "98", "99")
    world.cancel(trader, order)
    look = [step for step in steps(order) if step["kind"] == "look"][-1]
    assert (look["code"], look["numbers"]) == (code, numbers)


def test_an_order_on_its_way_says_so(world: World) -> None:
    trader, abc = world.trader(realism=HARSH), world.instrument()
    world.tick(abc, "99", "100")
    order = world.place(trader, abc, "buy", 5)
    rested = steps(order)[-1]
    assert (rested["code"], rested["numbers"]) == ("on_its_way", {"latency_ms": "250"})


def test_nothing_has_traded_to_have_a_share_of(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99", "100", size=0)
    rested = steps(world.place(trader, abc, "buy", 5))[-1]
    assert (rested["code"], rested["numbers"]) == ("no_volume", {})


def test_the_same_market_gives_the_same_fills(world: World) -> None:
    """Nothing is drawn by chance: played again, the day comes out the same."""

    def play() -> list[list[tuple[Decimal, Decimal]]]:
        abc, orders = world.instrument(f"S{world.now:%H%M}"), []
        for profile in Realism:
            trader = world.trader(realism=profile)
            world.tick(abc, "99", "100", size=7)
            orders += [world.place(trader, abc, "buy", 9, limit=p) for p in ("100", "99", "98")]
        for bid, ask, last in (("98.5", "99", "99"), ("98", "98.5", "98"), ("97", "97.5", "97.9")):
            world.tick(abc, bid, ask, size=20, last=last)
        return [fills(order) for order in orders]

    first = play()
    world.now += timedelta(minutes=2)
    assert play() == first
    assert all(parts for parts in first)


def test_the_legs_of_a_bracket_trade_as_their_entry_does(world: World) -> None:
    """The entry has arrived by then, so its legs have; a touch of the profit is none for harsh."""
    trader, abc = world.trader(realism=HARSH), world.instrument()
    world.tick(abc, "99", "100")
    entry = world.place(trader, abc, "buy", 5, profit="104", loss="95")
    assert fills(entry) == []
    world.tick(abc, "99", "101")
    assert fills(entry) == [(5, 101)]
    profit = Order.objects.get(group_id=entry.group_id, leg="take_profit")
    assert (profit.realism, profit.status) == ("harsh", "new")
    world.tick(abc, "104", "105")
    assert fills(profit) == []
    world.tick(abc, "104.01", "105")
    assert fills(profit) == [(5, D("104.01"))]


def test_an_explanation_sees_the_market_as_the_order_does(world: World) -> None:
    abc = world.instrument()
    world.tick(abc, None, None, size=0, last="100")
    asks = []
    for profile in (REALISTIC, HARSH):
        trader = world.trader(realism=profile)
        order = world.place(trader, abc, "buy", 5, limit="99")
        world.tick(abc, None, None, size=0, last="100")
        now = explain(trader.user, order.id, now=world.now).now
        assert now is not None
        assert now.quote is not None
        asks.append((now.code, now.quote["ask"], now.quote["ask_size"]))
    assert asks == [("not_marketable", "100.08", "10"), ("not_marketable", "100.16", "5")]
