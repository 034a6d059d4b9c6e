"""The hub without a socket: conflation, hints, and that it stops when nobody is left."""

import asyncio
import json
import threading
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from bengi.bus import ACCOUNT, MISSED, TICKS, WATCHED, get_bus
from bengi.ids import new_id
from bengi.realtime import hub as hub_module
from bengi.realtime.hub import Readers, hub_of_loop
from instruments.quotes import Tick

WAIT_S = 2


def tick(symbol: str, bid: str) -> Tick:
    return Tick(
        symbol=symbol,
        instrument_id="",
        shard=0,
        bid=Decimal(bid),
        ask=Decimal(bid) + 1,
        bid_size=Decimal(100),
        ask_size=Decimal(200),
        last=None,
        last_size=Decimal(0),
        volume=Decimal(0),
        day_open=None,
        day_high=None,
        day_low=None,
        previous_close=None,
        as_of=datetime(2026, 1, 5, 15, 0, tzinfo=UTC),
        source="test",
    )


async def no_heads(account_ids):
    return dict.fromkeys(account_ids, 0)


async def all_sessions(keys):
    return set(keys)


async def all_open():
    return '{"type":"MARKET_STATUS","markets":[]}'


async def no_quotes(symbols):
    return []


async def no_events(marks):
    return {mark: [] for mark in marks}


@pytest.fixture
async def feed():
    before = get_bus()._callbacks[TICKS]
    hub = hub_of_loop(Readers(no_heads, all_sessions, all_open, no_quotes, no_events))
    feed = hub.join()
    yield feed
    await hub.leave(feed)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert get_bus()._callbacks[TICKS] == before


async def flushed(hub) -> None:
    """Serve every group once."""
    for _ in range(hub_module.TURNS):
        await hub._flush()


async def prices_of(feed) -> dict[str, dict]:
    await asyncio.wait_for(feed.prices_due.wait(), WAIT_S)
    return {price["symbol"]: price for price in map(json.loads, feed.take_prices())}


async def test_a_feed_gets_only_the_newest_price_of_what_it_watches(feed):
    feed._hub.watch(feed, ["ABC", "DEF"])
    for cents in range(50):
        get_bus().publish(TICKS, [tick("ABC", f"10.{cents:02}"), tick("XYZ", "5")])
    prices = await prices_of(feed)
    assert prices.keys() == {"ABC"}
    assert prices["ABC"]["bid"] == "10.49"
    assert prices["ABC"]["ask"] == "11.49"
    assert prices["ABC"]["as_of"] == "2026-01-05T15:00:00.000000Z"
    assert feed.take_prices() == []


async def test_a_busy_socket_finds_the_newest_price_not_a_queue(feed):
    feed._hub.watch(feed, ["ABC"])
    for bid in ("1", "2", "3"):
        get_bus().publish(TICKS, [tick("ABC", bid)])
        await flushed(feed._hub)
    prices = await prices_of(feed)
    assert prices["ABC"]["bid"] == "3"


async def test_ticks_from_another_thread_arrive(feed):
    feed._hub.watch(feed, ["ABC"])
    thread = threading.Thread(target=get_bus().publish, args=(TICKS, [tick("ABC", "7")]))
    thread.start()
    thread.join()
    assert (await prices_of(feed))["ABC"]["bid"] == "7"


async def test_each_symbol_is_written_once_for_all_sockets(feed, monkeypatch):
    written = []
    encode = hub_module.protocol.encode

    def counting(message):
        written.append(message["symbol"])
        return encode(message)

    monkeypatch.setattr(hub_module.protocol, "encode", counting)
    hub = feed._hub
    others = [hub.join() for _ in range(20)]
    for each in (feed, *others):
        hub.watch(each, ["ABC"])
    get_bus().publish(TICKS, [tick("ABC", "7")])
    await flushed(hub)
    assert written == ["ABC"]
    assert all(len(each.take_prices()) == 1 for each in others)
    for other in others:
        await hub.leave(other)


async def test_nothing_comes_after_unwatch(feed):
    feed._hub.watch(feed, ["ABC"])
    feed._hub.unwatch(feed, ["ABC"])
    get_bus().publish(TICKS, [tick("ABC", "7")])
    await flushed(feed._hub)
    assert feed.take_prices() == []
    assert feed._hub.newest == {}


