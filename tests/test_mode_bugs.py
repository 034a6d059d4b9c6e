"""Bugs planted in what joins processes: hub, bus, hosts of engines, relay, leases. Each is found.

A play is what must hold, in short; the tests beside the code hold more. Every bug stands for
something that would be seen only now and then, after a gap or a pause, and by few.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bengi import bus as bus_module
from bengi.bus import MISSED, NUDGE, TICKS, get_bus
from bengi.events.lease import LASTS, take_lease
from bengi.events.models import Event, RelayedStream
from bengi.events.relay import Relay
from bengi.ids import new_id
from bengi.leases.services import LeaseLost
from bengi.leases.tenure import LASTS_S, Tenure
from bengi.management.commands import run_relay
from bengi.realtime import hub as hub_module
from bengi.realtime.hub import Readers, hub_of_loop
from bengi.redis_bus import RedisBus
from bengi.tests.test_relay import STREAMS, happen
from instruments.tests.ticks import D, make_tick
from tests.state.planted import Bug, plant
from trades import hosting
from trades.hosting import EngineHost
from trades.session import SessionHours
from trades.tests.test_hosting import FakeLoop

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)

Play = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def _bus_of_its_own() -> Iterator[None]:
    """What a bug leaves on the bus must not hear the tests that follow."""
    yield
    bus_module.reset()


# -- plays -----------------------------------------------------------------------------------------


def sockets(_: pytest.MonkeyPatch) -> None:
    """What the bus has kept from sockets is read: logs and quotes, no quote that is older."""
    asyncio.run(_sockets())


async def _sockets() -> None:
    stream, asked = new_id(), list[str]()

    async def heads(_streams: Any) -> dict[Any, int]:
        return {stream: 3}

    async def stored(symbols: list[str]) -> Sequence[Any]:
        asked.extend(symbols)
        if len(asked) == 1:
            raise ConnectionError("away once more")
        return [make_tick(symbol="ABC", bid=D(1), as_of=AT)]

    async def everybody(keys: Any) -> set[Any]:
        return set(keys)

    async def markets() -> str:
        return ""

    async def nothing(marks: Any) -> dict[Any, list[Any]]:
        return {mark: [] for mark in marks}

    hub = hub_of_loop(Readers(heads, everybody, markets, stored, nothing))
    feed = hub.join()
    try:
        hub.watch(feed, ["ABC"])
        hub.follow(feed, stream)
        feed.seqs[stream] = 2
        get_bus().publish(TICKS, [make_tick(symbol="ABC", bid=D(7), as_of=AT + timedelta(1))])
        await _flush(hub)
        feed.take_prices()
        hub._on_missed(None)
        with contextlib.suppress(ConnectionError):
            await hub._look_for_itself()
        assert feed.take_hints() == {stream}, "the log has grown, and nobody was told"
        await hub._look_for_itself()
        assert len(asked) == 2, "the look after a gap failed, and was not taken again"
        await _flush(hub)
        assert '"7' in hub.newest["ABC"], "an older quote took the place of a newer one"
    finally:
        await hub.leave(feed)


async def _flush(hub: Any) -> None:
    for _ in range(hub_module.TURNS):
        await hub._flush()


def processes(_: pytest.MonkeyPatch) -> None:
    """A message comes once to each process, the sender's own included; gaps are told of."""
    sent: list[tuple[str, bytes]] = []
    here, there = RedisBus("redis://127.0.0.1:1/0"), RedisBus("redis://127.0.0.1:1/0")
    here._speaker = SimpleNamespace(publish=lambda *frame: sent.append(frame))  # type: ignore[assignment]
    heard: dict[str, list[Any]] = {"here": [], "there": [], "missed": []}
    here._local.subscribe(NUDGE, heard["here"].append)
    there._local.subscribe(NUDGE, heard["there"].append)
    there._local.subscribe(MISSED, heard["missed"].append)
    there._take({"type": "subscribe", "data": len(there._topics)})
    here.publish_all(NUDGE, [3, 4])
    for channel, data in sent:
        frame = {"type": "message", "channel": channel.encode(), "data": data}
        here._take(frame)
        there._take(frame)
    assert heard == {"here": [3, 4], "there": [3, 4], "missed": [None]}
    assert not there.is_deaf


