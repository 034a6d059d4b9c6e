"""Times on every page: by the clock of who reads, the exchange's or UTC only where it is named."""

import re
from html import unescape

import pytest
from django.test import Client

from accounts.models import User
from bengi import clock
from orders.tests.http import signed_in
from trades.tests.test_discreet import PATHS, busy, pages
from trades.tests.world import Trader, World

pytestmark = pytest.mark.django_db
TIME = re.compile(r"\b(\d\d):(\d\d)(?::\d\d)?(?:\.\d+)?( UTC| [A-Z][a-z]+(?: [A-Z][a-z]+)?)?")
ELSEWHERE = {"10", "15"}
"""The hours in New York and by UTC of all that happens; in Kolkata it is 20 and 21."""
NAMED = ("UTC", "New York", "London", "Tokyo")
BY_UTC = "/account/statement"
"""Whose days are of UTC, so that its columns say UTC in their heads."""
HEADED = {BY_UTC, "/help"}
"""Where the head of a column says whose clock it is: that of UTC, those of the exchanges."""


@pytest.fixture
def trader(world: World):
    clock.use(lambda: world.now)
    trader = busy(world)
    User.objects.filter(pk=trader.user.pk).update(time_zone="Asia/Kolkata")
    yield trader
    clock.reset()


def told_elsewhere(page: str) -> list[str]:
    """Return the times of a page that are of another clock, and do not say which."""
    main = page[max(0, page.find("<main")) :]
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())
    return [
        text[max(0, found.start() - 30) : found.end() + 20]
        for found in TIME.finditer(text)
        if found[1] in ELSEWHERE and not (found[3] or "").strip().startswith(NAMED)
    ]


def test_pages_tell_times_by_the_readers_clock(trader: Trader):
    reader: Client = signed_in(trader.user)
    seen = pages(reader, trader)
    told = {path: told_elsewhere(page) for path, page in seen.items()}
    assert {path: times for path, times in told.items() if times and path not in HEADED} == {}
    assert sum(bool(re.search(r"\b2[01]:\d\d:\d\d", page)) for page in seen.values()) > 8
    assert "When (UTC)" in seen[BY_UTC]
    assert "15:00:01" in seen[BY_UTC]


def test_the_exchanges_time_stands_beside(trader: Trader):
    page = signed_in(trader.user).get("/fills").content.decode()
    assert re.search(r'2\d:\d\d:\d\d <span class="beside">.*?UTC</span>', page)
    assert len(PATHS) > 30
