"""Ticket, review, placing and canceling over HTML: what is answered and what is written."""

import json
import re
from decimal import Decimal

import pytest

from accounts.tests.factories import UserFactory
from bengi.limits import limiter, throttle
from bengi.limits.rates import Rate, Scope
from bengi.terms import OrderStatus
from instruments.models import Instrument
from instruments.tests.factories import QUOTED_AT
from orders.halts import halt_trading
from orders.models import Order
from orders.tests.factories import OrderFactory
from portfolios.models import Portfolio

HTMX = {"HX-Request": "true"}


def test_the_review_tells_cost_and_buying_power_before_and_after(trader, ticket):
    answer = trader.post("/orders/review", ticket, headers=HTMX)
    facts = {fact.label: fact.text for fact in answer.context["facts"]}
    assert facts == {
        "Would fill at once": "nothing, 40 rest",
        "Cost at most": "3,980.00 USD",
        "Commission": "1.00 USD",
        "Reserved until it fills or ends": "3,981.00 USD",
        "Buying power before": "100,000.00 USD",
        "Buying power after": "96,019.00 USD",
    }
    assert "<html" not in answer.content.decode()
    assert Order.objects.count() == 0


def test_a_market_order_says_estimate(trader, ticket):
    answer = trader.post("/orders/review", ticket | {"type": "market"})
    facts = {fact.label: fact.text for fact in answer.context["facts"]}
    assert facts["Would fill at once"] == "40 at 100.02"
    assert facts["Estimated cost"] == "4,000.80 USD"
    assert facts["Estimated commission"] == "1.00 USD"


@pytest.fixture
def amount(ticket):
    """The ticket as an amount of 500 USD at market; the ask is 100.02."""
    Instrument.objects.update(quantity_step=Decimal("0.0001"), exchange_step=Decimal(1))
    rest = {name: ticket[name] for name in ("symbol", "portfolio_id", "side", "time_in_force")}
    return rest | {"type": "market", "sized_by": "notional", "notional": "500"}


def test_the_review_of_an_amount_says_what_it_comes_to(trader, amount):
    answer = trader.post("/orders/review", amount)
    facts = {fact.label: fact.text for fact in answer.context["facts"]}
    assert facts["Shares, about"] == "4.999"
    assert facts["Estimated cost"] == "500.00 USD"
    assert facts["Reserved until it fills or ends"] == "501.00 USD"
    assert "Buy 500.00 USD of AAPL at market" in answer.content.decode()
    fields = dict(answer.context["ticket_fields"])
    assert (fields["sized_by"], fields["notional"]) == ("notional", "500")
    assert "quantity" not in fields


def test_an_amount_is_placed_as_it_was_reviewed(trader, amount):
    fields = dict(trader.post("/orders/review", amount).context["ticket_fields"])
    trader.post("/orders/place", fields)
    order = Order.objects.get()
    assert (order.notional, order.quantity, order.reserved) == (500, Decimal("4.999"), 501)


def test_the_estimate_of_an_amount_says_how_many_shares(trader, amount):
    body = trader.post("/orders/estimate", amount, headers=HTMX).content.decode()
    assert "Shares, about</dt><dd>4.999" in body


def test_an_amount_too_small_comes_back_beside_its_field(trader, amount):
    answer = trader.post("/orders/review", amount | {"notional": "0.01"})
    body = answer.content.decode()
    assert "The amount comes to less than 0.0001 AAPL." in body
    assert 'aria-describedby="notional-error"' in body
    assert re.search(r'name="sized_by" value="notional" checked', body)


def test_extended_hours_are_offered_where_the_exchange_has_them(trader, ticket, settings):
    """The flag travels from the ticket through the review to the order."""
    settings.MARKET_HOURS = "exchange"
    asked = ticket | {"extended_hours": "on"}
    again = trader.post("/orders/review", asked | {"quantity": ""}).content.decode()
    assert re.search(r'name="extended_hours" checked', again)
    review = trader.post("/orders/review", asked)
    assert "good for today, extended hours too" in review.content.decode()
    trader.post("/orders/place", dict(review.context["ticket_fields"]))
    assert Order.objects.get().extended_hours
    settings.MARKET_HOURS = "always"
    body = trader.post("/orders/review", asked | {"quantity": ""}).content.decode()
    assert "extended_hours" not in body


def test_every_review_has_a_key_of_its_own(trader, ticket):
    keys = {
        dict(trader.post("/orders/review", ticket).context["ticket_fields"])["client_order_id"]
        for _ in range(2)
    }
    assert len(keys) == 2


