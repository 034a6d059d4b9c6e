"""The WebSocket: what may be subscribed to, what is told, how many connections a key has."""

import json

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from instruments.standin.credits import PLANS
from instruments.standin.tests.clients import TIMEOUT_S, stream


def names(status, part):
    return [one["symbol"] for one in status[part] or ()]


def test_a_subscription_tells_what_it_has_found(standin):
    with stream(standin) as heard:
        status = heard.ask("subscribe", "AAPL,EUR/USD,BTC/USD,NOPE")
        assert (status["event"], status["status"]) == ("subscribe-status", "warning")
        assert status["success"] == [
            {
                "symbol": "AAPL",
                "exchange": "NASDAQ",
                "mic_code": "XNGS",
                "country": "United States",
                "type": "Common Stock",
            },
            {"symbol": "EUR/USD", "exchange": "Forex", "country": "", "type": "Physical Currency"},
            {
                "symbol": "BTC/USD",
                "exchange": "Coinbase Pro",
                "country": "",
                "type": "Digital Currency",
            },
        ]
        assert names(status, "fails") == ["NOPE"]
        assert heard.ask("subscribe", "MSFT") | {"success": []} == {
            "event": "subscribe-status",
            "status": "ok",
            "success": [],
            "fails": None,
        }
        assert heard.ask("subscribe", "NOPE")["status"] == "error"


def test_the_extended_form_names_the_exchange(standin):
    with stream(standin) as heard:
        wanted = [{"symbol": "IBM", "mic_code": "XNYS"}, {"symbol": "AAPL", "exchange": "LSE"}]
        status = heard.ask("subscribe", wanted)
        assert (names(status, "success"), names(status, "fails")) == (["IBM"], ["AAPL"])


def test_a_share_is_told_when_it_trades_and_a_pair_when_it_is_quoted(standin):
    with stream(standin, symbols="AAPL,EUR/USD") as heard:
        standin.pass_time(60)
        told = heard.until_heartbeat()
    share = next(one for one in told if one["symbol"] == "AAPL")
    assert {name: type(said) for name, said in share.items()} == {
        **dict.fromkeys(["event", "symbol", "currency", "exchange", "mic_code", "type"], str),
        "timestamp": int,
        "price": float,
        "day_volume": int,
    }
    pair = next(one for one in told if one["symbol"] == "EUR/USD")
    assert {name: type(said) for name, said in pair.items()} == {
        **dict.fromkeys(["event", "symbol", "currency_base", "currency_quote"], str),
        **dict.fromkeys(["exchange", "type"], str),
        "timestamp": int,
        **dict.fromkeys(["price", "bid", "ask"], float),
    }
    assert pair["bid"] <= pair["price"] <= pair["ask"]
    prints = [one for one in told if one["symbol"] == "AAPL"]
    assert [one["day_volume"] for one in prints] == sorted(one["day_volume"] for one in prints)
    assert [one["timestamp"] for one in told] == sorted(one["timestamp"] for one in told)


def test_what_the_stream_tells_last_is_what_a_quote_tells(standin):
    with stream(standin, symbols="AAPL") as heard:
        standin.pass_time(60)
        newest = heard.until_heartbeat()[-1]
    assert standin.get("/price", symbol="AAPL", dp=2).json() == {"price": f"{newest['price']:.2f}"}


def test_after_unsubscribing_and_after_a_reset_nothing_is_told(standin):
    with stream(standin, symbols="AAPL,MSFT") as heard:
        status = heard.ask("unsubscribe", "AAPL,IBM")
        assert (names(status, "success"), names(status, "fails")) == (["AAPL"], ["IBM"])
        standin.pass_time(30)
        assert {one["symbol"] for one in heard.until_heartbeat()} == {"MSFT"}
        assert heard.ask("reset") == {"event": "reset-status", "status": "ok"}
        standin.pass_time(30)
        assert heard.until_heartbeat() == []


@pytest.mark.parametrize("frame", ["", "[]", "{", '{"action": 1}', '{"action": "dance"}'])
def test_a_frame_that_makes_no_sense_is_answered_and_does_no_harm(standin, frame):
    with stream(standin, symbols="AAPL") as heard:
        heard.connection.send(frame)
        assert heard.next(but="price")["status"] == "error"
        assert heard.ask("heartbeat")["status"] == "ok"


def test_a_frame_in_parts(standin):
    with stream(standin) as heard:
        heard.connection.send(['{"action": ', '"heart', 'beat"}'])
        assert heard.next() == {"event": "heartbeat", "status": "ok"}


def test_a_frame_that_is_too_long_ends_the_connection(standin):
    with stream(standin) as heard:
        heard.connection.send("x" * 70_000)
        with pytest.raises(ConnectionClosed) as closed:
            heard.connection.recv(timeout=TIMEOUT_S)
        assert closed.value.rcvd.code == 1009


def test_a_ping_is_answered(standin):
    with stream(standin) as heard:
        assert heard.connection.ping().wait(TIMEOUT_S)


def test_the_fourth_connection_of_a_key_closes_the_oldest(standin):
    with stream(standin, symbols="AAPL") as first, stream(standin), stream(standin):
        with stream(standin, key="other"):
            assert len(standin.state()["sockets"]) == 4
        with stream(standin, symbols="MSFT"):
            with pytest.raises(ConnectionClosed) as closed:
                first.connection.recv(timeout=TIMEOUT_S)
            assert closed.value.rcvd.code == 1000
            assert ["AAPL"] not in standin.state()["sockets"]


def test_every_symbol_takes_a_stream_credit(start_standin):
    standin = start_standin(msgspec.structs.replace(PLANS["pro"], stream_credits=3))
    with stream(standin, symbols="AAPL,MSFT") as one, stream(standin) as other:
        status = other.ask("subscribe", "AAPL,IBM")
        assert (names(status, "success"), names(status, "fails")) == (["AAPL"], ["IBM"])
        assert one.ask("subscribe", "AAPL")["status"] == "ok"
        one.ask("unsubscribe", "MSFT")
        assert other.ask("subscribe", "IBM")["status"] == "ok"
    assert standin.state()["credits"] == {"k": {"minute": 0, "day": 0}}


@pytest.mark.parametrize("plan", ["free", "grow"])
def test_the_smaller_plans_have_no_stream(start_standin, plan):
    with pytest.raises(InvalidStatus) as refused, stream(start_standin(plan)):
        pass
    assert refused.value.response.status_code == 403
    assert "exclusively with pro" in json.loads(refused.value.response.body)["message"]


def test_a_bad_key_is_refused_at_the_upgrade(start_standin):
    standin = start_standin(keys=("right",))
    with pytest.raises(InvalidStatus) as refused, stream(standin, key="wrong"):
        pass
    assert refused.value.response.status_code == 401
    with stream(standin, key="right") as heard:
        assert heard.ask("heartbeat")["status"] == "ok"
