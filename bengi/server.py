"""Daphne with a bound on everything that a WebSocket may pile up, in both directions.

Daphne itself takes every frame at once and keeps what the network does not take yet, without end.
A page on a bad line would then be shown every old price before the newest one. Here a frame that
does not fit makes `await send()` wait, and the writer finds newer prices when it is let on.

Of what a client sends, Daphne keeps in the same way what is not read yet. Here a frame that is too
large closes the socket before it is held, and so do more messages than a client can mean. And who
listens while the server stops is told so, in place of being cut off.
"""

import asyncio
import socket
from typing import Any

from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor, task
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from bengi.realtime.protocol import (
    CLOSE_GOING_AWAY,
    CLOSE_RATE,
    MESSAGE_BYTES_MAX,
    UNREAD_MAX,
)

BUFFER_BYTES = 32 * 1024
"""What may wait in the process, and again in the kernel, before a writer has to."""
FRAME_BYTES_MAX = MESSAGE_BYTES_MAX + 1
"""One byte more than a message may have: that one is answered, a longer one not even held."""
GOODBYE_S = 0.2
"""How long a stopping server leaves its sockets to hear of it."""


@implementer(IPushProducer)
class Valve:
    """Tells whether one connection takes more; Twisted says when its buffer fills and empties."""

    def __init__(self, transport: Any) -> None:
        self._open = asyncio.Event()
        self._open.set()
        transport.unregisterProducer()
        transport.registerProducer(self, True)
        transport.bufferSize = BUFFER_BYTES
        handle = getattr(transport, "getHandle", lambda: None)()
        if isinstance(handle, socket.socket):
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)

    async def wait(self) -> None:
        """Return once the connection takes more, or is gone."""
        await self._open.wait()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._open.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self._open.set()

    def stopProducing(self) -> None:  # noqa: N802
        self._open.set()


class Protocol(WebSocketProtocol):
    """A WebSocket that takes no more than UNREAD_MAX messages ahead of its reader."""

    muted: bool

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 - Autobahn's
        if not self.muted and self.application_queue.qsize() >= UNREAD_MAX:
            self.serverClose(code=CLOSE_RATE)
            self.application_queue.put_nowait({"type": "websocket.disconnect", "code": CLOSE_RATE})
            self.muted = True
            return
        super().onMessage(payload, isBinary)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 - Daphne's name
        """Close with any code; Autobahn's own way refuses those of RFC 6455, such as 1013."""
        self.sendCloseFrame(code=1000 if code is None else code, isReply=False)


class Server(DaphneServer):
    """Daphne's server. Its arguments are Daphne's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._on_ready = kwargs.pop("ready_callable", None)
        limits = dict.fromkeys(_LIMITS, FRAME_BYTES_MAX)
        super().__init__(*args, ready_callable=self._begin, **limits, **kwargs)

    def _begin(self) -> None:
        """Daphne has made its factories and has not taken a connection yet."""
        self.ws_factory.protocol = Protocol
        self.ws_factory.setProtocolOptions(failByDrop=False)
        reactor.addSystemEventTrigger("before", "shutdown", self._say_goodbye)  # type: ignore[arg-type]
        if self._on_ready is not None:
            self._on_ready()

    def _say_goodbye(self) -> Any:
        """Close every socket as one that may come back, and wait until that is on its way."""
        open_ones = [each for each in self.connections if isinstance(each, Protocol)]
        for protocol in open_ones:
            if protocol.state == protocol.STATE_OPEN:
                protocol.serverClose(CLOSE_GOING_AWAY)
        return task.deferLater(reactor, GOODBYE_S, lambda: None) if open_ones else None

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        await super().handle_reply(protocol, message)
        if message["type"] == "websocket.send" and protocol.transport is not None:
            await _valve_of(protocol).wait()


_LIMITS = ("websocket_max_message_size", "websocket_max_frame_size")


def _valve_of(protocol: Any) -> Valve:
    valve: Valve | None = getattr(protocol, "valve", None)
    if valve is None:
        valve = protocol.valve = Valve(protocol.transport)
    return valve
