"""Buying abroad: trading-rules.md, "Multi-currency: one balance per currency"."""

from decimal import Decimal

import pytest

from accounts.conversions import convert
from accounts.tests.money_stage import cash, rate
from bengi.errors import Refused
from trades.tests.world import assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db


def test_a_foreign_share_needs_its_currency_and_the_refusal_names_convert():
    with open_world() as world:
        trader = world.trader(cash="1000")
        sony = world.instrument("6758", mic="XTKS", currency="JPY", tick_size=Decimal(1))
        world.tick(sony, "1000", "1000")
        with pytest.raises(Refused) as refused:
            world.place(trader, sony, "buy", 10, limit="1000")
        assert refused.value.code == "insufficient_funds"
        assert refused.value.details == {"needed": "10000", "available": "0"}
        assert "Convert USD to JPY first" in refused.value.detail
        assert "/convert" in refused.value.detail
        rate("USD/JPY", "150.55", world.now)
        convert(trader.account.id, "USD", "JPY", Decimal(100), key="k", now=world.now)
        world.place(trader, sony, "buy", 10, limit="1000")
    assert (cash(trader.account), cash(trader.account, "JPY")) == (900, 5055)
    assert_books_are_clean()
