"""A server of its own for test_server: sockets are flooded, /sent tells how many frames.

Who opens /deaf is never read, who opens /echo hears what they say, who opens /1013 is sent away.
"""

import asyncio
import sys

from bengi.server import Server

FRAME = "x" * 8_000
sent = 0


async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(sent).encode()})
    elif scope["path"] == "/flood":
        await flood(receive, send)
    else:
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/echo":
            await echo(receive, send)
        elif scope["path"] == "/deaf":
            await asyncio.Event().wait()
        else:
            await send({"type": "websocket.close", "code": int(scope["path"].strip("/"))})


async def echo(receive, send):
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def flood(receive, send):
    global sent  # noqa: PLW0603 - one count for the whole process
    await receive()
    await send({"type": "websocket.accept"})
    while sent < 20_000:
        await send({"type": "websocket.send", "text": f"{sent:06} {FRAME}"})
        sent += 1


if __name__ == "__main__":
    Server(application, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"]).run()
