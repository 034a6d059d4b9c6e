"""The profiles are the published table, word for word."""

from datetime import timedelta

import pytest

from bengi.terms import Realism
from instruments.realism import PROFILES, Touch, profile_of

TABLE = {
    # guard s, any size, share of volume %, impact c %, half-spreads, latency ms, touch
    "instant": (60, True, 0, 0, 0, 0, Touch.FILLS),
    "realistic": (15, False, 10, 10, 1, 0, Touch.AFTER_QUEUE),
    "harsh": (5, False, 5, 20, 2, 250, Touch.NEVER),
}


@pytest.mark.parametrize("name", [*Realism])
def test_a_profile_is_its_line_of_the_table(name):
    profile = profile_of(name)
    guard_s, is_unlimited, share, impact, spread, latency_ms, touch = TABLE[name]
    assert profile.name == name
    assert profile.max_age == timedelta(seconds=guard_s)
    assert profile.is_unlimited is is_unlimited
    assert (profile.volume_percent, profile.impact_percent) == (share, impact)
    assert profile.spread_factor == spread
    assert profile.latency == timedelta(milliseconds=latency_ms)
    assert profile.touch is touch


def test_every_profile_is_in_the_table():
    assert set(PROFILES) == set(TABLE)


def test_a_market_faster_than_the_clock_needs_longer_guards():
    ages = [profile_of(name, 30).max_age.total_seconds() for name in Realism]
    assert ages == [60, 30, 30]
    assert profile_of("harsh", 30).latency == profile_of("harsh").latency


def test_another_word_is_no_profile():
    with pytest.raises(ValueError, match="lenient"):
        profile_of("lenient")
