"""The product, browsers that look at it in every way, and people to drive them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.product import Product, running_product
from tests.browser.watch import Watch, count_posts

LOOKS = {
    "dark-desk": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "light-desk": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark-phone": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "dark",
        "has_touch": True,
        "is_mobile": True,
    },
    "light-phone": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "light",
        "has_touch": True,
        "is_mobile": True,
    },
}
PASSWORD = "a-long-enough-phrase"
TIMEOUT_MS = 15_000
_numbers = itertools.count(1)

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Start the product once for all browser tests."""
    with running_product(tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture
def look(request: pytest.FixtureRequest) -> str:
    """How the browser looks at the product; tests name others by indirect parameters."""
    return getattr(request, "param", "dark-desk")


@pytest.fixture
def watch(product: Product) -> Iterator[Watch]:
    made = Watch(product.url)
    yield made
    made.count()


@pytest.fixture
def open_context(
    browser: Browser, product: Product, look: str
) -> Iterator[Callable[..., BrowserContext]]:
    """Return a function that opens a browser context of this look."""
    opened: list[BrowserContext] = []

    def open_one(**options: Any) -> BrowserContext:
        settings = {**LOOKS[look], "reduced_motion": "reduce", "base_url": product.url, **options}
        opened.append(browser.new_context(**settings))
        opened[-1].set_default_timeout(TIMEOUT_MS)
        return opened[-1]

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def visitor(open_context: Callable[..., BrowserContext], watch: Watch) -> Iterator[Page]:
    """A page of somebody who is not signed in. What goes wrong on it fails the test."""
    page = open_context().new_page()
    watch.follow(page)
    yield page
    assert watch.mishaps == []


@pytest.fixture
def plain_page(open_context: Callable[..., BrowserContext], watch: Watch) -> Iterator[Page]:
    """The same in a browser that runs no script."""
    page = open_context(java_script_enabled=False).new_page()
    watch.follow(page)
    count_posts(page)
    yield page
    assert watch.mishaps == []


@dataclass(frozen=True)
class Person:
    """Somebody with an account of 100,000 USD that nobody else trades in."""

    name: str
    email: str
    password: str = PASSWORD


@pytest.fixture
def person() -> Person:
    number = next(_numbers)
    return Person(f"Person {number}", f"person{number}@bengi.example")


@pytest.fixture
def trader(visitor: Page, person: Person) -> Page:
    """A page of somebody who has just signed up, on the trade page of the first symbol."""
    sign_up(visitor, person)
    return visitor


def sign_up(page: Page, person: Person) -> None:
    """Fill in the form as a person does."""
    page.goto("/signup")
    page.get_by_label("Name").fill(person.name)
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/trade/*")
