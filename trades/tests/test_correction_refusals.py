"""What is refused of corrections, one by one, with its numbers; nothing has moved afterwards."""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts.adjustments import approve as approve_cash
from accounts.adjustments import request_reversal
from accounts.models import LedgerTransaction, RegulatoryRate
from accounts.services import withdraw
from accounts.tests.factories import UserFactory
from bengi.errors import BengiError, Conflict, Forbidden, Malformed, NotFound, Refused
from bengi.ids import new_id
from bengi.terms import CostBasisMethod
from instruments.models import CorporateAction
from orders.models import Order
from portfolios.models import DividendEntitlement, Lot
from portfolios.services import change_portfolio
from trades.corporate.due import apply_due
from trades.corrections import approve, ask_adjust, ask_bust, decline
from trades.models import Trade, TradeCorrection
from trades.tests.corporate_stage import MIDNIGHT, dividend, split
from trades.tests.desk import Desk, cash_of, dealer, fills_of, open_lots_of, trace
from trades.tests.world import Trader, World

pytestmark = pytest.mark.django_db
D = Decimal


@contextmanager
def refused(code: str, kind: type[BengiError] = Conflict, **details: Any):
    """Expect an error with these details, and that nothing of it is left behind."""
    before = trace(), list(TradeCorrection.objects.values())
    with pytest.raises(kind) as caught, transaction.atomic():
        yield
    assert caught.value.code == code
    assert {name: caught.value.details[name] for name in details} == details
    assert (trace(), list(TradeCorrection.objects.values())) == before


def buy(world: World, trader: Trader, abc, quantity: int, ask: str = "10.00") -> Trade:
    world.tick(abc, "9.50", ask, last=ask)
    return fills_of(world.place(trader, abc, "buy", quantity))[-1]


def sell(world: World, trader: Trader, abc, quantity: int, bid: str = "11.00") -> Trade:
    world.tick(abc, bid, "12.00")
    return fills_of(world.place(trader, abc, "sell", quantity))[-1]


def ask(desk: Desk, trade: Trade) -> TradeCorrection:
    return ask_bust(desk.one, trade.exec_id, reason="Why", now=desk.world.now)


def refusing(desk: Desk, trade: Trade) -> Callable[[], TradeCorrection]:
    """Return how to approve the bust of a trade that has been asked for."""
    asked = ask(desk, trade)
    return lambda: approve(asked.id, desk.two, now=desk.world.now)


# --- what has been built on a trade


def test_a_buy_whose_shares_were_sold_names_the_sales_newest_first(world, abc, desk):
    trader = world.trader()
    trade = buy(world, trader, abc, 10)
    first, second = sell(world, trader, abc, 3), sell(world, trader, abc, 2)
    act = refusing(desk, trade)
    sales = [str(second.exec_id), str(first.exec_id)]
    with refused("lot_in_use", exec_ids=sales, sold="5"):
        act()
    desk.bust(second)
    with refused("lot_in_use", exec_ids=sales[1:], sold="3"):
        act()
    desk.bust(first)
    act()
    assert (cash_of(trader), open_lots_of(trader)) == ((100_000, 0), [])


def test_a_buy_whose_cost_was_averaged_names_the_sales(world, abc, desk):
    trader = world.trader()
    method = CostBasisMethod.AVERAGE
    change_portfolio(trader.portfolio.id, trader.user, now=world.now, cost_basis_method=method)
    buy(world, trader, abc, 10)
    trade = buy(world, trader, abc, 10, "10.50")
    sale = sell(world, trader, abc, 3)
    act = refusing(desk, trade)
    with refused("lot_in_use", exec_ids=[str(sale.exec_id)], sold="0"):
        act()
    desk.bust(sale)
    act()
    assert open_lots_of(trader) == [(10, 100)]


def test_a_buy_whose_lot_an_open_order_names_names_the_order(world, abc, desk):
    trader = world.trader()
    trade = buy(world, trader, abc, 10)
    naming = world.place(
        trader, abc, "sell", 4, limit="11.00", tif="gtc", lots=[(Lot.objects.get(), 4)]
    )
    act = refusing(desk, trade)
    with refused("lot_in_use", order_ids=[str(naming.id)]):
        act()
    world.cancel(trader, naming)
    act()


