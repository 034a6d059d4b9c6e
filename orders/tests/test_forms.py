"""The ticket as people type it."""

from decimal import Decimal

import pytest
from django.http import QueryDict

from bengi.errors import NotFound, Refused
from bengi.terms import OrderClass, OrderType, Side, TimeInForce
from orders.forms import TicketForm
from orders.legs import StopLoss, TakeProfit
from portfolios.tests.factories import PortfolioFactory

TYPED = {
    "symbol": "AAPL",
    "portfolio_id": "0199c9c0-0000-7000-8000-000000000001",
    "side": "buy",
    "type": "limit",
    "time_in_force": "gtc",
    "quantity": " 12.5 ",
    "limit_price": "100.10",
    "stop_price": "",
}


def _form(**change):
    data = QueryDict(mutable=True)
    data.update(TYPED | change)
    return TicketForm(data)


def test_a_good_ticket_is_read(db):
    portfolio = PortfolioFactory()
    form = _form(portfolio_id=str(portfolio.id))
    assert form.is_valid()
    ticket = form.ticket(portfolio.account.user)
    assert (ticket.account_id, ticket.portfolio_id) == (portfolio.account_id, portfolio.id)
    assert (ticket.side, ticket.type, ticket.time_in_force) == (
        Side.BUY,
        OrderType.LIMIT,
        TimeInForce.GTC,
    )
    assert (ticket.quantity, ticket.limit_price) == (Decimal("12.5"), Decimal("100.10"))
    assert len(ticket.client_order_id) == 36


def test_the_key_of_the_form_is_kept(db):
    portfolio = PortfolioFactory()
    form = _form(portfolio_id=str(portfolio.id), client_order_id="my-key")
    assert form.is_valid()
    assert form.ticket(portfolio.account.user).client_order_id == "my-key"


def test_another_users_portfolio_is_not_found(db):
    form = _form(portfolio_id=str(PortfolioFactory().id))
    assert form.is_valid()
    with pytest.raises(NotFound):
        form.ticket(PortfolioFactory().account.user)


@pytest.mark.parametrize("typed", ["many", "1e3", "-5", "1,000", "１２", "0", "1.123456789", ""])
def test_a_quantity_that_is_no_plain_number_is_told_beside_its_field(typed):
    form = _form(quantity=typed)
    assert list(form.errors) == ["quantity"]
    assert form.problems[0].id == "quantity"


@pytest.mark.parametrize(
    ("type_", "field"),
    [
        ("limit", "limit_price"),
        ("stop", "stop_price"),
        ("market", None),
    ],
)
def test_each_type_asks_for_its_price_only(type_, field):
    form = _form(type=type_, limit_price="", stop_price="")
    assert list(form.errors) == ([field] if field else [])


def test_a_stop_limit_asks_for_both_prices():
    form = _form(type="stop_limit", limit_price="", stop_price="")
    assert set(form.errors) == {"limit_price", "stop_price"}


def test_a_trailing_stop_reads_its_trail_only(db):
    form = _form(type="trailing_stop", limit_price="99", trail_price="2.00")
    assert form.is_valid()
    assert (form.cleaned_data["limit_price"], form.cleaned_data["trail_price"]) == (None, 2)


def test_a_price_left_in_a_hidden_field_is_not_read(db):
    form = _form(type="market", limit_price="not even a number")
    assert form.is_valid()
    assert form.cleaned_data["limit_price"] is None


def test_a_market_order_may_be_of_an_amount(db):
    portfolio = PortfolioFactory()
    asked = {"type": "market", "time_in_force": "day", "sized_by": "notional", "notional": "500"}
    form = _form(**asked, portfolio_id=str(portfolio.id), quantity="not read")
    assert form.is_valid()
    ticket = form.ticket(portfolio.account.user)
    assert (ticket.notional, ticket.quantity) == (Decimal(500), 0)