async def test_who_leaves_is_forgotten(feed):
    hub, account_id = feed._hub, new_id()
    gone = hub.join()
    hub.watch(gone, ["ABC"])
    hub.follow(gone, account_id)
    await hub.leave(gone)
    assert (hub._watchers, hub._followers, hub._feeds) == ({}, {}, {feed})


async def test_silence_makes_a_heartbeat_due(feed):
    feed.sent_s -= hub_module.HEARTBEAT_S
    await asyncio.wait_for(feed.prices_due.wait(), WAIT_S)
    assert feed.take_prices() == []


async def test_a_hint_reaches_the_followers_of_that_account_only(feed):
    own, other = new_id(), new_id()
    feed._hub.follow(feed, own)
    for account_id in (own, other):
        message = {"account_id": str(account_id), "seq": 3}
        threading.Thread(target=get_bus().publish, args=(ACCOUNT, message)).start()
    await asyncio.wait_for(feed.events_due.wait(), WAIT_S)
    await asyncio.sleep(0)
    assert feed.take_hints() == {own}


async def test_the_sweep_finds_what_a_lost_hint_did_not_tell(feed):
    behind, level = new_id(), new_id()

    async def heads(account_ids):
        return dict.fromkeys(account_ids, 5)

    feed._hub._read = feed._hub._read._replace(heads=heads)
    for account_id, seq in ((behind, 4), (level, 5)):
        feed._hub.follow(feed, account_id)
        feed.seqs[account_id] = seq
    await feed._hub._sweep()
    assert feed.take_hints() == {behind}


async def test_the_watch_tells_sockets_whose_session_has_ended():
    async def only_first(keys):
        return {"first"}

    hub = hub_of_loop(Readers(no_heads, only_first, all_open, no_quotes, no_events))
    first, second, none = hub.join("first"), hub.join("second"), hub.join(None)
    await hub._watch()
    ended = [feed.signed_out.is_set() for feed in (first, second, none)]
    for feed in (first, second, none):
        await hub.leave(feed)
    assert ended == [False, True, False]


async def test_a_round_that_fails_does_not_end_the_sweep(caplog):
    rounds = []

    async def work():
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise OSError("the database is away")

    task = asyncio.create_task(hub_module._every(0, work))
    while len(rounds) < 3:
        await asyncio.sleep(0)
    task.cancel()
    assert "work failed" in caplog.text


# -- a bus that is deaf, or has been -------------------------------------------------------------


async def test_what_the_bus_has_kept_from_the_sockets_is_read(feed, monkeypatch):
    """Newer prices count, older ones do not take anything back; logs are looked at too."""
    hub = feed._hub
    asked = []

    async def quotes(symbols):
        asked.append(symbols)
        later = datetime(2026, 1, 5, 15, 1, tzinfo=UTC)
        return [tick("OLD", "1"), msgspec.structs.replace(tick("NEW", "2"), as_of=later)]

    async def heads(ids):
        return dict.fromkeys(ids, 7)

    hub._read = Readers(heads, all_sessions, all_open, quotes, no_events)
    account_id = new_id()
    hub.watch(feed, ["OLD", "NEW"])
    hub.follow(feed, account_id)
    feed.seqs[account_id] = 6
    get_bus().publish(TICKS, [tick("OLD", "9"), tick("NEW", "9")])
    await flushed(hub)
    await prices_of(feed)
    await hub._look_for_itself()
    assert asked == [], "nothing was missed"
    get_bus().publish(MISSED, None)
    await hub._look_for_itself()
    await hub._look_for_itself()
    assert len(asked) == 1
    await flushed(hub)
    assert {symbol: price["bid"] for symbol, price in (await prices_of(feed)).items()} == {
        "NEW": "2"
    }
    assert feed.take_hints() == {account_id}
    monkeypatch.setattr(get_bus(), "is_deaf", True, raising=False)
    await hub._look_for_itself()
    assert len(asked) == 2


async def test_what_pages_watch_is_told_to_other_processes(feed):
    hub = feed._hub
    told = []
    end = get_bus().subscribe(WATCHED, told.append)
    await hub._sweep()
    hub.watch(feed, ["ABC"])
    await hub._sweep()
    end()
    assert told == [["ABC"]]
