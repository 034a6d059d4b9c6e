"""Where requests of the web process come in: ASGI in front of Django, which answers in threads.

Plain orders of programs wait on the event loop for their group, and one thread does the work of all
of them (bengi/order_door.py, docs/adr/0035). Everything else Django answers in threads
(bengi/wsgi_threads.py).
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.dev")
django = get_wsgi_application()

# These import models, so they come after Django has been set up.
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from bengi import order_door  # noqa: E402
from bengi.group_commit import too_many  # noqa: E402
from bengi.group_lane import GroupLane  # noqa: E402
from bengi.order_door import Answer, Given, OrderDoor, Request  # noqa: E402
from bengi.problem import BODY_BYTES_MAX  # noqa: E402
from bengi.threads import Crew  # noqa: E402
from bengi.wsgi_threads import (  # noqa: E402
    Busy,
    Gone,
    Receive,
    Scope,
    Send,
    WsgiThreads,
    environ_of,
    send_whole,
)
from instruments.days import CalendarWatch  # noqa: E402
from orders.fast_lane import (  # noqa: E402
    GROUP_MAX,
    PATIENCE_S,
    WAITING_MAX,
    give_connection_back,
    is_on,
)

Submit = Callable[[Request], Awaitable[Answer | None]]


class Web:
    """The ASGI application. It takes orders by itself from its startup to its shutdown."""

    def __init__(self, threads: WsgiThreads) -> None:
        self._threads = threads
        self._door = OrderDoor()
        self._crew = Crew()
        self._submit: Submit | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = order_door.is_plain(scope) if self._takes_orders() else None
        try:
            if given is None:
                await self._threads(scope, receive, send)
            else:
                await self._answer_order(scope, given, receive, send)
        except Busy:
            await self._say_busy(scope, send)

    def _takes_orders(self) -> bool:
        return self._submit is not None and is_on()

    async def _answer_order(self, scope: Scope, given: Given, receive: Receive, send: Send) -> None:
        try:
            body, length = await self._threads.read(scope, receive)
        except Gone:
            return
        request = Request(scope, given, body)
        answer = await self._placed(request)
        if answer is None:
            await self._threads.answer(environ_of(scope, body, length), receive, send)
        else:
            await send_whole(send, *answer)

    async def _placed(self, request: Request) -> Answer | None:
        """Return the answer of the group, None where Django has to give it."""
        assert self._submit is not None
        try:
            return await self._submit(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            return self._door.fail(error, request)

    async def _say_busy(self, scope: Scope, send: Send) -> None:
        await send_whole(send, *self._door.turn_away(too_many(), scope))

    # -- from startup to shutdown ------------------------------------------------------------------

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = (await receive())["type"]
            if event == "lifespan.startup":
                self._start()
            else:
                await asyncio.to_thread(self._stop)
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return

    def _start(self) -> None:
        """Let staff's word on the market's hours count in this process too, and take orders."""
        lane: GroupLane[Request, Answer | None] = GroupLane(
            self._answer_group,
            group_max=GROUP_MAX,
            waiting_max=WAITING_MAX,
            patience_s=PATIENCE_S,
            rest=give_connection_back,
        )
        self._crew.add("calendar", CalendarWatch())
        self._crew.add("orders", lane)
        self._submit = lane.submit

    def _stop(self) -> None:
        """Nobody waits any more: the server has answered all."""
        self._submit = None
        self._crew.stop()
        self._threads.close()

    def _answer_group(self, requests: Sequence[Request]) -> list[Answer | None]:
        """Answer a group, on a connection that is kept for the next one unless it broke."""
        try:
            return self._door.answer_all(requests)
        finally:
            if connection.errors_occurred:
                give_connection_back()


application = Web(WsgiThreads(django, threads=settings.WEB_THREADS, body_max=BODY_BYTES_MAX))
