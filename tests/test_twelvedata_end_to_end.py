"""The provider of Twelve Data against the stand-in, which knows nothing of it: fault by fault.

Both sides count credits, cut bars and tell times by code of their own; here they have to agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest

from instruments.board import board
from instruments.providers.simulated import SimulatedInstrument
from instruments.providers.simulator import Simulator
from instruments.quotes import Tick
from instruments.services import record_quotes
from instruments.standin.listings import STOCK, VENUES, Book, Listed
from instruments.standin.market import Market
from instruments.twelvedata.errors import (
    BadKey,
    BadRequest,
    DayExhausted,
    MinuteExhausted,
    NoData,
    Refused,
    ServerTrouble,
    TwelveDataError,
    Unreachable,
    Unreadable,
)
from instruments.twelvedata.governor import Governor, Limits, Priority
from instruments.twelvedata.ledgers import MemoryLedger
from instruments.twelvedata.poller import MemoryMarks, Poller, Want
from instruments.twelvedata.provider import TwelveDataProvider
from instruments.twelvedata.rest import Rest
from instruments.twelvedata.symbols import Target
from instruments.twelvedata.tape import Tape
from tests.standins import STARTS_AT, Clock, RunningStandIn, Start

TARGETS = {
    token: Target(token, symbol, f"id-{symbol}", 0, mic, currency)
    for token, symbol, mic, currency in (
        ("AAPL", "AAPL", "XNAS", "USD"),
        ("IBM", "IBM", "XNYS", "USD"),
        ("SPY", "SPY", "ARCX", "USD"),
        ("SHEL:LSE", "SHEL", "XLON", "GBP"),
        ("BTC/USD", "BTCUSD", "BNGI", "USD"),
    )
}
PARTS = {"SHEL:LSE": 100}
"""Where the other side quotes in parts of our currency, so many make one."""
EVERYTHING = [Want(target.instrument_id, Priority.POSITION) for target in TARGETS.values()]
RETRIED = 3
"""How often a broken answer is asked for before the question has failed."""


class Client:
    """The provider's parts on a running stand-in, by its clock."""

    def __init__(
        self,
        standin: RunningStandIn,
        limits: Limits,
        targets: dict[str, Target] = TARGETS,
        wants: Sequence[Want] = EVERYTHING,
        read_s: float = 0.5,
    ) -> None:
        self.standin, self.waited = standin, list[float]()
        self.governor = Governor(MemoryLedger(), limits)
        self.rest = Rest(
            standin.url,
            "k",
            hear=lambda counted: self.governor.hear(counted.used, counted.left, standin.clock()),
            pause=self.waited.append,
            read_s=read_s,
        )
        self.provider, self.marks = TwelveDataProvider(), MemoryMarks()
        self.poller = Poller(
            self.rest,
            self.governor,
            targets=lambda: targets,
            wants=lambda now: wants,
            take_in=self.provider.take_in,
            tape=Tape(mode="exchange"),
            marks=self.marks,
        )

    def poll(self, after_s: float = 0) -> int:
        """Let time pass, ask anew for everything and let the board hear."""
        self.standin.pass_time(after_s)
        self.marks.read().clear()
        return self.turn()

    def turn(self) -> int:
        now = self.standin.clock()
        asked = self.poller.turn(now)
        record_quotes(self.provider.ticks(now))
        return asked

    def newest(self, symbol: str = "AAPL") -> Tick:
        tick = board.newest(f"id-{symbol}")
        assert tick is not None
        return tick

    def last(self, symbol: str = "AAPL") -> Decimal:
        """Return what the stand-in's market trades at."""
        last = self.standin.market.last(self.standin.market.book.find(symbol))
        assert last is not None
        return last


@pytest.fixture(autouse=True)
def empty_board() -> Iterator[None]:
    board.clear()
    yield
    board.clear()


@pytest.fixture
def client(start_standin: Start) -> Iterator[Client]:
    made = Client(start_standin("pro", mode="exchange"), Limits(610, 1_000_000))
    yield made
    made.rest.close()


@pytest.fixture
def poor(start_standin: Start) -> Iterator[Client]:
    made = Client(start_standin("free", mode="exchange"), Limits(8, 800))
    yield made
    made.rest.close()


