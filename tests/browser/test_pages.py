"""Every page, signed in or not, in both themes and on a phone: accessible, quiet, and it fits."""

from decimal import Decimal
from random import Random

import pytest
from playwright.sync_api import Page, expect

from bengi import numerals
from tests.browser import bench
from tests.browser.conftest import LOOKS, Person
from tests.browser.watch import Watch, assert_accessible, assert_fits

IN_THE_BROWSER = """
async (values) => {
  const n = await import("/static/js/numbers.js");
  return values.map((text) => {
    const value = n.units(text);
    const short = [n.compact(value), n.quantity(value), n.plain(value)];
    return [n.fixed(value, 2), n.signed(value, 3), ...short];
  });
}
"""


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_pages_of_a_trader(trader: Page, watch: Watch):
    page = trader
    for address in (
        "/positions",
        "/orders",
        "/fills",
        "/account",
        "/alerts",
        "/search?q=an",
        "/licences",
    ):
        page.goto(address)
        assert_accessible(page)
        assert_fits(page)
    page.goto("/nowhere")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert_accessible(page)
    watch.forgive("/nowhere")
    watch.forgive("404")


def test_a_form_that_is_wrong_says_so(visitor: Page):
    visitor.goto("/signup")
    visitor.get_by_label("Name").fill("Ada")
    visitor.get_by_label("E-mail").fill("ada@bengi.example")
    visitor.get_by_label("Password").fill("12345678901")
    visitor.get_by_role("button", name="Create account").click()
    password = visitor.get_by_label("Password")
    expect(visitor.locator("#password-error")).to_contain_text("entirely numeric")
    expect(password).to_be_focused()
    expect(visitor.get_by_label("E-mail")).to_have_value("ada@bengi.example")
    assert_accessible(visitor)


def test_a_wrong_password_and_an_unknown_address_get_the_same_words(visitor: Page):
    told = []
    for email in ("demo@bengi.example", "nobody@bengi.example"):
        visitor.goto("/signin")
        visitor.get_by_label("E-mail").fill(email)
        visitor.get_by_label("Password").fill("not the password")
        visitor.get_by_role("button", name="Sign in").click()
        told.append(visitor.locator("#password-error").inner_text())
    assert told[0] == told[1] != ""


def test_sign_in_goes_on_to_where_one_was_headed(trader: Page, person: Person):
    trader.goto("/account")
    trader.get_by_role("main").get_by_role("button", name="Sign out").click()
    trader.goto("/trade/KO?bar=5min")
    trader.get_by_label("E-mail").fill(person.email.upper())
    trader.get_by_label("Password").fill(person.password)
    trader.get_by_role("button", name="Sign in").click()
    trader.wait_for_url("**/trade/KO?bar=5min")


def test_the_theme_is_there_before_the_first_paint(trader: Page):
    trader.emulate_media(color_scheme="dark")
    with trader.expect_response("**/settings/theme"):
        trader.get_by_role("button", name="Switch between light and dark").click()
    expect(trader.locator("html")).to_have_attribute("data-theme", "light")
    html = trader.request.get("/positions").text()
    assert '<html lang="en" data-theme="light">' in html


def test_up_can_be_red(trader: Page):
    trader.goto("/account")
    trader.get_by_text("Red up").click()
    trader.get_by_role("button", name="Save").click()
    expect(trader.locator("html")).to_have_attribute("data-updown", "red-up")


def test_the_chart_draws_other_bars_and_tells_them_as_a_table(trader: Page):
    bench.await_live(trader)
    with trader.expect_response("**/bars?interval=1h*") as answer:
        trader.get_by_role("link", name="1h", exact=True).click()
    bars = answer.value.json()["results"]
    trader.get_by_text("The last bars as a table").click()
    rows = trader.get_by_role("region", name="Last bars").locator("tbody tr")
    expect(rows).to_have_count(20)
    newest_but_one = rows.nth(1).locator("td").all_inner_texts()
    assert bench.amount(newest_but_one[0]) == Decimal(bars[-2]["open"])
    assert bench.amount(newest_but_one[3]) == Decimal(bars[-2]["close"])


def test_numbers_are_written_alike_on_both_sides(visitor: Page):
    visitor.goto("/")
    random = Random(20131007)
    values = [Decimal(0), Decimal("-0.005"), Decimal("0.015"), Decimal("999950")]
    for _ in range(500):
        digits = random.randrange(1, 13)
        whole = random.randrange(10**digits)
        values.append(Decimal(random.choice([whole, -whole])).scaleb(-random.randrange(9)))
    texts = [f"{value:f}" for value in values]
    theirs = visitor.evaluate(IN_THE_BROWSER, texts)
    ours = [
        [
            numerals.fixed(value, 2),
            numerals.signed(value, 3),
            numerals.compact(value),
            numerals.quantity(value),
        ]
        for value in values
    ]
    assert [row[:4] for row in theirs] == ours
    assert [Decimal(row[4]) for row in theirs] == values
