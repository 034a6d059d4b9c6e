"""Who is asked about, what it costs, and what happens after a refusal."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from instruments.board import board
from instruments.twelvedata import poller as subject
from instruments.twelvedata.errors import BadRequest, DayExhausted
from instruments.twelvedata.governor import Limits, Priority
from instruments.twelvedata.poller import AT_ONCE, Want
from instruments.twelvedata.symbols import Target
from instruments.twelvedata.tests.desk import open_desk
from instruments.twelvedata.tests.server import (
    BAD_KEY,
    DAY_OUT,
    MINUTE_OUT,
    Said,
    error_document,
    quote_document,
)

NOW = datetime(2026, 11, 25, 15, 0, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def empty_board():
    board.clear()
    yield
    board.clear()


def targets(*tokens):
    return {token: Target(token, token, f"id-{token}", 0, "XNAS", "USD") for token in tokens}


class Market:
    """Answers for every token as of the desk's clock; what is in says takes its place."""

    def __init__(self):
        self.says, self.now, self.volume = {}, NOW, 1000

    def __call__(self, asked):
        tokens = asked.parameters["symbol"].split(",")
        whole = self.says.get("*")
        if whole is not None:
            return whole
        documents = {token: self.says.get(token) or self.quote(token) for token in tokens}
        return documents if len(tokens) > 1 else documents[tokens[0]]

    def quote(self, token, **fields):
        self.volume += 10
        minute = int(self.now.timestamp()) // 60 * 60
        return quote_document(token, last_quote_at=minute, volume=str(self.volume), **fields)


@pytest.fixture
def desk():
    market = Market()
    with open_desk(market, targets("AAPL", "MSFT", "KO"), NOW) as opened:
        opened.market = market
        poll = opened.poll

        def poll_then(after_s=0, **options):
            market.now = opened.now + timedelta(seconds=after_s)
            return poll(after_s, **options)

        opened.poll = poll_then
        yield opened


def asked_for(desk):
    return [asked.parameters["symbol"] for asked in desk.server.asked]


def age_s(desk, token):
    return (desk.now - board.newest(f"id-{token}").as_of).total_seconds()


def test_one_question_for_all_and_then_only_when_due(desk):
    assert desk.poll() == 3
    assert asked_for(desk) == ["AAPL,MSFT,KO"]
    assert desk.poll(10) == 0
    interval_s = desk.poller.plan.interval_s[Priority.POSITION]
    assert desk.poll(interval_s - 10) == 3
    assert age_s(desk, "AAPL") == 0
    assert desk.governor.standing(desk.now).day_by["position"] == 6


def test_prices_show_their_age_between_polls(desk):
    desk.poll()
    desk.poll(59)
    assert age_s(desk, "KO") == 59


def test_a_batch_is_no_larger_than_the_credits_left(desk):
    desk.targets = targets(*(f"S{n}" for n in range(20)))
    desk.wants = [Want("id-S19", Priority.ORDER)]
    assert desk.poll() == 6  # one for the order, then what the others may have of the minute
    assert asked_for(desk)[0].split(",")[0] == "S19"
    assert desk.poll(5) == 0
    assert desk.poll(60) == 6
    assert desk.governor.standing(desk.now).minute_used == 6


def test_an_order_is_asked_for_at_once_and_the_rest_waits(desk):
    desk.poll()
    desk.wants = [Want("id-KO", Priority.ORDER, since=desk.now + timedelta(seconds=3))]
    desk.poller.look_again()
    assert desk.poll(4) == 1
    assert asked_for(desk)[-1] == "KO"
    assert desk.poll(1) == 0


def test_a_fresh_order_is_found_within_five_seconds_without_being_told(desk):
    desk.poll()
    desk.wants = [Want("id-KO", Priority.ORDER, since=desk.now + timedelta(seconds=1))]
    assert desk.poll(4) == 0
    assert desk.poll(1) == 1


def test_an_exhausted_minute_is_over_with_the_minute(desk):
    desk.market.says["*"] = Said(MINUTE_OUT, 429)
    desk.poll()
    desk.market.says.clear()
    assert desk.poll(20) == 0
    assert desk.poll(31) == 3
    assert board.newest("id-AAPL") is not None


def test_an_exhausted_day_is_over_at_midnight(desk):
    desk.poll()
    desk.market.says["*"] = DAY_OUT
    desk.poll(2000, force=True)
    asked = len(desk.server.asked)
    desk.market.says.clear()
    for _ in range(30):
        desk.poll(1000)
    assert len(desk.server.asked) == asked
    assert desk.poller.polled.last_error.startswith("429: You have run out of API credits for")
    assert age_s(desk, "AAPL") == 32_000
    desk.now = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)
    desk.poll(force=True)  # Thanksgiving: nobody trades, but a first look is taken
    assert len(desk.server.asked) == asked + 1


def test_a_bad_key_is_not_asked_with_again_and_again(desk, caplog):
    desk.market.says["*"] = Said(BAD_KEY, 401)
    for _ in range(20):
        desk.poll(20)
    assert len(desk.server.asked) == 1
    assert "TWELVE_DATA_API_KEY" in caplog.text
    desk.market.says.clear()
    assert desk.poll(400) == 3


