"""The web process's server: what is sent to it, and what comes back over a socket."""

import contextlib
import io
import socket
import threading
import time
from ast import literal_eval
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from uvicorn.config import Config

from bengi.web_worker import AT_A_TIME, PIPELINED_MAX, SILENT_BYTES_MAX, Listening, Worker
from bengi.wsgi_threads import WsgiThreads

LONG_S = 20
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY_MAX = 100
LARGE_BYTES = 30_000_000
"""More than the kernel takes of what nobody reads."""
FILE = Path(__file__)


class Streamed:
    """Chunks until it is closed."""

    streaming = True

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self.closed = chunks, threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self.closed.set()


class Whole(list[bytes]):
    streaming = False


class Toy:
    """A WSGI application that tells what it was told."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.began = threading.Event()
        self.streamed: Streamed | None = None
        self.large = io.BytesIO()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == "/endless":
            start("200 OK", [("Content-Type", "text/plain")])
            self.streamed = Streamed(iter(lambda: b"x" * 100_000, b""))
            return self.streamed
        if path == "/file":
            start("200 OK", [("Content-Length", str(FILE.stat().st_size))])
            return environ["wsgi.file_wrapper"](FILE.open("rb"), 1)
        if path == "/large":
            start("200 OK", [("Content-Length", str(LARGE_BYTES))])
            self.large = io.BytesIO(b"x" * LARGE_BYTES)
            return environ["wsgi.file_wrapper"](self.large, 1)
        if path == "/nothing":
            start("304 Not Modified", [("Content-Length", "5")])
            return Whole([])
        if path == "/wait":
            self.began.set()
            assert self.may_go_on.wait(LONG_S)
        length = environ.get("CONTENT_LENGTH") or "0"
        body = environ["wsgi.input"].read(int(length))
        told = {name: text for name, text in environ.items() if isinstance(text, str)}
        start("200 OK", [("Set-Cookie", " a=b")])
        return Whole([repr((told, length, body)).encode()])


@contextmanager
def serving(
    application: Any, listener: socket.socket | None = None, *, is_live: bool = False
) -> Iterator[Any]:
    """Run the worker's server in a thread, on a free port; yield the port and the server.

    is_live: the application wants to be told of its startup and its end.
    """

    async def by_type(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" and not is_live:
            await send({"type": f"{(await receive())['type']}.complete"})
            await send({"type": f"{(await receive())['type']}.complete"})
        else:
            await application(scope, receive, send)

    config = Config(by_type, **{**Worker.CONFIG_KWARGS, "log_config": None})
    server, own = Listening(config), listener or socket.create_server(("127.0.0.1", 0))
    port = own.getsockname()[1]
    thread = threading.Thread(target=lambda: uvloop.run(server._serve([own])), daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield port, server
    finally:
        server.should_exit = True
        thread.join(LONG_S)
        assert not thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    """Return when it holds: there is no event for what a server's loop has come to."""
    ends_s = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < ends_s
        threading.Event().wait(0.001)


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def port(toy: Toy) -> Iterator[int]:
    threads = WsgiThreads(toy, threads=2, body_max=BODY_MAX)
    with serving(threads) as (port, _):
        yield port
    threads.close()


def ask(port: int, text: bytes, *, until: bytes = b"") -> bytes:
    """Send what is no request yet, perhaps; return all that comes, or all until then."""
    with socket.create_connection(("127.0.0.1", port), LONG_S) as connection:
        connection.sendall(text)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if until and until in answer:
                break
    return answer