def test_a_refused_ticket_comes_back_with_every_reason(trader, ticket):
    wrong = ticket | {"quantity": "0.5", "limit_price": "150.005"}
    answer = trader.post("/orders/review", wrong, headers=HTMX)
    assert answer["HX-Retarget"] == "#ticket-form"
    assert set(answer.context["form"].errors) == {"quantity", "limit_price"}
    body = answer.content.decode()
    assert 'value="0.5"' in body
    assert 'value="150.005"' in body
    assert 'aria-describedby="limit_price-error"' in body


def test_without_script_the_ticket_comes_back_as_a_page(trader, ticket):
    body = trader.post("/orders/review", ticket | {"quantity": ""}).content.decode()
    assert "<html" in body
    assert "Write how many." in body


def test_placing_twice_makes_one_order(trader, ticket):
    ticket |= {"client_order_id": "key-1"}
    for _ in range(2):
        answer = trader.post("/orders/place", ticket, headers=HTMX)
        assert (answer.status_code, "order-placed" in answer["HX-Trigger"]) == (204, True)
    order = Order.objects.get()
    assert (order.quantity, order.limit_price) == (Decimal(40), Decimal("99.50"))


def test_without_script_placing_leads_back_to_the_workbench(trader, ticket):
    answer = trader.post("/orders/place", ticket | {"client_order_id": "key-1"})
    assert answer["Location"] == "/trade/AAPL?tab=orders"


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_too_many_orders_are_told_beside_the_form_and_may_be_sent_again(
    trader, ticket, limits, monkeypatch, headers
):
    monkeypatch.setattr(throttle, "ORDERS", Scope("orders", (Rate(1, 60),)))
    trader.post("/orders/place", ticket | {"client_order_id": "key-1"}, headers=headers)
    more = ticket | {"client_order_id": "key-2", "quantity": "7"}
    answer = trader.post("/orders/place", more, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 429
    said = r"The order was not sent.*Too many requests\. Try again in \d+ seconds"
    assert re.search(said, page, re.DOTALL)
    assert dict(answer.context["ticket_fields"])["client_order_id"] == "key-2"
    assert not re.search(r'type="submit"[^>]* disabled', page)
    order = Order.objects.get()
    assert trader.post(f"/orders/{order.id}/cancel", headers=headers).status_code in {204, 302}
    assert Order.objects.get().status == order.status
    limiter.reset()
    trader.post("/orders/place", more, headers=headers)
    assert Order.objects.count() == 2


def test_pages_and_api_share_the_limit_of_orders(trader, ticket, limits, monkeypatch):
    monkeypatch.setattr(throttle, "ORDERS", Scope("orders", (Rate(3, 60),)))
    for number in range(3):
        trader.post("/orders/place", ticket | {"client_order_id": f"key-{number}"}, headers=HTMX)
    assert trader.post("/api/v1/orders", {}, "application/json").status_code == 429


def test_an_order_without_a_key_is_not_placed(trader, ticket):
    trader.post("/orders/place", ticket)
    assert Order.objects.count() == 0


def test_a_key_used_for_another_order_is_refused_in_words(trader, ticket):
    ticket |= {"client_order_id": "key-1"}
    trader.post("/orders/place", ticket, headers=HTMX)
    answer = trader.post("/orders/place", ticket | {"quantity": "41"}, headers=HTMX)
    assert "belongs to another order" in answer.content.decode()
    assert Order.objects.count() == 1


def test_the_same_order_again_is_asked_about_and_the_second_press_sends_it(trader, ticket):
    trader.post("/orders/place", ticket | {"client_order_id": "key-1"}, headers=HTMX)
    asked = trader.post("/orders/place", ticket | {"client_order_id": "key-2"}, headers=HTMX)
    page = asked.content.decode()
    assert "Do you mean it twice?" in page
    assert "Send a second buy order" in page
    assert Order.objects.count() == 1
    fields = dict(asked.context["ticket_fields"])
    assert fields["confirm_duplicate"] == "on"
    assert fields["client_order_id"] == "key-2"
    assert trader.post("/orders/place", fields, headers=HTMX).status_code == 204
    assert Order.objects.count() == 2


def test_the_review_asks_before_it_is_sent(trader, ticket):
    trader.post("/orders/place", ticket | {"client_order_id": "key-1"}, headers=HTMX)
    answer = trader.post("/orders/review", ticket, headers=HTMX)
    assert "Do you mean it twice?" in answer.content.decode()
    assert dict(answer.context["ticket_fields"])["confirm_duplicate"] == "on"
    first = trader.post("/orders/review", ticket | {"quantity": "1"}, headers=HTMX)
    assert "confirm_duplicate" not in dict(first.context["ticket_fields"])


def test_while_trading_is_halted_the_ticket_says_why(trader, ticket):
    staff = UserFactory(is_staff=True)
    typed = trader.post("/orders/estimate", ticket, headers=HTMX)
    assert "Trading is halted" not in typed.content.decode()
    halt_trading(staff, reason="The feed is off", now=QUOTED_AT)
    typed = trader.post("/orders/estimate", ticket, headers=HTMX)
    assert (
        "Trading is halted: orders are refused for now. The feed is off" in typed.content.decode()
    )
    answer = trader.post("/orders/review", ticket, headers=HTMX)
    assert "Trading is halted: The feed is off." in answer.content.decode()
    sent = trader.post("/orders/place", ticket | {"client_order_id": "key-1"}, headers=HTMX)
    assert "Trading is halted: The feed is off." in sent.content.decode()
    assert Order.objects.count() == 0


def test_funds_that_went_meanwhile_are_told_in_the_dialog(trader, ticket):
    too_many = ticket | {"client_order_id": "key-1", "quantity": "1100"}
    answer = trader.post("/orders/place", too_many, headers=HTMX)
    body = answer.content.decode()
    assert "The order was not sent" in body
    failed = [check for check in answer.context["checks"] if not check.passed]
    assert [(check.label, check.limit, check.value) for check in failed] == [
        ("Cash to reserve at most", "100,000", "109,455.5")
    ]
    assert "<details open>" in body
    assert Order.objects.count() == 0


def test_the_estimate_follows_the_ticket(trader, ticket):
    body = trader.post("/orders/estimate", ticket, headers=HTMX).content.decode()
    assert "3,980.00 USD" in body
    assert "96,019.00" in body
    empty = trader.post("/orders/estimate", ticket | {"quantity": ""}, headers=HTMX)
    assert "100,000.00" in empty.content.decode()


def test_the_ticket_of_a_halted_symbol_says_so_before_it_is_sent_and_after(trader, ticket):
    note = "AAPL is halted: orders are refused for now."
    assert note not in trader.post("/orders/estimate", ticket, headers=HTMX).content.decode()
    Instrument.objects.update(status="halted")
    assert note in trader.post("/orders/estimate", ticket, headers=HTMX).content.decode()
    answer = trader.post("/orders/review", ticket, headers=HTMX)
    assert answer.context["form"].problems[0].text == "AAPL is halted; it cannot be traded now."


def test_canceling_asks_the_engine(trader, ticket):
    trader.post("/orders/place", ticket | {"client_order_id": "key-1"})
    order = Order.objects.get()
    assert trader.post(f"/orders/{order.id}/cancel", headers=HTMX).status_code == 204
    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING_CANCEL


def test_the_list_says_why_an_order_ended_and_leads_to_its_story(trader, user):
    portfolio = Portfolio.objects.get(account__user=user)
    ended = {
        "status": OrderStatus.CANCELED,
        "closed_at": QUOTED_AT,
        "reason": "Gone with the wind.",
    }
    order = OrderFactory(portfolio=portfolio, **ended)
    body = trader.get("/orders").content.decode()
    assert "Gone with the wind." in body
    assert body.count(f'href="/orders/{order.id}"') == 3  # the symbol, and Explain for each width


def test_a_closed_order_cannot_be_canceled_and_the_page_says_so(trader, user):
    portfolio = Portfolio.objects.get(account__user=user)
    order = OrderFactory(portfolio=portfolio, status=OrderStatus.FILLED, closed_at=QUOTED_AT)
    answer = trader.post(f"/orders/{order.id}/cancel", headers=HTMX)
    assert "Not canceled" in answer["HX-Trigger"]
    assert trader.post(f"/orders/{order.id}/cancel")["Location"] == "/orders"


@pytest.mark.parametrize("path", ["/orders/{}/cancel", "/orders/{}"])
def test_anothers_order_is_not_there(trader, path):
    order = OrderFactory()
    method = trader.post if path.endswith("cancel") else trader.get
    assert method(path.format(order.id)).status_code == 404


@pytest.mark.parametrize("path", ["review", "place", "estimate"])
def test_an_unknown_symbol_is_not_there(trader, ticket, path):
    assert trader.post(f"/orders/{path}", ticket | {"symbol": "NOPE"}).status_code == 404
    assert trader.get(f"/orders/{path}").status_code == 405


def test_the_list_can_be_narrowed_and_paged(trader, user, django_assert_max_num_queries):
    portfolio = Portfolio.objects.get(account__user=user)
    for _ in range(30):
        OrderFactory(portfolio=portfolio)
    OrderFactory(portfolio=portfolio, status=OrderStatus.CANCELED, closed_at=QUOTED_AT)
    OrderFactory()
    with django_assert_max_num_queries(20):
        page = trader.get("/orders").context
    assert (page["totals"][0].count, page["totals"][0].open) == (31, 30)
    older = {"status": "open", "after": trader.get("/orders?status=open").context["leaf"].older}
    assert len(trader.get("/orders", older).context["orders"]) == 5
    for name in ("status", "show"):  # as it once was called
        assert len(trader.get(f"/orders?{name}=closed").context["orders"]) == 1


EXITS = {"take_profit": "110.00", "stop_loss_trail_percent": "4"}


def test_a_bracket_is_reviewed_and_sent_with_its_legs(trader, ticket):
    answer = trader.post("/orders/review", ticket | EXITS, headers=HTMX)
    facts = {fact.label: fact.text for fact in answer.context["facts"]}
    assert facts["Take profit, once it fills"] == "110.00 or better"
    assert facts["Stop loss, once it fills"] == "4 % behind the price"
    fields = dict(answer.context["ticket_fields"])
    assert (fields["take_profit"], fields["stop_loss_trail_percent"]) == ("110", "4")
    sent = trader.post("/orders/place", fields)
    again = trader.post("/orders/place", fields)
    assert sent.status_code == again.status_code == 302
    assert sorted(Order.objects.values_list("order_class", "leg", "status")) == [
        ("bracket", "", "accepted"),
        ("bracket", "stop_loss", "held"),
        ("bracket", "take_profit", "held"),
    ]
    page = trader.get("/orders").content.decode()
    assert page.index(">Bracket<") < page.index(">Take profit<") < page.index(">Stop loss<")


def test_exits_that_cannot_be_come_back_open_with_what_is_wrong(trader, ticket):
    answer = trader.post("/orders/review", ticket | {"take_profit": "90"}, headers=HTMX)
    page = answer.content.decode()
    assert '<details class="exits if-exits" open>' in page
    assert 'id="take_profit-error"' in page
    assert Order.objects.count() == 0


def test_where_a_point_marks_thousands_a_part_of_a_share_survives_the_review(trader, user, ticket):
    """The review sends 1.234 on by itself; its reader has said by 1.2340 which number is meant."""
    user.locale = "de"
    user.save()
    Instrument.objects.update(quantity_step=Decimal("0.0001"), exchange_step=Decimal(1))
    wanted = ticket | {"type": "market", "quantity": "1.234", "limit_price": ""}
    asked = trader.post("/orders/review", wanted).content.decode()
    assert "Write 1234 without marks for thousands, or 1.2340 if the point" in asked
    answer = trader.post("/orders/review", wanted | {"quantity": "1.2340"})
    trader.post("/orders/place", dict(answer.context["ticket_fields"]))
    assert Order.objects.get().quantity == Decimal("1.234")
    page = trader.get("/trade/AAPL?side=sell&quantity=1.234").content.decode()
    assert 'value="1.2340"' in page


@pytest.fixture
def hasty(trader, user):
    """The trader, who has said that orders need no review."""
    user.confirms_orders = False
    user.save()
    return trader


def key_on(page):
    return re.search(r'name="client_order_id" value="([^"]+)"', page.content.decode())[1]


def test_a_ticket_has_a_key_that_the_next_one_does_not(hasty, ticket):
    keys = {key_on(hasty.get("/trade/AAPL")) for _ in range(2)}
    assert len(keys) == 2
    back = hasty.post("/orders/review", ticket | {"client_order_id": "key-1", "quantity": ""})
    assert key_on(back) == "key-1"


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_pressed_again_after_a_lost_answer_it_is_the_same_order(hasty, ticket, headers):
    """Even where the first has taken the money that the second would need."""
    sent = ticket | {"client_order_id": "key-1", "quantity": "900"}
    answers = [hasty.post("/orders/review", sent, headers=headers) for _ in range(2)]
    assert Order.objects.get().client_order_id == "key-1"
    assert {answer.status_code for answer in answers} == {204 if headers else 302}
    if headers:
        keys = {json.loads(each["HX-Trigger"])["order-placed"]["next_key"] for each in answers}
        assert len(keys | {"key-1"}) == 3


def test_written_anew_after_it_was_sent_it_is_reviewed_with_a_new_key(hasty, ticket):
    hasty.post("/orders/review", ticket | {"client_order_id": "key-1"}, headers=HTMX)
    other = ticket | {"client_order_id": "key-1", "quantity": "41"}
    review = hasty.post("/orders/review", other, headers=HTMX)
    assert Order.objects.count() == 1
    fields = dict(review.context["ticket_fields"])
    assert fields["client_order_id"] != "key-1"
    hasty.post("/orders/place", fields, headers=HTMX)
    assert sorted(Order.objects.values_list("quantity", flat=True)) == [40, 41]


def test_with_a_review_a_spent_key_is_replaced_too(trader, ticket):
    trader.post("/orders/place", ticket | {"client_order_id": "key-1"}, headers=HTMX)
    review = trader.post("/orders/review", ticket | {"client_order_id": "key-1"}, headers=HTMX)
    assert "Send a second buy order" in review.content.decode()
    trader.post("/orders/place", dict(review.context["ticket_fields"]), headers=HTMX)
    assert Order.objects.count() == 2