def test_every_question_is_answered_and_understood(client: Client) -> None:
    rest = client.rest
    quotes = rest.quotes(list(TARGETS))
    assert {token: quote.close for token, quote in quotes.items()} == {
        token: client.last(token) for token in TARGETS
    }
    assert quotes["SHEL:LSE"].currency == "GBp"
    assert quotes["AAPL"].is_market_open is True
    assert quotes["AAPL"].session_date == date(2026, 11, 25)
    assert rest.prices(["AAPL"]) == {"AAPL": client.last()}
    (rate,) = rest.rates(["EUR/USD"]).values()
    assert (rate.base, rate.quote) == ("EUR", "USD")
    assert rate.rate == pytest.approx(Decimal("1.0845"), abs=Decimal("0.001"))
    assert [one.symbol for one in rest.stocks("XNAS")] == ["AAPL", "MSFT"]
    assert [(one.symbol, one.mic, one.type) for one in rest.etfs("ARCX")] == [("SPY", "ARCX", "")]
    assert [one.name for one in rest.search("micro")] == ["Microsoft Corporation"]
    assert rest.closes(["AAPL"], date(2026, 11, 24)) == {
        "AAPL": client.standin.market.history(client.standin.market.book.find("AAPL"))
        .bars("1day")[-2]
        .close
    }
    assert {one.code for one in rest.market_states() if one.is_open} == {
        "XNAS", "XNYS", "ARCX", "XLON", "XETR", "XAMS",
    }  # fmt: skip
    assert rest.earliest("AAPL", "1day").tzinfo is UTC
    usage = rest.usage()
    spent = client.standin.state()["credits"]["k"]
    assert (usage.minute_used, usage.minute_limit) == (spent["minute"], 610)


@pytest.mark.parametrize("interval", ["1min", "5min", "1h", "1day", "1week", "1month"])
def test_bars_come_as_they_are_kept(client: Client, interval: str) -> None:
    series = client.rest.series("AAPL", interval)
    kept = client.standin.market.history(client.standin.market.book.find("AAPL")).bars(interval)
    told = [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in series.bars]
    assert told == [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in kept]
    assert (series.symbol, series.mic, series.rejected) == ("AAPL", "XNGS", 0)
    if interval in ("1min", "5min", "1h"):
        assert [bar.starts_at for bar in series.bars] == [bar.starts_at for bar in kept]
        start, end = kept[-8].starts_at, kept[-3].starts_at
        some = client.rest.series("AAPL", interval, start=start, end=end)
        assert [bar.starts_at for bar in some.bars] == [bar.starts_at for bar in kept[-8:-2]]
    else:
        assert [bar.starts_at.date() for bar in series.bars] == [bar.day for bar in kept]


def test_quotes_become_ticks_with_their_age(client: Client) -> None:
    assert client.poll() == len(TARGETS)
    for token, target in TARGETS.items():
        tick = client.newest(target.symbol)
        assert tick.last == client.last(token) / PARTS.get(token, 1)
        assert timedelta(0) <= client.standin.clock() - tick.as_of <= timedelta(minutes=1)
    client.poll(90)
    assert client.newest().last == client.last()
    assert client.newest().session_date == date(2026, 11, 25)


def test_half_an_hour_of_the_free_plan_passes_no_limit(poor: Client) -> None:
    standin = poor.standin
    for _ in range(30 * 12):
        standin.pass_time(5, step=5)
        poor.turn()
    asked = [one for one in standin.service.requests if one.path == "/quote"]
    assert sum(one.cost for one in asked) == standin.state()["credits"]["k"]["day"] > 50
    assert {one.status for one in asked} == {200}
    counted = standin.state()["credits"]["k"]
    standing = poor.governor.standing(standin.clock())
    assert standing.minute_used == counted["minute"]
    # London is not in the free plan: it is refused in its batch, which costs nothing, and rests;
    # the governor, who cannot know that of the day, counts it.
    assert standing.day_used == counted["day"] + 1
    assert set(poor.poller.polled.refused) == {"SHEL:LSE"}


ON_ALL: dict[str, tuple[dict[str, object], type[TwelveDataError]]] = {
    "500": ({"fault": "error", "code": 500}, ServerTrouble),
    "520": ({"fault": "error", "code": 520}, ServerTrouble),
    "500 in 200": ({"fault": "error", "code": 500, "http_status": 200}, ServerTrouble),
    "no JSON": ({"fault": "garbage"}, ServerTrouble),
    "no JSON in 200": ({"fault": "garbage", "http_status": 200}, Unreadable),
    "cut at once": ({"fault": "cut"}, Unreachable),
    # Without a length the end of the connection is the end of the answer, which is then empty.
    "cut in the head": ({"fault": "cut", "after_bytes": 20}, Unreadable),
    "cut in the body": ({"fault": "cut", "after_bytes": 300}, Unreachable),
    "no answer": ({"fault": "hang"}, Unreachable),
    "401": ({"fault": "error", "code": 401, "message": "key"}, BadKey),
    "401 in 200": ({"fault": "error", "code": 401, "message": "k", "http_status": 200}, BadKey),
    "400": ({"fault": "error", "code": 400, "message": "no"}, BadRequest),
    "404": ({"fault": "error", "code": 404, "message": "no"}, NoData),
}