def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard hears its own nudges and that something was missed, until it is given up."""
    loops: list[FakeLoop] = []
    monkeypatch.setattr(FakeLoop, "made", loops)
    monkeypatch.setattr(hosting, "EngineLoop", FakeLoop)
    host = EngineHost(lambda: AT, hours=SessionHours("always"))
    try:
        host.take(0)
        host.take(1)
        get_bus().publish(NUDGE, 1)
        assert [loop.nudges for loop in loops] == [0, 1]
        get_bus().publish(MISSED, None)
        assert [loop.nudges for loop in loops] == [1, 2]
        assert host.give_up(0)
        assert loops[0].has_ended, "it was given up, and works on"
        get_bus().publish(NUDGE, 0)
        assert loops[0].nudges == 1
    finally:
        for loop in loops:
            loop.stop()
        host.stop()


def positions(_: pytest.MonkeyPatch) -> None:
    """Who has lost the lease while publishing, or is told to begin anew, moves no position."""
    happen(STREAMS[0], 3)
    for meanwhile in (run_relay.forget_positions, lambda: take_lease(new_id(), AT + LASTS)):

        def publish(_events: Sequence[Event], meanwhile: Callable[[], object] = meanwhile) -> None:
            meanwhile()

        with contextlib.suppress(LeaseLost):
            Relay(publish).turn(AT)
        assert RelayedStream.objects.count() == 0


def turns(_: pytest.MonkeyPatch) -> None:
    """Of two feeds one has its turn, and one that slept through it knows."""
    now = [0.0]

    def tenure() -> Tenure:
        return Tenure("feed", lambda: AT + timedelta(seconds=now[0]), now_s=lambda: now[0])

    first, second = tenure(), tenure()
    assert first.take()
    now[0] = LASTS_S / 2
    assert not second.take()
    now[0] = LASTS_S
    assert second.take()
    assert not first.is_held, "before it has asked anybody"
    assert not first.keep()


# -- bugs ------------------------------------------------------------------------------------------

HUB, BUS, HOST = "bengi.realtime.hub", "bengi.redis_bus", "trades.hosting"
RELAY, COMMAND = "bengi.events.relay", "bengi.management.commands.run_relay"
LEASES, TENURE = "bengi.leases.services", "bengi.leases.tenure"
BUGS: list[tuple[Play, Bug]] = [
    (
        sockets,
        Bug(
            "a lost hint is never healed",
            HUB,
            "Hub._sweep",
            "feed.seqs.get(stream_id, head) < head",
            "False",
        ),
    ),
    (
        sockets,
        Bug(
            "the look after a gap is taken once, however it goes",
            HUB,
            "Hub._look_for_itself",
            "self._has_missed = True",
            "pass",
        ),
    ),
    (
        sockets,
        Bug(
            "what was stored counts as news",
            HUB,
            "Hub._is_newer",
            "known is None or tick.as_of > known",
            "True",
        ),
    ),
    (
        processes,
        Bug(
            "a process hears itself again",
            BUS,
            "RedisBus._deliver",
            "data[:_ORIGIN_BYTES] == self._origin or ",
            "",
        ),
    ),
    (
        processes,
        Bug("nobody is told of a gap", BUS, "RedisBus._take", "self._call(MISSED, None)", "pass"),
    ),
    (
        hosts,
        Bug(
            "an engine does not look after a gap",
            HOST,
            "_Hosted.__init__",
            "bus.subscribe(MISSED, loop.nudge),",
            "",
        ),
    ),
    (
        hosts,
        Bug(
            "a shard is given up, and worked on",
            HOST,
            "EngineHost.give_up",
            "hosted is None or hosted.end(timeout_s)",
            "True",
        ),
    ),
    (
        positions,
        Bug(
            "who has lost the lease moves positions",
            RELAY,
            "Relay.turn",
            "note_published(self.holder, now)",
            "pass",
        ),
    ),
    (
        positions,
        Bug(
            "positions are forgotten under a relay at work",
            COMMAND,
            "forget_positions",
            "RelayLease.objects.update(holder=None)",
            "pass",
        ),
    ),
    (turns, Bug("a duty is taken early", LEASES, "take_row", "lte=now)", "lte=now + lasts)")),
    (
        turns,
        Bug(
            "who slept goes on",
            TENURE,
            "Tenure.keep",
            "return self._ask(self._hold) is not False",
            "return True",
        ),
    ),
]


@pytest.mark.parametrize("play", [sockets, processes, hosts, positions, turns])
def test_the_plays_are_right_without_them(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch)


@pytest.mark.parametrize(("play", "bug"), BUGS, ids=[bug.name for _, bug in BUGS])
def test_a_planted_bug_is_found(play: Play, bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(bug, monkeypatch)
    with pytest.raises(AssertionError):
        play(monkeypatch)
