"""What is told outside: bytes that never change, readers older and newer, nothing private."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from accounts.models import User
from accounts.services import change_account, open_account
from accounts.tests.factories import UserFactory
from bengi.events.admin import ABOUT
from bengi.events.models import Event
from bengi.ids import new_id
from bengi.kafka_messages import (
    SCHEMAS,
    AccountMessage,
    InstrumentMessage,
    OrderMessage,
    TradeMessage,
)
from bengi.kafka_routes import TOPIC_OF, UNTOLD, messages_of
from bengi.terms import CorporateActionKind, InstrumentStatus
from instruments.halts import set_status
from trades.corporate.due import apply_due
from trades.corporate.proposals import propose
from trades.corporate.terms import ActionTerms
from trades.models import Trade
from trades.tests.corporate_stage import EX_DATE, MIDNIGHT, dividend, split, until
from trades.tests.desk import correct_a_little
from trades.tests.world import World, open_world

ORDER = (
    b'{"event_id":"01936b7e-0000-7000-8000-000000000001","event":"order.accepted",'
    b'"occurred_at":"2026-11-26T06:00:00.123456Z","id":"01936b7e-0000-7000-8000-000000000002",'
    b'"account_id":"01936b7e-0000-7000-8000-000000000003",'
    b'"portfolio_id":"01936b7e-0000-7000-8000-000000000004",'
    b'"instrument_id":"01936b7e-0000-7000-8000-000000000005","symbol":"ABC","side":"buy",'
    b'"type":"limit","time_in_force":"day","status":"accepted","quantity":"10",'
    b'"filled_quantity":"0","leaves_quantity":"10","average_price":null,"notional":null,'
    b'"limit_price":"10.01","stop_price":null,"trail_price":null,"trail_percent":null,'
    b'"extended_hours":false,"expires_at":null,"order_class":"simple","group_id":null,'
    b'"parent_id":null,"leg":null,"replaces":null,"replaced_by":null,"busted_quantity":"0",'
    b'"commission":"0","fees":"0","accepted_at":"2026-11-26T06:00:00Z","updated_at":null,'
    b'"triggered_at":null,"closed_at":null}'
)
TRADE = (
    b'{"event_id":"01936b7e-0000-7000-8000-000000000001","event":"trade.busted",'
    b'"occurred_at":"2026-11-26T06:00:00Z","exec_id":"01936b7e-0000-7000-8000-000000000006",'
    b'"kind":"bust","order_id":"01936b7e-0000-7000-8000-000000000002",'
    b'"account_id":"01936b7e-0000-7000-8000-000000000003",'
    b'"portfolio_id":"01936b7e-0000-7000-8000-000000000004",'
    b'"instrument_id":"01936b7e-0000-7000-8000-000000000005","symbol":"ABC","side":"buy",'
    b'"quantity":"-10","price":"10.01","gross_amount":"-100.1","net_amount":"101.1",'
    b'"currency":"USD","liquidity":"street","executed_at":"2026-11-25T15:00:00Z",'
    b'"booked_at":"2026-11-26T06:00:00Z","trade_date":"2026-11-25","settles_on":"2026-11-27",'
    b'"match_id":null,"busts":"01936b7e-0000-7000-8000-000000000007","corrects":null,'
    b'"commission":"-1","fees":"0"}'
)
ACCOUNT = (
    b'{"event_id":"01936b7e-0000-7000-8000-000000000001","event":"cash.posted",'
    b'"occurred_at":"2026-11-26T06:00:00Z","account_id":"01936b7e-0000-7000-8000-000000000003",'
    b'"subject":null,"cash":[{"transaction_id":"01936b7e-0000-7000-8000-000000000008",'
    b'"kind":"deposit","currency":"USD","amount":"100"}]}'
)
INSTRUMENT = (
    b'{"event_id":"01936b7e-0000-7000-8000-000000000001","event":"corporate_action.approved",'
    b'"occurred_at":"2026-11-26T06:00:00Z",'
    b'"instrument_id":"01936b7e-0000-7000-8000-000000000005","status":null,"terms":null,'
    b'"action":{"id":"01936b7e-0000-7000-8000-000000000009","kind":"split","status":"approved",'
    b'"ex_date":"2026-12-01","ratio_to":2,"ratio_from":1,"amount":null,"record_date":null,'
    b'"pay_date":null}}'
)
GOLDEN = {"orders": ORDER, "trades": TRADE, "accounts": ACCOUNT, "instruments": INSTRUMENT}


def payload_of(topic: str) -> Any:
    return msgspec.json.decode(GOLDEN[topic])


# -- bytes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", list(SCHEMAS))
def test_what_was_written_once_is_read_and_written_the_same(topic):
    """A change of these bytes breaks who reads them: see bengi/kafka_messages.py for what may."""
    told = msgspec.json.decode(GOLDEN[topic], type=SCHEMAS[topic])
    assert msgspec.json.encode(told) == GOLDEN[topic]


def test_a_bust_is_read_to_the_digit():
    told = msgspec.json.decode(TRADE, type=TradeMessage)
    assert (told.quantity, told.price, told.net_amount) == (-10, Decimal("10.01"), Decimal("101.1"))
    assert told.busts == UUID("01936b7e-0000-7000-8000-000000000007")
    assert told.booked_at - told.executed_at == timedelta(hours=15)


@pytest.mark.parametrize("topic", list(SCHEMAS))
def test_an_old_reader_reads_what_is_new(topic):
    """A field that it does not know is passed over."""
    newer = msgspec.defstruct("Newer", [("more", dict, {})], bases=(SCHEMAS[topic],), kw_only=True)
    values = payload_of(topic) | {"more": {"of": ["it"]}}
    written = msgspec.json.encode(msgspec.convert(values, newer))
    assert b'"more"' in written
    told = msgspec.json.decode(written, type=SCHEMAS[topic])
    assert msgspec.json.encode(told) == GOLDEN[topic]


@pytest.mark.parametrize("topic", list(SCHEMAS))
def test_a_new_reader_reads_what_is_old(topic):
    """Everything that was added since the first writers has a default."""
    newer = msgspec.defstruct(
        "Newer", [("more", str, "none")], bases=(SCHEMAS[topic],), kw_only=True
    )
    told = msgspec.json.decode(GOLDEN[topic], type=newer)
    assert told.more == "none"


FIRST = {
    "orders": {
        *("event_id", "event", "occurred_at", "id", "account_id", "portfolio_id", "instrument_id"),
        *("symbol", "side", "type", "time_in_force", "status", "quantity", "filled_quantity"),
        "leaves_quantity",
    },
    "trades": {
        *("event_id", "event", "occurred_at", "exec_id", "kind", "order_id", "account_id"),
        *("portfolio_id", "instrument_id", "symbol", "side", "quantity", "price", "gross_amount"),
        *("net_amount", "currency", "liquidity", "executed_at", "booked_at", "trade_date"),
        "settles_on",
    },
    "accounts": {"event_id", "event", "occurred_at", "account_id"},
    "instruments": {"event_id", "event", "occurred_at", "instrument_id"},
}
"""What version 1 requires, for good: what its first writers always wrote."""


@pytest.mark.parametrize("topic", list(SCHEMAS))
def test_nothing_else_is_ever_required(topic):
    required = {f.name for f in msgspec.structs.fields(SCHEMAS[topic]) if f.required}
    assert required == FIRST[topic]
    assert SCHEMAS[topic].VERSION == 1
    least = {name: value for name, value in payload_of(topic).items() if name in required}
    assert msgspec.convert(least, SCHEMAS[topic])


# -- from events to messages ---------------------------------------------------------------------


def live(world: World) -> None:
    """Let most of what can happen happen, with words in it that are nobody's business."""
    correct_a_little(world)
    abc, person = world.instrument("SPL"), world.trader()
    world.tick(abc, "9.90", "10.00")
    world.place(person, abc, "buy", 10)
    propose(UserFactory(is_staff=True), abc, secret_terms(), now=world.now)
    split(abc, 2, 1)
    dividend(abc, "0.1")
    until(world, MIDNIGHT + timedelta(days=3))
    apply_due(world.now)
    change_account(person.account.id, by=person.user, now=world.now, name="My secret account")
    open_account(person.user, name="Another secret", currency="USD", now=world.now)
    set_status(
        abc.id, InstrumentStatus.HALTED, by=person.user, now=world.now, reason="A secret reason"
    )