def test_shares_that_open_sells_hold_stay(world, abc, desk):
    trader = world.trader()
    trade = buy(world, trader, abc, 10)
    world.place(trader, abc, "sell", 4, limit="10.90", tif="gtc")
    act = refusing(desk, trade)
    with refused("insufficient_position", Refused, needed="10", available="6"):
        act()
    decline(TradeCorrection.objects.get().id, desk.one, now=world.now)
    again = desk.adjust(trade, "9.90")
    assert again.quantity == 10
    with refused("insufficient_position", Refused, needed="7", available="6"):
        desk.adjust(again, quantity=3)


def test_a_sale_that_others_followed_names_them(world, abc, desk):
    trader = world.trader()
    buy(world, trader, abc, 10)
    first, second = sell(world, trader, abc, 3), sell(world, trader, abc, 2)
    act = refusing(desk, first)
    with refused("sold_since", exec_ids=[str(second.exec_id)]):
        act()
    desk.bust(second)
    act()
    assert open_lots_of(trader) == [(10, 100)]


def test_sales_of_others_and_of_other_holdings_are_not_in_the_way(world, abc, desk):
    trader, other, xyz = world.trader(), world.trader(), world.instrument("XYZ")
    for who, what in ((trader, abc), (trader, xyz), (other, abc)):
        buy(world, who, what, 10)
    sale = sell(world, trader, abc, 3)
    sell(world, trader, xyz, 3)
    sell(world, other, abc, 3)
    desk.bust(sale)
    assert (10, 100) in open_lots_of(trader)


def test_unsettled_proceeds_that_paid_for_a_buy_name_it(world, desk):
    xyz = world.instrument("XYZ", mic="XNYS")
    trader = world.trader(cash="1040")
    buy(world, trader, xyz, 100)
    world.tick(xyz, "10.00", "10.00")
    (sale,) = fills_of(world.place(trader, xyz, "sell", 100))
    (used,) = fills_of(world.place(trader, xyz, "buy", 30, limit="10.00"))
    act = refusing(desk, sale)
    with refused("proceeds_in_use", exec_ids=[str(used.exec_id)], used="260", amount="1000"):
        act()
    desk.bust(used)
    act()


def test_what_a_sale_brought_must_be_there_and_not_reserved(world, abc, desk):
    trader = world.trader(cash="104")
    buy(world, trader, abc, 10)
    sale = sell(world, trader, abc, 10)
    world.wait(days=3)
    withdraw(trader.account.id, D("40.00"), "USD", key="out", now=world.now)
    world.tick(abc, "9.50", "10.00", last="10.00")
    resting = world.place(trader, abc, "buy", 1, limit="9.40", tif="gtc")
    act = refusing(desk, sale)
    with refused("insufficient_available", Refused, needed="110", available="64.6"):
        act()
    assert resting.is_open


def test_a_dearer_buy_must_be_paid(world, abc, desk):
    trader = world.trader(cash="104")
    trade = buy(world, trader, abc, 10)
    withdraw(trader.account.id, D("2.00"), "USD", key="out", now=world.now)
    with refused("insufficient_available", Refused, needed="103", available="102"):
        desk.adjust(trade, "10.30")
    world.tick(abc, "9.50", "10.00", last="10.00")
    world.place(trader, world.instrument("XYZ", has_feed=False), "buy", 1, limit="1.00")
    with refused("insufficient_available", Refused, needed="2", available="1"):
        desk.adjust(trade, "10.20")
    assert desk.adjust(trade, "10.10").net_amount == -101


def test_what_the_cash_desk_has_taken_back_is_not_taken_back_twice(world, desk):
    RegulatoryRate.objects.create(code="taf", effective_from="2026-01-01", per_share="0.01")
    xyz = world.instrument("XYZ", mic="XNYS")
    trader = world.trader()
    buy(world, trader, xyz, 10)
    sale = sell(world, trader, xyz, 10)
    fee = LedgerTransaction.objects.get(kind="fee")
    asked = request_reversal(desk.one, fee.id, reason="Goodwill", now=world.now)
    approve_cash(asked.id, desk.two, now=world.now)
    act = refusing(desk, sale)
    with refused("already_reversed", transaction_id=str(fee.id)):
        act()


# --- what issuers and groups have built on a trade


@pytest.fixture
def owner(world: World):
    """Return who has bought 10 SPL at 70.00 and sold 3, and both trades."""
    spl, trader = world.instrument("SPL"), world.trader()
    return trader, spl, buy(world, trader, spl, 10, "70.00"), sell(world, trader, spl, 3, "70.00")