@pytest.mark.parametrize(("typed", "words"), [("", "Write how much."), ("0", "more than zero")])
def test_an_amount_that_is_missing_is_told_beside_its_field(typed, words):
    form = _form(type="market", sized_by="notional", notional=typed, quantity="")
    assert list(form.errors) == ["notional"]
    assert words in form.errors["notional"][0]
    assert form.problems[0].label == "Amount"


@pytest.mark.parametrize("type_", ["limit", "stop"])
def test_an_amount_left_in_a_hidden_field_is_not_read(type_):
    form = _form(type=type_, stop_price="99", sized_by="notional", notional="500")
    assert form.is_valid()
    assert (form.cleaned_data["notional"], form.cleaned_data["quantity"]) == (None, Decimal("12.5"))


@pytest.mark.parametrize(
    ("type_", "time", "is_read"),
    [
        ("limit", "day", True),
        ("limit", "gtc", True),
        ("limit", "ioc", False),
        ("market", "day", False),
    ],
)
def test_extended_hours_are_read_where_they_are_shown(type_, time, is_read):
    form = _form(type=type_, time_in_force=time, extended_hours="on")
    assert form.is_valid()
    assert form.cleaned_data["extended_hours"] is is_read


def test_the_rules_reasons_stand_beside_their_fields():
    form = _form()
    form.is_valid()
    form.refuse(
        [
            Refused("insufficient_funds", "9,195.00 USD needed.", field="quantity"),
            Refused("too_many_open_orders", "At most 20 open orders."),
        ]
    )
    assert form.errors["quantity"] == ["9,195.00 USD needed."]
    assert [problem.text for problem in form.problems] == [
        "At most 20 open orders.",
        "9,195.00 USD needed.",
    ]


EXITS = {"take_profit": "110", "stop_loss": "95"}
TRAIL = {"stop_loss_trail_percent": "3"}
HIDDEN = {"side": "sell", "type": "market", **EXITS}


@pytest.mark.parametrize(
    ("typed", "order_class", "take_profit", "stop_loss"),
    [
        ({}, OrderClass.SIMPLE, None, None),
        (EXITS, OrderClass.BRACKET, TakeProfit(Decimal(110)), StopLoss(Decimal(95))),
        ({"take_profit": "110"}, OrderClass.OTO, TakeProfit(Decimal(110)), None),
        (TRAIL, OrderClass.OTO, None, StopLoss(trail_percent=Decimal(3))),
        (
            {"side": "sell", "take_profit": "1", "stop_loss": "95"},
            OrderClass.OCO,
            TakeProfit(Decimal("100.10")),
            StopLoss(Decimal(95)),
        ),
        ({"side": "sell"}, OrderClass.SIMPLE, None, None),
        (HIDDEN, OrderClass.SIMPLE, None, None),
    ],
)
def test_exits_make_a_group(db, typed, order_class, take_profit, stop_loss):
    portfolio = PortfolioFactory()
    form = _form(portfolio_id=str(portfolio.id), **typed)
    assert form.is_valid(), form.errors
    ticket = form.ticket(portfolio.account.user)
    assert (ticket.order_class, ticket.take_profit, ticket.stop_loss) == (
        order_class,
        take_profit,
        stop_loss,
    )


def test_the_rules_reasons_for_legs_stand_beside_the_exits():
    form = _form(**EXITS)
    form.is_valid()
    form.refuse(
        [
            Refused("unsupported_combination", "Higher.", field="take_profit.limit_price"),
            Refused("unsupported_combination", "No feed.", field="stop_loss.type"),
            Refused("invalid_trail", "Too far.", field="stop_loss.trail_percent"),
        ]
    )
    assert dict(form.errors) == {
        "take_profit": ["Higher."],
        "stop_loss": ["No feed."],
        "stop_loss_trail_percent": ["Too far."],
    }
    assert form.has_exits
    assert not _form().has_exits
