"""A server of its own for test_server: every socket is flooded, /sent tells how many frames."""

import sys

from bengi.server import Server

FRAME = "x" * 8_000
sent = 0


async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(sent).encode()})
    else:
        await flood(receive, send)


async def flood(receive, send):
    global sent  # noqa: PLW0603 - one count for the whole process
    await receive()
    await send({"type": "websocket.accept"})
    while sent < 20_000:
        await send({"type": "websocket.send", "text": f"{sent:06} {FRAME}"})
        sent += 1


if __name__ == "__main__":
    Server(application, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"]).run()
