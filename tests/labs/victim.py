"""One life of a small broker: engine, feed and placers as threads, made to be killed.

The lab forks it from a process that has imported everything, so that a life begins in
milliseconds.
"""

import contextlib
import random
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any

import pytest
from django.db import DatabaseError, connection

from bengi import clock
from bengi.bus import NUDGE, TICKS, get_bus
from bengi.errors import BengiError, Refused, Unavailable
from bengi.terms import OrderClass, OrderType, Side, TimeInForce
from orders.fast_lane import admit
from orders.legs import StopLoss, TakeProfit
from orders.models import Order
from orders.services import place_orders, request_cancel
from orders.tickets import OrderTicket
from tests.labs.stage import PRICE, SYMBOL, Stage, quote
from tests.state.planted import TWO_COMMITS, plant
from trades.engine import Engine
from trades.loop import EngineLoop
from trades.session import SessionHours

PLACERS = 4
BATCH = 5
TICK_S = 0.004


def live(answers: Connection, stages: list[Stage], seed: str, is_planted: bool) -> None:
    """Trade until killed. Every key that was acknowledged goes down the pipe at once."""
    if is_planted:
        plant(TWO_COMMITS, pytest.MonkeyPatch())
    start_engine()
    threading.Thread(target=feed, args=(stages[0], random.Random(seed)), daemon=True).start()
    said = threading.Lock()
    placers = [
        threading.Thread(target=trade, args=(answers, said, stages[n % 2], f"{seed}-{n}"))
        for n in range(PLACERS)
    ]
    for placer in placers:
        placer.start()
    for placer in placers:
        placer.join()
    time.sleep(60)


def start_engine() -> None:
    hours = SessionHours("always")
    loop = EngineLoop(Engine(0, hours=hours), clock.now)
    get_bus().subscribe(TICKS, loop.on_ticks)
    get_bus().subscribe(NUDGE, loop.nudge)
    threading.Thread(target=loop.run, daemon=True).start()


def feed(stage: Stage, chance: random.Random) -> None:
    """Quote small sizes at prices that move, so that orders rest, meet and fill in parts."""
    while True:
        quote(stage, size=chance.randint(1, 4), price=PRICE + chance.randint(-3, 3))
        time.sleep(TICK_S)


def trade(answers: Connection, said: threading.Lock, stage: Stage, seed: str) -> None:
    """Place batches, and cancel now and then, as fast as the answers come."""
    chance = random.Random(seed)
    try:
        for number in range(1000):
            tickets = [_ticket(stage, chance, f"{seed}-{number}-{n}") for n in range(BATCH)]
            taken = _place(tickets, alone=number % 2 == 1)
            with said:
                for order in taken:
                    answers.send(order.client_order_id)
            if taken and chance.random() < 0.5:
                _cancel(chance.choice(taken))
    except (DatabaseError, BrokenPipeError, Unavailable):
        return  # the server was killed first; this process is next
    finally:
        connection.close()


def _place(tickets: list[OrderTicket], *, alone: bool) -> list[Order]:
    """Place a batch, or its orders one after the other, in groups with those of other placers."""
    now = datetime.now(UTC)
    if not alone:
        placed = place_orders(tickets, now=now)
        return [each.order for each in placed if not isinstance(each, BengiError)]
    taken = []
    for ticket in tickets:
        with contextlib.suppress(Refused):
            taken.append(admit(ticket, now=now).order)
    return taken


def _cancel(order: Order) -> None:
    try:
        owner = Order.objects.select_related("account__user").get(id=order.id).account.user
        group = Order.objects.filter(group_id=order.group_id or order.id, closed_at__isnull=True)
        victim = group.first() or order  # of a group its stop
        request_cancel(victim.id, owner, now=datetime.now(UTC))
    except BengiError:
        return  # filled in the meantime


def _ticket(stage: Stage, chance: random.Random, key: str) -> OrderTicket:
    is_limit = chance.random() < 0.7
    limit = PRICE + chance.randint(-3, 3)
    legs = _legs(limit) if is_limit and chance.random() < 0.4 else {}
    return OrderTicket(
        account_id=stage.account_id,
        portfolio_id=stage.portfolio_id,
        symbol=SYMBOL,
        side=Side.BUY if legs else chance.choice([Side.BUY, Side.BUY, Side.SELL]),
        type=OrderType.LIMIT if is_limit else OrderType.MARKET,
        time_in_force=chance.choice([TimeInForce.DAY, TimeInForce.GTC]),
        quantity=Decimal(chance.randint(1, 5)),
        limit_price=limit if is_limit else None,
        client_order_id=key,
        **legs,
        confirm_duplicate=True,
    )


def _legs(limit: Decimal) -> dict[str, Any]:
    """Make a bracket of a buy; where the market has fallen below its stop it will be refused."""
    return {
        "order_class": OrderClass.BRACKET,
        "take_profit": TakeProfit(limit + 1),
        "stop_loss": StopLoss(stop_price=limit - 1),
    }
