"""A preview shows the numbers that placing the order would then produce."""

from decimal import Decimal

import pytest

from accounts.models import CashBalance
from bengi.errors import Refused
from bengi.terms import OrderType, Realism, Side, TimeInForce
from orders.models import Order
from orders.preview import Preview, preview
from orders.tickets import OrderTicket
from trades.tests.world import Trader, World

pytestmark = pytest.mark.django_db


def ask(
    world: World, trader: Trader, symbol: str, side: str, quantity: int, **more: str
) -> Preview:
    limit, stop = more.get("limit"), more.get("stop")
    kind = OrderType.LIMIT if limit else OrderType.STOP if stop else OrderType.MARKET
    ticket = OrderTicket(
        account_id=trader.account.id,
        portfolio_id=trader.portfolio.id,
        symbol=symbol,
        side=Side(side),
        type=kind,
        time_in_force=TimeInForce.DAY,
        quantity=Decimal(quantity),
        limit_price=Decimal(limit) if limit else None,
        stop_price=Decimal(stop) if stop else None,
        client_order_id="preview",
    )
    return preview(ticket, now=world.now)


def test_a_limit_buy_shows_what_it_will_hold(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.98", "100.00")
    seen = ask(world, trader, "ABC", "buy", 40, limit="99.95")
    assert (seen.gross_amount, seen.reserve) == (Decimal("3998.00"), Decimal("3998.00"))
    assert (seen.buying_power_before, seen.buying_power_after) == (100_000, Decimal("96002.00"))
    assert (seen.errors, seen.is_estimate) == ([], False)
    notes = ["The limit is 0.05 under the ask, so the order will rest in the book."]
    assert [str(note) for note in seen.notes] == notes
    assert not Order.objects.exists()
    world.place(trader, abc, "buy", 40, limit="99.95")
    balance = CashBalance.objects.get(account=trader.account)
    assert balance.amount - balance.reserved == seen.buying_power_after


def test_a_market_buy_is_an_estimate_at_the_ask_and_holds_four_percent_more(
    world: World,
) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.98", "100.00")
    seen = ask(world, trader, "ABC", "buy", 10)
    assert (seen.estimated_price, seen.gross_amount) == (100, 1000)
    assert (seen.reserve, seen.is_estimate) == (Decimal("1040.00"), True)


def test_every_failing_check_is_told_with_its_numbers(world: World) -> None:
    trader, abc = world.trader(cash="100"), world.instrument()
    world.tick(abc, "99.98", "100.00", last="100.00")
    seen = ask(world, trader, "ABC", "buy", 10, limit="150.00")
    assert [error.code for error in seen.errors] == ["price_collar", "insufficient_funds"]
    assert seen.errors[1].details == {"needed": "1500", "available": "100"}


def test_an_unknown_symbol_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="unknown_symbol"):
        ask(world, world.trader(), "NOPE", "buy", 1)


@pytest.mark.parametrize(
    ("profile", "size", "quantity", "text"),
    [
        (Realism.INSTANT, 60, 500, "All would fill now at 100.00."),
        (
            Realism.REALISTIC,
            60,
            500,
            "60 would fill now at 100.00 on average. 440 would wait for the next quote.",
        ),
        (
            Realism.HARSH,
            60,
            500,
            "It takes a moment to arrive; the first quote after that works it.",
        ),
        (
            Realism.REALISTIC,
            0,
            500,
            "10 would fill now at 100.00 on average. 490 would wait for the next quote.",
        ),
    ],
)
def test_what_it_would_do_at_once_is_what_its_profile_lets_it(
    world: World, profile: Realism, size: int, quantity: int, text: str
) -> None:
    trader, abc = world.trader(realism=profile), world.instrument()
    world.tick(abc, "99.98", "100.00", size=size, last="100.00")
    seen = ask(world, trader, "ABC", "buy", quantity)
    assert seen.sketch is not None
    assert seen.sketch.text == text


def test_without_prices_it_is_estimated_at_the_spread_of_its_profile(world: World) -> None:
    abc = world.instrument()
    world.tick(abc, None, None, size=0, last="100.00")
    found = {
        profile: ask(world, world.trader(realism=profile), "ABC", "buy", 5).estimated_price
        for profile in Realism
    }
    assert found == {
        Realism.INSTANT: 100,
        Realism.REALISTIC: Decimal("100.08"),
        Realism.HARSH: Decimal("100.16"),
    }
