"""Embedded mode: from placing an order to its durable fill, on SQLite, engine in its own thread."""

import os
import statistics
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.table import Line, report

ORDERS = 400
CLIENTS = 4


def run() -> None:
    """Measure one client in turn, then several at once, on a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BENGI_DATABASE"] = str(Path(folder) / "bench.sqlite3")
        from tests.labs.stage import quote, set_up

        stage = set_up(Decimal(10_000_000))
        stop = start_engine()
        keep_quoted = threading.Event()
        feed = threading.Thread(target=_quote_often, args=(quote, stage, keep_quoted))
        feed.start()
        try:
            alone, alone_s = place(stage, ORDERS, clients=1)
            crowd, crowd_s = place(stage, ORDERS, clients=CLIENTS)
        finally:
            keep_quoted.set()
            feed.join()
            stop()
    report(
        "place_to_fill",
        "Order placed to durable fill, embedded mode (SQLite, synchronous FULL)",
        [
            *_lines("one client", alone, len(alone) / alone_s),
            *_lines(f"{CLIENTS} clients", crowd, len(crowd) / crowd_s),
        ],
    )


def start_engine() -> Any:
    """Run the engine as the embedded mode does; return what stops it."""
    from bengi import clock
    from bengi.bus import NUDGE, TICKS, get_bus
    from trades.engine import Engine
    from trades.loop import EngineLoop
    from trades.session import SessionHours

    engine = Engine(0, hours=SessionHours("always"))
    loop = EngineLoop(engine, clock.now)
    get_bus().subscribe(TICKS, loop.on_ticks)
    get_bus().subscribe(NUDGE, loop.nudge)
    thread = threading.Thread(target=loop.run)
    thread.start()

    def stop() -> None:
        loop.stop()
        thread.join()

    return stop


def place(stage: Any, orders: int, *, clients: int) -> tuple[list[float], float]:
    """Place market buys and wait for each fill; return every latency and the time in all, in s."""
    latencies: list[float] = []
    crew = [
        threading.Thread(
            target=_client, args=(stage, f"{clients}-{n}", orders // clients, latencies)
        )
        for n in range(clients)
    ]
    began = time.perf_counter()
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return latencies, time.perf_counter() - began


def _client(stage: Any, name: str, orders: int, latencies: list[float]) -> None:
    from django.db import connection

    from bengi import clock
    from bengi.bus import ACCOUNT, get_bus
    from bengi.terms import OrderType, Side, TimeInForce
    from orders.models import Order
    from orders.services import place_order
    from orders.tickets import OrderTicket
    from tests.labs.stage import SYMBOL

    news = threading.Event()
    unsubscribe = get_bus().subscribe(ACCOUNT, lambda _message: news.set())
    for number in range(orders):
        ticket = OrderTicket(
            account_id=stage.account_id,
            portfolio_id=stage.portfolio_id,
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            quantity=Decimal(1),
            client_order_id=f"bench-{name}-{number}",
            confirm_duplicate=True,
        )
        began = time.perf_counter()
        order = place_order(ticket, now=clock.now()).order
        while not Order.objects.filter(id=order.id, status="filled").exists():
            news.wait(0.05)
            news.clear()
        latencies.append(time.perf_counter() - began)
    unsubscribe()
    connection.close()


def _quote_often(quote: Any, stage: Any, stop: threading.Event) -> None:
    while not stop.is_set():
        quote(stage)
        stop.wait(0.2)


def _lines(name: str, latencies: list[float], per_second: float) -> list[Line]:
    cuts = statistics.quantiles(latencies, n=100)
    return [
        Line(f"{name}: throughput", per_second, "orders/s"),
        Line(f"{name}: median", cuts[49] * 1000, "ms"),
        Line(f"{name}: p99", cuts[98] * 1000, "ms"),
    ]
