"""Every fault strikes where, as often and as long as it is asked to, and things go well after."""

import contextlib
import json
import math
import socket
from decimal import Decimal

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from instruments.standin.faults import STREAM, Faults, read_fault
from instruments.standin.tests.clients import TIMEOUT_S, stream
from tests.standins import STARTS_AT

AAPL = {"price": "228.50000"}


def price(standin, symbol="AAPL"):
    return standin.get("/price", symbol=symbol).json()


def test_an_error_for_so_many_requests(standin):
    standin.fault("error", code=500, times=2)
    statuses = [standin.get("/price", symbol="AAPL").status_code for _ in range(3)]
    assert statuses == [500, 500, 200]


def test_an_error_for_a_while(standin):
    standin.fault("error", code=503, for_s=30)
    assert standin.get("/price", symbol="AAPL").status_code == 503
    standin.clock.forward(29.9)
    assert standin.get("/price", symbol="AAPL").status_code == 503
    standin.clock.forward(0.1)
    assert standin.get("/price", symbol="AAPL").status_code == 200


def test_an_error_until_it_is_mended(standin):
    standin.fault("error", code=500)
    assert standin.get("/stocks").status_code == 500
    assert [fault["struck"] for fault in standin.state()["faults"]] == [1]
    standin.mend()
    assert standin.state()["faults"] == []
    assert price(standin) == AAPL


def test_an_error_with_http_200(standin):
    standin.fault("error", code=429, message="no credits", http_status=200, times=1)
    answer = standin.get("/price", symbol="AAPL")
    assert answer.status_code == 200
    assert answer.json() == {"code": 429, "message": "no credits", "status": "error"}


def test_an_error_on_some_paths(standin):
    standin.fault("error", paths=["/quote"])
    assert standin.get("/quote", symbol="AAPL").status_code == 500
    assert price(standin) == AAPL


def test_an_error_for_one_symbol_of_a_batch(standin):
    standin.fault("error", code=404, message="gone", symbols=["MSFT"])
    answer = standin.get("/price", symbol="AAPL,MSFT")
    assert answer.status_code == 200
    assert answer.json() == {
        "AAPL": AAPL,
        "MSFT": {"code": 404, "message": "gone", "status": "error"},
    }
    assert standin.get("/price", symbol="MSFT").status_code == 404


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("nan", "NaN"),
        ("zero", "0"),
        ("negative", "-228.50000"),
        ("x10", "2285.00000"),
        ("null", None),
        ("text", "n/a"),
    ],
)
def test_a_price_that_cannot_be_right(standin, value, written):
    standin.fault("price", value=value, symbols=["AAPL"])
    assert price(standin) == {"price": written}
    batch = standin.get("/quote", symbol="AAPL,MSFT").json()
    assert batch["AAPL"]["close"] == written
    assert batch["AAPL"]["high"] != written
    assert batch["MSFT"]["close"] == "424.20000"
    bars = standin.get("/time_series", symbol="AAPL", interval="1day", outputsize="2").json()
    assert bars["values"][0]["close"] == written
    assert Decimal(bars["values"][1]["close"]) > 0


def test_a_rate_that_is_not_a_number_is_no_json(standin):
    standin.fault("price", value="nan", paths=["/exchange_rate"], times=1)
    answer = standin.get("/exchange_rate", symbol="EUR/USD")
    assert '"rate": NaN' in answer.text
    assert standin.get("/exchange_rate", symbol="EUR/USD").json()["rate"] == 1.0845


def test_fields_that_are_missing_or_null(standin):
    standin.fault("fields", drop=["volume"], set={"previous_close": None}, paths=["/quote"])
    quote = standin.get("/quote", symbol="AAPL").json()
    assert "volume" not in quote
    assert quote["previous_close"] is None
    assert quote["close"] == "228.50000"


def test_a_quote_that_is_older_than_the_one_before(standin):
    before = standin.get("/quote", symbol="AAPL").json()
    standin.fault("out_of_order", by_s=90, times=1)
    older = standin.get("/quote", symbol="AAPL").json()
    assert older["last_quote_at"] == before["last_quote_at"] - 90
    assert standin.get("/quote", symbol="AAPL").json() == before


