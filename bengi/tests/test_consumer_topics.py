"""What comes over the socket: prices, the newest only; events, each of them once and in order."""

import asyncio
from decimal import Decimal

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError

from accounts.tests.factories import AccountFactory
from bengi import consumers
from bengi.bus import TICKS, get_bus
from bengi.ids import new_id
from bengi.realtime import hub as hub_module
from bengi.realtime import protocol
from bengi.tests.sockets import (
    Joined,
    hint,
    log_silently,
    put_in,
    socket_of,
    tick_of,
    topic_of,
)
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from orders.tests.factories import OrderFactory
from portfolios.tests.factories import PortfolioFactory
from trades.tests.factories import TradeFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_board")]


# -- prices ------------------------------------------------------------------------------------


async def test_a_snapshot_comes_first_then_what_moves(cookie):
    quote = await database_sync_to_async(QuoteFactory)(instrument__symbol="ABC")
    tick = await database_sync_to_async(tick_of)(quote, "99.99")
    async with socket_of(cookie) as socket:
        answer = await socket.ask(type="SUBSCRIBE", topics=["prices:ABC"])
        assert answer == {"type": "SUBSCRIBED", "topics": [{"topic": "prices:ABC"}]}
        snapshot = await socket.hear()
        assert snapshot == {
            "type": "PRICE_UPDATE",
            "prices": [
                {
                    "symbol": "ABC",
                    "bid": "99.98",
                    "ask": "100.02",
                    "bid_size": "300",
                    "ask_size": "200",
                    "last": "100",
                    "last_size": "0",
                    "volume": "12000",
                    "day_open": "99",
                    "day_high": "101",
                    "day_low": "98.5",
                    "previous_close": "98",
                    "as_of": "2026-01-05T15:00:00.000000Z",
                }
            ],
        }
        get_bus().publish(TICKS, [tick])
        update = await socket.hear()
        assert [(p["symbol"], p["bid"]) for p in update["prices"]] == [("ABC", "99.99")]


async def test_what_the_hub_knows_beats_the_table(cookie):
    """A tick that comes while the snapshot is being read must not be overwritten by it."""
    quote = await database_sync_to_async(QuoteFactory)(instrument__symbol="ABC")
    tick = await database_sync_to_async(tick_of)(quote, "99.99")
    async with socket_of(cookie) as first, Joined(cookie) as second:
        await first.ask(type="SUBSCRIBE", topics=["prices:ABC"])
        await first.hear()
        get_bus().publish(TICKS, [tick])
        await first.hear()
        await second.ask(type="SUBSCRIBE", topics=["prices:ABC"])
        assert (await second.hear())["prices"][0]["bid"] == "99.99"


async def test_an_instrument_without_a_quote_can_be_watched(cookie):
    await database_sync_to_async(InstrumentFactory)(symbol="NEW")
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=["prices:NEW"])
        assert await socket.hear(heartbeats=True) == {"type": "PRICE_UPDATE", "prices": []}


async def test_a_class_stock_shows_its_customers_best_orders(cookie):
    order = await database_sync_to_async(OrderFactory)(
        instrument__symbol="OWN", instrument__has_feed=False, limit_price=Decimal("12.5")
    )
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=["prices:OWN"])
        price = (await socket.hear())["prices"][0]
        assert (price["symbol"], price["bid"], price["ask"]) == (
            order.instrument.symbol,
            "12.5",
            None,
        )


async def test_topics_that_are_none_are_told_one_by_one(cookie):
    await database_sync_to_async(QuoteFactory)(instrument__symbol="ABC")
    wrong = ["prices:NOPE", "prices:", "prices", "", "orders:1", "account:x", "prices:" + "A" * 99]
    async with socket_of(cookie) as socket:
        answer = await socket.ask(type="SUBSCRIBE", topics=[*wrong, "prices:ABC", "prices:ABC"])
        assert answer == {"type": "SUBSCRIBED", "topics": [{"topic": "prices:ABC"}]}
        errors = [await socket.hear() for _ in wrong]
        assert {error["code"] for error in errors} == {"unknown_topic"}
        assert {error["topic"] for error in errors} == {topic[:64] for topic in wrong}


