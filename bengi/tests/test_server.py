"""A slow reader makes its writer wait; a fast one and other requests are not held up."""

import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bengi.realtime.protocol import UNREAD_MAX

WAIT_S = 30
HANDSHAKE = (
    "GET /flood HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
def server():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bengi.tests.flood", str(port)]
    process = subprocess.Popen(command, cwd=Path(settings.BASE_DIR))
    try:
        until(lambda: answers(port))
        yield process, port
    finally:
        process.terminate()
        process.wait(WAIT_S)


@pytest.fixture
def port(server):
    return server[1]


def until(condition):
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def answers(port: int) -> bool:
    try:
        return frames_sent(port) >= 0
    except OSError:
        return False


def frames_sent(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sent", timeout=WAIT_S) as answer:
        return int(answer.read())


def open_socket(port: int) -> socket.socket:
    """Open a WebSocket whose own buffer is small and read nothing of it but the handshake."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.settimeout(WAIT_S)
    client.connect(("127.0.0.1", port))
    client.sendall(HANDSHAKE.encode())
    assert client.recv(12) == b"HTTP/1.1 101"
    return client


def standing_still(port: int):
    def condition():
        before = frames_sent(port)
        time.sleep(0.3)
        return before if before == frames_sent(port) > 0 else None

    return until(condition)


def test_a_writer_waits_for_a_slow_reader(port):
    with open_socket(port) as client:
        stopped_at = standing_still(port)
        assert stopped_at * 8_000 < 512 * 1024, "more was taken than the buffers hold"
        read = 0
        while read < 4_000_000:
            read += len(client.recv(65_536))
        assert frames_sent(port) > stopped_at + 400


def test_a_reader_that_hangs_up_lets_its_writer_go(port):
    with open_socket(port):
        standing_still(port)
    until(lambda: frames_sent(port) == 20_000)


def closed_with(client) -> int:
    """Return the code that the server closes with, saying nothing before."""
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=WAIT_S)
    assert closed.value.rcvd is not None, "cut off without a word"
    return closed.value.rcvd.code


def test_a_message_that_is_too_large_is_not_held(port):
    with connect(f"ws://127.0.0.1:{port}/echo") as client:
        client.send("x" * 16_384)
        assert client.recv(timeout=WAIT_S) == "x" * 16_384
        client.send("x" * 16_386)
        assert closed_with(client) == 1009


@pytest.mark.parametrize("code", [1000, 1008, 1009, 1013, 4400, 4401])
def test_the_code_of_the_application_arrives(port, code):
    with connect(f"ws://127.0.0.1:{port}/{code}") as client, pytest.raises(ConnectionClosed) as end:
        client.recv(timeout=WAIT_S)
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == code


def test_a_flood_of_messages_that_nobody_reads_ends_the_socket(port):
    with connect(f"ws://127.0.0.1:{port}/deaf") as client:
        with suppress(ConnectionClosed):
            for _ in range(UNREAD_MAX + 1):
                client.send("PING")
        assert closed_with(client) == 1008
    assert frames_sent(port) == 0


def test_who_listens_is_told_that_the_server_stops(server):
    process, port = server
    with (
        connect(f"ws://127.0.0.1:{port}/echo") as one,
        connect(f"ws://127.0.0.1:{port}/deaf") as two,
    ):
        one.send("hello")
        assert one.recv(timeout=WAIT_S) == "hello"
        process.terminate()
        assert (closed_with(one), closed_with(two)) == (1001, 1001)
        assert process.wait(WAIT_S) is not None