def secret_terms() -> ActionTerms:
    ex_date = EX_DATE + timedelta(days=9)
    told = {"ratio_to": 3, "ratio_from": 1, "note": "A secret plan"}
    return ActionTerms(CorporateActionKind.SPLIT, ex_date, **told)


@pytest.mark.django_db
def test_every_event_is_told_or_meant_not_to_be():
    """Each with its key, its partition and its place in the log; what is told can be read back."""
    with open_world() as world:
        live(world)
    events = list(Event.objects.order_by("stream_id", "seq"))
    messages = messages_of(events)
    told = {(m.headers["stream"], m.headers["seq"]): m for m in messages}
    assert len(told) == len(messages)
    seen = set()
    for event in events:
        word = event.type.partition(".")[0]
        message = told.pop((str(event.stream_id), str(event.seq)), None)
        if event.type == "corporate_action.proposed":
            assert message is None
            continue
        assert (message is None) == (word in UNTOLD), event.type
        if message is None:
            continue
        seen.add(word)
        assert (message.headers["type"], message.headers["version"]) == (event.type, "1")
        value = msgspec.json.decode(message.value, type=SCHEMAS[message.topic])
        assert (value.event_id, value.event, value.occurred_at) == (
            event.id, event.type, event.occurred_at,
        )  # fmt: skip
        of_account = message.topic == "accounts"
        key = value.account_id if of_account else value.instrument_id
        assert message.key == str(key).encode()
        assert message.partition == (0 if message.topic in {"orders", "trades"} else None)
    assert not told
    assert seen >= {"order", "trade", "cash", "account", "correction", "dividend", "portfolio"}
    assert seen >= {"instrument", "corporate_action"}


