"""The catalog's facts hang together."""

from collections import Counter
from decimal import Decimal

from bengi.money import MINOR_UNITS
from instruments.calendar import MICS
from instruments.catalog import listings


def places(value) -> int:
    return max(0, -value.as_tuple().exponent)


def test_some_forty_instruments_of_many_exchanges_and_currencies() -> None:
    found = listings()
    assert 38 <= len(found) <= 45
    assert {each.mic for each in found} == set(MICS)
    assert {each.currency for each in found} == {"USD", "EUR", "GBP", "JPY", "HKD"}
    assert max(Counter(each.symbol for each in found).values()) == 1
    assert {"SPY", "IBM", "BAC", "AAPL"} <= {each.symbol for each in found}
    assert [each.symbol for each in found if not each.has_feed] == ["BNGI"]


def test_prices_stand_on_the_tick_and_amounts_fit_eight_places() -> None:
    for each in listings():
        assert each.starting_price % each.tick_size == 0, each.symbol
        assert max(places(each.tick_size), places(each.quantity_step)) <= 8
        assert each.starting_price >= 100 * each.tick_size
        assert each.quantity_step > 0
        assert each.currency in MINOR_UNITS
        assert each.name
        assert each.name == each.name.strip()


def test_yen_prices_are_whole() -> None:
    assert {each.tick_size for each in listings() if each.currency == "JPY"} == {1}


def test_parts_can_be_had_of_us_shares_and_of_coins_only() -> None:
    """US shares in steps of 0.0001, their exchanges trading whole ones; coins to the last place."""
    for each in listings():
        in_us = each.mic in {"XNYS", "XNAS", "ARCX"}
        assert each.exchange_step == (1 if in_us else None), each.symbol
        if in_us:
            assert each.quantity_step == Decimal("0.0001")
        else:
            assert (each.quantity_step < 1) == (each.type == "crypto")


def test_two_coins_trade_at_the_house_venue() -> None:
    coins = {each.symbol: each for each in listings() if each.type == "crypto"}
    assert set(coins) == {"BTCUSD", "ETHUSD"}
    for each in coins.values():
        assert (each.mic, each.currency, each.has_feed) == ("BNGI", "USD", True)
        assert (each.tick_size, each.quantity_step) == (Decimal("0.01"), Decimal("0.00000001"))


def test_companies_have_sectors_and_funds_and_coins_have_none() -> None:
    for each in listings():
        if each.type != "stock":
            assert each.sector == "", each.symbol
    without = {each.symbol for each in listings() if each.type == "stock" and not each.sector}
    assert without == {"BNGI", "9984"}  # a class stock, and a holding that is in many of them