def get(port: int, path: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: a", "Connection: close", *headers]
    return ask(port, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def test_a_request_is_told_as_wsgi_has_it(port: int):
    answer = get(
        port, "/a%2Fb%FF%20?q=%20", "X-Two: 1", "X-Two: 2", "X_Forwarded_For: 6.6.6.6", "Cookie: c"
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    told, length, _ = literal_eval(body.decode())
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"set-cookie: a=b" in head.lower()
    assert told["PATH_INFO"] == "/a/b\xff "
    assert told["QUERY_STRING"] == "q=%20"
    assert (told["REQUEST_METHOD"], told["REMOTE_ADDR"]) == ("GET", "127.0.0.1")
    assert (told["HTTP_X_TWO"], told["HTTP_COOKIE"], told["HTTP_HOST"]) == ("1,2", "c", "a")
    assert "HTTP_X_FORWARDED_FOR" not in told, "a name with an underscore could pass for another"
    assert (length, "CONTENT_LENGTH" in told) == ("0", False)


def test_no_header_makes_another_address_of_who_asks(port: int):
    answer = get(port, "/", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https")
    told, *_ = literal_eval(answer.partition(b"\r\n\r\n")[2].decode())
    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert told["HTTP_X_FORWARDED_FOR"] == "6.6.6.6", "Django's settings say what it is worth"


@pytest.mark.parametrize(
    ("headers", "sent", "length", "body"),
    [
        (["Content-Length: 5"], b"hello", "5", b"hello"),
        (["Transfer-Encoding: chunked"], b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "5", b"hello"),
        (["Content-Length: 5", "Expect: 100-continue"], b"hello", "5", b"hello"),
        (["Content-Length: 101"], b"x" * 101, "101", b""),
        (["Transfer-Encoding: chunked"], b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n", "101", None),
    ],
)
def test_a_body_is_there_before_a_thread_is_taken(port: int, headers, sent, length, body):
    answer = get(port, "/", *headers, method="POST", body=sent)
    told = literal_eval(answer.rpartition(b"\r\n\r\n")[2].decode())
    assert told[1] == length
    assert body is None or told[2] == body


def test_who_sends_slowly_keeps_no_thread(port: int):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(3):  # one more than there are threads
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), LONG_S))
            slow.sendall(head + b"h")
        assert get(port, "/").startswith(b"HTTP/1.1 200")
        slow.sendall(b"i")
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_file_is_sent_as_it_is(port: int):
    head, _, body = get(port, "/file").partition(b"\r\n\r\n")
    assert body == FILE.read_bytes()
    assert f"content-length: {len(body)}".encode() in head.lower()


def test_who_reads_a_file_slowly_keeps_no_thread(toy: Toy, port: int):
    with contextlib.ExitStack() as stack:
        for _ in range(3):  # one more than there are threads
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), LONG_S))
            slow.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert slow.recv(100).startswith(b"HTTP/1.1 200")
        assert get(port, "/").startswith(b"HTTP/1.1 200")
        assert not toy.large.closed
        rest = b"".join(iter(lambda: slow.recv(1 << 20), b""))
        assert rest.endswith(b"x" * 100)
        until(lambda: toy.large.closed)


def test_a_file_is_closed_when_nobody_listens_any_more(toy: Toy, port: int):
    text = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
    assert ask(port, text, until=b"x" * 1000).startswith(b"HTTP/1.1 200")
    until(lambda: toy.large.closed)


def test_what_has_no_body_has_none(port: int):
    assert get(port, "/", method="HEAD").endswith(b"\r\n\r\n")
    head, _, body = get(port, "/nothing").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 304")
    assert body == b""


def test_nothing_is_streamed_to_who_has_gone(toy: Toy, port: int):
    text = b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n"
    assert ask(port, text, until=b"x" * 1000).startswith(b"HTTP/1.1 200")
    assert toy.streamed is not None
    assert toy.streamed.closed.wait(LONG_S)


def test_requests_in_a_row_are_answered_in_their_order(port: int):
    one = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = ask(port, one % 1 + one % 2 + last)
    places = [answer.index(b"'PATH_INFO': '/%d'" % n) for n in (1, 2, 3)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "text",
    [
        b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * (SILENT_BYTES_MAX + 300_000),
        CHUNKED + b"0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n",
        CHUNKED + b"1\r\nx\r\n0\r\nX: " + b"x" * (SILENT_BYTES_MAX + 300_000),
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"what is this\r\n\r\n",
    ],
)
def test_what_is_no_request_or_too_long_for_one_is_refused(port: int, text: bytes):
    try:
        answer = ask(port, text)
    except ConnectionResetError:  # it has hung up while this was still talking
        assert len(text) > SILENT_BYTES_MAX
        return
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_requests_that_wait_for_an_answer_have_an_end(toy: Toy, port: int):
    waits = b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = ask(port, waits * (PIPELINED_MAX + 2))
    assert answer.startswith(b"HTTP/1.1 400")
    toy.may_go_on.set()
    assert get(port, "/").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("begun", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch, begun: bytes
):
    monkeypatch.setattr("bengi.web_worker.HEAD_S", 0.02)
    assert ask(port, begun) == b""
    assert get(port, "/").startswith(b"HTTP/1.1 200")


