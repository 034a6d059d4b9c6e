"""What must hold on SQLite and on PostgreSQL alike: one writer's tests, and many spenders."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.labs.running import run_lab
from tests.realparts import note_lab

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "bengi", "instruments", "orders", "portfolios", "trades", "watchlists")
MONEY = ("adjustments", "api_money", "conversions", "foreign_currency", "moving_money")
CORRECTIONS = ("busts", "adjusts", "correction_refusals", "manual")
ENDPOINTS = (
    "accounts/tests/test_money_page.py",
    "accounts/tests/test_statements.py",
    "accounts/tests/test_one_moment.py",
    "accounts/tests/test_transactions.py",
    "bengi/tests/test_ahead.py",
    "bengi/tests/test_bulk.py",
    "bengi/tests/test_bulk_bugs.py",
    "bengi/tests/test_event_archive.py",
    "bengi/tests/test_frozen.py",
    "bengi/tests/test_listing.py",
    "bengi/tests/test_live_schema.py",
    "bengi/tests/test_log_reader.py",
    "bengi/tests/test_plans.py",
    "bengi/tests/test_query_budgets.py",
    "bengi/tests/test_relay.py",
    "bengi/tests/test_retries.py",
    "instruments/tests/test_archive.py",
    "instruments/tests/test_listings.py",
    "orders/tests/test_batch.py",
    "orders/tests/test_order_list.py",
    "orders/tests/test_resetting.py",
    "orders/tests/test_together.py",
    "portfolios/tests/test_history.py",
    "portfolios/tests/test_opening.py",
    "portfolios/tests/test_performance.py",
    "portfolios/tests/test_portfolio_page.py",
    "portfolios/tests/test_positions_page.py",
    "portfolios/tests/test_summary.py",
    "trades/tests/test_fill_list.py",
    "trades/tests/test_notices.py",
    "trades/tests/test_period.py",
    "trades/tests/test_staff_desk.py",
    "trades/tests/test_summary_of_trades.py",
    "trades/tests/test_tape.py",
    "watchlists/tests/test_api.py",
    "watchlists/tests/test_firing.py",
    "watchlists/tests/test_list_views.py",
    "watchlists/tests/test_market_views.py",
)
"""Lists, sums by day and sets of rows: what the databases do in ways of their own."""

RACE_ROUNDS = int(os.environ.get("RACE_ROUNDS", "200"))
RACES = {
    "double spend": 4,
    "sell against sell": 4,
    "withdraw against buy": 4,
    "cancel against fill": 4,
    "replace against fill": 4,
    "cancel against a leg": 4,
    "bust against sell": 2,
    "bust against fill": 2,
    "opposite order": 1,
}
"""How many quarters of the rounds each race runs."""


def run(*command: str, timeout_s: float = 600, **environment: str) -> str:
    """Run a command in a fresh interpreter and return its standard output."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def assert_ten_of_a_hundred(vendor: str, **environment: str) -> None:
    assert run_lab("double_spend", 100, 10, timeout_s=600, **environment) == {
        "answers": {"accepted": 10, "insufficient_funds": 90},
        "wrong": [],
        "vendor": vendor,
    }


def test_what_sqlite_skips_is_played_on_postgres() -> None:
    """A skip is no loss as long as the run plays that file on the other database."""
    skipping = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("test_*.py")
        if re.search(r'\bon_postgresql\(|connection.vendor != "postgresql"', path.read_text())
    }
    assert skipping
    assert skipping <= set(ENDPOINTS)


@pytest.mark.parametrize("lane", ["0", "1"])
def test_a_hundred_spenders_with_cash_for_ten_on_sqlite(tmp_path: Path, lane: str) -> None:
    file = str(tmp_path / "spend.sqlite3")
    assert_ten_of_a_hundred("sqlite", BENGI_DATABASE=file, BENGI_FAST_LANE=lane)


def test_a_hundred_spenders_with_cash_for_ten_on_postgres(postgres_url: str) -> None:
    assert_ten_of_a_hundred("postgresql", DATABASE_URL=postgres_url, BENGI_FAST_LANE="0")


