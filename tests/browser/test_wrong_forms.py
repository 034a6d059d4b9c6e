"""Every form, sent with something wrong: told beside the field, where the reader then stands."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.bars import tally
from tests.browser.conftest import Person, sign_up
from tests.browser.watch import Watch

# form | page | which form there | what is typed | the field that is wrong
SIGNED_OUT = """
sign in | /signin | [action='/signin'] | email=no@bengi.example password=wrong | password
sign up | /signup | [action='/signup'] | name=Ada email=a@b.example password=12345678901 | password
forgotten password | /password/forgot | main * | email=nobody | email
"""
SIGNED_IN = """
ticket | /trade/AAPL | #ticket-form | quantity=many | quantity
deposit | /account?move=deposit | #money * | amount=-5 | amount
withdrawal | /account?move=withdraw | #money * | amount=999999999 | amount
conversion | /account?move=convert | #money * | amount=some | amount
statement's days | /account | #statement * | from=2020-01-02 to=2020-01-01 | to
printed statement | /account/statement | main form[role=search] | from=2020-01-02 to=2020-01-01 | to
alert | /alerts | [action='/alerts'] | symbol=AAPL level=1 | level
symbol of a watchlist | /watchlists | :has([name=symbol]) | symbol=NOPE | symbol
new watchlist | /watchlists | [action='/watchlists'] | name=Core | name
name of a watchlist | /watchlists | [action$='/rename'] | name= | name
filter of orders | /orders | main form[role=search] | from=2020-01-02 to=2020-01-01 | to
filter of fills | /fills | main form[role=search] | from=2020-01-02 to=2020-01-01 | to
portfolio's benchmark | /portfolio | :has([name=benchmark]) | benchmark=NOPE | benchmark
profile | /settings/profile | [action$=profile] | name= | name
e-mail address | /settings/profile | [action$=email] | email=n@b.example password=wrong | password
password | /settings/password | :has([name^=new]) | password=wrong new_password=phrase | password
second factor | /settings/second-factor | :has([name=password]) | password=wrong | password
API key | /settings/api-keys | :has([name=scopes]) | name= | name
"""
SECRET = {"password", "new_password"}
TOLD = """
(field) => (field.getAttribute("aria-describedby") ?? "").split(" ")
  .filter((id) => id.endsWith("-error")).map((id) => document.getElementById(id))
  .filter((told) => told?.checkVisibility()).map((told) => told.textContent.trim()).join(" ")
"""


@dataclass(frozen=True)
class Wrong:
    """A form, what is typed into it, and the field that must say what is wrong."""

    name: str
    page: str
    form: str
    typed: dict[str, str]
    field: str


def forms(table: str) -> list[Wrong]:
    found = []
    for line in table.strip().splitlines():
        name, page, form, typed, field = (cell.strip() for cell in line.split("|"))
        form = form.replace("*", "form") if "#" in form or "main" in form else f"form{form}"
        pairs = (pair.partition("=") for pair in typed.split())
        found.append(Wrong(name, page, form, {key: value for key, _, value in pairs}, field))
    return found


def test_every_form_that_is_wrong_says_so(visitor: Page, person: Person, watch: Watch):
    for wrong in forms(SIGNED_OUT):
        _send_and_look(visitor, wrong)
    sign_up(visitor, person)
    for wrong in forms(SIGNED_IN):
        _send_and_look(visitor, wrong)
    for status in ("400", "422"):
        watch.forgive(f"answer {status}")
        watch.forgive(f"the server responded with a status of {status}")


def _send_and_look(page: Page, wrong: Wrong) -> None:
    """Send the form by its button; the message, its field and what was typed must be there."""
    page.goto(wrong.page)
    form = page.locator(wrong.form).first
    for name, value in wrong.typed.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("button[type=submit]").first.click()
    field = page.locator(f"[name={wrong.field}][aria-invalid=true]")
    expect(field, wrong.name).to_be_focused()
    told = field.evaluate(TOLD)
    form = page.locator("form", has=field)
    typed = {name: value for name, value in wrong.typed.items() if name not in SECRET}
    kept = {name: form.locator(f"[name={name}]").input_value() for name in typed}
    tally(11, "forms", wrong.name, faults=not told or kept != typed)
    assert told, f"{wrong.name}: nothing is told beside the field"
    assert kept == typed, wrong.name
