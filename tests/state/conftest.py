"""Walks go by real hours: the exchange's sessions, its holidays and short days."""

import pytest


@pytest.fixture(autouse=True)
def real_hours(settings):
    settings.MARKET_HOURS = "exchange"