@pytest.mark.parametrize("pool", ["2", "5"])
def test_a_hundred_spenders_share_transactions_and_few_connections(
    postgres_url: str, pool: str
) -> None:
    """Who waits for a group holds no connection: the leader would wait for one of theirs."""
    assert_ten_of_a_hundred("postgresql", DATABASE_URL=postgres_url, BENGI_DATABASE_POOL=pool)


def assert_one_successor_of_twenty(vendor: str, **environment: str) -> None:
    assert run_lab("refresh_race", 20, timeout_s=600, **environment) == {
        "vendor": vendor,
        "successors": [20],
        "errors": {},
        "tokens": 2,
        "unspent": 1,
        "live": 1,
        "next": True,
    }


def test_twenty_refreshes_of_one_token_give_one_successor_on_sqlite(tmp_path: Path) -> None:
    assert_one_successor_of_twenty("sqlite", BENGI_DATABASE=str(tmp_path / "refresh.sqlite3"))


def test_twenty_refreshes_of_one_token_give_one_successor_on_postgres(postgres_url: str) -> None:
    assert_one_successor_of_twenty("postgresql", DATABASE_URL=postgres_url)


@pytest.mark.slow
def test_races_for_the_same_money_and_shares_on_postgres(
    postgres_url: str, pytestconfig: pytest.Config
) -> None:
    """Everybody who spends, sells, cancels, withdraws and fills at once leaves clean books."""
    told = run_lab("races", RACE_ROUNDS, timeout_s=600, DATABASE_URL=postgres_url)
    assert told["wrong"] == []
    for race, ends in told["told"].items():
        assert sum(ends.values()) == RACES[race] * RACE_ROUNDS // 4, race
    # A race that always ends the same way has not been run.
    assert len(told["told"]["cancel against fill"]) == 2
    assert len(told["told"]["replace against fill"]) == 2
    assert len(told["told"]["cancel against a leg"]) == 2
    assert len(told["told"]["bust against sell"]) == 2
    assert len(told["told"]["bust against fill"]) == 2
    rounds = ", ".join(f"{race} {sum(ends.values())}" for race, ends in told["told"].items())
    note_lab(pytestconfig, "races, postgres", f"{rounds}; nothing wrong, no deadlock")


@pytest.mark.slow
def test_the_engine_and_its_books_on_postgres(postgres_url: str) -> None:
    """The use-case tests run again, as they are, on a real PostgreSQL."""
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "trades/tests/test_engine.py"]
    money = [f"accounts/tests/test_{name}.py" for name in MONEY]
    command += ["trades/tests/test_preview.py", "trades/tests/test_settling.py", *money]
    command += ["trades/tests/test_lots.py", "trades/tests/test_costs.py"]
    command += ["trades/tests/test_groups.py", "trades/tests/test_replacing_in_groups.py"]
    command += ["trades/tests/test_setting_aside.py", "trades/tests/test_late_ticks.py"]
    splits = ("splitting", "split_orders", "split_market", "dividend_actions")
    command += [f"trades/tests/test_{name}.py" for name in splits]
    command += [f"trades/tests/test_{name}.py" for name in CORRECTIONS]
    command += ["trades/tests/test_amounts.py", "trades/tests/test_coins.py"]
    command += ["bengi/audit/tests", "bengi/tests/test_staff_deeds.py"]
    command += ["accounts/tests/test_roles.py", "accounts/tests/test_standing.py"]
    printed = run(*command, DATABASE_URL=postgres_url)
    assert " passed" in printed
    assert "skipped" not in printed


@pytest.mark.slow
def test_the_endpoints_on_postgres(postgres_url: str) -> None:
    """Filters, orders, files, sums and batches answer the same on a real PostgreSQL."""
    printed = run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", *ENDPOINTS, DATABASE_URL=postgres_url
    )
    assert " passed" in printed
    assert "skipped" not in printed
