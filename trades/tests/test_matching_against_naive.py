"""The fast market and the naive one, move by move on random games."""

from types import SimpleNamespace

from hypothesis import given, settings

from instruments import realism
from trades.matching import market, outcomes, working
from trades.tests.market_game import games, play_game

SUBJECT = SimpleNamespace(
    Market=market.Market,
    WorkingOrder=working.WorkingOrder,
    StreetQuote=working.StreetQuote,
    Fill=outcomes.Fill,
    realism=realism,
)


@settings(max_examples=3000, deadline=None)
@given(games)
def test_fast_and_naive_market_agree(game):
    play_game(SUBJECT, game)
