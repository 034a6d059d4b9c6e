"""The page of the API: from our own files, under the policy of every page, and it can be used."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.watch import assert_nothing_sticks_out


@pytest.mark.parametrize("look", ["light-desk", "light-phone"], indirect=True)
def test_an_operation_can_be_opened(visitor: Page, look: str):
    answer = visitor.goto("/api/docs")
    assert "unsafe" not in answer.headers["content-security-policy"]
    operation = visitor.locator("#operations-orders-place_an_order")
    operation.locator("button.opblock-summary-control").click()
    expect(operation).to_contain_text("insufficient_funds")
    expect(operation).to_contain_text("client_order_id")
    assert_nothing_sticks_out(visitor)


def test_a_trader_can_try_one(trader: Page):
    """Signed in by the session of the pages, with its CSRF token."""
    trader.goto("/api/docs")
    operation = trader.locator("#operations-orders-preview_an_order")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    body = operation.locator("textarea.body-param__text")
    body.fill('{"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"}')
    with trader.expect_response("**/api/v1/orders/preview") as answer:
        operation.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200
    assert answer.value.json()["symbol"] == "AAPL"
    expect(operation.locator(".live-responses-table tbody .response-col_status")).to_have_text(
        "200"
    )
