"""The web process as a whole: orders wait on its loop for their group, the rest goes to threads."""

import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bengi import web
from bengi.group_commit import unavailable
from bengi.order_door import Answer, Request
from bengi.tests.test_web_worker import LONG_S, Toy, ask, get, serving
from bengi.web import Web
from bengi.wsgi_threads import WsgiThreads

ORDER = (
    b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)


class Calendar:
    """Stands in for the watch on the market's calendar: it needs a database."""

    def __init__(self) -> None:
        self._may_end = threading.Event()

    def run(self) -> None:
        self._may_end.wait(LONG_S)

    def stop(self) -> None:
        self._may_end.set()


class Site:
    """A web process without Django's part; answer is what the door tells each of a group."""

    def __init__(self, toy: Toy) -> None:
        self.groups: list[list[bytes]] = []
        self.answer: Any = Answer(201, [(b"X-Door", b"1")], b"taken")
        self.began, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()
        self.web = Web(WsgiThreads(toy, threads=1, body_max=1_000))
        self.web._answer_group = self._answer_group  # type: ignore[method-assign]

    def _answer_group(self, requests: Sequence[Request]) -> list[Answer | None]:
        self.groups.append([request.body for request in requests])
        self.began.set()
        assert self.may_go_on.wait(LONG_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer for _ in requests]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Site:
    settings.FAST_LANE = True
    monkeypatch.setattr(web, "CalendarWatch", Calendar)
    return Site(Toy())


@pytest.fixture
def port(site: Site) -> Iterator[int]:
    with serving(site.web, is_live=True) as (port, _):
        yield port


def test_an_order_is_answered_by_the_door_and_the_rest_by_threads(site: Site, port: int):
    answer = ask(port, ORDER)
    assert answer.startswith(b"HTTP/1.1 201 Created\r\n")
    assert b"x-door: 1\r\n" in answer
    assert answer.endswith(b"content-length: 5\r\nconnection: close\r\n\r\ntaken")
    assert b"PATH_INFO" in get(port, "/api/v1/orders")
    assert site.groups == [[b"{}"]]


def test_what_the_door_leaves_is_asked_of_django_with_its_body(site: Site, port: int):
    site.answer = None
    assert ask(port, ORDER).endswith(b", '2', b'{}')")
    assert site.groups == [[b"{}"]]


def test_who_comes_meanwhile_is_in_the_next_group(site: Site, port: int):
    site.may_go_on.clear()
    told: list[bytes] = []
    asking = [threading.Thread(target=lambda: told.append(ask(port, ORDER))) for _ in range(5)]
    asking[0].start()
    assert site.began.wait(LONG_S)
    for thread in asking[1:]:
        thread.start()
    while site.web._submit.__self__._queue.qsize() < 4:  # type: ignore[union-attr]
        threading.Event().wait(0.001)
    site.may_go_on.set()
    for thread in asking:
        thread.join(LONG_S)
    assert [len(group) for group in site.groups] == [1, 4]
    assert [each[:12] for each in told] == [b"HTTP/1.1 201"] * 5


@pytest.mark.parametrize(
    ("error", "status"), [(unavailable(), b"503"), (AssertionError("impossible"), b"500")]
)
def test_a_group_that_fails_is_told_as_problems(site: Site, port: int, error: Any, status: bytes):
    site.answer = error
    answer = ask(port, ORDER)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"content-type: application/problem+json" in answer
    assert (b"retry-after: 1" in answer) is (status == b"503")


def test_who_waits_when_the_process_is_to_end_is_answered(site: Site):
    site.may_go_on.clear()
    told: list[bytes] = []
    with serving(site.web, is_live=True) as (port, server):
        asking = threading.Thread(target=lambda: told.append(ask(port, ORDER)), daemon=True)
        asking.start()
        assert site.began.wait(LONG_S)
        server.should_exit = True
        site.may_go_on.set()
        asking.join(LONG_S)
    assert told[0].startswith(b"HTTP/1.1 201")


def test_one_too_many_for_the_threads_is_told_to_come_again(site: Site, port: int):
    site.web._threads._waiting_max = 0
    answer = get(port, "/anything")
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in answer
    assert b'"code": "unavailable"' in answer


def test_who_goes_before_the_body_has_come_orders_nothing(site: Site, port: int):
    with socket.create_connection(("127.0.0.1", port), LONG_S) as connection:
        connection.sendall(ORDER[:-1])
    assert ask(port, ORDER).startswith(b"HTTP/1.1 201")
    assert site.groups == [[b"{}"]]
