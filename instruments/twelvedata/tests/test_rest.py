"""The conversation over HTTP: what is asked, what is repeated, what is never told."""

import logging
import socket
import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from instruments.twelvedata import errors, rest
from instruments.twelvedata.rest import Counted, Rest
from instruments.twelvedata.tests.server import (
    BAD_KEY,
    DAY_OUT,
    MINUTE_OUT,
    Said,
    error_document,
    quote_document,
    serving,
)

KEY = "s3cret-key-0123456789"


@pytest.fixture
def ask():
    """Return Rest for an answer function; what it waited and heard is kept on it."""
    opened = []

    def make(answer, **options):
        serves = serving(answer)
        server = serves.__enter__()
        heard, waited = [], []
        client = Rest(
            server.url + "/",
            KEY,
            hear=heard.append,
            pause=waited.append,
            draw=lambda: 0.5,
            **options,
        )
        client.heard, client.waited, client.server = heard, waited, server
        opened.extend([client.close, lambda: serves.__exit__(None, None, None)])
        return client

    yield make
    for close in opened:
        close()


def test_a_batch_is_one_question_with_the_key_in_the_header(ask):
    counted = {"api-credits-used": "3", "api-credits-left": "5"}
    client = ask(lambda asked: Said({"AAPL": quote_document(), "RY:TSX": BAD_KEY}, headers=counted))
    answers = client.quotes(["AAPL", "RY:TSX"])
    assert answers["AAPL"].close == Decimal("275.01001")
    assert isinstance(answers["RY:TSX"], errors.BadKey)
    (asked,) = client.server.asked
    assert asked.path == "/quote"
    assert asked.parameters == {"symbol": "AAPL,RY:TSX"}
    assert asked.headers["Authorization"] == f"apikey {KEY}"
    assert client.heard == [Counted(3, 5)]


def test_no_netrc_takes_the_place_of_the_key(ask, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client = ask(lambda asked: quote_document())
    client.quotes(["AAPL"])
    assert client.server.asked[0].headers["Authorization"] == f"apikey {KEY}"


def test_the_key_is_in_no_log_and_in_no_error(ask, caplog):
    caplog.set_level(logging.DEBUG)
    client = ask(lambda asked: Said(BAD_KEY, 401))
    with pytest.raises(errors.BadKey) as raised:
        client.quotes(["AAPL"])
    client.server.answer = lambda asked: Said("x", 500)
    with pytest.raises(errors.ServerTrouble):
        client.quotes(["AAPL"])
    gone = Rest("http://127.0.0.1:9", KEY, pause=lambda seconds: None)
    with pytest.raises(errors.Unreachable) as unreachable:
        gone.quotes(["AAPL"])
    gone.close()
    told = f"{raised.value!r} {unreachable.value!r} {client._session.auth!r} {caplog.text}"
    assert KEY not in told
    assert caplog.text  # urllib3 speaks at this level, so silence proves nothing


@pytest.mark.parametrize("status", [500, 502, 520])
def test_a_broken_server_is_asked_again_with_growing_pauses(ask, status):
    answers = [Said("<html>broken</html>", status), Said(error_document(500, "oops"), 500)]
    client = ask(lambda asked: answers.pop(0) if answers else quote_document())
    assert client.quotes(["AAPL"])["AAPL"].symbol == "AAPL"
    assert len(client.server.asked) == 3
    assert client.waited == [0.625, 1.25]


def test_after_three_tries_it_gives_up(ask):
    client = ask(lambda asked: Said("", 503))
    with pytest.raises(errors.ServerTrouble):
        client.quotes(["AAPL"])
    assert len(client.server.asked) == rest.TRIES == 3


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Said(MINUTE_OUT, 429), errors.MinuteExhausted),
        (Said(MINUTE_OUT, 200), errors.MinuteExhausted),
        (Said(DAY_OUT, 200), errors.DayExhausted),
        (Said("busy", 429), errors.Exhausted),
        (Said(BAD_KEY, 200), errors.BadKey),
        (Said(error_document(403, "available from plan Grow"), 200), errors.PlanTooLow),
        (Said("gone", 404), errors.NoData),
        (Said("<html>hello</html>", 200), errors.Unreadable),
        (Said("", 200), errors.Unreadable),
        (Said("elsewhere", 302, {"Location": "http://127.0.0.1:9/"}), errors.Unreadable),
    ],
    ids=lambda value: getattr(value, "__name__", None) or f"{value.status}",
)
def test_nothing_else_is_asked_again(ask, said, kind):
    client = ask(lambda asked: said)
    with pytest.raises(errors.TwelveDataError) as raised:
        client.quotes(["AAPL", "MSFT"])
    assert type(raised.value) is kind
    assert len(client.server.asked) == 1


def test_an_error_about_one_symbol_is_that_symbols(ask):
    client = ask(lambda asked: Said(error_document(400, "**symbol** not found: NOPE"), 400))
    assert isinstance(client.quotes(["NOPE"])["NOPE"], errors.BadRequest)


