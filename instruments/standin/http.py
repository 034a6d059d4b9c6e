"""As much of HTTP/1.1 as the stand-in needs: one request after the other on a connection."""

import asyncio
from http import HTTPStatus

from instruments.standin.service import Answer, Request

HEAD_BYTES_MAX = 32 * 1024
BODY_BYTES_MAX = 256 * 1024
IDLE_S = 60


class BadRequest(Exception):
    """What has come is no HTTP that can be understood; the connection has to go."""


async def read_request(reader: asyncio.StreamReader) -> tuple[Request, bytes] | None:
    """Return the next request and its head as it came; None where the client has hung up.

    Raises BadRequest, and TimeoutError when nothing comes for a minute.
    """
    async with asyncio.timeout(IDLE_S):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise BadRequest("cut off in the head") from error
            return None
        except asyncio.LimitOverrunError as error:
            raise BadRequest("the head is too long") from error
        method, target, headers = _head(head)
        body = await _body(reader, headers)
    return Request(method, target, headers, body), head


async def deliver(
    answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Send an answer, in the way that it is to be delivered; False ends the connection."""
    if answer.is_withheld:
        await until_closed(reader)
        return False
    if answer.delay_s:
        await asyncio.sleep(answer.delay_s)
    message = _message(answer)
    if answer.cut_after is not None:
        writer.write(message[: answer.cut_after])
        await writer.drain()
        return False
    writer.write(message)
    await writer.drain()
    return True


async def until_closed(reader: asyncio.StreamReader) -> None:
    """Wait until the client has had enough; what it still says is not kept."""
    while await reader.read(HEAD_BYTES_MAX):
        pass


def _head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, version = first.split(" ")
        pairs = [line.split(":", 1) for line in lines if line]
        headers = {name.lower(): value.strip() for name, value in pairs}
    except ValueError as error:
        raise BadRequest(first) from error
    if not version.startswith("HTTP/1.") or not target.startswith("/") or target[:2] == "//":
        raise BadRequest(first)
    return method, target, headers


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal() or int(length) > BODY_BYTES_MAX:
        raise BadRequest("a body that is too long, or in parts")
    try:
        return await reader.readexactly(int(length))
    except asyncio.IncompleteReadError as error:
        raise BadRequest("cut off in the body") from error


def _message(answer: Answer) -> bytes:
    headers = {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(answer.body)),
        **answer.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    phrase = _phrase(answer.status)
    return f"HTTP/1.1 {answer.status} {phrase}\r\n{lines}\r\n".encode() + answer.body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"  # 520, which is none of the standard's
