"""Lab: engines that come, go and are killed, relays that die, brokers between them.

    LAB_KAFKA=ADDRESS LAB_PREFIX=NAME python -m tests.labs.kafka sqlite|postgres

Two traders give orders to each other on an instrument of each shard, while engines join the group,
leave it and are SIGKILLed, and a relay dies each time it has published a while (CRASH_AT), with
another one standing by. Then everything ends, and what became of it is compared: books, replay,
what each order was filled, every event among the messages, their order, and the tape. Prints one
JSON line. Processes over loopback; ends by itself.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from scripts.supervisor.children import ending_with_us

ROOT = Path(__file__).resolve().parent.parent.parent
SHARDS = 4
PAIRS = 36
"""Pairs of orders of each trader, shard and leg of the play."""
PRICE = Decimal(100)
SHARES = 2_000
WORKED_WITHIN_S = 120
RELAY_DIES_AT = 4
"""The batch after which a relay dies."""


class Crew:
    """Processes that a lab starts, and what they say; all are ended with it."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[str]] = []
        self.said: list[str] = []
        self.changed = threading.Condition()

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ending_with_us([sys.executable, *command], signal.SIGKILL),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        return process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            with self.changed:
                self.said.append(f"{process.pid} {line.strip()}")
                self.changed.notify_all()

    def wait_until(self, holds: Any, what: str, within_s: float = 40) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: holds(self), within_s), (what, self.said)

    def newest(self, process: subprocess.Popen[str]) -> str:
        mine = [line for line in self.said if line.startswith(f"{process.pid} ")]
        return mine[-1].partition(" ")[2] if mine else ""

    def end(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def prepare() -> tuple[list[Any], list[Any]]:
    """Make two traders and an instrument on each shard, of which the first one holds shares."""
    from bengi.bus import TICKS, get_bus
    from instruments.models import Instrument
    from tests.labs.stage import set_up
    from trades.engine import Engine
    from trades.session import SessionHours

    seller, buyer = (set_up(PRICE * SHARES * SHARDS * 2) for _ in range(2))
    instruments = [
        Instrument.objects.create(
            symbol=f"L{shard}", mic="XNAS", name="Lab", type="stock", currency="USD",
            tick_size=Decimal("0.01"), shard=shard,
        )
        for shard in range(SHARDS)
    ]  # fmt: skip
    for instrument in instruments:
        quote(instrument)
        order(seller, instrument.symbol, "buy", SHARES, limit=None, key="start")
        engine = Engine(instrument.shard, hours=SessionHours("always"))
        unsubscribe = get_bus().subscribe(TICKS, engine.on_ticks)
        quote(instrument)
        while engine.drain(datetime.now(UTC)):
            continue
        unsubscribe()
        engine.watchman.end()
    Instrument.objects.update(has_feed=False)
    return [seller, buyer], instruments


def quote(instrument: Any) -> None:
    from instruments.quotes import Tick
    from instruments.services import record_quotes

    size, one = Decimal(SHARES * 10), Decimal(1)
    record_quotes(
        [
            Tick(
                symbol=instrument.symbol, instrument_id=str(instrument.id),
                shard=instrument.shard, bid=PRICE, ask=PRICE, bid_size=size, ask_size=size,
                last=PRICE, last_size=one, volume=one, day_open=PRICE, day_high=PRICE,
                day_low=PRICE, previous_close=None, as_of=datetime.now(UTC), source="lab",
            )
        ]
    )  # fmt: skip


def order(
    stage: Any, symbol: str, side: str, quantity: int, *, limit: Decimal | None, key: str
) -> Any:
    from bengi.terms import OrderType, Side, TimeInForce
    from orders.services import place_order
    from orders.tickets import OrderTicket

    ticket = OrderTicket(
        account_id=stage.account_id,
        portfolio_id=stage.portfolio_id,
        symbol=symbol,
        side=Side(side),
        type=OrderType.LIMIT if limit else OrderType.MARKET,
        time_in_force=TimeInForce.GTC if limit else TimeInForce.DAY,
        quantity=Decimal(quantity),
        limit_price=limit,
        client_order_id=f"{key}-{symbol}-{side}",
        confirm_duplicate=True,
    )
    return place_order(ticket, now=datetime.now(UTC))


def trade(stages: list[Any], leg: int) -> None:
    """Let the traders meet at one price on every shard, with quantities that do not pair up."""
    from django.db import connection

    def give(stage: Any, side: str, quantities: tuple[int, ...]) -> None:
        try:
            for number in range(PAIRS):
                quantity = quantities[number % len(quantities)]
                for shard in range(SHARDS):
                    place = partial(order, stage, f"L{shard}", side, quantity, limit=PRICE)
                    as_soon_as_may_be(lambda: place(key=f"{leg}-{number}"))  # noqa: B023
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        selling = pool.submit(give, stages[0], "sell", (3, 1, 2))
        buying = pool.submit(give, stages[1], "buy", (2, 2, 2))
        selling.result()
        buying.result()


def as_soon_as_may_be(place: Callable[[], Any]) -> None:
    """Place an order, once the engines have worked enough of those before it.

    One that stands still may hold an account, until the database ends its session: whoever waits
    for the lock too long asks again.
    """
    from django.db import OperationalError

    from bengi.errors import Refused
    from bengi.group_commit import LOCKED

    deadline_s = time.monotonic() + WORKED_WITHIN_S
    while True:
        try:
            return place()
        except Refused as error:
            if error.code != "too_many_open_orders" or time.monotonic() > deadline_s:
                raise
            time.sleep(0.02)
        except OperationalError as error:
            is_locked = getattr(error.__cause__, "sqlstate", None) in LOCKED
            if not is_locked or time.monotonic() > deadline_s:
                raise


def play(crew: Crew, stages: list[Any]) -> dict[str, Any]:
    """Trade while relays die and engines come and go; return how often."""
    relays, stop = [0], threading.Event()
    keeper = threading.Thread(target=keep_relaying, args=(crew, relays, stop), daemon=True)
    keeper.start()
    try:
        engines_come_and_go(crew, stages)
    finally:
        stop.set()
        keeper.join(WORKED_WITHIN_S)
    return {"relays_died": relays[0], "takeovers": sum("works" in line for line in crew.said)}


def engines_come_and_go(crew: Crew, stages: list[Any]) -> None:
    """Trade while an engine works alone, another joins, the first leaves, and one dies."""

    def engine() -> subprocess.Popen[str]:
        return crew.start("-m", "tests.labs.kafka_engine", str(SHARDS))

    def owns(process: subprocess.Popen[str], count: int) -> None:
        crew.wait_until(lambda c: len(json.loads(c.newest(process)[6:] or "[]")) == count, "owner")

    first = engine()
    owns(first, SHARDS)
    trade(stages, 0)
    second = engine()  # joins while the next orders come
    trade(stages, 1)
    owns(second, SHARDS // 2)
    first.terminate()  # leaves in good order
    trade(stages, 2)
    owns(second, SHARDS)
    third = engine()
    owns(third, SHARDS // 2)
    second.kill()  # and dies
    trade(stages, 3)
    owns(third, SHARDS)
    all_worked()


def keep_relaying(crew: Crew, died: list[int], stop: threading.Event) -> None:
    """Start relays that die, with another one standing by, until nothing is left to tell."""
    from django.db import connection

    from bengi.events.models import RelayedStream
    from bengi.events.positions import count_behind

    settings = {
        "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
        "BENGI_KAFKA": os.environ["LAB_KAFKA"],
        "BENGI_KAFKA_PREFIX": os.environ["LAB_PREFIX"],
    }
    at = f"relay.published:{RELAY_DIES_AT}"
    pair = [crew.start("manage.py", "run_relay", **settings, CRASH_AT=at) for _ in range(2)]
    deadline_s = time.monotonic() + 5 * WORKED_WITHIN_S
    while (not stop.is_set() or count_behind(RelayedStream)) and time.monotonic() < deadline_s:
        for place, relay in enumerate(pair):
            if relay.poll() is not None:
                died[0] += relay.returncode < 0
                planned = {} if stop.is_set() else {"CRASH_AT": at}
                pair[place] = crew.start("manage.py", "run_relay", **settings, **planned)
        stop.wait(0.2) if not stop.is_set() else time.sleep(0.2)
    connection.close()


def all_worked() -> None:
    from orders.models import Order

    deadline_s = time.monotonic() + WORKED_WITHIN_S
    while Order.objects.filter(closed_at__isnull=True).exists():
        assert time.monotonic() < deadline_s, list(
            Order.objects.filter(closed_at__isnull=True).values_list("symbol", "status")[:9]
        )
        time.sleep(0.1)


# -- what became of it -------------------------------------------------------------------------


def look() -> list[str]:
    """Return what is wrong with the books, the fills and the messages."""
    from bengi.books import check_books
    from bengi.replay import differences, fold_log
    from orders.models import Order
    from trades.models import SetAside, Trade

    lines = [line for lines in check_books().values() for line in lines]
    lines += [*differences(fold_log()), *(str(row) for row in SetAside.objects.all())]
    filled: dict[Any, Decimal] = defaultdict(Decimal)
    for order_id, quantity in Trade.objects.values_list("order_id", "quantity"):
        filled[order_id] += quantity
    for each in Order.objects.all():
        if each.status != "filled" or filled[each.id] != each.quantity:
            lines.append(f"{each.client_order_id}: {each.status}, {filled[each.id]} filled")
    return lines


def messages() -> Iterator[tuple[str, int, bytes, dict[str, str]]]:
    """Yield topic, partition, key and headers of every message, a partition's in their order."""
    from confluent_kafka import TopicPartition

    from bengi import kafka
    from bengi.kafka_messages import TOPICS

    reader = kafka.consumer("lab")
    ends = {}
    for name in TOPICS:
        for number in (
            reader.list_topics(kafka.named(name), timeout=20).topics[kafka.named(name)].partitions
        ):
            place = TopicPartition(kafka.named(name), number, 0)
            low, high = reader.get_watermark_offsets(place, 20)
            if low < high:
                ends[kafka.named(name), number] = high
    reader.assign([TopicPartition(name, number, 0) for name, number in ends])
    deadline_s = time.monotonic() + 60
    while ends:
        assert time.monotonic() < deadline_s, ends
        for each in kafka.receive(reader, 1000, 1):
            assert each.error() is None
            place_of = each.topic(), each.partition()
            if place_of in ends and each.offset() + 1 >= ends[place_of]:
                del ends[place_of]
            told = {name: value.decode() for name, value in each.headers()}
            yield each.topic().partition(".")[2], each.partition(), each.key(), told
    reader.close()


def compare_messages() -> tuple[list[str], int]:
    """Return what is wrong with what was published, and how many messages came more than once."""
    from bengi.events.models import Event
    from bengi.kafka_routes import messages_of

    seen: dict[Any, int] = {}
    newest: dict[Any, int] = defaultdict(int)
    wrong, again = [], 0
    for topic, partition, key, told in messages():
        place = topic, told["stream"], int(told["seq"])
        again += place in seen
        if place not in seen:
            lane = topic, partition, key, told["stream"]
            if place[2] < newest[lane]:
                wrong.append(f"{place} came after {newest[lane]}")
            newest[lane] = place[2]
        seen[place] = partition
    logged = {
        (message.topic, message.headers["stream"], int(message.headers["seq"])): message
        for message in messages_of(list(Event.objects.all()))
    }
    wrong += [f"{place} was never published" for place in logged.keys() - seen.keys()]
    wrong += [f"{place} never happened" for place in seen.keys() - logged.keys()]
    wrong += [
        f"{place} is on partition {seen[place]}"
        for place, message in logged.items()
        if message.partition is not None and seen.get(place, message.partition) != message.partition
    ]
    return wrong, again


def compare_tape() -> list[str]:
    """Print the tape twice, the second time from offset 0, and return what differs."""
    from django.core.management import call_command

    from trades.models import TapeDay, TapePrint, Trade

    found = []
    for options in ({}, {"rebuild": True}):
        call_command("run_tape", until_end=True, verbosity=0, stdout=io.StringIO(), **options)
        found.append([list(model.objects.order_by("pk").values()) for model in (TapePrint,)])
        days = {day.symbol: (day.volume, day.value) for day in TapeDay.objects.all()}
        found.append(days)
    wrong = [] if found[0] == found[2] and found[1] == found[3] else ["the rebuilt tape differs"]
    for symbol in set(Trade.objects.values_list("instrument__symbol", flat=True)):
        volume, value = found[1].get(symbol, (0, 0))
        rows = Trade.objects.filter(instrument__symbol=symbol, side="buy")
        bought = sum((row.quantity for row in rows), Decimal(0))
        if (volume, value) != (bought, bought * PRICE):
            wrong.append(f"the tape has {volume} of {symbol} for {value}, the books {bought}")
    return wrong


def main(kind: str) -> None:
    from tests.labs.burst import database

    with database(kind):
        import django

        django.setup()
        from django.conf import settings
        from django.db import connection

        from orders.models import Order
        from tests.labs.kafka_engine import set_up_kafka
        from tests.realparts import make_topics

        settings.MATCHING_SHARDS = SHARDS
        set_up_kafka()
        make_topics()
        stages, _ = prepare()
        crew = Crew()
        with contextlib.ExitStack() as running:
            running.callback(crew.end)
            told = play(crew, stages)
        lines, told["repeated"] = compare_messages()
        wrong = [*look(), *lines, *compare_tape()]
        told["orders"] = Order.objects.count()
        print(json.dumps({**told, "wrong": [line[:200] for line in wrong[:20]]}))
        sys.stdout.flush()
        connection.close()
        if kind == "postgres":
            connection.close_pool()


if __name__ == "__main__":
    main(sys.argv[1])