def test_a_line_that_breaks_is_asked_again(ask):
    broken = []

    def break_off(handler):
        if not broken:
            broken.append(True)
            handler.connection.shutdown(socket.SHUT_RDWR)

    client = ask(lambda asked: Said(quote_document(), before=break_off))
    assert client.quotes(["AAPL"])["AAPL"].symbol == "AAPL"
    assert len(client.server.asked) == 2


@pytest.mark.parametrize(("credits_left", "tries"), [(0, 1), (1, 2), (9, 3)])
def test_a_lost_answer_may_have_been_charged_and_is_paid_for_again(ask, credits_left, tries):
    paid = []

    def pay(cost):
        paid.append(cost)
        return len(paid) <= credits_left

    lost = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)  # noqa: E731
    client = ask(lambda asked: Said({}, before=lost), pay=pay)
    with pytest.raises(errors.Unreachable):
        client.quotes(["AAPL", "KO"])
    assert len(client.server.asked) == tries
    assert set(paid) == {2}


def test_a_lost_answer_whose_headers_say_that_none_are_left_is_not_asked_for_again(ask):
    """The headers have arrived, the body has not."""
    counted = {"api-credits-used": "7", "api-credits-left": "1", "Content-Length": "500"}
    client = ask(lambda asked: Said("{", headers=counted), read_s=0.05)
    with pytest.raises(errors.Unreachable):
        client.quotes(["AAPL", "KO"])
    assert len(client.server.asked) == 1
    assert client.heard == [Counted(7, 1)]


def test_what_the_server_could_not_answer_is_not_paid_for_again(ask):
    client = ask(lambda asked: Said("", 500), pay=lambda cost: pytest.fail("not charged"))
    with pytest.raises(errors.ServerTrouble):
        client.quotes(["AAPL"])


def test_a_server_that_says_nothing_is_given_up_on(ask):
    silent = threading.Event()
    client = ask(lambda asked: Said({}, before=lambda handler: silent.wait(10)), read_s=0.05)
    try:
        with pytest.raises(errors.Unreachable, match=r"ReadTimeout|ConnectionError"):
            client.quotes(["AAPL"])
    finally:
        silent.set()
    assert len(client.waited) == 2


def test_an_answer_that_drips_is_given_up_on(ask, monkeypatch):
    """Each byte comes in time, the whole never does."""
    monkeypatch.setattr(rest, "_CHUNK", 1)
    client = ask(lambda asked: Said("x" * 100), answer_s=-1)
    with pytest.raises(errors.Unreachable, match="too slow"):
        client.quotes(["AAPL"])


def test_an_answer_without_end_is_given_up_on(ask, monkeypatch):
    monkeypatch.setattr(rest, "BODY_MAX", 1000)
    client = ask(lambda asked: Said("x" * 2000))
    with pytest.raises(errors.Unreadable, match="too long"):
        client.quotes(["AAPL", "MSFT"])
    assert len(client.server.asked) == 1


def test_bytes_that_are_no_text(ask, monkeypatch):
    client = ask(lambda asked: Said("é"))
    monkeypatch.setattr(rest.requests.Response, "iter_content", lambda *args: [b"\xff\xfe"])
    with pytest.raises(errors.Unreadable, match="no text"):
        client.quotes(["AAPL", "MSFT"])


def test_every_endpoint_asks_by_its_name(ask):
    documents = {
        "/price": {"price": "1.5"},
        "/exchange_rate": {"symbol": "EUR/USD", "rate": 1.1, "timestamp": 1795618800},
        "/time_series": {
            "meta": {"symbol": "AAPL", "interval": "1min"},
            "values": [],
            "status": "ok",
        },
        "/stocks": {"data": [{"symbol": "A", "mic_code": "XNYS"}], "status": "ok"},
        "/etfs": {"data": [], "status": "ok"},
        "/symbol_search": {"data": [], "status": "ok"},
        "/market_state": [{"code": "XNYS", "is_market_open": False}],
        "/earliest_timestamp": {"unix_time": 345479400},
        "/api_usage": {"current_usage": 1, "plan_limit": 8},
        "/eod": {"symbol": "AAPL", "close": "9.99"},
    }
    client = ask(lambda asked: documents[asked.path])
    start = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)
    assert client.prices(["AAPL"]) == {"AAPL": Decimal("1.5")}
    assert client.rates(["EUR/USD"])["EUR/USD"].rate == Decimal("1.1")
    assert client.series("AAPL", "1min", start=start, rows=10).bars == []
    assert client.stocks("XNYS")[0].symbol == "A"
    assert client.etfs("XNYS") == client.search("apple") == []
    assert client.market_states()[0].is_open is False
    assert client.earliest("AAPL", "1min").year == 1980
    assert client.usage().minute_limit == 8
    assert client.closes(["AAPL"], date(2026, 11, 25)) == {"AAPL": Decimal("9.99")}
    asked = {each.path: each.parameters for each in client.server.asked}
    assert asked["/time_series"] == {
        "symbol": "AAPL",
        "interval": "1min",
        "timezone": "UTC",
        "outputsize": "10",
        "start_date": "2026-11-25 14:30:00",
    }
    assert asked["/stocks"] == {"mic_code": "XNYS"}
    assert asked["/eod"] == {"symbol": "AAPL", "date": "2026-11-25"}
    assert set(asked) == set(documents)
