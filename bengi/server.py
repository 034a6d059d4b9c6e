"""Daphne with one thing more: who writes to a slow WebSocket waits until it can take more.

Daphne itself takes every frame at once and keeps what the network does not take yet, without end.
A page on a bad line would then be shown every old price before the newest one. Here a frame that
does not fit makes `await send()` wait, and the writer finds newer prices when it is let on.
"""

import asyncio
import socket
from typing import Any

from daphne.server import Server as DaphneServer
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

BUFFER_BYTES = 32 * 1024
"""What may wait in the process, and again in the kernel, before a writer has to."""


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


class Server(DaphneServer):
    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        await super().handle_reply(protocol, message)
        if message["type"] == "websocket.send" and protocol.transport is not None:
            await _valve_of(protocol).wait()


def _valve_of(protocol: Any) -> Valve:
    valve: Valve | None = getattr(protocol, "valve", None)
    if valve is None:
        valve = protocol.valve = Valve(protocol.transport)
    return valve
