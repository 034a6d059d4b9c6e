"""A WSGI application behind an ASGI server: each request in one of a few threads.

The loop reads a request to its end before a thread is taken, so that who sends slowly keeps none
busy, and sends an answer that is there as a whole without coming back to the thread. A file goes
block by block: a thread is taken to read each, and none while the connection takes it. What else is
streamed goes chunk by chunk: the thread waits until the connection has taken the last one. Both end
early where nobody listens any more.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Environ = dict[str, Any]
Headers = Sequence[tuple[bytes, bytes]]
Application = Callable[..., Iterable[bytes]]

WAITING_MAX = 1_000
"""Requests that wait for a thread; one more is told to come again."""
CHUNK_BYTES = 64 * 1024


class Busy(Exception):
    """More requests wait for a thread than may."""


class Gone(Exception):
    """Whoever asked does not listen any more."""


class WsgiThreads:
    """An ASGI application for HTTP, which answers with a WSGI application.

    body_max: bytes of a body that are kept. Of a longer one the application is told the length and
    given the beginning; the rest is thrown away.
    """

    def __init__(self, application: Application, *, threads: int, body_max: int) -> None:
        self._application, self._body_max = application, body_max
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="django")
        self._waiting_max, self._under_way = threads + WAITING_MAX, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a request and answer it. Raises Busy where too many wait."""
        try:
            body, length = await self.read(scope, receive)
        except Gone:
            return
        await self.answer(environ_of(scope, body, length), receive, send)

    async def answer(self, environ: Environ, receive: Receive, send: Send) -> None:
        """Answer a request whose body has been read. Raises Busy where too many wait."""
        if self._under_way >= self._waiting_max:
            raise Busy
        self._under_way += 1
        loop = asyncio.get_running_loop()
        exchange = _Exchange(self._application, environ, loop, receive, send)
        try:
            whole = await loop.run_in_executor(self._pool, exchange.run)
        finally:
            self._under_way -= 1
            exchange.end()
        if isinstance(whole, _Blocks):
            await exchange.send_file(whole, self._pool)
        elif whole is not None:
            await send_whole(send, *whole)

    def close(self) -> None:
        """Let the threads end once they have answered."""
        self._pool.shutdown(wait=False)

    async def read(self, scope: Scope, receive: Receive) -> tuple[bytes, int]:
        """Return the body as far as it is kept, and its length. Raises Gone."""
        told = _length_of(scope)
        if told > self._body_max:
            return b"", told
        body, length, is_more = bytearray(), 0, True
        while is_more and length <= self._body_max:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body += message.get("body", b"")
            length, is_more = len(body), message.get("more_body", False)
        return bytes(body), length


class _Exchange:
    """One request in its thread."""

    def __init__(
        self,
        application: Application,
        environ: Environ,
        loop: asyncio.AbstractEventLoop,
        receive: Receive,
        send: Send,
    ) -> None:
        self._application, self._environ = application, environ
        self._loop, self._receive, self._send = loop, receive, send
        self._status, self._headers = 500, list[tuple[bytes, bytes]]()
        self._listener: asyncio.Future[Any] | None = None

    def run(self) -> "tuple[int, Headers, bytes] | _Blocks | None":
        """Return the answer where it is there as a whole, or as a file; else stream it."""
        answer = self._application(self._environ, self._start)
        if isinstance(answer, _Blocks):
            return answer
        try:
            if getattr(answer, "streaming", True):
                self._stream(answer)
                return None
            return self._status, self._headers, b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()

    async def send_file(self, blocks: "_Blocks", pool: Executor) -> None:
        """Send a file and close it; on the loop."""
        try:
            await self._begin(self._first_message())
            while block := await self._loop.run_in_executor(pool, next, blocks, b""):
                await self._send_chunk(block, is_last=False)
            await self._send_chunk(b"", is_last=True)
        except Gone:
            return
        finally:
            self.end()
            await self._loop.run_in_executor(pool, blocks.close)

    def end(self) -> None:
        """Stop listening for the end of the connection; on the loop."""
        if self._listener is not None:
            self._listener.cancel()

    def _start(
        self, status: str, headers: Sequence[tuple[str, str]], error: Any = None
    ) -> Callable[[bytes], None]:
        self._status = int(status.partition(" ")[0])
        self._headers = [
            (name.encode("latin1"), text.strip().encode("latin1")) for name, text in headers
        ]
        return self._no_write

    @staticmethod
    def _no_write(_chunk: bytes) -> None:
        raise RuntimeError("nothing of ours writes so")

    def _stream(self, chunks: Iterable[bytes]) -> None:
        self._wait_for(self._begin(self._first_message()))
        try:
            for chunk in chunks:
                if chunk:
                    self._wait_for(self._send_chunk(chunk, is_last=False))
            self._wait_for(self._send_chunk(b"", is_last=True))
        except Gone:
            return

    def _first_message(self) -> Message:
        return {"type": "http.response.start", "status": self._status, "headers": self._headers}

    def _wait_for(self, step: Any) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result()

    async def _begin(self, start: Message) -> None:
        self._listener = asyncio.ensure_future(self._listen())
        await self._send(start)

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _send_chunk(self, chunk: bytes, *, is_last: bool) -> None:
        assert self._listener is not None
        if self._listener.done():
            raise Gone
        await self._send({"type": "http.response.body", "body": chunk, "more_body": not is_last})


class _Blocks(FileWrapper):
    """A file in larger blocks than Django reads it in."""

    def __init__(self, file: Any, _block_bytes: int = 0) -> None:
        super().__init__(file, CHUNK_BYTES)

    def close(self) -> None:
        """Close the file, and with it the answer that it is of."""
        self.filelike.close()


async def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer, with the length that its body has."""
    kept = [(name, text) for name, text in headers if name.lower() != b"content-length"]
    if status not in _BODILESS:
        # What is told of an answer to HEAD is the length of what is not sent.
        told = next((text for name, text in headers if name.lower() == b"content-length"), None)
        kept.append((b"Content-Length", told or str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": kept})
    await send({"type": "http.response.body", "body": body, "more_body": False})


_BODILESS = frozenset({204, 304})


def _length_of(scope: Scope) -> int:
    """Return how long the body is said to be, 0 where nothing is said; the server has read it."""
    return next((int(text) for name, text in scope["headers"] if name == b"content-length"), 0)


def environ_of(scope: Scope, body: bytes, length: int) -> Environ:
    """Return a request as WSGI has it. The body's length is told also where the client has not.

    A header whose name has an underscore is left out: another one could pass for it.
    """
    server, client = scope.get("server") or ("", None), scope.get("client") or ("", None)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin1"),
        "QUERY_STRING": scope["query_string"].decode("latin1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1] or ""),
        **_OF_THE_SERVER,
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    for name, value in scope["headers"]:
        if b"_" not in name:
            text, key = value.decode("latin1"), _name_of(name)
            environ[key] = f"{environ[key]},{text}" if key in environ else text
    if length or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(length)
    return environ


_OF_THE_SERVER: Mapping[str, Any] = {
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.file_wrapper": _Blocks,
}


def _name_of(header: bytes) -> str:
    known = _NAMES.get(header)
    if known is None:
        word = header.decode("latin1").upper().replace("-", "_")
        known = word if word in {"CONTENT_LENGTH", "CONTENT_TYPE"} else f"HTTP_{word}"
        if len(_NAMES) < NAMES_MAX:
            _NAMES[header] = known
    return known


_NAMES: dict[bytes, str] = {}
NAMES_MAX = 200
"""Names of headers whose form in WSGI is remembered: whoever asks writes them."""
