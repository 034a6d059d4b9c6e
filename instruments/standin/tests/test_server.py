"""The port: requests one after the other on a connection, nonsense, slow readers, the end."""

import contextlib
import socket
import threading

import pytest
import requests

from instruments.standin.http import HEAD_BYTES_MAX
from instruments.standin.server import StandIn, StandInDidNotStart
from instruments.standin.service import Service
from tests.standins import STARTS_AT, TIMEOUT_S, Clock, begun_market

GET = b"GET /price?symbol=AAPL&apikey=k HTTP/1.1\r\nHost: x\r\n\r\n"


def dialed(standin):
    port = int(standin.url.rsplit(":", 1)[1])
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def answered(connection, sent):
    """Send bytes and return all that comes back until the other side closes."""
    connection.sendall(sent)
    connection.shutdown(socket.SHUT_WR)
    heard = b""
    while data := connection.recv(65_536):
        heard += data
    return heard


def test_requests_come_one_after_the_other_on_a_connection(standin):
    with dialed(standin) as connection:
        assert answered(connection, GET * 3).count(b'{"price": "228.50000"}') == 3
    assert len(standin.service.requests) == 3


def test_a_session_keeps_its_connection(standin):
    with requests.Session() as session:
        for _ in range(3):
            session.get(f"{standin.url}/stocks?apikey=k", timeout=TIMEOUT_S).raise_for_status()
        (pool,) = session.adapters["http://"].poolmanager.pools._container.values()
        assert pool.num_connections == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET x HTTP/1.1\r\n\r\n",
        b"GET //[x HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n",
        b"POST /batch HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n",
        b"POST /batch HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /batch HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /batch HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort",
        b"GET /price HTTP/1.1\r\nHost",
    ],
)
def test_what_is_no_http_ends_the_connection_and_nothing_else(standin, sent):
    with dialed(standin) as connection, contextlib.suppress(ConnectionResetError):
        assert answered(connection, sent) == b""
    assert standin.get("/price", symbol="AAPL").ok


def test_an_upgrade_that_is_none_is_told(standin):
    head = b"GET /v1/quotes/price?apikey=k HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"
    with dialed(standin) as connection:
        assert answered(connection, head).startswith(b"HTTP/1.1 4")
    assert standin.state()["sockets"] == []


def test_who_does_not_read_the_stream_loses_it(standin):
    """The frames are made big, so that soon more than a megabyte waits."""
    with dialed(standin) as deaf:
        deaf.sendall(
            b"GET /v1/quotes/price?apikey=k HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert deaf.recv(12) == b"HTTP/1.1 101"
        text = b'{"action":"subscribe","params":{"symbols":"EUR/USD"}}'
        deaf.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        while standin.state()["sockets"] != [["EUR/USD"]]:
            standin.pulse()
        standin.fault("fields", set={"note": "x" * 100_000}, paths=["/v1/quotes/price"])
        for _ in range(100):
            standin.pass_time(10)
            if not standin.state()["sockets"]:
                break
        assert standin.state()["sockets"] == []


def test_a_port_that_is_taken_is_told():
    service = Service(begun_market())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        blocked = StandIn(service, now=Clock(), wall=Clock(), port=port)
        with pytest.raises(StandInDidNotStart), blocked:
            pass


def test_it_ends_with_everything_that_is_open(start_standin):
    standin = start_standin()
    with dialed(standin) as idle, dialed(standin) as busy:
        busy.sendall(GET[:20])
        standin.__exit__()
        for connection in (idle, busy):
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(10) == b""
    assert not [one for one in threading.enumerate() if one.name == "standin"]
    with pytest.raises(requests.ConnectionError):
        standin.get("/price", symbol="AAPL")


def test_a_market_that_fails_ends_the_server(start_standin):
    """Nobody is told old prices by a stand-in whose market has stopped."""
    standin = start_standin()

    def fail(now):
        raise OSError("the market is gone")

    standin.market.advance = fail
    standin._thread.join(TIMEOUT_S)
    assert not standin._thread.is_alive()
    assert str(standin._error) == "the market is gone"


def test_the_state_tells_what_is_going_on(start_standin):
    standin = start_standin("free")
    standin.get("/price", symbol="AAPL,MSFT")
    assert standin.state() == {
        "now": f"{STARTS_AT:%Y-%m-%dT%H:%M:%SZ}",
        "plan": "free",
        "credits": {"k": {"minute": 2, "day": 2}},
        "requests": 1,
        "sockets": [],
        "faults": [],
    }