def test_something_that_is_not_json(standin):
    standin.fault("garbage", times=1)
    answer = standin.get("/price", symbol="AAPL")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    with pytest.raises(ValueError):
        answer.json()
    assert price(standin) == AAPL


def test_an_answer_that_is_slow(standin):
    standin.fault("slow", delay_s=0.2, times=1)
    answer = standin.get("/price", symbol="AAPL")
    assert answer.elapsed.total_seconds() >= 0.2
    assert answer.json() == AAPL


def test_an_answer_that_does_not_come(standin):
    standin.fault("hang", symbols=["AAPL"])
    with pytest.raises(requests.Timeout):
        requests.get(f"{standin.url}/price?symbol=AAPL&apikey=k", timeout=0.2)
    assert price(standin, "MSFT") == {"price": "424.20000"}


@pytest.mark.parametrize("after_bytes", [0, 10, 150])
def test_an_answer_that_is_cut_off(standin, after_bytes):
    standin.fault("cut", after_bytes=after_bytes, times=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        standin.get("/quote", symbol="AAPL")
    assert price(standin) == AAPL


def test_a_stream_that_is_silent(standin):
    with stream(standin, symbols="AAPL,MSFT") as heard:
        standin.fault("silence", symbols=["AAPL"])
        standin.pass_time(30)
        assert {one["symbol"] for one in heard.until_heartbeat()} == {"MSFT"}
        standin.mend()
        standin.pass_time(30)
        assert {one["symbol"] for one in heard.until_heartbeat()} == {"AAPL", "MSFT"}


def test_a_stream_that_does_not_even_answer_heartbeats(standin):
    with stream(standin, symbols="AAPL") as heard:
        standin.fault("silence", heartbeats=False)
        heard.connection.send(json.dumps({"action": "heartbeat"}))
        standin.pass_time(10)
        with pytest.raises(TimeoutError):
            heard.connection.recv(timeout=0.2)
        standin.mend()
        assert heard.ask("heartbeat")["status"] == "ok"


def test_a_stream_that_is_half_open(standin):
    with stream(standin, symbols="AAPL") as heard:
        standin.fault("half_open", times=1)
        standin.pulse()
        heard.connection.send(json.dumps({"action": "heartbeat"}))
        standin.pass_time(10)
        pong = heard.connection.ping()
        assert not pong.wait(0.2)
        with pytest.raises(TimeoutError):
            heard.connection.recv(timeout=0.2)
        assert standin.state()["sockets"] == []
        with stream(standin, symbols="AAPL") as another:
            standin.pass_time(30)
            assert another.price()["symbol"] == "AAPL"


def test_a_stream_that_is_cut(standin):
    with stream(standin, symbols="AAPL") as heard:
        standin.fault("cut", paths=[STREAM], times=1)
        with pytest.raises(ConnectionClosed) as closed:
            heard.connection.recv(timeout=TIMEOUT_S)
        assert closed.value.rcvd is None
    with stream(standin, symbols="AAPL") as heard:
        assert heard.ask("heartbeat")["status"] == "ok"


@pytest.mark.parametrize(
    ("value", "times_the_price"), [("zero", 0), ("negative", -1), ("x10", 10), ("nan", math.nan)]
)
def test_a_streamed_price_that_cannot_be_right(standin, value, times_the_price):
    with stream(standin, symbols="AAPL") as heard:
        standin.fault("price", value=value, times=1)
        standin.pass_time(30)
        wrong, right = heard.price()["price"], heard.price()["price"]
        assert right == pytest.approx(228.5, abs=5)
        if math.isnan(times_the_price):
            assert math.isnan(wrong)
        else:
            assert wrong == pytest.approx(228.5 * times_the_price, abs=50)


def test_streamed_prices_out_of_order(standin):
    with stream(standin, symbols="AAPL") as heard:
        standin.pass_time(20)
        before = heard.price()["timestamp"]
        standin.fault("out_of_order", by_s=45, times=1)
        standin.pass_time(20)
        times = []
        while len(times) < 12 and not any(one < before for one in times):
            times.append(heard.price()["timestamp"])
        assert times[-1] < before


def test_a_streamed_frame_that_is_not_json(standin):
    with stream(standin, symbols="AAPL") as heard:
        standin.fault("garbage", text="<html>", times=1)
        standin.pass_time(30)
        assert heard.connection.recv(timeout=TIMEOUT_S) == "<html>"
        assert heard.price()["symbol"] == "AAPL"


def test_an_upgrade_that_is_refused(standin):
    standin.fault("error", code=401, message="key", paths=[STREAM], times=1)
    with pytest.raises(InvalidStatus) as refused, stream(standin):
        pass
    assert refused.value.response.status_code == 401
    standin.fault("error", code=401, message="key", http_status=200, paths=[STREAM], times=1)
    with pytest.raises(InvalidStatus) as refused, stream(standin):
        pass
    assert refused.value.response.status_code == 200
    assert json.loads(refused.value.response.body)["code"] == 401


def test_an_upgrade_that_is_never_answered(standin):
    standin.fault("hang", paths=[STREAM], times=1)
    with pytest.raises(TimeoutError):
        connect(f"{standin.stream_url}?apikey=k", open_timeout=0.2, proxy=None)


def test_a_symbol_whose_entitlement_is_lost(standin):
    standin.fault("error", code=403, message="not entitled", symbols=["MSFT"], paths=[STREAM])
    with stream(standin) as heard:
        status = heard.ask("subscribe", "AAPL,MSFT")
        assert status["status"] == "warning"
        assert status["fails"] == [{"symbol": "MSFT", "message": "not entitled"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"fault": "flood"}',
        b'{"fault": "error", "cod": 500}',
        b'{"fault": "error", "times": 0}',
        b'{"fault": "slow", "delay_s": -1}',
        b'{"fault": "price", "value": "wrong"}',
    ],
)
def test_a_fault_that_makes_no_sense_is_told_why(standin, body):
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{standin.url}/_faults", data=body, headers=headers, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert standin.state()["faults"] == []


