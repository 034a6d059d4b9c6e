"""Celery's part of trading: a task nudges the resident engine, or works the shard itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Task
from django.core.cache import cache

from bengi import clock
from instruments.board import board
from instruments.services import flush_quotes
from orders.models import Order
from trades import tasks
from trades.models import Shard
from trades.tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    cache.clear()
    tasks._engine.cache_clear()
    monkeypatch.setattr(tasks.Residence, "host", None)
    yield
    cache.clear()
    tasks._engine.cache_clear()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what would have gone to the broker."""
    found: list[dict[str, Any]] = []

    def send(self: Any, args: Any = None, kwargs: Any = None, **options: Any) -> str:
        found.append({"args": args, **options})
        return "sent"

    monkeypatch.setattr(Task, "apply_async", send)
    return found


@pytest.fixture
def at_its_time(world: World) -> Iterator[World]:
    clock.use(lambda: world.now)
    yield world
    clock.reset()


class FakeHost:
    def __init__(self, *shards: int) -> None:
        self.shards, self.nudged = shards, list[int]()

    def nudge(self, shard: int) -> bool:
        self.nudged.append(shard)
        return shard in self.shards


def test_of_a_shard_one_nudge_waits_at_most(sent: list[dict[str, Any]]) -> None:
    for _ in range(3):
        tasks.work_shard.apply_async((0,))
        tasks.work_shard.apply_async((1,), expires=5)
    told = [(each["args"], each["queue"], each["expires"]) for each in sent]
    assert told == [((0,), "matching.0", 600), ((1,), "matching.1", 600)]
    tasks.work_shard(0)
    tasks.work_shard.apply_async((0,))
    assert [each["args"] for each in sent] == [(0,), (1,), (0,)]


def test_one_that_no_broker_takes_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("planted")

    monkeypatch.setattr(Task, "apply_async", refuse)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            tasks.work_shard.apply_async((0,))


def test_the_resident_engine_is_nudged(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    host = FakeHost(0)
    monkeypatch.setattr(tasks.Residence, "host", host)
    world.place(world.trader(), world.instrument(), "buy", 1, limit="5", drain=False)
    assert tasks.work_shard(0) == 0
    assert host.nudged == [0]
    assert Order.objects.get().status == "accepted"


def test_without_one_the_task_works_the_shard_itself(
    at_its_time: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no ticks, so it goes by what the feed has stored; done twice it finds nothing."""
    world = at_its_time
    monkeypatch.setattr(tasks.Residence, "host", FakeHost(7))
    abc = world.instrument()
    world.tick(abc, "99.90", "100.00")
    flush_quotes()
    board.clear()  # the worker is a process without a feed
    world.place(world.trader(), abc, "buy", 1, drain=False)
    assert tasks.work_shard(0) > 0
    assert Order.objects.get().status == "filled"
    version = Shard.objects.get().version
    assert tasks.work_shard(0) == 0
    assert Shard.objects.get().version == version


def test_corporate_actions_are_looked_for(world: World) -> None:
    assert tasks.apply_corporate_actions() == 0


def test_queues_name_their_shards() -> None:
    queues = ["default", "matching.3", "matching.0", "matching.", "matching.x"]
    assert tasks.shards_in(queues) == [0, 3]
    assert tasks.queue_of(3) == "matching.3"
