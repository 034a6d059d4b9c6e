"""One WebSocket on a connection: websockets' protocol without its input and output, on ours."""

import asyncio
import logging
from collections.abc import Callable

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol

from instruments.standin.stream import Subscriber

FRAME_BYTES_MAX = 64 * 1024
WAITING_BYTES_MAX = 1024 * 1024
"""What may wait for a client that does not read, before its connection is broken."""

_CHUNK = 64 * 1024
_wire = logging.getLogger("instruments.standin.wire")
_wire.setLevel(logging.WARNING)  # below that every frame is written, and addresses with keys


class Socket:
    """A connection that has asked to become a WebSocket."""

    def __init__(
        self, subscriber: Subscriber, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.subscriber = subscriber
        self._reader, self._writer = reader, writer
        self._protocol = ServerProtocol(max_size=FRAME_BYTES_MAX, logger=_wire)
        self._parts: list[bytes] = []
        self._is_frozen = False

    def open(self, head: bytes) -> bool:
        """Answer the handshake and return whether it has made a WebSocket."""
        self._protocol.receive_data(head)
        for event in self._protocol.events_received():
            if isinstance(event, Handshake):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        return self._protocol.state is State.OPEN

    async def listen(self, hear: Callable[[str], list[str]]) -> None:
        """Answer frames until either side closes. A frozen socket waits for its end in silence."""
        while self._protocol.state is not State.CLOSED:
            data = await self._reader.read(_CHUNK)
            if self._is_frozen:
                await asyncio.Event().wait()
            if not data:
                return
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and (text := self._text(event)) is not None:
                    for answer in hear(text):
                        self.send(answer)
            self._flush()
            await self._writer.drain()
            if self._protocol.close_expected():
                return

    def send(self, text: str) -> None:
        """Send a frame; who does not read loses the connection."""
        if self._is_frozen or self._protocol.state is not State.OPEN:
            return
        self._protocol.send_text(text.encode())
        self._flush()
        if self._writer.transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            self.cut()

    def close(self, reason: str) -> None:
        """Say good-bye."""
        if self._protocol.state is State.OPEN and not self._is_frozen:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE, reason)
            self._flush()

    def cut(self) -> None:
        """Break the connection without a word."""
        self._writer.transport.abort()

    def freeze(self) -> None:
        """Be half-open from now on: neither read nor write, and keep the connection."""
        self._is_frozen = True
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def _text(self, frame: Frame) -> str | None:
        """Return a text that is complete with this frame."""
        if frame.opcode not in {Opcode.TEXT, Opcode.CONT}:
            return None
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return None
        whole, self._parts = b"".join(self._parts), []
        return whole.decode(errors="replace")

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and not self._is_frozen:
                self._writer.write(data)
