"""The standard mode when something goes: Redis, an engine, somebody's right to be there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from websockets.sync.client import connect

from scripts.parts import PARTS, find
from tests import servers
from tests.modes.people import Person, enroll
from tests.modes.processes import MANAGE, Fleet, standard
from tests.servers import Redis

pytestmark = [pytest.mark.slow, pytest.mark.real_parts]
ENDED_S = 5.0
"""How soon what has ended must be over everywhere."""


class Stage(NamedTuple):
    fleet: Fleet
    redis: Redis


@pytest.fixture(scope="module")
def stage(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Yield the mode's processes on a Redis of their own; the books are clean at the end."""
    found = find(PARTS["redis"])
    assert found, "Redis is missing"
    with ExitStack() as stack:
        redis = stack.enter_context(servers.redis_of_its_own(found[0]))
        database = stack.enter_context(servers.database(postgres_server))
        folder: Path = tmp_path_factory.mktemp("standard")
        fleet = stack.enter_context(standard(folder, database, redis.url))
        yield Stage(fleet, redis)
        fleet.check()
        fleet.stop_all()
        fleet.run([*MANAGE, "check_books"])
        fleet.run([*MANAGE, "replay_events"])


@pytest.fixture
def person(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Person]:
    name = request.node.name.replace("_", "")[:40]
    enroll(stage.fleet, name)
    with Person(stage.fleet, name) as someone:
        yield someone


def rest(person: Person, key: str) -> dict[str, Any]:
    """Place an order that rests; return it once the socket has told so."""
    order = person.order(key, "buy", "1", "1.00", confirm_duplicate=True)
    person.until_order(order, "new")
    return order


def test_prices_come_from_the_feed_to_the_socket_and_to_pages(stage: Stage, person: Person) -> None:
    before = person.until_price("AAPL")
    assert before["as_of"] < person.until_price("AAPL")["as_of"]
    give_up_s = time.monotonic() + 30
    while person.get("instruments/AAPL/quote")["last"] is None:
        assert time.monotonic() < give_up_s
    order = person.post("orders", symbol="AAPL", side="buy", type="market", quantity="1")
    assert person.until_order(order, "filled")["filled_quantity"] == "1"


def test_pages_open_the_socket_where_it_is(stage: Stage) -> None:
    """Another port than theirs: the page names it, and its content policy lets it."""
    with requests.Session() as browser:
        page = browser.get(f"{stage.fleet.site}/signin", timeout=30)
        origin = stage.fleet.stream.removesuffix("/ws")
        assert f"connect-src 'self' {origin};" in page.headers["Content-Security-Policy"] + ";"
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        page = browser.post(f"{stage.fleet.site}/signin/demo", data=token, timeout=30)
        assert f'data-stream="{stage.fleet.stream}"' in page.text
        cookie = f"sessionid={browser.cookies['sessionid']}"
    headers = {"Cookie": cookie, "Origin": stage.fleet.site}
    with connect(stage.fleet.stream, additional_headers=headers) as socket:
        socket.send('{"type": "PING", "id": 1}')
        assert '"PONG"' in socket.recv(timeout=30)


def test_orders_go_on_while_redis_is_away_and_sockets_are_told(
    stage: Stage, person: Person
) -> None:
    rest(person, "before")
    stage.redis.stop()
    try:
        started_s = time.monotonic()
        order = person.order("meanwhile", "buy", "2", "1.00")
        assert time.monotonic() - started_s < 5
        person.until_order(order, "new")
        person.post(f"orders/{order['id']}/cancel")
        person.until_order(order, "canceled")
        market = person.post("orders", symbol="AAPL", side="buy", type="market", quantity="1")
        person.until_order(market, "filled")
        assert person.get("orders")["results"]
        stage.fleet.check()
    finally:
        stage.redis.start()
    rest(person, "after")
    person.until_price("AAPL")
    seqs = [each["seq"] for each in person.messages if "seq" in each]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_an_engine_that_was_killed_goes_on_where_it_was(stage: Stage, person: Person) -> None:
    rests = rest(person, "rests")
    stage.fleet.kill("matching-0")
    waits = person.order("waits", "buy", "1", "1.01")
    person.post(f"orders/{rests['id']}/cancel")
    stage.fleet.start("matching-0", stage.fleet.commands["matching-0"])
    person.until_order(waits, "new")
    person.until_order(rests, "canceled")


def test_who_is_signed_out_is_out_everywhere_in_time(stage: Stage, person: Person) -> None:
    """Ended on a web process: the socket's process closes it, and no process lets the token in."""
    started_s = time.monotonic()
    person.ask("POST", "auth/logout-all", {})
    assert person.closed_with() == 4401
    assert time.monotonic() - started_s < ENDED_S
    for _ in range(20):  # whichever web process answers
        assert person.ask("GET", "accounts", None).status_code == 401


def test_the_kill_switch_counts_in_every_process(stage: Stage, person: Person) -> None:
    enroll(stage.fleet, "switcher", "dealer")
    by = ["--by", "switcher@bengi.example"]
    stage.fleet.run([*MANAGE, "kill_switch", "on", "--reason", "Test", *by])
    try:
        for number in range(20):
            body = {"symbol": "BNGI", "side": "buy", "type": "limit", "quantity": "1"}
            order = {**body, "limit_price": "1.00", "client_order_id": f"refused-{number}"}
            answer = person.ask("POST", "orders", order)
            assert answer.json()["code"] == "trading_halted"
    finally:
        stage.fleet.run([*MANAGE, "kill_switch", "off", *by])
    rest(person, "again")