def test_what_has_been_split_stays(world, desk, owner):
    trader, spl, bought, sold = owner
    desk.adjust(sold, "70.01")  # before the split nothing is in the way
    split(spl, 3, 1)
    apply_due(MIDNIGHT)
    world.now = MIDNIGHT
    sold = fills_of(sold.order)[0]
    for trade in (bought, sold):
        asked = ask(desk, trade)
        with refused("changed_since", action_id=str(CorporateAction.objects.get().id)):
            approve(asked.id, desk.two, now=world.now)
        decline(asked.id, desk.two, now=world.now)
        with refused("changed_since"):
            desk.adjust(trade, "70.02")
    world.engine.forget()
    world.tick(spl, "23.00", "23.10", last="23.10")
    desk.bust(fills_of(world.place(trader, spl, "buy", 3))[0])  # new shares


def test_what_was_sold_out_before_a_split_does_not_come_back_as_old_shares(world, desk, owner):
    trader, spl, _, _ = owner
    rest = sell(world, trader, spl, 7, "70.00")
    split(spl, 3, 1)
    apply_due(MIDNIGHT)
    world.now = MIDNIGHT
    asked = ask(desk, rest)
    with refused("changed_since", action_id=str(CorporateAction.objects.get().id)):
        approve(asked.id, desk.two, now=world.now)


def test_shares_that_a_dividend_was_reckoned_on_stay_and_their_price_does_not(world, desk, owner):
    _, spl, bought, sold = owner
    dividend(spl, "1.00")
    apply_due(MIDNIGHT)
    world.now = MIDNIGHT
    for trade in (bought, sold):
        asked = ask(desk, trade)
        with refused("lot_in_use" if trade is bought else "changed_since"):
            approve(asked.id, desk.two, now=world.now)
        decline(asked.id, desk.two, now=world.now)
    with refused("changed_since"):
        desk.adjust(sold, quantity=2)
    desk.adjust(sold, "69.99")
    apply_due(MIDNIGHT + timedelta(days=2))
    assert DividendEntitlement.objects.get().quantity == 7


def test_an_entry_stays_while_its_legs_are_to_sell_it(world, abc, desk):
    trader = world.trader()
    buy(world, trader, abc, 50)  # shares of another order, which the legs must not sell
    world.tick(abc, "9.90", "10.00", last="10.00")
    entry = world.place(trader, abc, "buy", 10, profit="10.80", loss="9.20")
    trade = fills_of(entry)[0]
    desk.adjust(trade, "9.99")
    trade = fills_of(entry)[0]
    act = refusing(desk, trade)
    legs = Order.objects.filter(parent=entry).order_by("id")
    with refused("legs_at_work", order_ids=[str(leg.id) for leg in legs]):
        act()
    world.engine.forget()
    for leg in legs:
        if Order.objects.get(id=leg.id).is_open:
            world.cancel(trader, leg)
    act()


def test_a_leg_goes_on_with_what_it_still_wants(world, abc, desk):
    trader = world.trader()
    world.tick(abc, "9.90", "10.00", last="10.00")
    entry = world.place(trader, abc, "buy", 10, profit="10.80", loss="9.20")
    world.tick(abc, "10.80", "10.90", size=4, last="10.00")
    profit, loss = Order.objects.filter(parent=entry).order_by("leg").reverse()
    desk.bust(fills_of(profit)[0])
    for leg in (profit, loss):
        leg.refresh_from_db()
        assert leg.leaves_quantity == 6
    world.tick(abc, "10.80", "10.90", size=100, last="10.00")
    for leg, status in ((profit, "filled"), (loss, "canceled")):
        leg.refresh_from_db()
        assert leg.status == status
    assert open_lots_of(trader) == [(4, 40)]


# --- who, and what of


def test_nobody_asks_or_decides_from_outside_alone_or_twice(world, abc, desk):
    trade = buy(world, trader := world.trader(), abc, 10)
    for outsider in (trader.user, UserFactory(is_staff=True), dealer("execute_trade")):
        with refused("forbidden", Forbidden):
            ask_bust(outsider, trade.exec_id, reason="Why", now=world.now)
    asked = ask(desk, trade)
    with refused("second_person_needed", Forbidden):
        approve(asked.id, desk.one, now=world.now)
    for act in (approve, decline):
        with refused("forbidden", Forbidden):
            act(asked.id, trader.user, now=world.now)
        with refused("not_found", NotFound):
            act(new_id(), desk.two, now=world.now)
    desk.approve(asked)
    for act in (approve, decline):
        with refused("already_approved"):
            act(asked.id, desk.two, now=world.now)
    assert cash_of(trader) == (100_000, 0)