async def test_after_unsubscribe_nothing_comes(cookie, swift):
    quote = await database_sync_to_async(QuoteFactory)(instrument__symbol="ABC")
    tick = await database_sync_to_async(tick_of)(quote, "99.99")
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=["prices:ABC"])
        await socket.hear()
        answer = await socket.ask(type="UNSUBSCRIBE", topics=["prices:ABC"])
        assert answer == {"type": "UNSUBSCRIBED", "topics": [{"topic": "prices:ABC"}]}
        get_bus().publish(TICKS, [tick])
        await socket.says_nothing()


async def test_a_silent_market_still_beats(cookie, swift):
    async with socket_of(cookie) as socket:
        for _ in range(3):
            assert await socket.hear(heartbeats=True) == {"type": "PRICE_UPDATE", "prices": []}


async def test_a_socket_has_so_many_topics(cookie, monkeypatch):
    monkeypatch.setattr(protocol, "TOPICS_MAX", 3)
    for symbol in "ABCD":
        await database_sync_to_async(QuoteFactory)(instrument__symbol=symbol)
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=["prices:A", "prices:B"])
        await socket.hear()
        answer = await socket.ask(type="SUBSCRIBE", topics=["prices:C", "prices:D"])
        assert answer["code"] == "too_many_topics"
        answer = await socket.ask(type="SUBSCRIBE", topics=["prices:A", "prices:C"])
        assert [each["topic"] for each in answer["topics"]] == ["prices:A", "prices:C"]


# -- accounts ----------------------------------------------------------------------------------


async def test_every_event_comes_once_in_order(cookie, account):
    await put_in(account, times=2)
    async with socket_of(cookie) as socket:
        answer = await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        assert answer["topics"] == [{"topic": topic_of(account), "seq": 2}]
        for _ in range(5):
            hint(account, 2)
        await put_in(account, times=3)
        heard = [await socket.hear() for _ in range(3)]
        assert [message["seq"] for message in heard] == [3, 4, 5]
        assert {message["type"] for message in heard} == {"ACCOUNT_UPDATE"}
        assert {message["event"] for message in heard} == {"cash.posted"}
        assert {message["topic"] for message in heard} == {topic_of(account)}
        hint(account, 5)
        await socket.says_nothing()


async def test_a_lost_hint_heals(cookie, account, swift):
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        await log_silently(account.id, 2)
        assert [(await socket.hear())["seq"] for _ in range(2)] == [1, 2]


async def test_orders_and_trades_come_in_the_shape_of_the_api(cookie, account):
    portfolio = await database_sync_to_async(PortfolioFactory)(account=account)
    trade = await database_sync_to_async(TradeFactory)(order__portfolio=portfolio)
    from orders.payloads import order_payload
    from trades.payloads import trade_payload

    order = order_payload(trade.order, trade.instrument.symbol)
    fill = trade_payload(trade, trade.instrument.symbol)
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        await log_silently(account.id, 1, "order.filled", {"order": order, "state": {"secret": 1}})
        await log_silently(account.id, 1, "trade.executed", {"trade": fill, "transactions": [1]})
        hint(account)
        head = {"topic": topic_of(account)}
        assert await socket.hear() == {
            "type": "ORDER_UPDATE",
            **head,
            "seq": 1,
            "event": "order.filled",
            "order": order,
        }
        assert await socket.hear() == {
            "type": "TRADE_EXECUTED",
            **head,
            "seq": 2,
            "event": "trade.executed",
            "trade": fill,
        }


async def test_another_users_account_is_absent(cookie):
    foreign = await database_sync_to_async(AccountFactory)()
    for topic in (topic_of(foreign), f"account:{new_id()}"):
        async with socket_of(cookie) as socket:
            for message in (
                {"type": "SUBSCRIBE", "topics": [topic]},
                {"type": "RESUME", "topic": topic, "after": 0},
            ):
                answer = await socket.ask(**message)
                assert answer == {
                    "type": "ERROR",
                    "code": "unknown_topic",
                    "message": "No such topic.",
                    "topic": topic,
                }
            await log_silently(foreign.id)
            hint(foreign)
            await socket.says_nothing()