@pytest.mark.django_db
def test_nothing_private_leaves():
    with open_world() as world:
        live(world)
    logged = "".join(str(payload) for payload in Event.objects.values_list("payload", flat=True))
    told = b"".join(m.value + m.key for m in messages_of(list(Event.objects.all()))).decode()
    for words in ("Wrong price", "My secret account", "A secret reason", "client_order_id"):
        assert words in logged
    assert "secret" not in told
    assert "Wrong price" not in told
    assert "client_order_id" not in told
    assert not re.search(r"[\w.]+@[\w.]+", told)
    for user_id in User.objects.values_list("id", flat=True):
        assert str(user_id) not in told


@pytest.mark.django_db
def test_trades_and_cash_are_told_to_the_cent():
    with open_world() as world:
        live(world)
    messages = messages_of(list(Event.objects.order_by("stream_id", "seq")))
    trades = [msgspec.json.decode(m.value) for m in messages if m.topic == "trades"]
    told = {
        each["exec_id"]: (Decimal(each["quantity"]), Decimal(each["net_amount"])) for each in trades
    }
    booked = Trade.objects.values_list("exec_id", "quantity", "net_amount")
    assert told == {str(exec_id): (quantity, amount) for exec_id, quantity, amount in booked}
    cash = [
        Decimal(moved["amount"])
        for message in messages
        if message.topic == "accounts"
        for moved in msgspec.json.decode(message.value)["cash"]
        if moved["kind"] == "deposit"
    ]
    assert sum(cash) == 1_000 + 2 * 100_000


@pytest.mark.django_db
def test_orders_and_trades_go_where_their_shard_is(django_assert_num_queries):
    with open_world() as world:
        live(world)
    for number, instrument in enumerate(type(world.instrument("LAST")).objects.order_by("symbol")):
        instrument.shard = number
        instrument.save()
    events = list(Event.objects.filter(type__startswith="order."))
    with django_assert_num_queries(1):
        messages = messages_of(events)
    shards = dict(type(instrument).objects.values_list("symbol", "shard"))
    found = {(msgspec.json.decode(m.value)["symbol"], m.partition) for m in messages}
    assert found == {(symbol, shards[symbol]) for symbol in ("SPL", "XYZ")}


def test_all_that_events_are_about_has_been_decided():
    assert set(TOPIC_OF) | UNTOLD == set(ABOUT)
    assert not set(TOPIC_OF) & UNTOLD


@pytest.mark.django_db
def test_what_cannot_be_told_keeps_nothing_waiting(caplog):
    good, bad = (
        Event(id=new_id(), stream_id=new_id(), seq=n, type=kind, payload={}, occurred_at=MIDNIGHT)
        for n, kind in ((1, "account.frozen"), (2, "order.new"))
    )
    (told,) = messages_of([bad, good])
    assert told.headers["seq"] == "1"
    assert f"event {bad.id} (order.new) is not published" in caplog.text


MESSAGES = (OrderMessage, TradeMessage, AccountMessage, InstrumentMessage)


def test_each_topic_has_its_schema():
    assert tuple(SCHEMAS.values()) == MESSAGES
