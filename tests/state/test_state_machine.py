"""The broker against a plain model, after every step of hypothesis's walks.

300 walks of 40 steps, some in each season and every time the same, so that a run does not pass by
luck; FUZZ_EXAMPLES asks for so many others (`make fuzz N=5000`).
"""

import os

import pytest

from tests.state.stage import SEASONS, set_up
from tests.state.walking import walk

IS_FUZZ = "FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
WALKS_ENOUGH = 300
MUST_HAPPEN = {
    *("filled", "partially_filled", "canceled", "expired", "new", "replaced", "fired"),
    *("insufficient_position", "stale_quote", "symbol_halted", "idempotency_mismatch"),
    *("account_frozen", "opening_is_over", "expiry_in_the_past", "invalid_trail", "max_notional"),
    *("order_not_replaceable", "order_not_cancelable"),
    *("possible_duplicate", "trading_halted"),
    *("withdraw", "insufficient_available", "to EUR", "fenced", "came"),
    *("market cls", "trailing_stop gtc", "stop_limit day", "market gtd"),
    *("split", "reverse split", "dividends", "ex_date_has_begun"),
    *("busted", "lot_in_use", "sold_since", "changed_since", "by hand", "order_not_executable"),
    *("price_beyond_limit", "quantity_above_leaves"),
    "oco take_profit canceled",
}
"""A machine that finds nothing must at least have been somewhere, in every season."""


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("season", SEASONS)
def test_the_broker_is_the_model(season):
    seed = None if IS_FUZZ else list(SEASONS).index(season)
    seen = walk(set_up(season), -(-EXAMPLES // len(SEASONS)), seed=seed).seen
    print(dict(seen))
    missing = {what for what in MUST_HAPPEN if not seen[what]}
    assert not missing or EXAMPLES < WALKS_ENOUGH, f"the walks never came across {missing}"
