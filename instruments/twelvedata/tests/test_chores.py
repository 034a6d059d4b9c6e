"""Chores: once in their while, whoever comes second; in parts, where credits are few."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache

from instruments.models import Bar
from instruments.tests.factories import BarFactory, InstrumentFactory
from instruments.twelvedata import chores, wiring
from instruments.twelvedata.chores import CHORES, run_chore
from instruments.twelvedata.desk import Desk
from instruments.twelvedata.governor import Priority
from instruments.twelvedata.ledgers import MemoryLedger
from instruments.twelvedata.poller import Want
from instruments.twelvedata.tests.server import DAY_OUT, Said, error_document, serving

pytestmark = pytest.mark.django_db

D = Decimal
EVENING = datetime(2026, 11, 25, 22, 45, tzinfo=UTC)
BY_NAME = {chore.name: chore for chore in CHORES}


class House:
    """A desk with a server of its own; answers are by path."""

    def __init__(self, server):
        self.server, self.now = server, EVENING
        self.answers, self.rates = {}, []
        self.ledger = MemoryLedger()
        self.again()

    def again(self):
        """Be another process, with the same credits."""
        self.desk = Desk(lambda: self.now, lambda seconds: None, self.ledger)
        self.rest = self.desk.rest()

    def do(self, name):
        return run_chore(BY_NAME[name], self.desk, self.rest, self.now)

    @property
    def paths(self):
        return [asked.path for asked in self.server.asked]


@pytest.fixture
def house(settings):
    settings.MARKET_HOURS = "exchange"
    settings.TWELVE_DATA_API_KEY = "key"
    cache.clear()
    before = wiring.in_use()
    with serving(lambda asked: house.answers[asked.path](asked)) as server:
        settings.TWELVE_DATA_BASE_URL = server.url
        house = House(server)
        yield house
        house.desk.close()
    wiring.use(before)
    cache.clear()


def test_a_chore_is_done_once_in_its_while_whoever_begins_it(house):
    house.answers["/api_usage"] = lambda asked: {
        "current_usage": 3,
        "plan_limit": 8,
        "daily_usage": 700,
        "plan_daily_limit": 800,
    }
    assert house.do("usage")
    house.again()
    assert not house.do("usage")
    assert house.paths == ["/api_usage"]
    assert house.desk.governor.standing(house.now).day_left == 100
    house.now += timedelta(hours=1)
    assert house.do("usage")


def test_one_that_somebody_is_at_is_left_alone_and_one_that_failed_is_tried_later(house):
    house.answers["/api_usage"] = lambda asked: Said("", 500)
    assert not house.do("usage")
    house.answers["/api_usage"] = lambda asked: {"current_usage": 1, "plan_limit": 8}
    assert not house.do("usage")  # whoever failed still has the lease
    cache.delete("twelvedata:doing:usage")  # it has run out
    assert house.do("usage")


def test_without_credits_nothing_is_asked_and_the_lease_is_given_back(house):
    house.desk.governor.take(8, Priority.ORDER, house.now)
    assert not house.do("usage")
    assert house.paths == []
    house.answers["/api_usage"] = lambda asked: {"current_usage": 1, "plan_limit": 8}
    house.now += timedelta(minutes=1)
    assert house.do("usage")


def test_a_day_without_credits_is_learned_by_a_chore_too(house):
    house.answers["/api_usage"] = lambda asked: DAY_OUT
    house.do("usage")
    assert house.desk.governor.standing(house.now).closed_by == "day"


def rates_answer(asked):
    def rate(pair):
        return {"symbol": pair, "rate": 1.25, "timestamp": 1795618800}

    pairs = asked.parameters["symbol"].split(",")
    return rate(pairs[0]) if len(pairs) == 1 else {pair: rate(pair) for pair in pairs}


def test_rates_come_in_parts_and_none_is_asked_for_twice(house):
    pairs = [f"{base}/USD" for base in ("AUD", "CAD", "CHF", "EUR", "GBP", "HKD", "JPY")]
    kept = []
    wiring.use(
        wiring.Wiring(pairs=lambda: pairs, keep_rates=lambda rates, now: kept.extend(rates) or 0)
    )
    house.answers["/exchange_rate"] = rates_answer
    assert not house.do("rates")
    assert [rate.base for rate in kept] == ["AUD", "CAD", "CHF", "EUR"]
    house.now += timedelta(minutes=1)
    assert house.do("rates")
    assert [rate.base for rate in kept] == ["AUD", "CAD", "CHF", "EUR", "GBP", "HKD", "JPY"]
    assert not house.do("rates")
    assert house.desk.governor.standing(house.now).day_used == 7


def test_market_states_are_held_against_the_calendar(house, caplog):
    InstrumentFactory(symbol="AAPL", mic="XNAS")
    InstrumentFactory(symbol="VOD", mic="XLON", currency="GBP")
    InstrumentFactory(symbol="7203", mic="XTKS", currency="JPY")
    house.answers["/market_state"] = lambda asked: [
        {"name": "JPX", "code": "XJPX", "is_market_open": True},
        {"name": "NASDAQ", "code": "XNAS", "is_market_open": True},
        {"name": "LSE", "code": "XLON", "is_market_open": False},
        {"name": "TSX", "code": "XTSE", "is_market_open": True},
    ]
    assert house.do("states")
    assert cache.get(chores.STATES) == {"XNAS": "open", "XTKS": "open"}
    assert "XNAS is open" in caplog.text


def test_listings_that_differ_are_kept_for_staff_and_change_nothing(house):
    for symbol, mic, currency in [
        ("AAPL", "XNAS", "USD"),
        ("GONE", "XNAS", "USD"),
        ("MOVED", "XNAS", "USD"),
        ("QQQ", "XNAS", "USD"),
        ("VOD", "XLON", "GBP"),
        ("SAP", "XETR", "EUR"),
    ]:
        InstrumentFactory(symbol=symbol, mic=mic, currency=currency)

    def stocks(asked):
        mic = asked.parameters["mic_code"]
        if mic == "XETR":
            return Said(error_document(403, "available from Grow"), 403)
        rows = {
            "XNAS": [("AAPL", "XNGS", "USD"), ("MOVED", "XNMS", "CAD")],
            "XLON": [("VOD", "XLON", "GBp")],
        }[mic]
        data = [{"symbol": s, "mic_code": m, "currency": c, "name": s} for s, m, c in rows]
        return {"data": data, "status": "ok"}

    def etfs(asked):
        data = [{"symbol": "QQQ", "mic_code": "XNMS", "currency": "USD", "name": "QQQ"}]
        return {"data": data if asked.parameters["mic_code"] == "XNAS" else [], "status": "ok"}

    house.answers.update({"/stocks": stocks, "/etfs": etfs})
    house.desk.governor.take(2, Priority.ORDER, house.now)
    assert not house.do("listings")  # one refuses for nothing, one is paid, then the part is used
    assert len(house.paths) == 3
    house.now += timedelta(minutes=1)
    assert house.do("listings")
    assert len(house.paths) == 5
    assert cache.get(chores.REPORT)["differing"] == [
        "GONE.XNAS: not listed any more",
        "MOVED.XNAS: in CAD, here USD",
    ]
    house.now += timedelta(hours=6)
    assert not house.do("listings")
    house.now += timedelta(hours=18)
    assert house.do("listings")


def series(asked):
    symbol, interval = asked.parameters["symbol"], asked.parameters["interval"]
    at = ["2026-11-24", "2026-11-25"]
    if interval == "1min":
        at = [f"2026-11-25 14:{30 + n}:00" for n in range(10)]
    values = [
        {"datetime": day, "open": "10", "high": "12", "low": "9", "close": "11", "volume": "100"}
        for day in reversed(at)
    ]
    meta = {"symbol": symbol, "interval": interval, "currency": "USD", "mic_code": "XNGS"}
    return {"meta": meta, "values": values, "status": "ok"}


def test_bars_of_the_needed_come_first_and_minutes_replace_what_polls_had_made(house):
    apple, other = (InstrumentFactory(symbol=symbol) for symbol in ("AAPL", "MSFT"))
    house.answers["/time_series"] = series
    wiring.use(wiring.Wiring(wants=lambda now: [Want(str(other.id), Priority.POSITION)]))
    start = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)
    BarFactory(instrument=other, interval="1min", starts_at=start, high=D(101), close=D(99))
    assert house.do("bars")
    assert [asked.parameters["symbol"] for asked in house.server.asked] == ["MSFT", "MSFT"]
    minutes = Bar.objects.filter(instrument=other, interval="1min").order_by("starts_at")
    assert minutes.count() == 10
    assert (minutes[0].close, minutes[0].volume) == (11, 100)
    fives = Bar.objects.filter(instrument=other, interval="5min").order_by("starts_at")
    assert [bar.volume for bar in fives] == [500, 500]
    days = Bar.objects.filter(instrument=other, interval="1day").order_by("starts_at")
    assert [bar.starts_at.day for bar in days] == [24]  # the 25th may grow until midnight
    assert not Bar.objects.filter(instrument=apple).exists()
    house.now += timedelta(minutes=1)
    assert house.do("bars")
    house.now += timedelta(minutes=1)
    assert house.do("bars")
    assert len(house.server.asked) == 4  # nobody lacks bars any more
    asked = house.server.asked[1].parameters
    assert (asked["start_date"], asked["end_date"]) == (
        "2026-11-25 14:30:00",
        "2026-11-25 21:00:00",
    )


def test_bars_that_cannot_be_had_do_not_hold_up_the_others(house):
    for symbol in ("AAA", "BBB"):
        InstrumentFactory(symbol=symbol)
    house.answers["/time_series"] = lambda asked: (
        error_document(404, "no data") if asked.parameters["symbol"] == "AAA" else series(asked)
    )
    assert house.do("bars")
    house.now += timedelta(minutes=1)
    assert house.do("bars")
    assert Bar.objects.filter(instrument__symbol="BBB").exists()
    assert sum(asked.parameters["symbol"] == "AAA" for asked in house.server.asked) == 1


def test_history_in_pence_is_told_in_pounds(house):
    vod = InstrumentFactory(symbol="VOD", mic="XLON", currency="GBP")
    house.answers["/time_series"] = lambda asked: {
        **series(asked),
        "meta": {"symbol": "VOD", "interval": "1day", "currency": "GBp", "mic_code": "XLON"},
    }
    (target,) = chores.feed_targets().values()
    bars = chores.history(house.rest, target, "1day", rows=2)
    assert [(bar.instrument_id, bar.close) for bar in bars] == [(str(vod.id), D("0.11"))] * 2


def test_bars_of_which_only_a_part_can_be_paid_are_not_paid_for(house):
    InstrumentFactory(symbol="KO")
    house.answers["/time_series"] = series
    house.desk.governor.take(7, Priority.ORDER, house.now)
    assert not house.do("bars")
    assert house.paths == []
    house.now += timedelta(minutes=1)
    assert house.do("bars")
    assert house.desk.governor.standing(house.now).minute_used == 2


def test_of_two_questions_the_first_has_been_charged(house):
    InstrumentFactory(symbol="KO")
    house.answers["/time_series"] = lambda asked: (
        series(asked) if asked.parameters["interval"] == "1day" else error_document(404, "no data")
    )
    house.do("bars")
    assert house.desk.governor.standing(house.now).minute_used == 1


@pytest.mark.parametrize(
    ("answer", "used"),
    [
        (error_document(404, "no data"), 0),  # refused, and the second was never asked
        ("<html>", 1),  # an answer that cannot be read may have been charged
    ],
)
def test_what_was_not_asked_after_a_failure_is_not_charged(house, answer, used):
    InstrumentFactory(symbol="KO")
    house.answers["/time_series"] = lambda asked: answer
    house.do("bars")
    assert len(house.server.asked) == 1
    standing = house.desk.governor.standing(house.now)
    assert (standing.minute_used, standing.day_used) == (used, used)


def test_a_plan_without_listings_is_not_charged_for_them(house):
    InstrumentFactory(symbol="SAP", mic="XETR", currency="EUR")
    house.answers["/stocks"] = lambda asked: Said(error_document(403, "available from Grow"), 403)
    assert house.do("listings")
    assert house.paths == ["/stocks"]
    assert house.desk.governor.standing(house.now).minute_used == 0


def test_bars_of_another_listing_cost_one_question(house):
    InstrumentFactory(symbol="KO")
    house.answers["/time_series"] = lambda asked: {
        **series(asked),
        "meta": {"symbol": "KO", "interval": "1day", "currency": "EUR", "mic_code": "XETR"},
    }
    house.do("bars")
    assert len(house.server.asked) == 1
    assert house.desk.governor.standing(house.now).minute_used == 1


def test_coins_are_on_no_exchange_of_theirs(house):
    InstrumentFactory(symbol="BTCUSD", mic="BNGI", type="crypto")
    assert house.do("listings")
    assert house.paths == []