@pytest.mark.parametrize("name", ON_ALL)
def test_what_goes_wrong_with_an_answer_is_told_apart(client: Client, name: str) -> None:
    fault, error = ON_ALL[name]
    client.standin.fault(**fault)
    with pytest.raises(TwelveDataError) as raised:
        client.rest.series("AAPL", "1day", rows=2)
    assert raised.type is error
    is_repeated = error in (ServerTrouble, Unreachable)
    assert len(client.waited) == (RETRIED - 1 if is_repeated else 0)
    client.standin.mend()
    assert len(client.rest.series("AAPL", "1day", rows=2).bars) == 2


@pytest.mark.parametrize(
    "name", [name for name, (_, error) in ON_ALL.items() if not issubclass(error, Refused)]
)
def test_the_last_good_price_stays_and_ages_until_it_is_mended(
    client: Client, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.poll()
    good = client.newest()
    client.standin.fault(**ON_ALL[name][0])
    for _ in range(3):
        client.poll(30)
    assert client.newest() == good
    assert client.standin.clock() - good.as_of >= timedelta(seconds=90)
    client.standin.mend()
    for _ in range(6):
        client.poll(30)
    assert client.standin.clock() - client.newest().as_of < timedelta(minutes=1)
    assert client.newest().last == client.last()


def test_one_bad_moment_is_asked_over_and_not_noticed(client: Client) -> None:
    client.standin.fault("error", code=500, times=2)
    assert client.poll() == len(TARGETS)
    assert client.poller.polled.failures == 0
    assert client.newest().last == client.last()
    assert client.waited == sorted(client.waited)
    assert len(client.waited) == 2


@pytest.mark.parametrize("value", ["nan", "zero", "negative", "x10", "null", "text"])
def test_a_price_that_cannot_be_right_moves_nothing(
    client: Client, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.poll()
    good = client.newest().last
    client.standin.fault("price", value=value, symbols=["AAPL"], times=1)
    client.poll(61)
    assert client.newest().last == good
    assert client.newest("IBM").last == client.last("IBM")
    client.poll(61)
    client.poll(61)
    assert client.newest().last == client.last()
    assert client.newest().as_of > STARTS_AT + timedelta(minutes=2)


def test_a_quote_that_is_older_than_the_one_before_moves_nothing(client: Client) -> None:
    client.poll()
    client.poll(120)
    good = client.newest()
    client.standin.fault("out_of_order", by_s=300, times=1, symbols=["AAPL"])
    client.poll(61)
    assert client.newest() == good
    client.poll(61)
    assert client.newest().as_of > good.as_of
    assert client.newest().last == client.last()


def test_fields_that_are_missing_are_done_without(client: Client) -> None:
    absent = ["open", "high", "low", "volume", "previous_close", "is_market_open", "datetime"]
    client.standin.fault("fields", drop=absent)
    client.poll()
    assert client.newest().last == client.last()
    assert client.newest().day_high is None


def test_a_quote_without_a_time_is_none(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.standin.fault("fields", drop=["last_quote_at"], symbols=["AAPL"])
    client.poll()
    assert board.newest("id-AAPL") is None
    assert client.newest("IBM").last == client.last("IBM")


def test_a_symbol_that_fails_in_a_batch_takes_no_other_with_it(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.standin.fault("error", code=403, message="not entitled", symbols=["IBM"])
    client.poll()
    assert board.newest("id-IBM") is None
    assert set(client.poller.polled.refused) == {"IBM"}
    assert client.newest("AAPL").last == client.last()


@pytest.mark.parametrize("is_hidden", [False, True], ids=["429", "429 in 200"])
def test_a_minute_without_credits_is_over_with_the_minute(
    poor: Client, is_hidden: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody else has used the key, so that we find out by a refusal alone."""
    if is_hidden:
        poor.standin.fault("as_200")
    poor.standin.get("/price", symbol="AAPL,MSFT,IBM,SPY,BTC/USD,EUR/USD,USD/JPY")
    with pytest.raises(MinuteExhausted) as raised:
        poor.rest.prices(["AAPL", "IBM"])
    assert (raised.value.used, raised.value.limit) == (9, 8)
    poor.poll()
    poor.poll()
    before = len(poor.standin.service.requests)
    poor.standin.clock.forward(30)
    poor.turn()
    assert len(poor.standin.service.requests) == before
    poor.poll(32)
    assert poor.newest().last == poor.last()


def test_a_day_without_credits_is_over_at_midnight(
    start_standin: Start, caplog: pytest.LogCaptureFixture
) -> None:
    from instruments.standin.credits import Plan

    plan = Plan("small", "basic", 100, 10, 0, rank=2)
    client = Client(start_standin(plan, mode="exchange"), Limits(100, 800))
    try:
        client.poll()
        client.poll(60)
        client.poll(60)
        with pytest.raises(DayExhausted):
            client.rest.prices(["AAPL"])
        before = len(client.standin.service.requests)
        client.standin.clock.at = client.standin.clock.at.replace(hour=23, minute=59)
        client.turn()
        assert len(client.standin.service.requests) == before
        client.standin.clock.forward(3600 * 15)
        client.turn()
        assert len(client.standin.service.requests) > before
    finally:
        client.rest.close()


def test_a_question_that_is_asked_again_is_paid_for_again(poor: Client) -> None:
    """The first answer is cut off after it was charged; the second may not pass the limit."""
    poor.standin.get("/price", symbol="AAPL")
    poor.standin.fault("cut", after_bytes=300, times=1)
    poor.poll()
    counted = poor.standin.state()["credits"]["k"]
    assert poor.governor.standing(poor.standin.clock()).day_used >= counted["day"] - 1
    assert {one.status for one in poor.standin.service.requests} == {200}


MIXED = {
    Priority.ORDER: 4,
    Priority.POSITION: 12,
    Priority.PAGE: 10,
    Priority.WATCHLIST: 14,
    Priority.REST: 20,
}
TURN_S = 15


def sixty(clock: Clock) -> tuple[Market, dict[str, Target], list[Want]]:
    """Return a market of 60 shares, how they are asked for, and who wants which of them."""
    names = [f"{priority.name[0]}{n:02}" for priority, count in MIXED.items() for n in range(count)]
    priorities = [priority for priority, count in MIXED.items() for _ in range(count)]
    walks = [
        SimulatedInstrument(
            name, name, 0, "XNAS", Decimal("0.01"), Decimal(1), Decimal(100), "normal"
        )
        for name in names
    ]
    listed = [Listed(name, name, name, VENUES["XNAS"], STOCK, "USD") for name in names]
    market = Market(Simulator(walks, seed=3, mode="exchange"), Book(listed), "exchange")
    market.advance(clock())
    targets = {name: Target(name, name, f"id-{name}", 0, "XNAS", "USD") for name in names}
    wants = [Want(f"id-{n}", priority) for n, priority in zip(names, priorities, strict=True)]
    return market, targets, [want for want in wants if want.priority is not Priority.REST]


@pytest.mark.slow
def test_a_day_of_800_credits_with_60_symbols(start_standin: Start) -> None:
    """From before the opening to after the close, over HTTP, counted by the other side.

    A price is as old as the minute of its last trade, so what is promised may be exceeded by the
    seconds in which nothing traded: by a turn at most.
    """
    clock = Clock(STARTS_AT.replace(hour=14, minute=0))
    market, targets, wants = sixty(clock)
    standin = start_standin("free", market=market, clock=clock)
    client = Client(standin, Limits(8, 800), targets, wants, read_s=20)
    opens_at, closes_at = clock().replace(minute=30), clock().replace(hour=21, minute=0)
    oldest_s, promised_s = Counter[Priority](), Counter[Priority]()
    while clock() < closes_at + timedelta(minutes=30):
        standin.pass_time(TURN_S, step=TURN_S)
        client.turn()
        plan = client.poller.plan
        assert plan is not None
        if not opens_at < clock() < closes_at:
            continue
        assert plan.is_kept
        since = client.marks.read()
        for want in wants:
            name = want.instrument_id.removeprefix("id-")
            if since[name] <= opens_at:  # before anything has traded today
                assert clock() <= opens_at + timedelta(seconds=plan.promise_s[want.priority])
                continue
            age = clock() - client.newest(name).as_of
            oldest_s[want.priority] = max(oldest_s[want.priority], int(age.total_seconds()))
        for priority in MIXED:
            promised_s[priority] = max(promised_s[priority], plan.promise_s[priority])
    client.rest.close()

    asked = standin.service.requests
    assert {one.status for one in asked} == {200}
    minutes = Counter[str]()
    for one in asked:
        minutes[f"{one.at:%H:%M}"] += one.cost
    assert max(minutes.values()) <= 8
    assert 700 < sum(minutes.values()) <= 800
    for priority in (Priority.ORDER, Priority.POSITION, Priority.PAGE, Priority.WATCHLIST):
        assert 0 < oldest_s[priority] <= promised_s[priority] + TURN_S, priority
    assert promised_s[Priority.POSITION] <= 2700