def test_a_body_may_take_longer(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bengi.web_worker.HEAD_S", 0.02)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), LONG_S) as connection:
        connection.sendall(head + b"h")
        threading.Event().wait(0.1)
        connection.sendall(b"i")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", b"h"])
def test_a_body_that_does_not_come_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch, sent: bytes
):
    monkeypatch.setattr("bengi.web_worker.BODY_S", 0.02)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
    assert ask(port, head + sent) == b""
    assert get(port, "/").startswith(b"HTTP/1.1 200")


def test_a_line_between_requests_is_no_request(port: int, monkeypatch: pytest.MonkeyPatch):
    """It ends the server's own wait for the next one, and must not be waited on for ever."""
    monkeypatch.setattr("bengi.web_worker.HEAD_S", 0.02)
    with socket.create_connection(("127.0.0.1", port), LONG_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"\r\n")
        assert connection.recv(65536) == b""


def test_who_reads_nothing_keeps_no_thread(toy: Toy, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bengi.web_worker.SEND_S", 0.05)
    with socket.create_connection(("127.0.0.1", port), LONG_S) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: toy.streamed is not None)
        assert toy.streamed is not None
        assert toy.streamed.closed.wait(LONG_S)


def test_who_asks_for_a_socket_here_is_answered_as_others_are(port: int, caplog: Any):
    answer = get(port, "/ws", "Upgrade: websocket", "Connection: Upgrade, close")
    assert answer.startswith(b"HTTP/1.1 200")
    assert not caplog.records


def test_there_is_an_end_to_connections(toy: Toy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bengi.web_worker.CONNECTIONS_MAX", 2)
    monkeypatch.setattr("bengi.web_worker.FULL_S", 0.001)
    threads = WsgiThreads(toy, threads=1, body_max=BODY_MAX)
    with contextlib.ExitStack() as stack, serving(threads) as (port, server):
        first, _, third = (
            stack.enter_context(socket.create_connection(("127.0.0.1", port), LONG_S))
            for _ in range(3)
        )
        until(lambda: len(server.server_state.connections) == 2)
        third.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        third.settimeout(0.05)
        with pytest.raises(TimeoutError):
            third.recv(1)
        first.close()
        third.settimeout(LONG_S)
        assert third.recv(65536).startswith(b"HTTP/1.1 200")
        stack.close()
    threads.close()


def test_who_has_been_let_in_is_answered_before_the_end(toy: Toy):
    threads, answers = WsgiThreads(toy, threads=1, body_max=BODY_MAX), list[bytes]()
    with serving(threads) as (port, server):
        asking = threading.Thread(target=lambda: answers.append(get(port, "/wait")), daemon=True)
        asking.start()
        assert toy.began.wait(LONG_S)
        server.should_exit = True
        toy.may_go_on.set()
        asking.join(LONG_S)
    threads.close()
    assert answers[0].startswith(b"HTTP/1.1 200")


def test_workers_share_out_connections_that_last(toy: Toy):
    threads = WsgiThreads(toy, threads=1, body_max=BODY_MAX)
    with (
        contextlib.ExitStack() as stack,
        socket.create_server(("127.0.0.1", 0), backlog=100) as listener,
        serving(threads, listener.dup()) as (port, one),
        serving(threads, listener.dup()) as (_, other),
    ):
        counts = [server.server_state.connections for server in (one, other)]
        for number in range(1, 61):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), LONG_S))
            until(lambda number=number: sum(map(len, counts)) == number)
        assert abs(len(counts[0]) - len(counts[1])) <= 3 * AT_A_TIME
        stack.close()
    threads.close()


def test_all_who_come_at_once_are_taken(toy: Toy):
    threads = WsgiThreads(toy, threads=1, body_max=BODY_MAX)
    with contextlib.ExitStack() as stack, serving(threads) as (port, server):
        for _ in range(50):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), LONG_S))
        until(lambda: len(server.server_state.connections) == 50)
        assert get(port, "/").startswith(b"HTTP/1.1 200")
        stack.close()
    threads.close()