@pytest.mark.parametrize(
    "error", [error_document(403, "available from Grow"), error_document(404, "gone")]
)
def test_a_symbol_that_is_refused_rests_and_the_others_do_not(desk, error, caplog):
    desk.market.says["MSFT"] = error
    desk.poll()
    assert set(desk.poller.polled.refused) == {"MSFT"}
    desk.poll(2000)
    assert asked_for(desk)[1] == "AAPL,KO"
    desk.market.says.clear()
    desk.now += subject.REST_REFUSED - timedelta(hours=1)
    desk.poll(3600)
    assert asked_for(desk)[-1].split(",")[0] == "MSFT"


def test_another_listing_of_that_name_is_not_asked_for_again(desk, caplog):
    desk.market.says["MSFT"] = quote_document("MSFT", mic_code="XETR")
    desk.poll()
    desk.poll(2000)
    assert asked_for(desk)[1] == "AAPL,KO"
    assert board.newest("id-MSFT") is None


def test_a_batch_that_is_refused_as_a_whole_is_asked_for_one_by_one(desk, caplog):
    """One symbol that spoils every batch is found, and the others have their prices again."""
    whole = Said(error_document(400, "**symbol** is invalid"), 400)
    answer = desk.server.answer
    desk.server.answer = lambda asked: (
        whole if "MSFT" in asked.parameters["symbol"] else answer(asked)
    )
    assert [desk.poll(2) for _ in range(5)] == [3, 1, 1, 1, 0]
    assert asked_for(desk)[0] == "AAPL,MSFT,KO"
    assert sorted(asked_for(desk)[1:]) == ["AAPL", "KO", "MSFT"]
    assert set(desk.poller.polled.refused) == {"MSFT"}
    desk.poll(2000)
    assert asked_for(desk)[-1] == "AAPL,KO"


def test_an_unreadable_symbol_is_asked_for_again_a_minute_later(desk, caplog):
    desk.market.says["MSFT"] = quote_document("MSFT", close="NaN")
    desk.poll()
    desk.market.says.clear()
    assert desk.poll(30, force=True) == 2
    assert desk.poll(31, force=True) == 3
    assert desk.poller.polled.unreadable == 1


def test_a_server_in_trouble_is_left_alone_for_longer_and_longer(desk, caplog):
    desk.poll()
    desk.market.says["*"] = Said("", 500)
    moments = []
    for second in range(0, 300, 5):
        before = len(desk.server.asked)
        desk.poll(5, force=True)
        if len(desk.server.asked) > before:
            moments.append(second)
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses[:5] == [5, 10, 20, 40, 60]
    assert age_s(desk, "AAPL") == 300
    desk.market.says.clear()
    assert desk.poll(60, force=True) == 1
    assert desk.poll(1, force=True) == 3
    assert age_s(desk, "AAPL") == 0
    assert desk.governor.standing(desk.now).day_used == 7  # errors are not charged
    desk.market.says["*"] = Said("", 500)
    desk.poll(60, force=True)
    assert desk.poll(4, force=True) == 0
    assert desk.poll(1, force=True) == 1


def test_what_streams_is_only_asked_for_its_days_figures(desk):
    desk.poller._streamed = lambda: frozenset({"AAPL", "KO"})
    assert desk.poll() == 3
    desk.poll(600, force=False)
    assert asked_for(desk)[1] == "MSFT"
    desk.poll(301)
    assert "AAPL" in asked_for(desk)[2]


def test_what_streams_keeps_its_rank(desk):
    """Or it would be dropped for streaming, asked for, and taken up again, for ever."""
    desk.wants = [Want("id-KO", Priority.ORDER), Want("id-MSFT", Priority.PAGE)]
    desk.poll()
    before = [target.token for target in desk.poller.ranked()]
    assert before == ["KO", "MSFT", "AAPL"]
    desk.poller._streamed = lambda: frozenset({"KO"})
    desk.poll(10)
    assert [target.token for target in desk.poller.ranked()] == before


def test_asking_now_is_taken_in_too(desk):
    desk.poll()
    answers = desk.poller.ask_now(["KO", "GONE"], desk.now)
    assert answers["KO"].symbol == "KO"
    assert [tick.symbol for tick in desk.provider.ticks(desk.now)] == ["KO"]


def test_a_refusal_of_what_is_asked_now_is_learned_from(desk):
    desk.poll()
    desk.market.says["*"] = DAY_OUT
    assert desk.governor.take(1, AT_ONCE, desk.now) == 1
    with pytest.raises(DayExhausted):
        desk.poller.ask_now(["KO"], desk.now)
    assert desk.governor.standing(desk.now).closed_by == "day"


def test_who_is_refused_now_has_not_paid(desk):
    desk.poll()
    used = desk.governor.standing(desk.now).day_used
    desk.market.says["*"] = error_document(400, "too many")
    assert desk.governor.take(2, AT_ONCE, desk.now) == 2
    with pytest.raises(BadRequest):
        desk.poller.ask_now(["KO", "MSFT"], desk.now)
    assert desk.governor.standing(desk.now).day_used == used


def test_headers_rule():
    """Somebody else uses the same key: the headers tell, and no limit is passed."""
    counted = {"api-credits-used": "7", "api-credits-left": "1"}
    names = [f"S{n}" for n in range(4)]
    with open_desk(
        lambda asked: Said(
            {t: quote_document(t) for t in asked.parameters["symbol"].split(",")},
            headers=counted,
        ),
        targets(*names),
        NOW,
        limits=Limits(8, 800),
    ) as desk:
        desk.poll()
        assert desk.governor.standing(desk.now).minute_used == 7
        assert desk.poll(1, force=True) == 1