def test_what_is_declined_is_over_and_may_be_asked_again(world, abc, desk):
    trade = buy(world, world.trader(), abc, 10)
    asked = ask(desk, trade)
    with refused("correction_pending", correction_id=str(asked.id)):
        ask(desk, trade)
    row = decline(asked.id, desk.one, now=world.now)
    assert (row.outcome, row.decided_by) == ("declined", desk.one)
    for act in (approve, decline):
        with refused("already_declined"):
            act(asked.id, desk.two, now=world.now)
    desk.bust(trade)


def test_a_bust_is_final(world, abc, desk):
    trade = buy(world, world.trader(), abc, 10)
    desk.bust(trade)
    bust = Trade.objects.get(busts=trade)
    with refused("already_busted", busted_by=str(bust.exec_id)):
        ask(desk, trade)
    with refused("not_bustable"):
        ask(desk, bust)


def test_a_second_request_for_the_other_side_comes_too_late(world, abc, desk):
    seller, buyer = world.trader(), world.trader()
    buy(world, seller, abc, 10)
    world.tick(abc, "9.00", "11.00", last="10.00")
    offer = world.place(seller, abc, "sell", 10, limit="10.50", tif="gtc")
    bid = world.place(buyer, abc, "buy", 4, limit="10.50")
    ours, theirs = ask(desk, fills_of(bid)[0]), ask(desk, fills_of(offer)[0])
    desk.approve(ours)
    with refused("already_busted"):
        approve(theirs.id, desk.two, now=world.now)
    decline(theirs.id, desk.two, now=world.now)


def test_a_reason_and_a_trade_are_needed(world, abc, desk):
    trade = buy(world, world.trader(), abc, 10)
    with refused("invalid_field", Malformed):
        ask_bust(desk.one, trade.exec_id, reason=" ", now=world.now)
    with refused("not_found", NotFound):
        ask_bust(desk.one, new_id(), reason="Why", now=world.now)


@pytest.mark.parametrize(
    ("terms", "code", "kind"),
    [
        ({}, "invalid_field", Malformed),
        ({"price": D(10)}, "invalid_field", Malformed),
        ({"price": D(10), "quantity": D(10)}, "invalid_field", Malformed),
        ({"price": D("9.999")}, "invalid_tick", Refused),
        ({"price": D(0)}, "invalid_tick", Refused),
        ({"price": D(-1)}, "invalid_tick", Refused),
        ({"quantity": D(0)}, "invalid_step", Refused),
        ({"quantity": D(-1)}, "invalid_step", Refused),
        ({"price": D("10.51")}, "price_beyond_limit", Refused),
        ({"quantity": D("9.5")}, "invalid_step", Refused),
        ({"quantity": D(11)}, "quantity_above_trade", Refused),
    ],
)
def test_terms_that_the_trade_cannot_have_had(world, abc, desk, terms, code, kind):
    trader = world.trader()
    world.tick(abc, "9.50", "10.00", last="10.00")
    (trade,) = fills_of(world.place(trader, abc, "buy", 10, limit="10.50"))
    with refused(code, kind):
        ask_adjust(desk.one, trade.exec_id, **terms, reason="Why", now=world.now)


def test_all_that_is_wrong_with_the_terms_is_told(world, abc, desk):
    trade = buy(world, world.trader(), abc, 10)
    with pytest.raises(Refused) as caught:
        ask_adjust(
            desk.one, trade.exec_id, price=D("10.999"), quantity=D("10.5"), reason="Why",
            now=world.now,
        )  # fmt: skip
    assert [error.code for error in caught.value.errors] == [
        "invalid_tick", "price_beyond_limit", "invalid_step", "quantity_above_trade",
    ]  # fmt: skip


def test_the_limit_of_the_other_side_holds_too(world, abc, desk):
    seller, buyer = world.trader(), world.trader()
    buy(world, seller, abc, 10)
    world.tick(abc, "9.00", "11.00", last="10.00")
    offer = world.place(seller, abc, "sell", 10, limit="10.50", tif="gtc")
    bid = world.place(buyer, abc, "buy", 4, limit="10.60")
    for price in ("10.49", "10.61"):
        with refused("price_beyond_limit", Refused, value=price):
            desk.adjust(fills_of(bid)[0], price)
    desk.adjust(fills_of(offer)[0], "10.60")
