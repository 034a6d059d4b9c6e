"""A web server of a test's own, in a thread: it answers what the test says, and keeps the asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Said:
    """An answer: a document, or text as it is. before waits or breaks off; both are the test's."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[Any], None] = lambda handler: None


@dataclass
class Asked:
    path: str
    parameters: dict[str, str]
    headers: dict[str, str]


class Server:
    """Answers with answer(asked), a Said or a document."""

    def __init__(self, answer: Callable[[Asked], Any]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.url = ""

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
        asked = Asked(parts.path, parameters, dict(handler.headers.items()))
        self.asked.append(asked)
        said = self.answer(asked)
        if not isinstance(said, Said):
            said = Said(said)
        text = said.body if isinstance(said.body, str) else json.dumps(said.body)
        said.before(handler)
        handler.send_response(said.status)
        for name, value in said.headers.items():
            handler.send_header(name, value)
        if "Content-Length" not in said.headers:
            handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())


@contextmanager
def serving(answer: Callable[[Asked], Any]) -> Iterator[Server]:
    """Yield a server on loopback; it is gone afterwards."""
    server = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            try:
                server.handle(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join(5)


def quote_document(symbol: str = "AAPL", **fields: Any) -> dict[str, Any]:
    """Return a /quote as the contract has it; fields take the place of what stands there."""
    return {
        "symbol": symbol,
        "name": f"{symbol} Inc",
        "exchange": "NASDAQ",
        "mic_code": "XNGS",
        "currency": "USD",
        "datetime": "2026-11-25",
        "timestamp": 1795617000,
        "last_quote_at": 1795618800,
        "open": "270.00000",
        "high": "276.10001",
        "low": "269.50000",
        "close": "275.01001",
        "volume": "1234567",
        "previous_close": "271.25000",
        "change": "3.76001",
        "percent_change": "1.38618",
        "average_volume": "50000000",
        "is_market_open": True,
        "fifty_two_week": {"low": "164.08", "high": "280.0", "range": "164.08 - 280.0"},
        **fields,
    }


def error_document(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "status": "error"}


MINUTE_OUT = error_document(
    429,
    "You have run out of API credits for the current minute. 10 API credits were used, with the "
    "current limit being 8. Wait for the next minute or consider switching to a higher tier plan.",
)
DAY_OUT = error_document(
    429,
    "You have run out of API credits for the day. 1316 API credits were used, with the current "
    "limit being 800. Wait for the next day or consider switching to a higher tier plan.",
)
BAD_KEY = error_document(401, "**apikey** parameter is incorrect or not specified.")
