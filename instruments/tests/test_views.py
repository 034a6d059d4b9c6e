"""The search, with and without script, and the notices."""

import pytest

from accounts.tests.factories import UserFactory
from instruments.tests.factories import InstrumentFactory


@pytest.fixture
def trader(client, db):
    client.force_login(UserFactory())
    InstrumentFactory(symbol="KO", name="The Coca-Cola Company")
    InstrumentFactory(symbol="KOKO", name="Koko")
    return client


def test_an_exact_symbol_leads_straight_to_it(trader):
    answer = trader.get("/search?q=ko")
    assert answer.status_code == 302
    assert answer["Location"] == "/trade/KO"


def test_a_word_of_the_name_finds_it(trader):
    answer = trader.get("/search?q=coca")
    assert b'href="/trade/KO"' in answer.content
    assert b"Koko" not in answer.content


def test_suggestions_are_a_part_of_a_page(trader):
    answer = trader.get("/search?q=ko", headers={"HX-Request": "true"})
    assert answer.content.count(b"<a ") == 2
    assert b"<html" not in answer.content


def test_what_is_searched_for_is_written_safely(trader):
    answer = trader.get("/search", {"q": "<script>"})
    assert b"<script>\xe2\x80\x9d" not in answer.content
    assert b"&lt;script&gt;" in answer.content


def test_the_notices_name_the_chart_library(client, db):
    answer = client.get("/licences")
    assert b"TradingView" in answer.content
    assert b"https://www.tradingview.com/" in answer.content