def test_a_page_in_a_browser_cannot_ask_for_faults(standin):
    """A page can send a form to this machine unasked, but no JSON."""
    answer = requests.post(f"{standin.url}/_faults", data='{"fault": "hang"}', timeout=20)
    assert answer.status_code == 415


def test_only_this_machine_may_ask_for_faults():
    from instruments.standin.control import control
    from instruments.standin.service import Request, Service
    from tests.standins import begun_market

    service = Service(begun_market())
    headers = {"content-type": "application/json"}
    request = Request("POST", "/_faults", headers, b'{"fault": "hang"}')
    for peer, status in (("192.0.2.1", 403), ("::1", 201), ("127.0.0.1", 201)):
        answer = control(service, request, peer, [], STARTS_AT, STARTS_AT)
        assert answer.status == status, peer


def test_the_oldest_fault_that_fits_strikes_first():
    faults = Faults()
    for text in ('{"fault":"slow","delay_s":1,"times":1}', '{"fault":"slow","delay_s":2}'):
        faults.add(read_fault(text), STARTS_AT)
    kind = type(read_fault('{"fault":"slow"}'))
    struck = [faults.take(kind, "/price", STARTS_AT) for _ in range(3)]
    assert [fault.delay_s for fault in struck if fault] == [1, 2, 2]


def test_hung_and_half_open_connections_end_with_the_server(start_standin):
    standin = start_standin()
    standin.fault("hang")
    port = int(standin.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as hung:
        hung.sendall(b"GET /price?symbol=AAPL&apikey=k HTTP/1.1\r\nHost: x\r\n\r\n")
        while not standin.service.requests:
            standin.pulse()
        standin.__exit__()
        with contextlib.suppress(ConnectionResetError):
            assert hung.recv(100) == b""
