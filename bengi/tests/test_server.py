"""A slow reader makes its writer wait; a fast one and other requests are not held up."""

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings

WAIT_S = 30
HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bengi.tests.flood", str(port)]
    process = subprocess.Popen(command, cwd=Path(settings.BASE_DIR))
    try:
        until(lambda: answers(port))
        yield port
    finally:
        process.terminate()
        process.wait(WAIT_S)


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