async def test_resume_sends_what_was_missed(cookie, account):
    await put_in(account, times=4)
    async with socket_of(cookie) as socket:
        answer = await socket.ask(type="RESUME", topic=topic_of(account), after=1)
        assert answer == {
            "type": "SUBSCRIBED",
            "topics": [{"topic": topic_of(account), "seq": 1}],
        }
        assert [(await socket.hear())["seq"] for _ in range(3)] == [2, 3, 4]
        await put_in(account)
        assert (await socket.hear())["seq"] == 5


async def test_resume_over_several_batches(cookie, account, monkeypatch):
    """All of them at once: not one batch per hint or sweep."""
    monkeypatch.setattr(consumers, "REPLAY_BATCH", 7)
    monkeypatch.setattr(hub_module, "SWEEP_S", 3600)
    await log_silently(account.id, 50)
    async with socket_of(cookie) as socket:
        await socket.ask(type="RESUME", topic=topic_of(account), after=0)
        assert [(await socket.hear())["seq"] for _ in range(50)] == list(range(1, 51))
        await socket.says_nothing()


@pytest.mark.parametrize("after", [-1, 4, "1", 1.0, 1.5, None, True, 10**30])
async def test_resume_after_a_seq_that_is_none(cookie, account, after):
    await log_silently(account.id, 3)
    async with socket_of(cookie) as socket:
        answer = await socket.ask(type="RESUME", topic=topic_of(account), after=after)
        assert (answer["type"], answer["code"]) == ("ERROR", "bad_seq")
        assert answer["topic"] == topic_of(account)


async def test_resume_from_too_far_behind(cookie, account, monkeypatch):
    monkeypatch.setattr(protocol, "REPLAY_MAX", 3)
    await log_silently(account.id, 5)
    async with socket_of(cookie) as socket:
        answer = await socket.ask(type="RESUME", topic=topic_of(account), after=1)
        assert answer["code"] == "resync_required"
        answer = await socket.ask(type="RESUME", topic=topic_of(account), after=2)
        assert answer["type"] == "SUBSCRIBED"


async def test_unsubscribe_ends_an_account(cookie, account):
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        await socket.ask(type="UNSUBSCRIBE", topics=[topic_of(account)])
        await put_in(account)
        await socket.says_nothing()


async def test_resume_in_the_middle_of_a_storm_leaves_no_gap(cookie, account, monkeypatch):
    """Whatever comes between, after each SUBSCRIBED the seqs go on one by one from its seq."""
    monkeypatch.setattr(consumers, "REPLAY_BATCH", 5)
    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])

        async def storm():
            for _ in range(20):
                await put_in(account, times=3)

        async def resume():
            for after in (0, 2, 1):
                await asyncio.sleep(0.05)
                await socket.say(type="RESUME", topic=topic_of(account), after=after)

        writers = asyncio.gather(storm(), resume())
        seq, rewinds = 0, 0
        while seq < 60 or rewinds < 3:
            message = await socket.hear()
            if message["type"] == "SUBSCRIBED":
                seq, rewinds = message["topics"][0]["seq"], rewinds + 1
            elif message["type"] == "ERROR":
                assert message["code"] == "bad_seq"
                rewinds += 1
            else:
                assert message["seq"] == seq + 1
                seq += 1
        await writers
        await socket.says_nothing()


async def test_two_sockets_hear_the_same(cookie, account):
    async with socket_of(cookie) as first, Joined(cookie) as second:
        for socket in (first, second):
            await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        await put_in(account, times=2)
        heard = [[await socket.hear() for _ in range(2)] for socket in (first, second)]
        assert heard[0] == heard[1]


async def test_a_database_that_is_away_asks_to_come_again_later(cookie, account, monkeypatch):
    def away(*_):
        raise OperationalError("the database is away")

    async with socket_of(cookie) as socket:
        await socket.ask(type="SUBSCRIBE", topics=[topic_of(account)])
        monkeypatch.setattr(consumers, "events_after_each", away)
        hint(account)
        assert await socket.closed_with() == 1013
    async with socket_of(cookie) as socket:
        monkeypatch.setattr(consumers, "_prices_now", away)
        await socket.say(type="SUBSCRIBE", topics=["prices:ABC"])
        assert await socket.closed_with() == 1013
